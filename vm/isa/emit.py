"""What an instruction's meaning is made of: functions that write LLVM IR text through a builder."""

from __future__ import annotations

from vm.errors import TrapCode
from vm.isa.types import ValType, ValueType
from vm.records import Record
from vm.typed import Callable, Protocol


class Builder(Protocol):
    """What an emitter may ask of the tier it writes for.

    ``access`` stands between "load" or "store" and the type of each access to memory: "volatile " where some
    access of the module may trap by itself (guard pages), so that none is dropped or moved over another, and
    "" where checks trap.
    """

    access: str

    def value(self, text: str) -> str:
        """Append an instruction that has a result; returns the result's SSA name."""

    def effect(self, text: str) -> None:
        """Append an instruction without a result."""

    def trap_if(self, condition: str, code: TrapCode) -> None:
        """Trap when ``condition`` (i1) holds; what follows runs only when it does not."""

    def aligned(self, index: str, offset: int, width: int, memory: int) -> None:
        """Trap unless ``index`` plus ``offset`` is a multiple of ``width``, a power of two."""

    def address(self, index: str, offset: int, width: int, memory: int) -> str:
        """A pointer to ``width`` bytes at ``index`` plus ``offset`` in memory number ``memory``, or a trap.

        ``index`` is an i32 or i64 as that memory's addresses are.
        """


Emit = Callable[..., str]


class Semantics(Record, frozen=True):
    """One instruction's meaning: ``emit(builder, *operands, *immediates)``, without a memarg's alignment.

    ``condition``: the result is an i1 that stands for an i32 of 0 or 1. Two results, which only arithmetic on
    128 bits has, are one i128 with the first in its low half.
    """

    emit: Emit
    condition: bool = False


class Meanings(dict[str, Semantics]):
    """Meanings by instruction name."""

    def define(self, name: str, emit: Emit, *, condition: bool = False) -> None:
        """Enter one."""
        self[name] = Semantics(emit, condition)


class TracedType(str):
    """The IR type of references that the collector must know of: a type as any other, that can be told."""

    __slots__ = ()


TRACED = TracedType("i64")


class _LLVMTypes(dict[ValueType, str]):
    """References of all types are words."""

    def __missing__(self, type: ValueType) -> str:
        return TRACED if type.is_ref and type.in_heap else "i64"


LLVM_TYPES = _LLVMTypes(
    {
        ValType.I32: "i32",
        ValType.I64: "i64",
        ValType.F32: "float",
        ValType.F64: "double",
        ValType.V128: "<16 x i8>",
    }
)
"""How a value of each type is held in an SSA register."""

SELDOM = ", !prof !4"
"""Metadata on branches and selects whose condition hardly ever holds; number 4 in every module."""

MEMORY_TAG = ", !tbaa !0"
"""Metadata on each access to linear memory: it never aliases the engine's own records."""
