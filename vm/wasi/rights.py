"""Which rights go with what: the sets each kind of descriptor can have, and what a host directory allows.

Two things can refuse a call. *Rights* are the program's own (preview 1's capability bits): it may give them
up, and gets ENOTCAPABLE afterwards. *Permissions* are its host's: a directory given for reading says EROFS.
"""

from __future__ import annotations

import stat

from vm.enums import IntEnum
from vm.wasi.abi import Filetype, Rights

_STREAM = Rights.FD_FILESTAT_GET | Rights.POLL_FD_READWRITE | Rights.FD_FDSTAT_SET_FLAGS
STREAM_IN = _STREAM | Rights.FD_READ
STREAM_OUT = _STREAM | Rights.FD_WRITE
CONNECTION = _STREAM | Rights.FD_READ | Rights.FD_WRITE | Rights.SOCK_SHUTDOWN
LISTENER = _STREAM | Rights.SOCK_ACCEPT

CHANGING_FILES = Rights.FD_WRITE | Rights.FD_ALLOCATE | Rights.FD_FILESTAT_SET_SIZE
"""What a host lets do only on descriptors that were opened for writing."""

_BOTH = (
    Rights.FD_DATASYNC
    | Rights.FD_SYNC
    | Rights.FD_FDSTAT_SET_FLAGS
    | Rights.FD_FILESTAT_GET
    | Rights.FD_FILESTAT_SET_TIMES
)
ONLY_FILES = (
    CHANGING_FILES
    | Rights.FD_READ
    | Rights.FD_SEEK
    | Rights.FD_TELL
    | Rights.FD_ADVISE
    | Rights.POLL_FD_READWRITE
)
"""What makes no sense on a directory."""

FILE = _BOTH | ONLY_FILES
DIRECTORY = (
    _BOTH
    | Rights.FD_READDIR
    | Rights.PATH_CREATE_DIRECTORY
    | Rights.PATH_CREATE_FILE
    | Rights.PATH_LINK_SOURCE
    | Rights.PATH_LINK_TARGET
    | Rights.PATH_OPEN
    | Rights.PATH_READLINK
    | Rights.PATH_RENAME_SOURCE
    | Rights.PATH_RENAME_TARGET
    | Rights.PATH_FILESTAT_GET
    | Rights.PATH_FILESTAT_SET_SIZE
    | Rights.PATH_FILESTAT_SET_TIMES
    | Rights.PATH_SYMLINK
    | Rights.PATH_REMOVE_DIRECTORY
    | Rights.PATH_UNLINK_FILE
)
INHERITED = DIRECTORY | FILE
"""What a preopened directory hands on. FD_WRITE is among it even where files may only be read, so that
opening for writing fails at once with EROFS: wasi-libc asks for no right beyond these, and the program
would otherwise learn it from its first write."""


class Permissions(IntEnum):
    """What a host allows on the entries of a directory (``DirPerms``) or on its files (``FilePerms``)."""

    READ_ONLY = 1
    WRITE_ONLY = 2
    READ_WRITE = 3


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
