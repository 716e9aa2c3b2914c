"""Memory: an instance's bytes (``vm.api.shared`` has those that several threads use)."""

from __future__ import annotations

import ctypes

from vm.api.caller import Storelike, inside, runtime_of
from vm.api.checks import check
from vm.api.types import MemoryType, wrap_type
from vm.errors import VMError
from vm.memory.linear import LinearMemory
from vm.typed import Any


class Memory:
    """A linear memory."""

    def __init__(self, store: Storelike, ty: MemoryType) -> None:
        self.raw = runtime_of(store).memory(check(ty, MemoryType, "ty").raw)

    @classmethod
    def of(cls, raw: LinearMemory) -> Memory:
        """The wrapper of a runtime memory."""
        self = cls.__new__(cls)
        self.raw = raw
        return self

    def type(self, store: Storelike) -> MemoryType:
        """Its limits as declared."""
        inside(store, self.raw)
        found: MemoryType = wrap_type(self.raw.type)
        return found

    def grow(self, store: Storelike, delta: int) -> int:
        """Add ``delta`` pages; returns the size before, VMError when there is no room."""
        inside(store, self.raw)
        if delta < 0:
            raise VMError("cannot grow by negative amount")
        before = self.raw.grow(delta)
        if before < 0:
            raise VMError(f"failed to grow memory by {delta}")
        return before

    def size(self, store: Storelike) -> int:
        """Pages."""
        inside(store, self.raw)
        return self.raw.size

    def page_size(self, store: Storelike) -> int:
        """Bytes of a page: 65,536, or 1."""
        return self.type(store).page_size

    def page_size_log2(self, store: Storelike) -> int:
        """The binary logarithm of ``page_size``."""
        return self.type(store).page_size_log2

    def data_len(self, store: Storelike) -> int:
        """Bytes."""
        inside(store, self.raw)
        return self.raw.length

    def data_ptr(self, store: Storelike) -> Any:
        """A pointer to the first byte; keep inside ``data_len``."""
        inside(store, self.raw)
        return ctypes.cast(self.raw.address, ctypes.POINTER(ctypes.c_ubyte))

    def get_buffer_ptr(self, store: Storelike, size: int | None = None, offset: int = 0) -> memoryview:
        """The bytes themselves, writable, from ``offset``; valid while held, even if memory grows."""
        inside(store, self.raw)
        return self.raw.view[offset:] if size is None else self.raw.view[offset : offset + size]

    def read(self, store: Storelike, start: int | None = 0, stop: int | None = None) -> bytearray:
        """A copy of ``[start:stop]``, with a slice's rules."""
        inside(store, self.raw)
        return bytearray(self.raw.view[start:stop])

    def write(self, store: Storelike, value: bytes | bytearray, start: int | None = None) -> int:
        """Copy ``value`` to ``start`` (0 by default, negative from the end); returns the bytes written."""
        inside(store, self.raw)
        size = len(self.raw.view)
        first = slice(start, size).indices(size)[0]
        if (start or 0) > size or first + len(value) > size:
            raise IndexError("index out of range")
        self.raw.view[first : first + len(value)] = value
        return len(value)

    def __buffer__(self, flags: int) -> memoryview:
        """``memoryview(memory)``, from Python 3.12 on; before, ``get_buffer_ptr`` gives the same."""
        return self.raw.view

    @property
    def __array_interface__(self) -> dict[str, object]:
        """``numpy.asarray(memory)``: the bytes of now, as an array that shares them and keeps them alive."""
        return {
            "version": 3,
            "shape": (len(self.raw.view),),
            "typestr": "|u1",
            "data": (self.raw.address, False),
        }
