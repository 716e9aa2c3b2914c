"""Listing, making and removing directories."""

from __future__ import annotations

import os
import struct

from vm.wasi.abi import Rights
from vm.wasi.context import WasiContext
from vm.wasi.guest import Guest
from vm.wasi.sandbox import place_of

_DIRENT = struct.Struct("<QQIBxxx")


def fd_readdir(
    context: WasiContext, guest: Guest, fd: int, buffer: int, size: int, cookie: int, result: int
) -> None:
    """Store entries from the ``cookie``-th on until the buffer is full; the last may be cut short.

    The number of bytes stored is less than ``size`` only at the end of the directory.
    """
    directory = context.directory(fd, Rights.FD_READDIR)
    directory.may_read()
    span = guest.span(buffer, size)
    guest.span(result, 4)
    used = 0
    entries = directory.listing(afresh=cookie == 0)
    for place in range(cookie, len(entries)):
        name, inode, kind = entries[place]
        record = _DIRENT.pack(place + 1, inode, len(name), kind) + name
        piece = record[: size - used]
        span[used : used + len(piece)] = piece
        used += len(piece)
        if used == size:
            break
    guest.write_u32(result, used)


def path_create_directory(context: WasiContext, guest: Guest, fd: int, path: int, size: int) -> None:
    """Make a directory."""
    directory = context.directory(fd, Rights.PATH_CREATE_DIRECTORY)
    name = guest.path(path, size)
    directory.may_change()
    with place_of(directory.fileno(), name) as (parent, last, _):
        os.mkdir(last, dir_fd=parent)


def path_remove_directory(context: WasiContext, guest: Guest, fd: int, path: int, size: int) -> None:
    """Remove an empty directory; ENOTDIR for anything else, a link to a directory included."""
    directory = context.directory(fd, Rights.PATH_REMOVE_DIRECTORY)
    name = guest.path(path, size)
    directory.may_change()
    with place_of(directory.fileno(), name) as (parent, last, _):
        os.rmdir(last, dir_fd=parent)
