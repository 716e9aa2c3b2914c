"""What is reachable: the collector's one loop in plain Python, for where native code is not to be had."""

from __future__ import annotations

import ctypes
import struct

from vm.gc.cage import LINE_SHIFT, Cage
from vm.gc.collector import Reached
from vm.gc.handles import Handles
from vm.gc.layout import ELEMENTS, LENGTH, MARK, REFERENCE_WIDTH, TYPE_MASK, ArrayLayout
from vm.gc.types import TypeTable
from vm.gc.words import HANDLE_SHIFT, I31_TAG, TAG_MASK
from vm.typed import Iterable, Sequence

_U32 = struct.Struct("<I")


class PythonTracer:
    """``vm.gc.collector.Tracer``. It finds damage: an object of a type that nobody defined is a KeyError."""

    def __init__(self, cage: Cage, types: TypeTable, handles: Handles) -> None:
        self._cage = cage
        self._layouts = types.layouts
        self._handles = handles

    def __call__(
        self, ranges: Iterable[tuple[int, int]], words: Sequence[int], colour: int, entered: bytes
    ) -> Reached:
        """Depth first, with a stack of its own."""
        stack = list(words)
        for address, count in ranges:
            stack.extend((ctypes.c_uint64 * count).from_address(address))
        reached, view, marks = Reached(), self._cage.view, self._handles.marks
        while stack:
            word = stack.pop()
            if word == 0 or word & I31_TAG:
                continue
            if word & TAG_MASK:
                if entered[marks[word >> HANDLE_SHIFT]]:
                    marks[word >> HANDLE_SHIFT] = colour
            elif entered[view[word + MARK]]:
                view[word + MARK] = colour
                size = self._push_children(word, stack)
                self._cage.take(word >> LINE_SHIFT, (word + size - 1 >> LINE_SHIFT) + 1)
                reached.objects += 1
                reached.bytes += size
        return reached

    def _push_children(self, word: int, stack: list[int]) -> int:
        """Push what an object refers to; returns its size."""
        view = self._cage.view
        layout = self._layouts[_U32.unpack_from(view, word)[0] & TYPE_MASK]
        if isinstance(layout, ArrayLayout):
            length: int = _U32.unpack_from(view, word + LENGTH)[0]
            if layout.traced:
                start = word + ELEMENTS
                stack.extend(view[start : start + REFERENCE_WIDTH * length].cast("I"))
            return layout.size(length)
        stack.extend(_U32.unpack_from(view, word + offset)[0] for offset in layout.traced)
        return layout.size
