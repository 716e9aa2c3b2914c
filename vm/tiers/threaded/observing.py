"""Code that is observed: as any threaded code, but it counts which way branches go, and whom indirect calls
go to. It has the same frames as other code of its function, so what runs goes over from one to the other at
any ``count``.

It is the same translation by another table: instructions that are counted have something in front of them,
and those with two ways something behind them, which is reached by one way alone.
"""

from __future__ import annotations

from collections.abc import Callable

from vm.isa.opcodes import OPCODES
from vm.memory.native import WORD
from vm.tiers.threaded.translate import Table, Translate, Translator
from vm.typed import Any

Address = Callable[[int], int]
"""Where the counters of the instruction at an offset of the binary lie."""


def observing(table: Table, address: Address) -> Table:
    """``table``, for code that counts."""
    opcodes = dict(table.opcodes)
    for opcode in OPCODES:
        watch = _WATCHES.get(opcode.name)
        if watch is not None:
            opcodes[opcode.code] = watch(opcodes[opcode.code], address)
    return table._replace(opcodes=opcodes)


def _two_ways(behind: int) -> Callable[[Translate, Address], Translate]:
    """Of an instruction that has its second way, the first counter's or the second's (``behind``), go on
    behind it: that one is counted there, and all are counted for the other one before.
    """

    def watch(translate: Translate, address: Address) -> Translate:
        def counting(t: Translator, immediates: tuple[Any, ...]) -> bool | None:
            counters = address(t.here)
            early, late = counters + WORD * (1 - behind), counters + WORD * behind
            t.emit(t.handlers["tally"], early)
            dead = translate(t, immediates)
            t.emit(t.handlers["tally instead"], early, late)
            return dead

        return counting

    return watch


def _case(translate: Translate, address: Address) -> Translate:
    def counting(t: Translator, immediates: tuple[Any, ...]) -> bool | None:
        index = t.pop()
        t.emit(t.handlers["tally case"], index | len(immediates[0]) << 32, address(t.here))
        t.push_at(index, 1)
        return translate(t, immediates)

    return counting


def _call_indirect(translate: Translate, address: Address) -> Translate:
    def counting(t: Translator, immediates: tuple[Any, ...]) -> bool | None:
        index = t.pop()
        table = t.layout.table_pointer(immediates[1])
        t.emit(t.handlers["tally element"], index | table << 32, address(t.here))
        t.push_at(index, 1)
        return translate(t, immediates)

    return counting


def _call_ref(translate: Translate, address: Address) -> Translate:
    def counting(t: Translator, immediates: tuple[Any, ...]) -> bool | None:
        reference = t.pop()
        t.emit(t.handlers["tally reference"], reference, address(t.here))
        t.push_at(reference, 1)
        return translate(t, immediates)

    return counting


_WATCHES: dict[str, Callable[[Translate, Address], Translate]] = {
    "if": _two_ways(0),
    **dict.fromkeys(("br_if", "br_on_null", "br_on_non_null", "br_on_cast", "br_on_cast_fail"), _two_ways(1)),
    "br_table": _case,
    "call_indirect": _call_indirect,
    "call_ref": _call_ref,
}
"""By instruction name: what makes its translation one that counts."""
