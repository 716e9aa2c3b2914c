"""The state of one WASI program: what it was given, and its table of file descriptors."""

from __future__ import annotations

import os
import weakref
from collections.abc import Callable

from vm.errors import ConfigError
from vm.wasi.abi import MAX_DESCRIPTORS, Errno, WasiError
from vm.wasi.config import Preopen, Stdio, WasiConfig
from vm.wasi.connections import Socket
from vm.wasi.descriptors import CallbackStream, Descriptor, HostFile, NullStream
from vm.wasi.listing import Directory
from vm.wasi.rights import DIRECTORY, INHERITED, STREAM_IN, STREAM_OUT


class WasiContext:
    """Arguments, environment and descriptors: 0, 1, 2 for the standard streams, then what was preopened.

    Listeners have the numbers they were given (:meth:`WasiConfig.preopen_socket`), directories the free ones
    from 3 on.

    Opening what the config names happens here; a file or directory that cannot be opened is a ConfigError.
    ``look`` is called now and then while a call waits, and may raise to end it: a deadline. Without it calls
    wait as long as the host lets them. Host descriptors are closed by :meth:`close`, or when the context is
    garbage.
    """

    def __init__(self, config: WasiConfig | None = None, look: Callable[[], None] | None = None) -> None:
        config = config or WasiConfig()
        self.look = look
        self.argv = [_c_string("argv", text) for text in config.argv]
        self.environ = [_c_string("env", f"{name}={value}") for name, value in config.env]
        self._table: dict[int, Descriptor] = {}
        self._finalizer = weakref.finalize(self, _close_all, self._table)
        for number, stdio in enumerate((config.stdin, config.stdout, config.stderr)):
            self._table[number] = _stream(stdio, reading=number == 0)
        for number, listener in config.listeners.items():
            self._table[number] = Socket.listener(listener)
        for preopen in config.preopens:
            self.add(_preopened(preopen))

    def close(self) -> None:
        """Close every host file this program holds."""
        self._finalizer()

    def add(self, descriptor: Descriptor) -> int:
        """Enter a descriptor under the lowest free number; it is closed when the table is full."""
        try:
            self.check_room()
        except WasiError:
            descriptor.close()
            raise
        number = next(n for n in range(MAX_DESCRIPTORS) if n not in self._table)
        self._table[number] = descriptor
        return number

    def check_room(self) -> None:
        """EMFILE when the table is full: to ask before something is done that cannot be undone."""
        if len(self._table) >= MAX_DESCRIPTORS:
            raise WasiError(Errno.MFILE)

    def get(self, fd: int, right: int = 0) -> Descriptor:
        """The descriptor numbered ``fd`` if it has ``right``; else EBADF, ENOTCAPABLE."""
        descriptor = self._table.get(fd)
        if descriptor is None:
            raise WasiError(Errno.BADF)
        descriptor.need(right)
        return descriptor

    def directory(self, fd: int, right: int = 0) -> Directory:
        """The same for directories; ENOTDIR for anything else."""
        descriptor = self.get(fd)
        if not isinstance(descriptor, Directory):
            raise WasiError(Errno.NOTDIR)
        descriptor.need(right)
        return descriptor

    def remove(self, fd: int) -> None:
        """Close ``fd``."""
        self.get(fd)
        self._table.pop(fd).close()

    def renumber(self, fd: int, to: int) -> None:
        """Move ``fd`` to the number ``to``, closing what was there."""
        moved = self.get(fd)
        replaced = self.get(to)
        if moved is not replaced:
            replaced.close()
            self._table[to] = self._table.pop(fd)


def _close_all(table: dict[int, Descriptor]) -> None:
    while table:
        table.popitem()[1].close()


def _c_string(knob: str, text: str) -> bytes:
    raw = os.fsencode(text)
    if b"\0" in raw:
        raise ConfigError(knob, f"{text!r} holds a NUL character, which a C string cannot")
    return raw


def _stream(stdio: Stdio, *, reading: bool) -> Descriptor:
    rights = STREAM_IN if reading else STREAM_OUT
    if stdio.custom is not None:
        return CallbackStream(stdio.custom)
    if stdio.path is not None:
        return HostFile(_opened(stdio.path, reading=reading), rights, stream=True)
    if stdio.fd is not None:
        try:
            return HostFile(stdio.fd, rights, owned=False, stream=True)
        except OSError:  # this process was started with the stream closed: so is the program's
            return NullStream(rights)
    return NullStream(rights)


def _opened(path: str, *, reading: bool) -> int:
    flags = os.O_RDONLY if reading else os.O_WRONLY | os.O_CREAT | os.O_TRUNC
    try:
        return os.open(path, flags | os.O_CLOEXEC, 0o666)
    except OSError as error:
        raise ConfigError("wasi", f"cannot open {path}: {error.strerror}") from error


def _preopened(preopen: Preopen) -> Directory:
    try:
        fd = os.open(preopen.host_path, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
    except OSError as error:
        raise ConfigError("preopen_dir", f"cannot open {preopen.host_path}: {error.strerror}") from error
    return Directory(
        fd,
        DIRECTORY,
        INHERITED,
        entries=preopen.entries,
        files=preopen.files,
        guest_path=preopen.guest_path,
    )
