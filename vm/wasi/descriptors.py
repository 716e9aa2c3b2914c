"""What a program's file descriptors stand for: nothing, a callback, a host file, a host directory.

Descriptor
├── NullStream      reads nothing, swallows everything
├── CallbackStream  hands what is written to a Python callable
└── HostFile        a host descriptor: stream or file
└── Directory   with the entries of the listing in progress
"""

from __future__ import annotations

import os
import stat
from collections.abc import Callable, Sequence

from vm.wasi.abi import MAX_CALLBACK, Errno, Filetype, Rights, WasiError
from vm.wasi.config import CustomOutput

STREAM_IN = Rights.FD_READ | Rights.FD_FILESTAT_GET | Rights.POLL_FD_READWRITE | Rights.FD_FDSTAT_SET_FLAGS
STREAM_OUT = Rights.FD_WRITE | Rights.FD_FILESTAT_GET | Rights.POLL_FD_READWRITE | Rights.FD_FDSTAT_SET_FLAGS
FILE = STREAM_IN | Rights.FD_SEEK | Rights.FD_TELL | Rights.FD_ADVISE | Rights.FD_SYNC | Rights.FD_DATASYNC
DIRECTORY = (
    Rights.PATH_OPEN
    | Rights.FD_READDIR
    | Rights.PATH_READLINK
    | Rights.PATH_FILESTAT_GET
    | Rights.FD_FILESTAT_GET
)
INHERITED = DIRECTORY | FILE | Rights.FD_WRITE
"""What a directory says its files may have. FD_WRITE is among them although directories are read-only, so
that opening for writing fails at once with EROFS: wasi-libc masks the rights it asks for with these, and the
program would otherwise learn it from its first write."""


def filetype(mode: int) -> Filetype:
    """A host ``st_mode`` as WASI calls it; pipes have no name there."""
    for test, kind in (
        (stat.S_ISREG, Filetype.REGULAR_FILE),
        (stat.S_ISDIR, Filetype.DIRECTORY),
        (stat.S_ISLNK, Filetype.SYMBOLIC_LINK),
        (stat.S_ISCHR, Filetype.CHARACTER_DEVICE),
        (stat.S_ISBLK, Filetype.BLOCK_DEVICE),
        (stat.S_ISSOCK, Filetype.SOCKET_STREAM),
    ):
        if test(mode):
            return kind
    return Filetype.UNKNOWN


class Descriptor:
    """One entry of the table. The base reads nothing, writes nothing and has no place in a file."""

    kind = Filetype.UNKNOWN
    inheriting = Rights(0)

    def __init__(self, rights: Rights) -> None:
        self.rights = rights

    def need(self, right: Rights) -> None:
        """Fail with ENOTCAPABLE unless all of ``right`` was given."""
        if right & ~self.rights:
            raise WasiError(Errno.NOTCAPABLE)

    def read(self, buffers: Sequence[memoryview]) -> int:
        """Fill the buffers in turn; the number of bytes read, 0 at the end."""
        raise WasiError(Errno.BADF)

    def write(self, buffers: Sequence[memoryview]) -> int:
        """Write the buffers in turn; the number of bytes taken."""
        raise WasiError(Errno.BADF)

    def seek(self, offset: int, whence: int) -> int:
        """Move; the new place in bytes from the start."""
        raise WasiError(Errno.SPIPE)

    def pread(self, buffers: Sequence[memoryview], offset: int) -> int:
        """Read at a place without moving."""
        raise WasiError(Errno.SPIPE)

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
        """One call of the callback with all there is room for; its return value says how much was taken."""
        data = bytearray()
        for buffer in buffers:
            data += buffer[: MAX_CALLBACK - len(data)]
        taken = self._callback(bytes(data))
        return len(data) if taken is None else taken


class HostFile(Descriptor):
    """A file or stream of the host. ``owned`` says whether closing it is ours to do."""

    def __init__(self, fd: int, rights: Rights, *, owned: bool = True) -> None:
        super().__init__(rights)
        self._fd = fd
        self._owned = owned
        self.kind = filetype(os.fstat(fd).st_mode)

    def read(self, buffers: Sequence[memoryview]) -> int:
        """Straight into the program's memory."""
        return os.readv(self._fd, buffers) if buffers else 0

    def write(self, buffers: Sequence[memoryview]) -> int:
        """Straight from the program's memory."""
        return os.writev(self._fd, buffers) if buffers else 0

    def seek(self, offset: int, whence: int) -> int:
        """``whence`` 0 from the start, 1 from here, 2 from the end."""
        return os.lseek(self._fd, offset, whence)

    def pread(self, buffers: Sequence[memoryview], offset: int) -> int:
        """Straight into the program's memory."""
        return os.preadv(self._fd, buffers, offset) if buffers else 0

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


class Directory(HostFile):
    """An open directory; ``guest_path`` is set on preopened ones, which programs find by asking."""

    inheriting = INHERITED

    def __init__(self, fd: int, rights: Rights, guest_path: str | None = None) -> None:
        super().__init__(fd, rights)
        self.guest_path = guest_path
        self._listing: list[tuple[bytes, int, Filetype]] = []

    def read(self, buffers: Sequence[memoryview]) -> int:
        """Directories are listed, not read."""
        raise WasiError(Errno.ISDIR)

    def listing(self, *, afresh: bool) -> list[tuple[bytes, int, Filetype]]:
        """(name, inode, type) sorted by name, after "." and "..".

        One listing serves a whole walk (``afresh`` starts one), so that cookies stay valid while files come
        and go. ".." carries the directory's own inode, as at the root of a file system: what lies above
        is none of the program's business.
        """
        if afresh or not self._listing:
            own = os.fstat(self._fd).st_ino
            with os.scandir(self._fd) as entries:
                found = sorted((os.fsencode(e.name), e.inode(), _entry_type(e)) for e in entries)
            dots = [(b".", own, Filetype.DIRECTORY), (b"..", own, Filetype.DIRECTORY)]
            self._listing = dots + found
        return self._listing


def _entry_type(entry: os.DirEntry[str]) -> Filetype:
    tests: tuple[tuple[Callable[[], bool], Filetype], ...] = (
        (entry.is_symlink, Filetype.SYMBOLIC_LINK),
        (lambda: entry.is_dir(follow_symlinks=False), Filetype.DIRECTORY),
        (lambda: entry.is_file(follow_symlinks=False), Filetype.REGULAR_FILE),
    )
    return next((kind for test, kind in tests if test()), Filetype.UNKNOWN)
