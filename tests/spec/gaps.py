"""The list of known gaps, ``gaps.toml``: what of the official suite does not pass yet, and why.

The list is strict: whatever it names must fail, or the run does. Entries are whole files (as patterns,
grouped by the proposal they belong to) or lines of a file that otherwise passes.
"""

from __future__ import annotations

import fnmatch
import tomllib
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

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
    """The list; asked once per file and tier."""

    def __init__(self, path: Path = LIST) -> None:
        listed = tomllib.loads(path.read_text())
        self._groups: list[dict[str, Any]] = listed.get("group", [])
        self._partial: list[dict[str, Any]] = listed.get("partial", [])

    def of(self, file: str, tier: str) -> Gap:
        """What is listed for a file, by its path below the suite; a file may be listed once per reason."""
        found = NONE
        for entry in self._partial:
            if entry["file"] == file and _concerns(entry, tier):
                found = Gap(entry["reason"], False, found.ranges + _ranges(entry["lines"]))
        if found is not NONE:
            return found
        for group in self._groups:
            if _concerns(group, tier) and any(fnmatch.fnmatchcase(file, name) for name in group["files"]):
                return Gap(group["reason"], True)
        return NONE

    def unused(self, files: list[str]) -> list[str]:
        """Patterns and names that match none of the suite's files."""
        names = [name for group in self._groups for name in group["files"]]
        names += [entry["file"] for entry in self._partial]
        return [name for name in names if not any(fnmatch.fnmatchcase(file, name) for file in files)]


def _concerns(entry: dict[str, Any], tier: str) -> bool:
    return tier in entry.get("tiers", (tier,))


def _ranges(text: str) -> tuple[tuple[int, int], ...]:
    """ "3, 10-12" as ((3, 3), (10, 12))."""
    ranges = []
    for part in text.split(","):
        first, _, last = part.strip().partition("-")
        ranges.append((int(first), int(last or first)))
    return tuple(ranges)
