"""The contents of open files: reading, writing, moving, reserving, cutting, and making sure."""

from __future__ import annotations

import os

from vm.wasi.abi import MAX_OFFSET, Errno, Rights, WasiError
from vm.wasi.context import WasiContext
from vm.wasi.descriptors import HostFile, datasync
from vm.wasi.guest import Guest
from vm.wasi.polling import until_readable, writable

_ADVICE = tuple(
    getattr(os, f"POSIX_FADV_{name}", None)
    for name in ("NORMAL", "SEQUENTIAL", "RANDOM", "WILLNEED", "DONTNEED", "NOREUSE")
)
"""The host's words by ``advice``; None where it has none."""


def fd_read(context: WasiContext, guest: Guest, fd: int, iovs: int, count: int, result: int) -> None:
    """Read into the buffers; store the number of bytes read."""
    descriptor = context.get(fd, Rights.FD_READ)
    guest.span(result, 4)  # before reading: what is read must not get lost
    buffers = guest.iovecs(iovs, count)
    until_readable(context, descriptor)
    guest.write_u32(result, descriptor.read(buffers))


def fd_pread(
    context: WasiContext, guest: Guest, fd: int, iovs: int, count: int, offset: int, result: int
) -> None:
    """Read at ``offset`` without moving; store the number of bytes read."""
    file = _file(context, fd, Rights.FD_READ, Rights.FD_SEEK)
    guest.write_u32(result, file.pread(guest.iovecs(iovs, count), _in_range(offset)))


def fd_write(context: WasiContext, guest: Guest, fd: int, iovs: int, count: int, result: int) -> None:
    """Write the buffers; store the number of bytes taken."""
    descriptor = context.get(fd, Rights.FD_WRITE)
    guest.span(result, 4)  # before writing: what is written cannot be taken back
    guest.write_u32(result, descriptor.write(writable(context, descriptor, guest.iovecs(iovs, count))))


def fd_pwrite(
    context: WasiContext, guest: Guest, fd: int, iovs: int, count: int, offset: int, result: int
) -> None:
    """Write at ``offset`` without moving; store the number of bytes written."""
    file = _file(context, fd, Rights.FD_WRITE, Rights.FD_SEEK)
    guest.span(result, 4)
    guest.write_u32(result, file.pwrite(guest.iovecs(iovs, count), _in_range(offset)))


def fd_seek(context: WasiContext, guest: Guest, fd: int, offset: int, whence: int, result: int) -> None:
    """Move by the signed ``offset`` from the start, here or the end (0, 1, 2); store the new place."""
    file = _file(context, fd, Rights.FD_SEEK)
    if whence > 2:
        raise WasiError(Errno.INVAL)
    guest.span(result, 8)
    signed = offset - (1 << 64) if offset > MAX_OFFSET else offset
    guest.write_u64(result, file.seek(signed, whence))


def fd_tell(context: WasiContext, guest: Guest, fd: int, result: int) -> None:
    """Store the place in the file; the right to move implies the right to ask."""
    held = context.get(fd).rights & Rights.FD_SEEK
    guest.write_u64(result, _file(context, fd, held or Rights.FD_TELL).seek(0, os.SEEK_CUR))


def fd_allocate(context: WasiContext, guest: Guest, fd: int, offset: int, size: int) -> None:
    """Make sure that the file has room up to ``offset + size``; it grows when it is shorter."""
    host = _file(context, fd, Rights.FD_ALLOCATE).fileno()
    if not size:
        raise WasiError(Errno.INVAL)
    if _in_range(offset) + _in_range(size) > MAX_OFFSET:
        raise WasiError(Errno.FBIG)
    if hasattr(os, "posix_fallocate"):
        os.posix_fallocate(host, offset, size)
    else:
        raise WasiError(Errno.NOTSUP)


def fd_filestat_set_size(context: WasiContext, guest: Guest, fd: int, size: int) -> None:
    """Cut the file, or lengthen it with zeros."""
    host = _file(context, fd, Rights.FD_FILESTAT_SET_SIZE).fileno()
    os.ftruncate(host, _in_range(size))


def fd_advise(context: WasiContext, guest: Guest, fd: int, offset: int, size: int, advice: int) -> None:
    """Tell the host how the file will be used."""
    host = _file(context, fd, Rights.FD_ADVISE).fileno()
    if advice >= len(_ADVICE):
        raise WasiError(Errno.INVAL)
    word = _ADVICE[advice]
    if word is not None:
        os.posix_fadvise(host, _in_range(offset), _in_range(size), word)


def fd_sync(context: WasiContext, guest: Guest, fd: int) -> None:
    """Have contents and facts on the disk before returning."""
    os.fsync(_file(context, fd, Rights.FD_SYNC).fileno())


def fd_datasync(context: WasiContext, guest: Guest, fd: int) -> None:
    """Have contents on the disk before returning."""
    datasync(_file(context, fd, Rights.FD_DATASYNC).fileno())


def _file(context: WasiContext, fd: int, *rights: int) -> HostFile:
    """The host file numbered ``fd``, which must have each of ``rights``; ESPIPE when it is no file."""
    descriptor = context.get(fd)
    for right in rights:
        descriptor.need(right)
    if not isinstance(descriptor, HostFile):
        raise WasiError(Errno.SPIPE)
    return descriptor


def _in_range(offset: int) -> int:
    if offset > MAX_OFFSET:
        raise WasiError(Errno.INVAL)
    return offset
