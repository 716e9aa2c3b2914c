"""What is reachable: the plain-Python form of the collector's one loop.

A mark is a colour, a number that changes with every collection, so that no mark has to be taken back.
"""

from __future__ import annotations

import struct
from collections.abc import Iterable
from dataclasses import dataclass

from vm.gc.cage import LINE_SHIFT, Cage
from vm.gc.handles import Handles
from vm.gc.layout import (
    ELEMENTS,
    LENGTH,
    MARK,
    REFERENCE_WIDTH,
    TYPE_MASK,
    ArrayLayout,
)
from vm.gc.types import TypeTable
from vm.gc.words import HANDLE_SHIFT, I31_TAG, TAG_MASK

_U32 = struct.Struct("<I")


@dataclass(slots=True)
class Reached:
    """How much a trace found: objects and their bytes."""

    objects: int = 0
    bytes: int = 0


def trace(
    cage: Cage, types: TypeTable, handles: Handles, roots: Iterable[int], colour: int, *, among: range
) -> Reached:
    """Give ``colour`` to everything reachable from ``roots``; lines of objects are in use.

    Objects and handles are entered when their mark is not in ``among``.
    """
    reached = Reached()
    view, stack = cage.view, list(roots)
    while stack:
        word = stack.pop()
        if word == 0 or word & I31_TAG:
            continue
        if word & TAG_MASK:
            if handles.marks[word >> HANDLE_SHIFT] not in among:
                handles.marks[word >> HANDLE_SHIFT] = colour
            continue
        if view[word + MARK] in among:
            continue
        view[word + MARK] = colour
        size = _push_children(view, types, word, stack)
        first, last = word >> LINE_SHIFT, (word + size - 1) >> LINE_SHIFT
        cage.take(first, last + 1)
        reached.objects += 1
        reached.bytes += size
    return reached


def _push_children(view: memoryview, types: TypeTable, word: int, stack: list[int]) -> int:
    """Push what an object refers to; returns its size."""
    layout = types.layouts[_U32.unpack_from(view, word)[0] & TYPE_MASK]
    if isinstance(layout, ArrayLayout):
        length = _U32.unpack_from(view, word + LENGTH)[0]
        if layout.traced:
            start = word + ELEMENTS
            stack.extend(view[start : start + REFERENCE_WIDTH * length].cast("I"))
        return layout.size(length)
    stack.extend(_U32.unpack_from(view, word + offset)[0] for offset in layout.traced)
    return layout.size
