"""Which values of a call between compiled functions find a register (``vm.tiers.llvm.abi``)."""

from __future__ import annotations

from vm.isa.types import DefType, FuncType, ValType, ValueType
from vm.runtime.words import offsets
from vm.typed import Iterator, Sequence

_INTEGERS, _OTHERS = 5, 8
"""Registers for arguments behind the context (System V ABI for AMD64, 3.2.3): rsi to r9, xmm0 to xmm7."""

_INTEGER_RESULTS, _OTHER_RESULTS = 3, 2
"""Registers for results: rax, rdx, rcx, as LLVM goes beyond the ABI; xmm0, xmm1."""

_IN_OTHERS = frozenset({ValType.F32, ValType.F64, ValType.V128})


def parameters_in_registers(type: FuncType) -> Iterator[int]:
    """The parameters that find a register, by number."""
    return _first(type.params, _INTEGERS, _OTHERS)


def results_are_passed(type: FuncType) -> bool:
    """Whether there are more results than registers for them: then all are handed over in words."""
    return len(list(_first(type.results, _INTEGER_RESULTS, _OTHER_RESULTS))) < len(type.results)


def _first(types: Sequence[ValueType], integers: int, others: int) -> Iterator[int]:
    for i, type in enumerate(types):
        if type in _IN_OTHERS:
            others -= 1
            if others >= 0:
                yield i
        else:
            integers -= 1
            if integers >= 0:
                yield i


def passed_words(type: FuncType) -> int:
    """How many words a call of this type may pass."""
    found = set(parameters_in_registers(type))
    passed = [param for i, param in enumerate(type.params) if i not in found]
    results = offsets(type.results)[-1] if results_are_passed(type) else 0
    return max(offsets(passed)[-1], results)


def most_passed(types: Sequence[DefType]) -> int:
    """The most words that functions of these types are passed, or pass back, beside registers."""
    signatures = [type.composite for type in types]
    return max((passed_words(type) for type in signatures if isinstance(type, FuncType)), default=0)
