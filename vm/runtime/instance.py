"""An instance: a module's index spaces filled with this store's objects, and operations on its segments."""

from __future__ import annotations

from vm.errors import Trap, TrapCode
from vm.memory.linear import LinearMemory
from vm.memory.native import Block
from vm.module.model import ModuleData
from vm.runtime.functions import Function
from vm.runtime.globals import Global
from vm.runtime.layout import ContextLayout
from vm.runtime.tables import Table
from vm.runtime.tags import Tag
from vm.typed import TYPE_CHECKING, Sequence

if TYPE_CHECKING:
    from vm.runtime.store import Store

Extern = Function | Table | LinearMemory | Global | Tag
"""What can be imported and exported."""


class Instance:
    """One instance. The lists are the index spaces (imports first); ``context`` is its native block.

    ``elements`` holds each element segment's references, emptied when dropped; ``data_dropped`` says the
    same of data segments, whose bytes stay in the module's binary.
    """

    def __init__(self, store: Store, module: ModuleData) -> None:
        self.store = store
        self.module = module
        self.layout = ContextLayout.of(module)
        self.context = Block(self.layout.size)
        self.handle = store.register_instance(self)
        self.functions: list[Function] = []
        self.tables: list[Table] = []
        self.memories: list[LinearMemory] = []
        self.globals: list[Global] = []
        self.tags: list[Tag] = []
        self.elements: list[list[int]] = []
        self.data_dropped = [False] * len(module.data)

    def export(self, name: str) -> Extern | None:
        """The object exported as ``name``, or None."""
        for export in self.module.exports:
            if export.name == name:
                return self.space(export.kind)[export.index]
        return None

    def exports(self) -> dict[str, Extern]:
        """All exports, in the module's order."""
        return {export.name: self.space(export.kind)[export.index] for export in self.module.exports}

    def space(self, kind: str) -> Sequence[Extern]:
        """The index space of an export kind: "func", "table", "memory", "global" or "tag"."""
        match kind:
            case "func":
                return self.functions
            case "table":
                return self.tables
            case "memory":
                return self.memories
            case "tag":
                return self.tags
            case _:
                return self.globals

    def memory_init(self, segment: int, memory: int, start: int, source_start: int, count: int) -> None:
        """``memory.init``: copy ``count`` bytes of a data segment into a memory."""
        self.memories[memory].write(start, self.data_bytes(segment, source_start, count))

    def data_bytes(self, segment: int, start: int, count: int) -> memoryview:
        """``count`` bytes of a data segment; traps when it does not have them."""
        data = self.module.data[segment]
        length = 0 if self.data_dropped[segment] else data.end - data.start
        if start + count > length:
            raise Trap(TrapCode.MEMORY_OUT_OF_BOUNDS)
        first = data.start + start
        return memoryview(self.module.binary)[first : first + count]

    def element_references(self, segment: int, start: int, count: int) -> list[int]:
        """``count`` references of an element segment; traps when it does not have them."""
        if start + count > len(self.elements[segment]):
            raise Trap(TrapCode.TABLE_OUT_OF_BOUNDS)
        return self.elements[segment][start : start + count]

    def data_drop(self, segment: int) -> None:
        """``data.drop``: the segment is empty from now on."""
        self.data_dropped[segment] = True

    def table_init(self, segment: int, table: int, start: int, source_start: int, count: int) -> None:
        """``table.init``: copy ``count`` references of an element segment into a table."""
        self.tables[table].init(start, self.elements[segment], source_start, count)

    def elem_drop(self, segment: int) -> None:
        """``elem.drop``: the segment is empty from now on."""
        self.elements[segment] = []
