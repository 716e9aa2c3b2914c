"""What libraries made by emscripten and wasm-bindgen ask of their host: small, honest parts of it."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any

from tests.programs.lab import Guest, Host, Lab

PAGE = 65_536


class Emscripten:
    """Imports that need the instance: give ``hosts`` to ``Lab.library``, then set ``guest``."""

    def __init__(self) -> None:
        self.guest: Guest | None = None

    def _there(self) -> Guest:
        assert self.guest is not None
        return self.guest

    def copy(self, target: int, source: int, size: int) -> int:
        """``emscripten_memcpy_big``."""
        guest = self._there()
        guest.write(target, guest.read(source, size & 0xFFFFFFFF))
        return target

    def grow(self, wanted: int) -> int:
        """``emscripten_resize_heap``: 1 when memory has grown."""
        guest = self._there()
        wanted &= 0xFFFFFFFF
        missing = -(-wanted // PAGE) - guest.memory.size(guest.store)
        return int(missing <= 0 or guest.memory.grow(guest.store, missing) >= 0)


def emscripten(
    lab: Lab,
    *,
    copy: str = "",
    grow: str = "",
    start: str | Sequence[str] = (),
    names: Mapping[str, str] | None = None,
    hosts: Mapping[str, Host] | None = None,
    memory: tuple[str, int, int] | None = None,
    wasi: bool = False,
) -> Guest:
    """An emscripten library.

    ``copy`` and ``grow`` name the imports of these, ``start`` the exports to call first, ``memory``
    an imported memory with its limits in pages.
    """
    host = Emscripten()
    given: dict[str, Host] = dict(hosts or {})
    if copy:
        given[copy] = host.copy
    if grow:
        given[grow] = host.grow

    def externs(store: Any) -> dict[str, Any]:
        if memory is None:
            return {}
        name, minimum, maximum = memory
        limits = lab.api.Limits(minimum, maximum)
        return {name: lab.api.Memory(store, lab.api.MemoryType(limits))}

    host.guest = guest = lab.library(given, names=names, externs=externs, wasi=wasi)
    for name in [start] if isinstance(start, str) else start:
        guest.export(name)(guest.store)
    return guest


def put(guest: Guest, data: bytes, allocate: Callable[..., int]) -> int:
    """Bytes in memory that the library's allocator gave."""
    at = allocate(max(len(data), 1)) & 0xFFFFFFFF
    guest.write(at, data)
    return at


def through(guest: Guest, name: str, data: bytes, *more: Any) -> bytes:
    """A wasm-bindgen function from bytes to bytes, with its return area on the shadow stack."""
    area = guest.__wbindgen_add_to_stack_pointer(-16) & 0xFFFFFFFF
    at = put(guest, data, guest.__wbindgen_malloc)
    getattr(guest, name)(area, at, len(data), *more)
    found, size = guest.u32(area), guest.u32(area + 4)
    result = guest.read(found, size)
    guest.__wbindgen_free(found, size)
    guest.__wbindgen_add_to_stack_pointer(16)
    return result
