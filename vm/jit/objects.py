"""Compiled code on disk: bounded, shared by every process of this user, the oldest use thrown out first.

A file is an artefact with its digest (``vm.native.cache`` says what makes one trusted). Its time of
modification is that of its last use, told at most once an hour. Who stores looks now and then at what the
folder holds, and takes it down to four fifths of what is allowed; others may do so at the same time.
"""

from __future__ import annotations

import os
import time

from vm.config import Config
from vm.native import cache
from vm.once import once
from vm.primitives import Lock
from vm.records import Record
from vm.typed import TYPE_CHECKING

if TYPE_CHECKING:
    from pathlib import Path

_TOLD = 3600.0
"""Seconds for which a use need not be told again."""

_LOOK = 32
"""A process looks at the folder's size each time it has stored a part of what is allowed: one in so many."""

_SUFFIX = ".code"


def objects(config: Config) -> Objects:
    """The cache that a configuration names; without a word on the folder, ``$WASMVM_OBJECTS`` (a folder, or
    "off") has one, or it is beside the engine's own artefacts.
    """
    chosen = config.cache_folder or os.environ.get("WASMVM_OBJECTS", "")
    if chosen == "off":
        return _objects("", 0)
    return _objects(chosen or os.path.join(cache.folder(), "objects"), config.cache_bytes)


@once
def _objects(folder: str, most: int) -> Objects:
    return Objects(folder, most)


class Entry(Record, frozen=True):
    """A file of the cache: its key, bytes, and when it was used last (seconds since 1970)."""

    key: str
    size: int
    used: float


class Objects:
    """The artefacts in a folder. ``most`` is how many bytes there may be; with 0 nothing is kept or found."""

    def __init__(self, folder: str | Path, most: int) -> None:
        self.folder = folder
        self.most = most
        self.hits = self.misses = self.stored = 0
        self._unseen = most  # so that the first to store looks
        self._lock = Lock()

    def load(self, key: str) -> bytes | None:
        """What is kept under ``key``; None when there is nothing, or nothing to be trusted."""
        if not self.most:
            return None
        path = self._path(key)
        content = cache.load_file(path)
        if content is None:
            self.misses += 1
            return None
        self.hits += 1
        _use(path)
        return content

    def store(self, key: str, content: bytes) -> bool:
        """Keep ``content``; whether that was possible."""
        if not self.most or len(content) > self.most or not cache.store_file(self._path(key), content):
            return False
        with self._lock:
            self.stored += 1
            self._unseen += len(content)
            look = self._unseen > self.most // _LOOK
            if look:
                self._unseen = 0
        if look:
            self.shrink(self.most)
        return True

    def entries(self) -> list[Entry]:
        """What there is, the newest use first; files of others are none of it."""
        found: list[Entry | None] = []
        try:
            with os.scandir(self.folder) as files:
                found = [_entry(file) for file in files if _is_code(file)]
        except OSError:
            pass
        return sorted((entry for entry in found if entry), key=lambda entry: -entry.used)

    def shrink(self, most: int) -> int:
        """If there are more than ``most`` bytes, delete what was not used for longest; how many files."""
        entries = self.entries()
        total = sum(entry.size for entry in entries)
        gone = 0
        if total > most:
            while entries and total > most * 4 // 5:
                entry = entries.pop()
                total -= entry.size
                gone += self._delete(entry)
            self._sweep()
        return gone

    def _sweep(self) -> None:
        """Delete what processes that were killed have left half written."""
        for name in os.listdir(self.folder):
            if not (name.startswith(".") and f"{_SUFFIX}-" in name):
                continue
            path = os.path.join(self.folder, name)
            try:
                if time.time() - os.stat(path).st_mtime > _TOLD:
                    os.unlink(path)
            except OSError:  # somebody else was quicker, or we may not
                pass

    def clear(self) -> int:
        """Delete everything that can be deleted; how many files."""
        return sum(self._delete(entry) for entry in self.entries())

    def _delete(self, entry: Entry) -> int:
        try:
            os.unlink(self._path(entry.key))
        except OSError:  # somebody else was quicker, or we may not
            return 0
        return 1

    def claim(self, key: str) -> str:
        """The file that is locked by who makes this (``vm.jit.claims``); left behind, it is swept."""
        return os.path.join(self.folder, f".{key}{_SUFFIX}-claim")

    def _path(self, key: str) -> str:
        return os.path.join(self.folder, key + _SUFFIX)


def _use(path: str) -> None:
    """Note that a file was used, for whoever shrinks the cache."""
    try:
        if time.time() - os.stat(path).st_mtime > _TOLD:
            os.utime(path)
    except OSError:  # gone, or in a folder that cannot be written
        pass


def _is_code(file: os.DirEntry[str]) -> bool:
    return file.name.endswith(_SUFFIX) and file.is_file(follow_symlinks=False)


def _entry(file: os.DirEntry[str]) -> Entry | None:
    try:
        status = file.stat(follow_symlinks=False)
    except OSError:
        return None
    return Entry(file.name.removesuffix(_SUFFIX), status.st_size, status.st_mtime)
