"""Which locals that hold references are still needed at a place in a body: those are the collector's roots.

The usual backward analysis, over structured code: one walk from the end to the start, with a set of locals
for each label. Control may go from anywhere in a ``try_table`` to its clauses' labels, so that what is needed
there is needed everywhere in it. What a loop's start needs is not known before its body has been walked, so
walks are repeated until nothing changes; there are as many as loops are nested, and a bound.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence

from vm.isa.opcode import Immediate
from vm.module.instructions import read
from vm.module.model import Body, ModuleData
from vm.typed import Any

_WALKS = 8
_MOST_BITS = 50_000_000
"""Beyond so many walks, or locals times instructions, every local counts as needed everywhere."""

_ENDS = ("return", "unreachable", "throw", "throw_ref", "rethrow")
_OPENS = ("block", "loop", "if", "try_table")
_UNKNOWN = frozenset({"try", "catch", "catch_all", "delegate"})

Line = tuple[int, str, tuple[Any, ...], Immediate]


class Liveness:
    """For a body: ``after(offset)`` gives the locals needed behind the instruction that ends at ``offset``.

    ``traced`` are the locals that matter. Where control flow is of a kind that this analysis does not follow
    (exceptions in their legacy form), all of them are needed everywhere.
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
        if any(name in _UNKNOWN for _, name, _, _ in lines):
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
        starts, clauses = _loop_starts(lines), _clauses(lines)
        labels: list[tuple[int, int]] = []
        caught = [0]
        live = 0
        for following, name, immediates, immediate in reversed(lines):
            needed[following] = live
            if name == "end":
                start = starts.get(following)
                target = live if start is None else loops.get(start, 0)
                if following in clauses:
                    handled = caught[-1]
                    for depth in clauses[following]:
                        handled |= labels[-1 - depth][0]
                    caught.append(handled)
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
                elif name == "try_table":
                    caught.pop()
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
            live |= caught[-1]
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
    return {end: start for end, (start, name, _) in _blocks(lines) if name == "loop"}


def _clauses(lines: list[Line]) -> dict[int, list[int]]:
    """For each ``try_table``, by the offset behind its ``end``, its clauses' labels as seen from outside."""
    found = {}
    for end, (_, name, immediates) in _blocks(lines):
        if name == "try_table":
            found[end] = [clause.depth for clause in immediates[1]]
    return found


def _blocks(lines: list[Line]) -> Iterator[tuple[int, tuple[int, str, tuple[Any, ...]]]]:
    """The offset behind each block's ``end``; with the offset behind its start, its name and immediates."""
    opened: list[tuple[int, str, tuple[Any, ...]]] = [(0, "", ())]
    for following, name, immediates, _ in lines:
        if name in _OPENS:
            opened.append((following, name, immediates))
        elif name == "end":
            yield following, opened.pop()


def _depth(immediates: tuple[Any, ...]) -> int:
    """The label of a conditional branch: the first immediate of all of them."""
    depth: int = immediates[0]
    return depth
