"""Collections: what is alive is marked from the roots, the rest is free.

``collect`` takes everything as a root that a root range or Python holds. ``freeze`` tells the two apart, so
that Python's cycle collector can judge what only Python holds (``vm.gc.handles`` says why):

    1  trace from the root ranges: what they reach is rooted
    2  trace from the references that Python holds: what only they reach is left to Python
    3  for each such reference, trace once more among that, and give its anchor the cells it reaches

A mark is a colour, and each collection has three of its own, so that no mark has to be taken back.
"""

from __future__ import annotations

from vm.gc.handles import Cell, Handles
from vm.gc.references import References
from vm.records import Record
from vm.typed import Iterable, Protocol, Sequence

_COLOURS = 3
_LAST_COLOUR = 255

_EXACT_WORK = 1 << 20
"""Objects that step 3 visits at most. References that are left over count as roots: their cycles stay."""


class Reached(Record):
    """How much a trace found: objects and their bytes."""

    objects: int = 0
    bytes: int = 0


class Tracer(Protocol):
    """The collector's loop, in Python or native code."""

    def __call__(
        self, ranges: Iterable[tuple[int, int]], words: Sequence[int], colour: int, entered: bytes
    ) -> Reached:
        """Mark what is reachable from ``words`` and the native words of ``ranges`` with ``colour``.

        An object or handle is entered when ``entered[its mark]`` is not 0. The lines of objects that are
        entered are marked as used.
        """


class Statistics(Record):
    """What collections found; ``live_objects`` and ``live_bytes`` are the last one's."""

    collections: int = 0
    live_objects: int = 0
    live_bytes: int = 0


class Collector:
    """The steps; room for objects is reset and counted by the caller."""

    def __init__(self, handles: Handles, references: References, statistics: Statistics) -> None:
        self._handles = handles
        self._references = references
        self._statistics = statistics
        self._colour = 1

    def collect(self, trace: Tracer, ranges: Iterable[tuple[int, int]]) -> list[Cell]:
        """Mark all that is alive; returns the cells of handles that nobody refers to any more."""
        colours = self._next_colours()
        reached = trace(ranges, self._references.held(), colours.start, _all_but(colours))
        self._account(reached)
        return self._handles.sweep(colours)

    def freeze(self, trace: Tracer, ranges: Iterable[tuple[int, int]]) -> list[Cell]:
        """As ``collect``, and leave what only Python holds to Python, until the handles are thawed."""
        colours = self._next_colours()
        rooted, loose, tried = colours
        anchors = {word: self._references.anchor(word) for word in self._references.held()}
        roots = [word for word, anchor in anchors.items() if anchor is None]
        ours = [word for word, anchor in anchors.items() if anchor is not None]
        first = trace(ranges, roots, rooted, _all_but(colours))
        second = trace((), ours, loose, _all_but(colours))
        self._account(Reached(first.objects + second.objects, first.bytes + second.bytes))
        dead = self._handles.sweep(colours)
        work = 0
        for place, word in enumerate(ours):
            if work > _EXACT_WORK:
                trace((), ours[place:], rooted, _only(loose))
                break
            work += trace((), [word], tried, _only(loose)).objects
            anchor = anchors[word]
            assert anchor is not None
            anchor.reach = self._handles.cells(self._handles.marked(tried))
            trace((), [word], loose, _only(tried))
        self._handles.freeze(self._handles.marked(loose))
        return dead

    def _account(self, reached: Reached) -> None:
        self._statistics.collections += 1
        self._statistics.live_objects = reached.objects
        self._statistics.live_bytes = reached.bytes

    def _next_colours(self) -> range:
        """Colours that no live object has."""
        last = self._colour + 2 * _COLOURS > _LAST_COLOUR + 1
        self._colour = 1 if last else self._colour + _COLOURS
        return range(self._colour, self._colour + _COLOURS)


def _all_but(colours: range) -> bytes:
    return bytes(mark not in colours for mark in range(256))


def _only(colour: int) -> bytes:
    return bytes(mark == colour for mark in range(256))
