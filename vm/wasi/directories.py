"""Calls with paths, and listing directories. Directories are read-only: what would change one is EROFS."""

from __future__ import annotations

import os
import stat
import struct

from vm.wasi.abi import SYMLINK_FOLLOW, Errno, Oflags, Rights, WasiError
from vm.wasi.context import WasiContext
from vm.wasi.descriptors import DIRECTORY, FILE, Directory, HostFile
from vm.wasi.files import filestat
from vm.wasi.guest import Guest
from vm.wasi.sandbox import parent_of

_DIRENT = struct.Struct("<QQIBxxx")
_CHANGING = Rights.FD_WRITE | Rights.FD_ALLOCATE | Rights.FD_FILESTAT_SET_SIZE
# A FIFO without a writer must not block the program's host, nor a terminal become its controlling one.
_OPEN = os.O_RDONLY | os.O_NOFOLLOW | os.O_CLOEXEC | os.O_NONBLOCK | os.O_NOCTTY


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
    """Open a file or directory for reading; store the new descriptor's number."""
    directory = context.directory(fd, Rights.PATH_OPEN)
    name = guest.path(path, size)
    guest.span(result, 4)
    _refuse_changes(directory, name, oflags, base, follow=bool(lookup & SYMLINK_FOLLOW))
    with parent_of(directory.fileno(), name, follow=bool(lookup & SYMLINK_FOLLOW)) as (parent, last):
        flags = _OPEN | (os.O_DIRECTORY if oflags & Oflags.DIRECTORY else 0)
        opened = os.open(last, flags, dir_fd=parent)
    guest.write_u32(result, context.add(_descriptor(opened, Rights(base & _ALL))))


_ALL = sum(Rights)


def _refuse_changes(directory: Directory, name: bytes, oflags: int, base: int, *, follow: bool) -> None:
    """EROFS for an open that would change something; O_CREAT alone is fine on a file that exists."""
    if oflags & Oflags.TRUNC or base & _CHANGING:
        raise WasiError(Errno.ROFS)
    if oflags & Oflags.CREAT:
        with parent_of(directory.fileno(), name, follow=follow) as (parent, last):
            exists = _exists(parent, last)
        if exists and oflags & Oflags.EXCL:
            raise WasiError(Errno.EXIST)
        if not exists:
            raise WasiError(Errno.ROFS)


def _exists(parent: int, name: bytes) -> bool:
    try:
        os.stat(name, dir_fd=parent, follow_symlinks=False)
    except FileNotFoundError:
        return False
    return True


def _descriptor(fd: int, asked: Rights) -> HostFile:
    """Own ``fd`` with the rights asked for, of those its kind can have."""
    if stat.S_ISDIR(os.fstat(fd).st_mode):
        # A directory opened by a program that masks rights narrowly must still be usable as one.
        return Directory(fd, DIRECTORY & (asked | Rights.FD_FILESTAT_GET))
    return HostFile(fd, FILE & asked)


def fd_readdir(
    context: WasiContext, guest: Guest, fd: int, buffer: int, size: int, cookie: int, result: int
) -> None:
    """Store entries from the ``cookie``-th on until the buffer is full; the last may be cut short.

    The number of bytes stored is less than ``size`` only at the end of the directory.
    """
    directory = context.directory(fd, Rights.FD_READDIR)
    span = guest.span(buffer, size)
    used = 0
    entries = directory.listing(afresh=cookie == 0)[cookie:]
    for place, (name, inode, kind) in enumerate(entries, start=cookie + 1):
        record = _DIRENT.pack(place, inode, len(name), kind) + name
        piece = record[: size - used]
        span[used : used + len(piece)] = piece
        used += len(piece)
        if used == size:
            break
    guest.write_u32(result, used)


def path_filestat_get(
    context: WasiContext, guest: Guest, fd: int, lookup: int, path: int, size: int, result: int
) -> None:
    """Store the ``filestat`` record of what a path names."""
    directory = context.directory(fd, Rights.PATH_FILESTAT_GET)
    name = guest.path(path, size)
    with parent_of(directory.fileno(), name, follow=bool(lookup & SYMLINK_FOLLOW)) as (parent, last):
        status = os.stat(last, dir_fd=parent, follow_symlinks=False)
    guest.write(result, filestat(status))


def path_readlink(
    context: WasiContext, guest: Guest, fd: int, path: int, size: int, buffer: int, length: int, result: int
) -> None:
    """Store a link's target, cut to ``length``; absolute targets are none of the program's business."""
    directory = context.directory(fd, Rights.PATH_READLINK)
    name = guest.path(path, size)
    with parent_of(directory.fileno(), name, follow=False) as (parent, last):
        target = os.readlink(last, dir_fd=parent)
    if target.startswith(b"/"):
        raise WasiError(Errno.PERM)
    guest.write(buffer, target[:length])
    guest.write_u32(result, min(len(target), length))


def _read_only(context: WasiContext, fd: int) -> None:
    """Any call that would change a directory."""
    context.directory(fd)
    raise WasiError(Errno.ROFS)


def path_create_directory(context: WasiContext, guest: Guest, fd: int, path: int, size: int) -> None:
    """EROFS."""
    _read_only(context, fd)


def path_filestat_set_times(
    context: WasiContext,
    guest: Guest,
    fd: int,
    lookup: int,
    path: int,
    size: int,
    access: int,
    modified: int,
    flags: int,
) -> None:
    """EROFS."""
    _read_only(context, fd)


def path_link(
    context: WasiContext, guest: Guest, fd: int, lookup: int, path: int, size: int, to: int, p2: int, s2: int
) -> None:
    """EROFS."""
    _read_only(context, fd)


def path_remove_directory(context: WasiContext, guest: Guest, fd: int, path: int, size: int) -> None:
    """EROFS."""
    _read_only(context, fd)


def path_rename(
    context: WasiContext, guest: Guest, fd: int, path: int, size: int, to: int, path2: int, size2: int
) -> None:
    """EROFS."""
    _read_only(context, fd)


def path_symlink(
    context: WasiContext, guest: Guest, target: int, length: int, fd: int, path: int, size: int
) -> None:
    """EROFS."""
    _read_only(context, fd)


def path_unlink_file(context: WasiContext, guest: Guest, fd: int, path: int, size: int) -> None:
    """EROFS."""
    _read_only(context, fd)
