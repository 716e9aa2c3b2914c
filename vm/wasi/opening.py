"""Opening files and directories by path: ``path_open``."""

from __future__ import annotations

import errno
import os

from vm.records import Record
from vm.wasi.abi import (
    ALL_FDFLAGS,
    ALL_OFLAGS,
    ALL_RIGHTS,
    SYMLINK_FOLLOW,
    Errno,
    Filetype,
    Oflags,
    Rights,
    WasiError,
)
from vm.wasi.context import WasiContext
from vm.wasi.descriptors import HostFile
from vm.wasi.guest import Guest
from vm.wasi.listing import Directory
from vm.wasi.rights import CHANGING_FILES, DIRECTORY, FILE, Permissions, filetype
from vm.wasi.sandbox import parent_of, place_of

# A FIFO without a writer must not block the program's host while it opens it, nor a terminal become its
# controlling one.
_ALWAYS = os.O_NOFOLLOW | os.O_CLOEXEC | os.O_NONBLOCK | os.O_NOCTTY

_MAX_RACES = 8
"""How often a last component that turns into a link between looking and opening is looked at again."""


class _Request(Record, frozen=True):
    """What a program asks of ``path_open``."""

    path: bytes
    follow: bool
    oflags: int
    base: int
    inheriting: int
    fdflags: int


def path_open(
    context: WasiContext,
    guest: Guest,
    fd: int,
    lookup: int,
    path: int,
    size: int,
    oflags: int,
    base: int,
    inheriting: int,
    fdflags: int,
    result: int,
) -> None:
    """Open or make a file, or open a directory; store the new descriptor's number."""
    directory = context.directory(fd, Rights.PATH_OPEN)
    name = guest.path(path, size)
    guest.span(result, 4)
    if oflags & ~ALL_OFLAGS or fdflags & ~ALL_FDFLAGS:
        raise WasiError(Errno.INVAL)
    request = _Request(
        name,
        bool(lookup & SYMLINK_FOLLOW) and not oflags & Oflags.EXCL,  # EXCL: a link there is "there" as well
        oflags,
        base & ALL_RIGHTS,
        inheriting & ALL_RIGHTS,
        fdflags,
    )
    _check_rights(directory, request)
    _check_permissions(directory, request)
    context.check_room()
    guest.write_u32(result, context.add(_descriptor(_open(directory, request), directory, request)))


def _check_rights(directory: Directory, request: _Request) -> None:
    """ENOTCAPABLE for what the directory does not hand on, and for making or cutting without the right to."""
    if request.oflags & Oflags.CREAT:
        directory.need(Rights.PATH_CREATE_FILE)
    if request.oflags & Oflags.TRUNC:
        directory.need(Rights.PATH_FILESTAT_SET_SIZE)
    relevant = DIRECTORY if request.oflags & Oflags.DIRECTORY else FILE
    if request.base & relevant & ~directory.inheriting:
        raise WasiError(Errno.NOTCAPABLE)


def _check_permissions(directory: Directory, request: _Request) -> None:
    """EROFS for changing files where the host does not allow it, EPERM for looking at them."""
    if _changes(request) and not directory.files & Permissions.WRITE_ONLY:
        raise WasiError(Errno.ROFS)
    if request.base & Rights.FD_READ and not directory.files & Permissions.READ_ONLY:
        raise WasiError(Errno.PERM)
    directory.may_read()


def _changes(request: _Request) -> bool:
    return bool(request.base & CHANGING_FILES or request.oflags & Oflags.TRUNC)


def _open(directory: Directory, request: _Request) -> int:
    """The host descriptor. Directories are opened for reading whatever rights but FD_WRITE were asked for."""
    if request.oflags & Oflags.DIRECTORY and request.oflags & Oflags.CREAT:
        raise WasiError(Errno.INVAL)
    if request.oflags & Oflags.CREAT and request.path.endswith(b"/"):
        with place_of(directory.fileno(), request.path) as (_, last, _):
            if last != b".":  # as Linux says: files are made here, and this can be none
                raise WasiError(Errno.ISDIR)
    try:
        return _open_as(directory, request, _access(request))
    except IsADirectoryError:
        if request.base & Rights.FD_WRITE or request.oflags & Oflags.TRUNC:
            raise
        return _open_as(directory, request, os.O_RDONLY)


def _access(request: _Request) -> int:
    if not _changes(request):
        return os.O_RDONLY
    return os.O_RDWR if request.base & Rights.FD_READ else os.O_WRONLY


def _open_as(directory: Directory, request: _Request, access: int) -> int:
    flags = access | _ALWAYS
    for asked, host in (
        (Oflags.DIRECTORY, os.O_DIRECTORY),
        (Oflags.CREAT, os.O_CREAT),
        (Oflags.EXCL, os.O_EXCL),
        (Oflags.TRUNC, os.O_TRUNC),
    ):
        flags |= host if request.oflags & asked else 0
    for _ in range(_MAX_RACES):
        with parent_of(directory.fileno(), request.path, follow=request.follow) as (parent, last):
            try:
                return _open_here(directory, parent, last, flags)
            except OSError as error:
                if error.errno != errno.ELOOP or not request.follow:
                    raise
    raise WasiError(Errno.LOOP)


def _open_here(directory: Directory, parent: int, name: bytes, flags: int) -> int:
    """Open one name; where nothing may be made, say EROFS only if there was something to make."""
    if flags & os.O_CREAT and not directory.entries & Permissions.WRITE_ONLY:
        try:
            opened = os.open(name, flags & ~(os.O_CREAT | os.O_EXCL), dir_fd=parent)
        except FileNotFoundError:
            raise WasiError(Errno.ROFS) from None
        if flags & os.O_EXCL:
            os.close(opened)
            raise WasiError(Errno.EXIST)
        return opened
    return os.open(name, flags, 0o666, dir_fd=parent)


def _descriptor(fd: int, parent: Directory, request: _Request) -> HostFile:
    """Own ``fd`` with the rights asked for, of those its kind can have and ``parent`` hands on."""
    rights = request.base & parent.inheriting
    opened: HostFile
    if filetype(os.fstat(fd).st_mode) is Filetype.DIRECTORY:
        opened = Directory(
            fd,
            rights & DIRECTORY,
            request.inheriting & parent.inheriting,
            entries=parent.entries,
            files=parent.files,
        )
    else:
        opened = HostFile(fd, rights & FILE)
        opened.rights &= ~_impossible(opened, parent)
    opened.set_flags(request.fdflags)
    return opened


def _impossible(file: HostFile, parent: Directory) -> int:
    """The rights a file cannot have: to change where its host forbids it, to seek on a terminal or in a pipe.

    Programs tell a terminal by that: wasi-libc's ``isatty`` looks for a character device without FD_SEEK.
    """
    rights = 0
    if not parent.files & Permissions.WRITE_ONLY:
        rights |= CHANGING_FILES | Rights.FD_FILESTAT_SET_TIMES
    if not file.has_places:
        rights |= Rights.FD_SEEK | Rights.FD_TELL
    return rights
