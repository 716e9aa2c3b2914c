"""SharedMemory: a memory that belongs to an engine, for instances in several stores and threads."""

from __future__ import annotations

import ctypes

from vm.api.checks import check
from vm.api.engine import Engine
from vm.api.managed import Managed
from vm.api.types import MemoryType, wrap_type
from vm.errors import VMError
from vm.isa.types import PAGE_SIZE
from vm.memory.bounds import guarded
from vm.memory.linear import LinearMemory
from vm.typed import Any


class SharedMemory(Managed):
    """A shared memory. Give the same one to instances in different stores, each run by a thread of its own.

    All methods can be called from any thread; bytes that several threads touch without atomic instructions
    have whatever value one of them wrote.
    """

    def __init__(self, engine: Engine, ty: MemoryType) -> None:
        config = check(engine, Engine, "engine").config
        type = check(ty, MemoryType, "ty").raw
        if not type.shared:
            raise VMError("ty: a shared memory was expected, use MemoryType(limits, shared=True)")
        if type.limits.maximum is None:
            raise VMError("ty: shared memory must have maximum")
        self.raw = LinearMemory(
            type, max_bytes=config.max_memory_pages * PAGE_SIZE, guarded=guarded(type, config.memory_guard)
        )

    @classmethod
    def of(cls, raw: LinearMemory) -> SharedMemory:
        """The wrapper of a runtime memory."""
        self = cls.__new__(cls)
        self.raw = raw
        return self

    def type(self) -> MemoryType:
        """Its limits as declared."""
        found: MemoryType = wrap_type(self.raw.type)
        return found

    def grow(self, delta: int) -> int:
        """Add ``delta`` pages, for all who share it: the size before, or VMError when there is no room."""
        if delta < 0:
            raise VMError("cannot grow by negative amount")
        before = self.raw.grow(delta)
        if before < 0:
            raise VMError(f"failed to grow memory by {delta}")
        return before

    def size(self) -> int:
        """Pages."""
        return self.raw.size

    def data_len(self) -> int:
        """Bytes."""
        return self.raw.length

    def data_ptr(self) -> Any:
        """A pointer to the first byte; keep inside ``data_len``."""
        return ctypes.cast(self.raw.address, ctypes.POINTER(ctypes.c_ubyte))

    def __eq__(self, other: object) -> bool:
        return isinstance(other, SharedMemory) and other.raw is self.raw

    def __hash__(self) -> int:
        return hash(id(self.raw))

    def __buffer__(self, flags: int) -> memoryview:
        """``memoryview(memory)``, from Python 3.12 on."""
        return self.raw.view

    @property
    def __array_interface__(self) -> dict[str, object]:
        """``numpy.asarray(memory)``: the bytes of now, as an array that shares them and keeps them alive."""
        return {"version": 3, "shape": (self.raw.length,), "typestr": "|u1", "data": self.raw.view}
