"""Finding a path inside a directory without ever leaving it.

The path is walked component by component with ``openat`` and O_NOFOLLOW, so that the kernel never follows
a link on our behalf and a link swapped in while we walk cannot be followed either. Links are read and their
targets walked in the same way; absolute paths, absolute targets and ``..`` above the start are refused (the
approach of cap-std's manual resolver). The descriptors of the way down are kept, so that ``..`` means the
directory we came from, not wherever a rename has put it since.
"""

from __future__ import annotations

import errno
import os
import stat
from collections.abc import Iterator
from contextlib import contextmanager

from vm.wasi.abi import Errno, WasiError

MAX_LINKS = 40
"""Links followed before giving up with ELOOP (Linux's own bound)."""

MAX_DEPTH = 256
"""Directories a path may lead down; each is held open while it is walked."""

_MAX_RACES = 8
"""How often a directory that turned into a link and back while we stepped on it is tried again."""

_STEP = os.O_DIRECTORY | os.O_NOFOLLOW | os.O_CLOEXEC | getattr(os, "O_PATH", os.O_RDONLY)


@contextmanager
def parent_of(root: int, path: bytes, *, follow: bool) -> Iterator[tuple[int, bytes]]:
    """A descriptor of the directory that holds ``path``'s last component, and that component's name.

    ``root`` is the host descriptor of the directory the path starts at. With ``follow``, a link at the end
    is followed as well. The name is b"." when the path ends at a directory by ``.``, ``..`` or ``/``;
    it is never a path and never a link that should have been followed.
    """
    walk = _Walk(root)
    try:
        yield walk.go(path, follow=follow)
    finally:
        walk.close()


@contextmanager
def place_of(root: int, path: bytes) -> Iterator[tuple[int, bytes, bool]]:
    """The same for calls that make, move or remove the entry itself: never follows a link at the end.

    The third item says whether the path ended in "/": then it means a directory, and only that. The kernel's
    own reading of such names is not used, for some calls follow links there.
    """
    walk = _Walk(root)
    try:
        plain = path.rstrip(b"/") or path
        yield (*walk.go(plain, follow=False), plain != path)
    finally:
        walk.close()


def is_directory(parent: int, name: bytes) -> bool:
    """Whether an entry is a directory, not a link to one; ENOENT when there is none."""
    return stat.S_ISDIR(os.stat(name, dir_fd=parent, follow_symlinks=False).st_mode)


class _Walk:
    """The way down from the root: ``opened`` holds one descriptor for each directory entered."""

    def __init__(self, root: int) -> None:
        self._root = root
        self._opened: list[int] = []
        self._links = 0

    @property
    def here(self) -> int:
        return self._opened[-1] if self._opened else self._root

    def go(self, path: bytes, *, follow: bool) -> tuple[int, bytes]:
        todo = _components(path)
        while todo:
            name = todo.pop()
            if name == b".":
                continue
            if name == b"..":
                self._up()
            elif not todo:
                target = self._link(name) if follow else None
                if target is None:
                    return self.here, name
                todo += _components(target)
            elif (target := self._enter(name)) is not None:
                todo += _components(target)
        return self.here, b"."

    def _up(self) -> None:
        if not self._opened:
            raise WasiError(Errno.PERM)
        os.close(self._opened.pop())

    def _enter(self, name: bytes) -> bytes | None:
        """Step into ``name``; when it is a link, return its target instead."""
        if len(self._opened) >= MAX_DEPTH:
            raise WasiError(Errno.NAMETOOLONG)
        for _ in range(_MAX_RACES):
            try:
                self._opened.append(os.open(name, _STEP, dir_fd=self.here))
            except OSError as error:
                # Linux says ENOTDIR for a link here, others ELOOP; a plain file says ENOTDIR too.
                if error.errno not in (errno.ENOTDIR, errno.ELOOP):
                    raise
                target = self._link(name)
                if target is not None:
                    return target
                if not is_directory(self.here, name):
                    raise
            else:
                return None
        raise WasiError(Errno.LOOP)

    def _link(self, name: bytes) -> bytes | None:
        """The target when ``name`` is a link, None when it is anything else or nothing."""
        try:
            target = os.readlink(name, dir_fd=self.here)
        except OSError:
            return None
        self._links += 1
        if self._links > MAX_LINKS:
            raise WasiError(Errno.LOOP)
        return target

    def close(self) -> None:
        while self._opened:
            os.close(self._opened.pop())


def _components(path: bytes) -> list[bytes]:
    """The components, last first. A path that ends in "/" ends in ".": it must be a directory."""
    if not path:
        raise WasiError(Errno.NOENT)
    if path.startswith(b"/"):
        raise WasiError(Errno.PERM)
    parts = [part for part in path.split(b"/") if part]
    if path.endswith(b"/"):
        parts.append(b".")
    return parts[::-1]
