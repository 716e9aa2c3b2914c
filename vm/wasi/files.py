"""Calls on open descriptors: reading, writing, moving, and asking what they are."""

from __future__ import annotations

import os
import struct

from vm.wasi.abi import Errno, Fdflags, Rights, WasiError
from vm.wasi.context import WasiContext
from vm.wasi.descriptors import Descriptor, Directory, filetype
from vm.wasi.guest import Guest

_FDSTAT = struct.Struct("<BxHxxxxQQ")
_FILESTAT = struct.Struct("<QQBxxxxxxxQQQQQ")
_MAX_OFFSET = (1 << 63) - 1


def filestat(status: os.stat_result | None, descriptor: Descriptor | None = None) -> bytes:
    """The 64-byte ``filestat`` record; all zeros but the type where no host file is behind."""
    if status is None:
        return _FILESTAT.pack(0, 0, descriptor.kind if descriptor else 0, 0, 0, 0, 0, 0)
    times = (max(0, t) for t in (status.st_atime_ns, status.st_mtime_ns, status.st_ctime_ns))
    kind = filetype(status.st_mode)
    return _FILESTAT.pack(status.st_dev, status.st_ino, kind, status.st_nlink, status.st_size, *times)


def fd_read(context: WasiContext, guest: Guest, fd: int, iovs: int, count: int, result: int) -> None:
    """Read into the buffers; store the number of bytes read."""
    descriptor = context.get(fd, Rights.FD_READ)
    guest.span(result, 4)  # before reading: what is read must not get lost
    guest.write_u32(result, descriptor.read(guest.iovecs(iovs, count)))


def fd_pread(
    context: WasiContext, guest: Guest, fd: int, iovs: int, count: int, offset: int, result: int
) -> None:
    """Read at ``offset`` without moving; store the number of bytes read."""
    descriptor = context.get(fd, Rights.FD_READ)
    if offset > _MAX_OFFSET:
        raise WasiError(Errno.INVAL)
    guest.write_u32(result, descriptor.pread(guest.iovecs(iovs, count), offset))


def fd_write(context: WasiContext, guest: Guest, fd: int, iovs: int, count: int, result: int) -> None:
    """Write the buffers; store the number of bytes taken."""
    descriptor = context.get(fd, Rights.FD_WRITE)
    guest.span(result, 4)  # before writing: what is written cannot be taken back
    guest.write_u32(result, descriptor.write(guest.iovecs(iovs, count)))


def fd_pwrite(
    context: WasiContext, guest: Guest, fd: int, iovs: int, count: int, offset: int, result: int
) -> None:
    """Streams have no offsets, and files are read-only."""
    context.get(fd, Rights.FD_WRITE)
    raise WasiError(Errno.SPIPE)


def fd_seek(context: WasiContext, guest: Guest, fd: int, offset: int, whence: int, result: int) -> None:
    """Move by the signed ``offset`` from the start, here or the end (0, 1, 2); store the new place."""
    descriptor = context.get(fd)
    if not descriptor.rights & Rights.FD_SEEK:
        raise WasiError(Errno.SPIPE)
    if whence > 2:
        raise WasiError(Errno.INVAL)
    signed = offset - (1 << 64) if offset > _MAX_OFFSET else offset
    guest.span(result, 8)
    guest.write_u64(result, descriptor.seek(signed, whence))


def fd_tell(context: WasiContext, guest: Guest, fd: int, result: int) -> None:
    """Store the place in the file."""
    fd_seek(context, guest, fd, 0, 1, result)


def fd_close(context: WasiContext, guest: Guest, fd: int) -> None:
    """Close the descriptor."""
    context.remove(fd)


def fd_renumber(context: WasiContext, guest: Guest, fd: int, to: int) -> None:
    """Move a descriptor onto another's number."""
    context.renumber(fd, to)


def fd_fdstat_get(context: WasiContext, guest: Guest, fd: int, result: int) -> None:
    """Store the ``fdstat`` record: type, flags, rights."""
    descriptor = context.get(fd)
    guest.write(result, _FDSTAT.pack(descriptor.kind, 0, descriptor.rights, descriptor.inheriting))


def fd_fdstat_set_flags(context: WasiContext, guest: Guest, fd: int, flags: int) -> None:
    """Only clearing all flags is offered: nothing here is opened with one, and output is already in order."""
    context.get(fd)
    if flags & ~Fdflags.APPEND:
        raise WasiError(Errno.NOTSUP)


def fd_fdstat_set_rights(context: WasiContext, guest: Guest, fd: int, base: int, inheriting: int) -> None:
    """Give rights up; ENOTCAPABLE when asked for one that is not held."""
    descriptor = context.get(fd)
    if base & ~descriptor.rights or inheriting & ~descriptor.inheriting:
        raise WasiError(Errno.NOTCAPABLE)
    descriptor.rights = Rights(base)
    descriptor.inheriting = Rights(inheriting)


def fd_filestat_get(context: WasiContext, guest: Guest, fd: int, result: int) -> None:
    """Store the ``filestat`` record."""
    descriptor = context.get(fd, Rights.FD_FILESTAT_GET)
    guest.write(result, filestat(descriptor.status(), descriptor))


def fd_filestat_set_size(context: WasiContext, guest: Guest, fd: int, size: int) -> None:
    """Not a right any descriptor has here."""
    context.get(fd, Rights.FD_FILESTAT_SET_SIZE)


def fd_filestat_set_times(
    context: WasiContext, guest: Guest, fd: int, access: int, modified: int, flags: int
) -> None:
    """Not a right any descriptor has here."""
    context.get(fd, Rights.FD_FILESTAT_SET_TIMES)


def fd_allocate(context: WasiContext, guest: Guest, fd: int, offset: int, size: int) -> None:
    """Not a right any descriptor has here."""
    context.get(fd, Rights.FD_ALLOCATE)


def fd_advise(context: WasiContext, guest: Guest, fd: int, offset: int, size: int, advice: int) -> None:
    """Advice is free not to be taken; only its arguments are checked."""
    context.get(fd, Rights.FD_ADVISE)
    if advice > 5:
        raise WasiError(Errno.INVAL)


def fd_sync(context: WasiContext, guest: Guest, fd: int) -> None:
    """Nothing to do on what cannot be written."""
    context.get(fd, Rights.FD_SYNC)


def fd_datasync(context: WasiContext, guest: Guest, fd: int) -> None:
    """Nothing to do on what cannot be written."""
    context.get(fd, Rights.FD_DATASYNC)


def fd_prestat_get(context: WasiContext, guest: Guest, fd: int, result: int) -> None:
    """Store the ``prestat`` record of a preopened directory: tag 0, length of its name."""
    guest.write(result, struct.pack("<II", 0, len(_preopen_name(context, fd))))


def fd_prestat_dir_name(context: WasiContext, guest: Guest, fd: int, path: int, size: int) -> None:
    """Store the name a directory was preopened under."""
    name = _preopen_name(context, fd)
    if size < len(name):
        raise WasiError(Errno.NAMETOOLONG)
    guest.write(path, name)


def _preopen_name(context: WasiContext, fd: int) -> bytes:
    descriptor = context.get(fd)
    if not isinstance(descriptor, Directory) or descriptor.guest_path is None:
        raise WasiError(Errno.BADF)
    return os.fsencode(descriptor.guest_path)
