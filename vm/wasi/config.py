"""What a WASI program is given, as a builder with wasmtime-py's names and shapes."""

from __future__ import annotations

import os
import sys
from collections.abc import Callable, Iterable

from vm.errors import ConfigError
from vm.records import Record
from vm.typed import TYPE_CHECKING
from vm.wasi.abi import MAX_DESCRIPTORS
from vm.wasi.rights import Permissions

if TYPE_CHECKING:
    import socket

DirPerms = Permissions
"""What a program may do to the entries of a preopened directory, in wasmtime-py's word."""

FilePerms = Permissions
"""What a program may do to the files of a preopened directory, in wasmtime-py's word."""

CustomOutput = Callable[[bytes], "int | None"]
"""Takes what was written; may return how many bytes of it were taken (None: all), or minus an errno."""


class Preopen(Record, frozen=True):
    """A host directory the program sees under ``guest_path``, and what it may do to its entries and files."""

    host_path: str
    guest_path: str
    entries: Permissions
    files: Permissions


class Stdio(Record, frozen=True):
    """Where a standard stream comes from or goes to. All None: nowhere, silently (as in wasmtime)."""

    fd: int | None = None
    path: str | None = None
    custom: CustomOutput | None = None


class WasiConfig:
    """A program's arguments, environment, streams, directories and listeners.

    By default it has no arguments, an empty environment, an empty stdin, discarded output and no directory.
    """

    def __init__(self) -> None:
        self.argv: list[str] = []
        self.preopens: list[Preopen] = []
        self.listeners: dict[int, str | socket.socket] = {}
        self.stdin = Stdio()
        self.stdout = Stdio()
        self.stderr = Stdio()
        self._env: list[tuple[str, str]] = []

    def inherit_argv(self) -> None:
        """Give this process's own arguments."""
        self.argv = list(sys.argv)

    @property
    def env(self) -> list[tuple[str, str]]:
        """Environment variables as (name, value) pairs."""
        return self._env

    @env.setter
    def env(self, pairs: Iterable[Iterable[str]]) -> None:
        self._env = [(name, value) for name, value in pairs]

    def inherit_env(self) -> None:
        """Give this process's whole environment."""
        self._env = list(os.environ.items())

    def inherit_stdin(self) -> None:
        """Read this process's stdin."""
        self.stdin = Stdio(fd=0)

    def inherit_stdout(self) -> None:
        """Write to this process's stdout."""
        self.stdout = Stdio(fd=1)

    def inherit_stderr(self) -> None:
        """Write to this process's stderr."""
        self.stderr = Stdio(fd=2)

    @property
    def stdin_file(self) -> str | None:
        """A file to read stdin from; it must exist."""
        return self.stdin.path

    @stdin_file.setter
    def stdin_file(self, path: str | bytes | os.PathLike[str]) -> None:
        name = os.fsdecode(path)
        if not os.path.exists(name):
            raise ConfigError("stdin_file", f"no such file: {name}")
        self.stdin = Stdio(path=name)

    @property
    def stdout_file(self) -> str | None:
        """A file to write stdout to; made or emptied."""
        return self.stdout.path

    @stdout_file.setter
    def stdout_file(self, path: str | bytes | os.PathLike[str]) -> None:
        self.stdout = Stdio(path=_creatable("stdout_file", path))

    @property
    def stderr_file(self) -> str | None:
        """A file to write stderr to; made or emptied."""
        return self.stderr.path

    @stderr_file.setter
    def stderr_file(self, path: str | bytes | os.PathLike[str]) -> None:
        self.stderr = Stdio(path=_creatable("stderr_file", path))

    @property
    def stdout_custom(self) -> CustomOutput | None:
        """A callable that gets what is written to stdout."""
        return self.stdout.custom

    @stdout_custom.setter
    def stdout_custom(self, callback: CustomOutput) -> None:
        self.stdout = Stdio(custom=callback)

    @property
    def stderr_custom(self) -> CustomOutput | None:
        """A callable that gets what is written to stderr."""
        return self.stderr.custom

    @stderr_custom.setter
    def stderr_custom(self, callback: CustomOutput) -> None:
        self.stderr = Stdio(custom=callback)

    def preopen_dir(
        self,
        path: str | os.PathLike[str],
        guest_path: str,
        fs_mutable: bool | DirPerms = True,
        file_perms: FilePerms | None = None,
        *,
        dir_perms: DirPerms | None = None,
    ) -> None:
        """Let the program use the host directory ``path`` as ``guest_path``, and nothing outside of it.

        ``fs_mutable`` False lets it look only: what would change anything fails with EROFS. ``dir_perms``
        and ``file_perms`` say the same apart, for what directories list and for what files hold.
        """
        name = os.fspath(path)
        if not os.path.isdir(name):
            raise ConfigError("preopen_dir", f"not a directory: {name}")
        general = Permissions.READ_WRITE if fs_mutable else Permissions.READ_ONLY
        if isinstance(fs_mutable, Permissions):  # wasmtime-py's third argument before it had fs_mutable
            general, dir_perms = Permissions.READ_WRITE, dir_perms or fs_mutable
        self.preopens.append(Preopen(name, guest_path, dir_perms or general, file_perms or general))

    def preopen_socket(self, fd_num: int, host_port: str | socket.socket) -> None:
        """Let the program accept TCP connections on ``HOST:PORT`` as its descriptor ``fd_num`` (3 or more).

        Instead of an address, a socket that listens already will do; it stays the caller's.
        """
        if not 3 <= fd_num < MAX_DESCRIPTORS:
            raise ConfigError("preopen_socket", f"fd_num is from 3 to {MAX_DESCRIPTORS - 1}, not {fd_num}")
        if fd_num in self.listeners:
            raise ConfigError("preopen_socket", f"descriptor {fd_num} is taken")
        self.listeners[fd_num] = host_port


def _creatable(knob: str, path: str | bytes | os.PathLike[str]) -> str:
    """The path as text, once it is known to be writable (so that errors come at configuration time)."""
    name = os.fsdecode(path)
    try:
        with open(name, "wb"):
            return name
    except OSError as error:
        raise ConfigError(knob, f"cannot write {name}: {error.strerror}") from error
