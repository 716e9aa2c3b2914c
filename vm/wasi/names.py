"""Names of files: links of both kinds, moving, and removing."""

from __future__ import annotations

import os

from vm.wasi.abi import SYMLINK_FOLLOW, Errno, Rights, WasiError
from vm.wasi.context import WasiContext
from vm.wasi.guest import Guest
from vm.wasi.listing import Directory
from vm.wasi.sandbox import is_directory, parent_of, place_of


def path_link(
    context: WasiContext,
    guest: Guest,
    fd: int,
    lookup: int,
    path: int,
    size: int,
    new_fd: int,
    new_path: int,
    new_size: int,
) -> None:
    """Give a file one more name; of a link, the link itself unless ``lookup`` follows."""
    source = context.directory(fd, Rights.PATH_LINK_SOURCE)
    target = context.directory(new_fd, Rights.PATH_LINK_TARGET)
    old, new = guest.path(path, size), guest.path(new_path, new_size)
    _check_both(source, target)
    with (
        parent_of(source.fileno(), old, follow=bool(lookup & SYMLINK_FOLLOW)) as (old_parent, old_name),
        place_of(target.fileno(), new) as (parent, name, slash),
    ):
        if slash:
            _refuse_new(parent, name)
        os.link(old_name, name, src_dir_fd=old_parent, dst_dir_fd=parent, follow_symlinks=False)


def path_symlink(
    context: WasiContext, guest: Guest, target: int, length: int, fd: int, path: int, size: int
) -> None:
    """Make a symbolic link. EPERM for an absolute target: it would mean a place of the host's to the host."""
    directory = context.directory(fd, Rights.PATH_SYMLINK)
    text, name = guest.path(target, length), guest.path(path, size)
    directory.may_change()
    if text.startswith(b"/"):
        raise WasiError(Errno.PERM)
    with place_of(directory.fileno(), name) as (parent, last, slash):
        if slash:
            _refuse_new(parent, last)
        os.symlink(text, last, dir_fd=parent)


def path_readlink(
    context: WasiContext, guest: Guest, fd: int, path: int, size: int, buffer: int, length: int, result: int
) -> None:
    """Store a link's target, cut to ``length``; absolute targets are none of the program's business."""
    directory = context.directory(fd, Rights.PATH_READLINK)
    name = guest.path(path, size)
    directory.may_read()
    with parent_of(directory.fileno(), name, follow=False) as (parent, last):
        target = os.readlink(last, dir_fd=parent)
    if target.startswith(b"/"):
        raise WasiError(Errno.PERM)
    guest.span(result, 4)
    guest.write(buffer, target[:length])
    guest.write_u32(result, min(len(target), length))


def path_rename(
    context: WasiContext,
    guest: Guest,
    fd: int,
    path: int,
    size: int,
    new_fd: int,
    new_path: int,
    new_size: int,
) -> None:
    """Move a file or directory, replacing what is there as POSIX says."""
    source = context.directory(fd, Rights.PATH_RENAME_SOURCE)
    target = context.directory(new_fd, Rights.PATH_RENAME_TARGET)
    old, new = guest.path(path, size), guest.path(new_path, new_size)
    _check_both(source, target)
    with (
        place_of(source.fileno(), old) as (old_parent, old_name, old_slash),
        place_of(target.fileno(), new) as (parent, name, slash),
    ):
        dots = b"." in (old_name, name)  # EBUSY, whatever else
        if (old_slash or slash) and not dots and not is_directory(old_parent, old_name):
            raise WasiError(Errno.NOTDIR)
        os.rename(old_name, name, src_dir_fd=old_parent, dst_dir_fd=parent)


def path_unlink_file(context: WasiContext, guest: Guest, fd: int, path: int, size: int) -> None:
    """Remove a name of a file, or a link; EISDIR for a directory."""
    directory = context.directory(fd, Rights.PATH_UNLINK_FILE)
    name = guest.path(path, size)
    directory.may_change()
    with place_of(directory.fileno(), name) as (parent, last, slash):
        if is_directory(parent, last):  # some hosts say EPERM, and some let root remove it
            raise WasiError(Errno.ISDIR)
        if slash:
            raise WasiError(Errno.NOTDIR)
        os.unlink(last, dir_fd=parent)


def _check_both(source: Directory, target: Directory) -> None:
    """Both must be changeable, and a file must not come to be writable by being called otherwise (EXDEV)."""
    source.may_change()
    target.may_change()
    if target.files & ~source.files:
        raise WasiError(Errno.XDEV)


def _refuse_new(parent: int, name: bytes) -> None:
    """What is made here is no directory, but its name ends in "/"."""
    os.stat(name, dir_fd=parent, follow_symlinks=False)  # ENOENT
    raise WasiError(Errno.EXIST)
