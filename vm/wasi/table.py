"""The table of descriptors: closing, renumbering, what a descriptor may do, and what was preopened."""

from __future__ import annotations

import os
import struct

from vm.wasi.abi import ALL_FDFLAGS, Errno, Rights, WasiError
from vm.wasi.connections import Socket
from vm.wasi.context import WasiContext
from vm.wasi.guest import Guest
from vm.wasi.listing import Directory

_FDSTAT = struct.Struct("<BxHxxxxQQ")
_PRESTAT = struct.Struct("<BxxxI")
_TAG_DIRECTORY, _TAG_OTHER = range(2)


def fd_close(context: WasiContext, guest: Guest, fd: int) -> None:
    """Close the descriptor."""
    context.remove(fd)


def fd_renumber(context: WasiContext, guest: Guest, fd: int, to: int) -> None:
    """Move a descriptor onto another's number."""
    context.renumber(fd, to)


def fd_fdstat_get(context: WasiContext, guest: Guest, fd: int, result: int) -> None:
    """Store the ``fdstat`` record: type, flags, rights."""
    descriptor = context.get(fd)
    record = (descriptor.kind, descriptor.flags, descriptor.rights, descriptor.inheriting)
    guest.write(result, _FDSTAT.pack(*record))


def fd_fdstat_set_flags(context: WasiContext, guest: Guest, fd: int, flags: int) -> None:
    """Change the descriptor's flags, all of them."""
    descriptor = context.get(fd, Rights.FD_FDSTAT_SET_FLAGS)
    if flags & ~ALL_FDFLAGS:
        raise WasiError(Errno.INVAL)
    descriptor.set_flags(flags)


def fd_fdstat_set_rights(context: WasiContext, guest: Guest, fd: int, base: int, inheriting: int) -> None:
    """Give rights up; ENOTCAPABLE when asked for one that is not held."""
    descriptor = context.get(fd)
    if base & ~descriptor.rights or inheriting & ~descriptor.inheriting:
        raise WasiError(Errno.NOTCAPABLE)
    descriptor.rights = base
    descriptor.inheriting = inheriting


def fd_prestat_get(context: WasiContext, guest: Guest, fd: int, result: int) -> None:
    """Store the ``prestat`` record of what was preopened: tag 0 and the length of a directory's name.

    A preopened listener has tag 1, which preview 1 does not define: programs look for directories from 3 on
    until they meet EBADF, and skip what is none.
    """
    descriptor = context.get(fd)
    if isinstance(descriptor, Socket) and descriptor.preopened:
        guest.write(result, _PRESTAT.pack(_TAG_OTHER, 0))
    else:
        guest.write(result, _PRESTAT.pack(_TAG_DIRECTORY, len(_preopen_name(context, fd))))


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
