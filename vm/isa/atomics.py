"""What each atomic access means, once, as functions that emit LLVM IR text (see ``vm.isa.semantics``).

Every access is sequentially consistent, as the threads proposal says, and traps when its address is no
multiple of its width. ``memory.atomic.wait`` and ``notify`` are the runtime's (``vm.memory.waiting``).
"""

from __future__ import annotations

from vm.isa.atomic_opcodes import RMW_OPERATIONS, WIDTHS
from vm.isa.emit import Builder, Emit, Meanings

ATOMIC_SEMANTICS = Meanings()
"""Meaning by instruction name."""

_define = ATOMIC_SEMANTICS.define


def _narrow(b: Builder, type: str, memory_type: str, value: str) -> str:
    return value if type == memory_type else b.value(f"trunc {type} {value} to {memory_type}")


def _widen(b: Builder, type: str, memory_type: str, value: str) -> str:
    return value if type == memory_type else b.value(f"zext {memory_type} {value} to {type}")


def _pointer(b: Builder, index: str, offset: int, memory: int, width: int) -> str:
    b.aligned(index, offset, width, memory)
    return b.address(index, offset, width, memory)


def _load(type: str, memory_type: str, width: int) -> Emit:
    def emit(b: Builder, index: str, offset: int, memory: int) -> str:
        pointer = _pointer(b, index, offset, memory, width)
        loaded = b.value(f"load atomic {b.access}{memory_type}, ptr {pointer} seq_cst, align {width}")
        return _widen(b, type, memory_type, loaded)

    return emit


def _store(type: str, memory_type: str, width: int) -> Emit:
    def emit(b: Builder, index: str, value: str, offset: int, memory: int) -> str:
        pointer = _pointer(b, index, offset, memory, width)
        value = _narrow(b, type, memory_type, value)
        b.effect(f"store atomic {b.access}{memory_type} {value}, ptr {pointer} seq_cst, align {width}")
        return ""

    return emit


def _modify(operation: str, type: str, memory_type: str, width: int) -> Emit:
    def emit(b: Builder, index: str, value: str, offset: int, memory: int) -> str:
        pointer = _pointer(b, index, offset, memory, width)
        operand = f"{memory_type} {_narrow(b, type, memory_type, value)}"
        before = b.value(f"atomicrmw {b.access}{operation} ptr {pointer}, {operand} seq_cst, align {width}")
        return _widen(b, type, memory_type, before)

    return emit


def _exchange_if(type: str, memory_type: str, width: int) -> Emit:
    """``cmpxchg``; the narrow forms wrap what they expect."""

    def emit(b: Builder, index: str, expected: str, replacement: str, offset: int, memory: int) -> str:
        pointer = _pointer(b, index, offset, memory, width)
        old = f"{memory_type} {_narrow(b, type, memory_type, expected)}"
        new = f"{memory_type} {_narrow(b, type, memory_type, replacement)}"
        pair = b.value(f"cmpxchg {b.access}ptr {pointer}, {old}, {new} seq_cst seq_cst, align {width}")
        return _widen(b, type, memory_type, b.value(f"extractvalue {{ {memory_type}, i1 }} {pair}, 0"))

    return emit


def _define_atomics() -> None:
    for type, width in WIDTHS:
        memory_type = f"i{8 * width}"
        bits, unsigned = ("", "") if memory_type == type else (str(8 * width), "_u")
        _define(f"{type}.atomic.load{bits}{unsigned}", _load(type, memory_type, width))
        _define(f"{type}.atomic.store{bits}", _store(type, memory_type, width))
        for operation in RMW_OPERATIONS:
            name = f"{type}.atomic.rmw{bits}.{operation}{unsigned}"
            if operation == "cmpxchg":
                _define(name, _exchange_if(type, memory_type, width))
            else:
                _define(name, _modify(operation, type, memory_type, width))


def _fence(b: Builder) -> str:
    b.effect("fence seq_cst")
    return ""


_define_atomics()
_define("atomic.fence", _fence)
