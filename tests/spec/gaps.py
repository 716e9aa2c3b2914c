"""The list of known gaps, ``gaps.toml``: what of the official suite does not pass yet, and why.

The list is strict: whatever it names must fail, or the run does. Entries are whole files (as patterns,
grouped by the proposal they belong to) or lines of a file that otherwise passes.
"""

from __future__ import annotations

import fnmatch
import tomllib
from dataclasses import dataclass, field
from pathlib import Path

LIST = Path(__file__).with_name("gaps.toml")


@dataclass(frozen=True, slots=True)
class Gap:
    """What is known to fail in one file. ``whole`` says all of it; else ``ranges`` of lines, inclusive."""

    reason: str = ""
    whole: bool = False
    ranges: tuple[tuple[int, int], ...] = field(default=())

    def covers(self, line: int) -> bool:
        """Whether the command on ``line`` is listed."""
        return any(first <= line <= last for first, last in self.ranges)


NONE = Gap()


class Gaps:
    """The list; asked once per file."""

    def __init__(self, path: Path = LIST) -> None:
        listed = tomllib.loads(path.read_text())
        self._groups = [(pattern, group["reason"]) for group in listed["group"] for pattern in group["files"]]
        self._partial: dict[str, Gap] = {}
        for entry in listed["partial"]:  # a file may be listed once per reason
            before = self._partial.get(entry["file"], NONE)
            ranges = before.ranges + _ranges(entry["lines"])
            self._partial[entry["file"]] = Gap(entry["reason"], False, ranges)

    def of(self, file: str) -> Gap:
        """What is listed for a file, by its path below the suite."""
        if file in self._partial:
            return self._partial[file]
        for pattern, reason in self._groups:
            if fnmatch.fnmatchcase(file, pattern):
                return Gap(reason, True)
        return NONE

    def unused(self, files: list[str]) -> list[str]:
        """Patterns and names that match none of the suite's files."""
        names = [*(pattern for pattern, _ in self._groups), *self._partial]
        return [name for name in names if not any(fnmatch.fnmatchcase(file, name) for file in files)]


def _ranges(text: str) -> tuple[tuple[int, int], ...]:
    """ "3, 10-12" as ((3, 3), (10, 12))."""
    ranges = []
    for part in text.split(","):
        first, _, last = part.strip().partition("-")
        ranges.append((int(first), int(last or first)))
    return tuple(ranges)
