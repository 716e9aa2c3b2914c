"""What files and directories are: type, size, links, times; and setting the times."""

from __future__ import annotations

import os
import struct
import time
from collections.abc import Callable

from vm.wasi.abi import ALL_FSTFLAGS, MAX_OFFSET, SYMLINK_FOLLOW, Errno, Fstflags, Rights, WasiError
from vm.wasi.context import WasiContext
from vm.wasi.descriptors import Descriptor, HostFile
from vm.wasi.guest import Guest
from vm.wasi.listing import Directory
from vm.wasi.rights import filetype
from vm.wasi.sandbox import parent_of

_FILESTAT = struct.Struct("<QQBxxxxxxxQQQQQ")


def filestat(status: os.stat_result | None, descriptor: Descriptor | None = None) -> bytes:
    """The 64-byte ``filestat`` record; all zeros but the type where no host file is behind."""
    if status is None:
        return _FILESTAT.pack(0, 0, descriptor.kind if descriptor else 0, 0, 0, 0, 0, 0)
    times = (max(0, t) for t in (status.st_atime_ns, status.st_mtime_ns, status.st_ctime_ns))
    kind = filetype(status.st_mode)
    return _FILESTAT.pack(status.st_dev, status.st_ino, kind, status.st_nlink, status.st_size, *times)


def fd_filestat_get(context: WasiContext, guest: Guest, fd: int, result: int) -> None:
    """Store the ``filestat`` record."""
    descriptor = context.get(fd, Rights.FD_FILESTAT_GET)
    guest.write(result, filestat(descriptor.status(), descriptor))


def path_filestat_get(
    context: WasiContext, guest: Guest, fd: int, lookup: int, path: int, size: int, result: int
) -> None:
    """Store the ``filestat`` record of what a path names."""
    directory = context.directory(fd, Rights.PATH_FILESTAT_GET)
    name = guest.path(path, size)
    directory.may_read()
    with parent_of(directory.fileno(), name, follow=bool(lookup & SYMLINK_FOLLOW)) as (parent, last):
        status = os.stat(last, dir_fd=parent, follow_symlinks=False)
    guest.write(result, filestat(status))


def fd_filestat_set_times(
    context: WasiContext, guest: Guest, fd: int, access: int, modified: int, flags: int
) -> None:
    """Set the times that ``flags`` name, to the nanoseconds given or to now."""
    descriptor = context.get(fd, Rights.FD_FILESTAT_SET_TIMES)
    if isinstance(descriptor, Directory):
        descriptor.may_change()
    if not isinstance(descriptor, HostFile):
        raise WasiError(Errno.NOTSUP)
    host = descriptor.fileno()
    times = _times(access, modified, flags, descriptor.status)
    os.utime(host, ns=times)


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
    """The same for what a path names."""
    directory = context.directory(fd, Rights.PATH_FILESTAT_SET_TIMES)
    name = guest.path(path, size)
    directory.may_change()
    with parent_of(directory.fileno(), name, follow=bool(lookup & SYMLINK_FOLLOW)) as (parent, last):
        times = _times(access, modified, flags, lambda: os.stat(last, dir_fd=parent, follow_symlinks=False))
        os.utime(last, ns=times, dir_fd=parent, follow_symlinks=False)


def _times(access: int, modified: int, flags: int, status: Callable[[], os.stat_result]) -> tuple[int, int]:
    """Both times in nanoseconds; one that is not to change is what the file has now (Python has no OMIT)."""
    for given, now in ((Fstflags.ATIM, Fstflags.ATIM_NOW), (Fstflags.MTIM, Fstflags.MTIM_NOW)):
        if flags & given and flags & now:
            raise WasiError(Errno.INVAL)
    if flags & ~ALL_FSTFLAGS:
        raise WasiError(Errno.INVAL)
    current = status()
    return (
        _time(access, flags & Fstflags.ATIM, flags & Fstflags.ATIM_NOW, current.st_atime_ns),
        _time(modified, flags & Fstflags.MTIM, flags & Fstflags.MTIM_NOW, current.st_mtime_ns),
    )


def _time(given: int, use_given: int, use_now: int, current: int) -> int:
    if use_now:
        return time.time_ns()
    if not use_given:
        return current
    if given > MAX_OFFSET:
        raise WasiError(Errno.INVAL)
    return given
