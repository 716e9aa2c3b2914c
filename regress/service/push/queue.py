"""The queue on disk: a body is a file here from before it is sent until the server has it for good.

    .regress/push/<server>/url                   whom it is for
    .regress/push/<server>/<number>-<digest>     a body, packed with gzip; sent in the order of the numbers
    .regress/push/<server>/refused/...           what the server will never take, and why (.txt)

Every file is written whole under another name first, and reaches the disk before its name does: a crash
leaves it there or not, never half.
"""

from __future__ import annotations

import gzip
import hashlib
import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from filelock import FileLock, Timeout

from regress.errors import RegressError
from regress.service.push.pack import Body

_WIDTH = 12


class Queue:
    """What waits for one server. Several processes may add; one at a time sends."""

    def __init__(self, state: Path, url: str) -> None:
        self.url = url
        self.folder = state / "push" / hashlib.sha256(url.encode()).hexdigest()[:16]
        self.folder.mkdir(parents=True, exist_ok=True)
        self._lock = FileLock(self.folder / "lock")
        if not (self.folder / "url").exists():
            self._write("url", url.encode() + b"\n")

    def add(self, body: Body) -> bool:
        """Keep a body until it is sent; False where it waits already."""
        with self._lock:
            names = [path.name for path in self.waiting()]
            if any(name.endswith(body.digest) for name in names):
                return False
            number = int(names[-1][:_WIDTH]) + 1 if names else 1
            self._write(f"{number:0{_WIDTH}}-{body.digest}", gzip.compress(body.data, 6, mtime=0))
        return True

    def waiting(self) -> list[Path]:
        """The files that wait, in the order in which they came."""
        return sorted(path for path in self.folder.iterdir() if path.name[:_WIDTH].isdecimal())

    def done(self, path: Path) -> None:
        """Forget what the server has for good."""
        path.unlink(missing_ok=True)

    def refuse(self, path: Path, reason: str) -> Path:
        """Set aside what the server will never take; where it is now."""
        aside = self.folder / "refused"
        aside.mkdir(exist_ok=True)
        (aside / f"{path.name}.txt").write_text(reason + "\n", encoding="utf-8")
        return path.replace(aside / f"{path.name}.json.gz")

    @contextmanager
    def sending(self) -> Iterator[None]:
        """Be the one who sends; RegressError where another process does."""
        lock = FileLock(self.folder / "sending")
        try:
            lock.acquire(timeout=0)
        except Timeout:
            hint = "What you added waits in its queue; run this again when it is done."
            raise RegressError(f"another process sends to {self.url}", hint=hint) from None
        try:
            yield
        finally:
            lock.release()

    def _write(self, name: str, data: bytes) -> None:
        fresh = self.folder / f".{name}.{os.getpid()}"
        with fresh.open("wb") as file:
            file.write(data)
            file.flush()
            os.fsync(file.fileno())
        fresh.replace(self.folder / name)
        folder = os.open(self.folder, os.O_RDONLY)
        try:
            os.fsync(folder)
        finally:
            os.close(folder)
