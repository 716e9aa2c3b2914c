"""Vector loads and stores (spec 4.4.7)."""

from __future__ import annotations

from vm.isa.emit import MEMORY_TAG, Builder, Emit, Meanings
from vm.isa.vectors.shapes import EXTENSIONS, I8X16, I16X8, I32X4, I64X2, INTEGERS, V128, Shape, cast, splat

MEMORY_MEANINGS = Meanings()
"""Meaning by instruction name."""

_define = MEMORY_MEANINGS.define


Place = tuple[int, int]
"""What a memarg says beside the alignment: the offset, and which memory."""


def _read(b: Builder, type_: str, index: str, place: Place, width: int) -> str:
    pointer = b.address(index, place[0], width, place[1])
    return b.value(f"load {b.access}{type_}, ptr {pointer}, align 1{MEMORY_TAG}")


def _write(b: Builder, type_: str, value: str, index: str, place: Place, width: int) -> str:
    pointer = b.address(index, place[0], width, place[1])
    b.effect(f"store {b.access}{type_} {value}, ptr {pointer}, align 1{MEMORY_TAG}")
    return ""


def _load_extended(narrow: Shape, wide: Shape, extension: str) -> Emit:
    half = f"<{wide.lanes} x {narrow.lane}>"

    def emit(b: Builder, index: str, offset: int, memory: int) -> str:
        loaded = _read(b, half, index, (offset, memory), 8)
        return cast(b, wide.type, b.value(f"{extension} {half} {loaded} to {wide.type}"), V128)

    return emit


def _load_splat(shape: Shape) -> Emit:
    def emit(b: Builder, index: str, offset: int, memory: int) -> str:
        loaded = _read(b, shape.lane, index, (offset, memory), shape.bits // 8)
        return cast(b, shape.type, splat(b, shape, loaded), V128)

    return emit


def _load_zero(shape: Shape) -> Emit:
    def emit(b: Builder, index: str, offset: int, memory: int) -> str:
        loaded = _read(b, shape.lane, index, (offset, memory), shape.bits // 8)
        vector = b.value(f"insertelement {shape.type} zeroinitializer, {shape.lane} {loaded}, i32 0")
        return cast(b, shape.type, vector, V128)

    return emit


def _load_lane(shape: Shape) -> Emit:
    def emit(b: Builder, index: str, x: str, offset: int, memory: int, lane: int) -> str:
        loaded = _read(b, shape.lane, index, (offset, memory), shape.bits // 8)
        x = cast(b, V128, x, shape.type)
        vector = b.value(f"insertelement {shape.type} {x}, {shape.lane} {loaded}, i32 {lane}")
        return cast(b, shape.type, vector, V128)

    return emit


def _store_lane(shape: Shape) -> Emit:
    def emit(b: Builder, index: str, x: str, offset: int, memory: int, lane: int) -> str:
        value = b.value(f"extractelement {shape.type} {cast(b, V128, x, shape.type)}, i32 {lane}")
        return _write(b, shape.lane, value, index, (offset, memory), shape.bits // 8)

    return emit


def _define_memory() -> None:
    _define("v128.load", lambda b, index, *place: _read(b, V128, index, place, 16))
    _define("v128.store", lambda b, index, x, *place: _write(b, V128, x, index, place, 16))
    for narrow, wide in ((I8X16, I16X8), (I16X8, I32X4), (I32X4, I64X2)):
        for sign, extension in EXTENSIONS.items():
            name = f"v128.load{narrow.bits}x{wide.lanes}_{sign}"
            _define(name, _load_extended(narrow, wide, extension))
    for shape in INTEGERS:
        _define(f"v128.load{shape.bits}_splat", _load_splat(shape))
        _define(f"v128.load{shape.bits}_lane", _load_lane(shape))
        _define(f"v128.store{shape.bits}_lane", _store_lane(shape))
    for shape in (I32X4, I64X2):
        _define(f"v128.load{shape.bits}_zero", _load_zero(shape))


_define_memory()
