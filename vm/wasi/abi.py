"""WASI preview 1's numbers: error codes, rights, flags and record sizes.

Source: ``wasi_snapshot_preview1.witx`` (WebAssembly/WASI, ``legacy/preview1``). Names are the witx's, in
capitals; only ``2big`` is spelled TOOBIG, because a Python name cannot start with a digit.
"""

from __future__ import annotations

import errno as host

from vm.enums import IntEnum


class Errno(IntEnum):
    """``errno``: what every function but ``proc_exit`` returns."""

    SUCCESS = 0
    TOOBIG = 1
    ACCES = 2
    ADDRINUSE = 3
    ADDRNOTAVAIL = 4
    AFNOSUPPORT = 5
    AGAIN = 6
    ALREADY = 7
    BADF = 8
    BADMSG = 9
    BUSY = 10
    CANCELED = 11
    CHILD = 12
    CONNABORTED = 13
    CONNREFUSED = 14
    CONNRESET = 15
    DEADLK = 16
    DESTADDRREQ = 17
    DOM = 18
    DQUOT = 19
    EXIST = 20
    FAULT = 21
    FBIG = 22
    HOSTUNREACH = 23
    IDRM = 24
    ILSEQ = 25
    INPROGRESS = 26
    INTR = 27
    INVAL = 28
    IO = 29
    ISCONN = 30
    ISDIR = 31
    LOOP = 32
    MFILE = 33
    MLINK = 34
    MSGSIZE = 35
    MULTIHOP = 36
    NAMETOOLONG = 37
    NETDOWN = 38
    NETRESET = 39
    NETUNREACH = 40
    NFILE = 41
    NOBUFS = 42
    NODEV = 43
    NOENT = 44
    NOEXEC = 45
    NOLCK = 46
    NOLINK = 47
    NOMEM = 48
    NOMSG = 49
    NOPROTOOPT = 50
    NOSPC = 51
    NOSYS = 52
    NOTCONN = 53
    NOTDIR = 54
    NOTEMPTY = 55
    NOTRECOVERABLE = 56
    NOTSOCK = 57
    NOTSUP = 58
    NOTTY = 59
    NXIO = 60
    OVERFLOW = 61
    OWNERDEAD = 62
    PERM = 63
    PIPE = 64
    PROTO = 65
    PROTONOSUPPORT = 66
    PROTOTYPE = 67
    RANGE = 68
    ROFS = 69
    SPIPE = 70
    SRCH = 71
    STALE = 72
    TIMEDOUT = 73
    TXTBSY = 74
    XDEV = 75
    NOTCAPABLE = 76


class WasiError(Exception):
    """A call fails with ``errno``; :func:`vm.wasi.functions` turns it into the returned number."""

    def __init__(self, errno: Errno) -> None:
        super().__init__(errno.name)
        self.errno = errno


def from_host(number: int | None) -> Errno:
    """The WASI error code that means what the host's ``errno`` number means; IO for those it has not."""
    name = host.errorcode.get(number or 0, "EIO")
    if name == "E2BIG":
        return Errno.TOOBIG
    return Errno.__members__.get(name[1:], Errno.IO)


class Rights(IntEnum):
    """``rights``: what a descriptor may be used for.

    These and the flags below are single bits; sets of them are plain ints, for Python's own flag types cost a
    microsecond an operation.
    """

    FD_DATASYNC = 1 << 0
    FD_READ = 1 << 1
    FD_SEEK = 1 << 2
    FD_FDSTAT_SET_FLAGS = 1 << 3
    FD_SYNC = 1 << 4
    FD_TELL = 1 << 5
    FD_WRITE = 1 << 6
    FD_ADVISE = 1 << 7
    FD_ALLOCATE = 1 << 8
    PATH_CREATE_DIRECTORY = 1 << 9
    PATH_CREATE_FILE = 1 << 10
    PATH_LINK_SOURCE = 1 << 11
    PATH_LINK_TARGET = 1 << 12
    PATH_OPEN = 1 << 13
    FD_READDIR = 1 << 14
    PATH_READLINK = 1 << 15
    PATH_RENAME_SOURCE = 1 << 16
    PATH_RENAME_TARGET = 1 << 17
    PATH_FILESTAT_GET = 1 << 18
    PATH_FILESTAT_SET_SIZE = 1 << 19
    PATH_FILESTAT_SET_TIMES = 1 << 20
    FD_FILESTAT_GET = 1 << 21
    FD_FILESTAT_SET_SIZE = 1 << 22
    FD_FILESTAT_SET_TIMES = 1 << 23
    PATH_SYMLINK = 1 << 24
    PATH_REMOVE_DIRECTORY = 1 << 25
    PATH_UNLINK_FILE = 1 << 26
    POLL_FD_READWRITE = 1 << 27
    SOCK_SHUTDOWN = 1 << 28
    SOCK_ACCEPT = 1 << 29


class Filetype(IntEnum):
    """``filetype``."""

    UNKNOWN = 0
    BLOCK_DEVICE = 1
    CHARACTER_DEVICE = 2
    DIRECTORY = 3
    REGULAR_FILE = 4
    SOCKET_DGRAM = 5
    SOCKET_STREAM = 6
    SYMBOLIC_LINK = 7


class Fdflags(IntEnum):
    """``fdflags``."""

    APPEND = 1
    DSYNC = 2
    NONBLOCK = 4
    RSYNC = 8
    SYNC = 16


class Oflags(IntEnum):
    """``oflags`` of ``path_open``."""

    CREAT = 1
    DIRECTORY = 2
    EXCL = 4
    TRUNC = 8


class Fstflags(IntEnum):
    """``fstflags``: which timestamps to set, and to what."""

    ATIM = 1
    ATIM_NOW = 2
    MTIM = 4
    MTIM_NOW = 8


class Riflags(IntEnum):
    """``riflags`` of ``sock_recv``."""

    PEEK = 1
    WAITALL = 2


class Sdflags(IntEnum):
    """``sdflags`` of ``sock_shutdown``."""

    RD = 1
    WR = 2


ALL_RIGHTS = sum(Rights)
ALL_FDFLAGS = sum(Fdflags)
ALL_OFLAGS = sum(Oflags)
ALL_FSTFLAGS = sum(Fstflags)
ALL_RIFLAGS = sum(Riflags)

HANGUP = 1
"""The one bit of ``eventrwflags``."""

SYMLINK_FOLLOW = 1
"""The one bit of ``lookupflags``."""

MAX_IOVECS = 1024
"""Longest scatter/gather list taken (POSIX's IOV_MAX on Linux)."""

MAX_CALLBACK = 1 << 20
"""Most bytes handed to a Python callback at once: buffers may name the same memory a thousand times."""

MAX_PATH = 4096
"""Longest path taken, in bytes (Linux's PATH_MAX)."""

MAX_OFFSET = (1 << 63) - 1
"""Largest file offset, size or time a host takes: they are signed there."""

MAX_DESCRIPTORS = 1024
"""Most descriptors a program may hold, so that it cannot use up the host's."""
