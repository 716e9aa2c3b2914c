"""Whether the refs of a repository are still what they were, by a look at git's files.

Pages that name tags would start git each time. Git keeps a ref as a file of its own, in ``packed-refs``, or
(``reftable``) in tables that ``tables.list`` names, and replaces each of these as a whole: a changed ref is
another file, in a folder that was written to (gitrepository-layout(5)).
"""

from __future__ import annotations

import os
from collections.abc import Hashable, Iterator
from pathlib import Path

_WHOLE = ("packed-refs", "reftable/tables.list")


def refs_stamp(common: Path, folder: str) -> Hashable:
    """The look of the files of the refs below ``folder`` ("refs/tags"); ``common`` is git's common folder."""
    return *(_looks(common / name) for name in _WHOLE), *_loose(common / folder)


def _looks(path: Path) -> tuple[int, ...]:
    """What is another of another file; nothing where there is none."""
    try:
        told = path.stat()
    except OSError:
        return ()
    return told.st_ino, told.st_size, told.st_mtime_ns


def _loose(folder: Path) -> Iterator[Hashable]:
    """A folder's look and its files, then the same of the folders in it."""
    yield _looks(folder)
    try:
        with os.scandir(folder) as entries:
            found = sorted((one.name, one.inode(), one.is_dir(follow_symlinks=False)) for one in entries)
    except OSError:
        return
    yield tuple(found)
    for name, _, is_folder in found:
        if is_folder:
            yield from _loose(folder / name)
