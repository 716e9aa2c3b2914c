"""What a program's file descriptors stand for.

Descriptor
├── NullStream      reads nothing, swallows everything
├── CallbackStream  hands what is written to a Python callable
├── HostFile        a host descriptor: stream or file
│   └── Directory   with the entries of the listing in progress (``listing.py``)
└── Socket          a listener or a connection (``connections.py``)
"""

from __future__ import annotations

import fcntl
import os
import select
from collections.abc import Sequence

from vm.wasi.abi import MAX_CALLBACK, Errno, Fdflags, Filetype, Rights, WasiError, from_host
from vm.wasi.config import CustomOutput
from vm.wasi.rights import STREAM_OUT, filetype

_HOST_FLAGS = {Fdflags.APPEND: os.O_APPEND, Fdflags.NONBLOCK: os.O_NONBLOCK}
"""The flags a host can change on an open file; syncing is done here, after each write."""

datasync = getattr(os, "fdatasync", os.fsync)
"""macOS has only the stronger one."""


def behind(buffers: Sequence[memoryview], count: int) -> list[memoryview]:
    """The buffers without their first ``count`` bytes."""
    rest = []
    for buffer in buffers:
        rest.append(buffer[count:])
        count = max(0, count - len(buffer))
    return rest


def front(buffers: Sequence[memoryview], count: int) -> list[memoryview]:
    """The first ``count`` bytes of the buffers."""
    first = []
    for buffer in buffers:
        first.append(buffer[:count])
        count -= len(first[-1])
    return first


class Descriptor:
    """One entry of the table. The base reads nothing, writes nothing and has no place in a file."""

    kind = Filetype.UNKNOWN
    has_places = False
    flags = 0
    inheriting = 0

    def __init__(self, rights: int) -> None:
        self.rights = rights

    def need(self, right: int) -> None:
        """Fail unless all of ``right`` is held; :meth:`refusal` says how."""
        missing = right & ~self.rights
        if missing:
            raise WasiError(self.refusal(missing))

    def refusal(self, missing: int) -> Errno:
        """Why a call that needs ``missing`` fails.

        EBADF for reading and writing, as POSIX and wasmtime say; ESPIPE for a place where there is none; else
        ENOTCAPABLE.
        """
        if missing & (Rights.FD_READ | Rights.FD_WRITE):
            return Errno.BADF
        if missing & (Rights.FD_SEEK | Rights.FD_TELL) and not self.has_places:
            return Errno.SPIPE
        return Errno.NOTCAPABLE

    def read(self, buffers: Sequence[memoryview]) -> int:
        """Fill the buffers in turn; the number of bytes read, 0 at the end."""
        raise WasiError(Errno.BADF)

    def write(self, buffers: Sequence[memoryview]) -> int:
        """Write the buffers in turn; the number of bytes taken."""
        raise WasiError(Errno.BADF)

    def set_flags(self, flags: int) -> None:
        """Change the descriptor's flags."""
        self.flags = flags

    def status(self) -> os.stat_result | None:
        """The host's facts, or None where no host file is behind."""
        return None

    def fileno(self) -> int | None:
        """The host descriptor, to wait on; None when it is always ready."""
        return None

    def close(self) -> None:
        """Let go of what the host lent."""


class NullStream(Descriptor):
    """An empty input, or an output that goes nowhere."""

    def read(self, buffers: Sequence[memoryview]) -> int:
        """Nothing, always."""
        return 0

    def write(self, buffers: Sequence[memoryview]) -> int:
        """Everything, gone."""
        return sum(map(len, buffers))


class CallbackStream(Descriptor):
    """Output handed to Python."""

    def __init__(self, callback: CustomOutput) -> None:
        super().__init__(STREAM_OUT)
        self._callback = callback

    def write(self, buffers: Sequence[memoryview]) -> int:
        """One call of the callback with all there is room for.

        It returns how much was taken, None for all, or minus a host's errno.
        """
        data = b"".join(front(buffers, MAX_CALLBACK))
        taken = self._callback(data)
        if taken is not None and taken < 0:  # wasmtime's convention
            raise WasiError(from_host(-taken))
        return len(data) if taken is None else min(taken, len(data))


class HostFile(Descriptor):
    """A file or stream of the host.

    ``owned`` says whether it is ours: one that is only lent (this process's own stdin, say) is neither closed
    nor has its flags changed, for whoever shares it would feel that. A ``stream`` is only read or written in
    order, whatever is behind it.
    """

    def __init__(self, fd: int, rights: int, *, owned: bool = True, stream: bool = False) -> None:
        super().__init__(rights)
        self._fd = fd
        self._owned = owned
        self.kind = filetype(os.fstat(fd).st_mode)
        self.has_places = not stream and (
            self.kind in (Filetype.REGULAR_FILE, Filetype.BLOCK_DEVICE)
            or (self.kind is Filetype.CHARACTER_DEVICE and not os.isatty(fd))
        )
        host = fcntl.fcntl(fd, fcntl.F_GETFL)
        self.flags = sum(flag for flag, bit in _HOST_FLAGS.items() if host & bit)

    def read(self, buffers: Sequence[memoryview]) -> int:
        """Straight into the program's memory."""
        self._ready(select.POLLIN)
        return os.readv(self._fd, buffers) if buffers else 0

    def write(self, buffers: Sequence[memoryview]) -> int:
        """Straight from the program's memory."""
        self._ready(select.POLLOUT)
        return self._settled(os.writev(self._fd, buffers)) if buffers else 0

    def seek(self, offset: int, whence: int) -> int:
        """``whence`` 0 from the start, 1 from here, 2 from the end; the new place, in bytes."""
        return os.lseek(self._fd, offset, whence)

    def pread(self, buffers: Sequence[memoryview], offset: int) -> int:
        """Read at a place without moving."""
        return os.preadv(self._fd, buffers, offset) if buffers else 0

    def pwrite(self, buffers: Sequence[memoryview], offset: int) -> int:
        """Write at a place without moving; with APPEND at the end, as Linux does."""
        return self._settled(os.pwritev(self._fd, buffers, offset)) if buffers else 0

    def set_flags(self, flags: int) -> None:
        """Change the descriptor's flags, on the host as well when the file is ours."""
        if self._owned:
            host = fcntl.fcntl(self._fd, fcntl.F_GETFL)
            for flag, bit in _HOST_FLAGS.items():
                host = host | bit if flags & flag else host & ~bit
            fcntl.fcntl(self._fd, fcntl.F_SETFL, host)
        self.flags = flags

    def status(self) -> os.stat_result:
        """The host's ``fstat``."""
        return os.fstat(self._fd)

    def fileno(self) -> int:
        """The host descriptor."""
        return self._fd

    def close(self) -> None:
        """Close the host descriptor when it is ours."""
        if self._owned:
            os.close(self._fd)

    def _ready(self, event: int) -> None:
        """NONBLOCK on a lent stream: look first."""
        if self.flags & Fdflags.NONBLOCK and not self._owned:
            poller = select.poll()
            poller.register(self._fd, event)
            if not poller.poll(0):
                raise WasiError(Errno.AGAIN)

    def _settled(self, written: int) -> int:
        if self.flags & Fdflags.SYNC:
            os.fsync(self._fd)
        elif self.flags & Fdflags.DSYNC:
            datasync(self._fd)
        return written
