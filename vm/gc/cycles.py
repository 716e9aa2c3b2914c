"""Python's cycle collector and the heaps: before it looks, what only Python holds is left to it.

A full collection of Python's (its oldest generation) freezes every heap that can be frozen now, and thaws
them when it is done. The heaps concerned are those that Python holds objects of, and that hold Python
objects: only these can be part of a cycle through both.
"""

from __future__ import annotations

import gc
import weakref

from vm.memory.native import WORD, Block
from vm.typed import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from vm.gc.heap import Heap

_FULL = 2

_heaps: weakref.WeakSet[Heap] = weakref.WeakSet()

LOOKING = Block(WORD)
"""Its word says whether a full collection of Python's is under way. Who runs WebAssembly then calls
``Heap.use`` first; it is in native memory, for native code looks, too."""


def watch(heap: Heap) -> None:
    """Let Python's cycle collector see through ``heap`` from now on."""
    if _around_collection not in gc.callbacks:
        gc.callbacks.append(_around_collection)
    _heaps.add(heap)


def _around_collection(phase: str, info: dict[str, Any]) -> None:
    if info["generation"] == _FULL:
        LOOKING.words[0] = phase == "start"
        for heap in list(_heaps):
            if phase == "start":
                heap.freeze()
            else:
                heap.thaw()
