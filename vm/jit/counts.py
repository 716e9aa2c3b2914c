"""What ran how often in a module: made by a run that counts, used when the module is compiled again.

A file is JSON, so that people and scripts can read it:

    {"format": "wasmvm profile 1", "module": digest of the binary,
     "calls": [[function, times entered], ...],
     "branches": [[offset, taken, not taken], ...],
     "targets": [[offset, calls, [[function, times], ...]], ...]}   of ``call_indirect`` and ``call_ref``

Offsets are those of instructions in the binary; a ``br_table`` has a count for each label, the default's
last. A file may come from anywhere: it is bounded, and checked against its module. Counts change how code is
laid out and what is inlined, never what it does: a function that is expected where a table is called is
compared with the one that is there.
"""

from __future__ import annotations

import bisect
import functools
import json
from collections.abc import Iterable, Mapping, Sequence
from functools import cached_property

from vm.digests import digest
from vm.errors import VMError
from vm.module.model import ModuleData
from vm.typed import Any

FORMAT = "wasmvm profile 1"

MOST_BYTES = 64 << 20
"""The largest file that is read: some two million branches."""

MOST_COUNT = (1 << 63) - 1
"""The largest count: a word's, with a sign."""

_MOST_CASES = 100_000
_MOST_TARGETS = 8

_HOT_SHARE = 0.99
"""Functions that make up so much of what was counted are hot. QuickJS runs in 0.50 of the time without
counts, and compiles in 3.4 times as long; 0.48 and 4.7 at 0.999, 0.50 and 2.5 at 0.9."""


class Counts:
    """Times that functions were entered (``calls``, by index), that branches went where (``branches``, by
    offset: taken, not taken; or by label), and whom indirect calls went to (``targets``, by offset: calls
    altogether, and the functions that came most often with at least how many of them).
    """

    def __init__(
        self,
        module: str,
        calls: Mapping[int, int],
        branches: Mapping[int, Sequence[int]],
        targets: Mapping[int, tuple[int, Sequence[tuple[int, int]]]],
    ) -> None:
        self.module = module
        self.calls = calls
        self.branches = branches
        self.targets = targets

    @cached_property
    def key(self) -> str:
        """What these counts are known by: code that is made with them is kept under it."""
        return digest(self.to_bytes()).hexdigest()[:32]

    def to_bytes(self) -> bytes:
        """The file."""
        parts = {
            "format": FORMAT,
            "module": self.module,
            "calls": [list(item) for item in sorted(self.calls.items())],
            "branches": [[at, *counts] for at, counts in sorted(self.branches.items())],
            "targets": [
                [at, total, [list(found) for found in most]]
                for at, (total, most) in sorted(self.targets.items())
            ],
        }
        return (json.dumps(parts, separators=(",", ":")) + "\n").encode()

    @cached_property
    def _calling(self) -> list[int]:
        return sorted(self.targets)

    def calling(self, start: int, end: int) -> list[int]:
        """Where in these bytes there are indirect calls that were counted."""
        places = self._calling
        return places[bisect.bisect_left(places, start) : bisect.bisect_left(places, end)]

    def hot(self, module: ModuleData) -> frozenset[int]:
        """The functions that nearly all of what was counted happened in."""
        if self._hot is None:
            self._hot = frozenset(_busiest(self._weights(module)))
        return self._hot

    _hot: frozenset[int] | None = None

    def _weights(self, module: ModuleData) -> dict[int, int]:
        """How much happened in each function: entries and branches."""
        weights = dict(self.calls)
        places = iter(sorted(self.branches.items()))
        place = next(places, None)
        for number, (_, end) in enumerate(module.bodies.extents):
            index = module.imported_functions + number
            while place is not None and place[0] < end:
                weights[index] = weights.get(index, 0) + sum(place[1])
                place = next(places, None)
        return weights


def _busiest(weights: Mapping[int, int]) -> Iterable[int]:
    left = _HOT_SHARE * sum(weights.values())
    for index, weight in sorted(weights.items(), key=lambda item: (-item[1], item[0])):
        if left <= 0 or not weight:
            return
        yield index
        left -= weight


def load(path: str, module: ModuleData) -> Counts:
    """The counts in a file, which must be the module's; VMError says what is wrong with it."""
    try:
        with open(path, "rb") as file:
            content = file.read(MOST_BYTES + 1)
    except OSError as error:
        raise VMError(f"{path}: {error.strerror}; the knob profile names a file of counts") from None
    try:
        return from_bytes(content, module)
    except VMError as error:
        raise VMError(f"{path}: {error}") from None


def from_bytes(content: bytes, module: ModuleData) -> Counts:
    """What ``Counts.to_bytes`` gave for this module; VMError for anything else."""
    if len(content) > MOST_BYTES:
        raise VMError(f"a profile has at most {MOST_BYTES >> 20} MiB: make it again")
    try:
        return _read(json.loads(content), module)
    except (AttributeError, KeyError, IndexError, TypeError, ValueError, RecursionError) as error:
        raise VMError(f"not a profile ({error}): make it with wasmvm run --profile-make") from None


def _read(parts: dict[str, Any], module: ModuleData) -> Counts:
    if parts["format"] != FORMAT:
        raise ValueError(f"its format is {parts['format']!r}, expected {FORMAT!r}")
    if parts["module"] != module.digest.hex():
        raise VMError("this profile is of another module, or of another build of it: make it again")
    functions = range(module.imported_functions, len(module.functions))
    places = range(module.bodies.extents[0][0], module.bodies.extents[-1][1]) if functions else range(0)
    within = functools.partial(_within, "function", functions)
    at = functools.partial(_within, "offset", places)
    calls = {within(index): _count(times) for index, times in parts["calls"]}
    branches = {at(place): _cases(counts) for place, *counts in parts["branches"]}
    targets = {}
    for place, total, most in parts["targets"]:
        if len(most) > _MOST_TARGETS:
            raise ValueError(f"{len(most)} targets of one call")
        targets[at(place)] = _count(total), [(within(index), _count(times)) for index, times in most]
    return Counts(parts["module"], calls, branches, targets)


def _cases(counts: Sequence[int]) -> list[int]:
    if not 2 <= len(counts) <= _MOST_CASES:
        raise ValueError(f"{len(counts)} directions of one branch")
    return [_count(count) for count in counts]


def _count(value: object) -> int:
    if type(value) is not int or not 0 <= value <= MOST_COUNT:
        raise ValueError(f"a count is {value!r}")
    return value


def _within(what: str, known: range, value: object) -> int:
    if type(value) is not int or value not in known:
        raise ValueError(f"{what} {value!r} is not the module's")
    return value
