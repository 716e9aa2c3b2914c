"""Which locals that hold references are still needed at a place in a body: those are the collector's roots.

The usual backward analysis, over structured code: one walk from the end to the start, with a set of locals
for each label. What a loop's start needs is not known before its body has been walked, so walks are repeated
until nothing changes; there are as many as loops are nested, and a bound.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from vm.isa.opcode import Immediate
from vm.module.instructions import read
from vm.module.model import Body, ModuleData

_WALKS = 8
_MOST_BITS = 50_000_000
"""Beyond so many walks, or locals times instructions, every local counts as needed everywhere."""

_ENDS = ("return", "unreachable", "throw", "throw_ref", "rethrow")
_OPENS = ("block", "loop", "if")
_UNKNOWN = ("try", "catch", "delegate")

Line = tuple[int, str, tuple[Any, ...], Immediate]


class Liveness:
    """For a body: ``after(offset)`` gives the locals needed behind the instruction that ends at ``offset``.

    ``traced`` are the locals that matter. Where control flow is of a kind that this analysis does not follow
    (exceptions), all of them are needed everywhere.
    """

    def __init__(self, module: ModuleData, body: Body, traced: Sequence[int]) -> None:
        self._bits = {index: 1 << place for place, index in enumerate(traced)}
        self._all = (1 << len(self._bits)) - 1
        self._needed: dict[int, int] | None = {}
        if self._bits:
            self._needed = self._analyse(_lines(module, body))

    def after(self, offset: int) -> list[int]:
        """The locals, in ascending order of their declaration."""
        if not self._bits:
            return []
        needed = self._all if self._needed is None else self._needed.get(offset, 0)
        return [index for index, bit in self._bits.items() if needed & bit]

    def _analyse(self, lines: list[Line]) -> dict[int, int] | None:
        if len(lines) * len(self._bits) > _MOST_BITS:
            return None
        if any(name.startswith(_UNKNOWN) for _, name, _, _ in lines):
            return None
        loops: dict[int, int] = {}
        for _ in range(_WALKS):
            needed, found = self._walk(lines, loops)
            if found == loops:
                return needed
            loops = found
        return None

    def _walk(self, lines: list[Line], loops: Mapping[int, int]) -> tuple[dict[int, int], dict[int, int]]:
        """One walk; ``loops`` are the needs of loops' starts as far as known, by offset; gives them anew.

        A label on the stack is the need at its target; of an ``if``, also that of its second arm.
        """
        needed: dict[int, int] = {}
        found: dict[int, int] = {}
        starts = _loop_starts(lines)
        labels: list[tuple[int, int]] = []
        live = 0
        for following, name, immediates, immediate in reversed(lines):
            needed[following] = live
            if name == "end":
                start = starts.get(following)
                target = live if start is None else loops.get(start, 0)
                labels.append((target, live))
            elif name == "else":
                labels[-1] = (labels[-1][0], live)
                live = labels[-1][0]
            elif name in _OPENS:
                target, other = labels.pop()
                if name == "loop":
                    found[following] = live
                elif name == "if":
                    live |= other
            elif immediate is Immediate.LABEL_TABLE:
                live = 0
                for depth in {*immediates[0], immediates[1]}:
                    live |= labels[-1 - depth][0]
            elif name == "br":
                live = labels[-1 - immediates[0]][0]
            elif name.startswith("br_"):
                live |= labels[-1 - _depth(immediates)][0]
            elif name.startswith(_ENDS) or name.startswith("return_"):
                live = 0
            elif name == "local.get":
                live |= self._bits.get(immediates[0], 0)
            elif name in ("local.set", "local.tee"):
                live &= ~self._bits.get(immediates[0], 0)
        return needed, found


def _lines(module: ModuleData, body: Body) -> list[Line]:
    """The instructions, each with the offset behind it."""
    at, lines = body.start, []
    while at < body.end:
        opcode, immediates, at = read(module.binary, at)
        lines.append((at, opcode.name, immediates, opcode.immediate))
    return lines


def _loop_starts(lines: list[Line]) -> dict[int, int]:
    """For each loop, by the offset behind its ``end``, the offset behind its ``loop``."""
    starts: dict[int, int] = {}
    opened: list[tuple[str, int]] = [("", 0)]
    for following, name, _, _ in lines:
        if name in _OPENS:
            opened.append((name, following))
        elif name == "end":
            kind, start = opened.pop()
            if kind == "loop":
                starts[following] = start
    return starts


def _depth(immediates: tuple[Any, ...]) -> int:
    """The label of a conditional branch: the first immediate of all of them."""
    depth: int = immediates[0]
    return depth
