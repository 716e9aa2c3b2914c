"""Handlers of what code that is observed counts: where branches go, and whom indirect calls go to.

Each has the address of its counter as a word (``vm.native.tallying`` says where counters lie).
"""

from __future__ import annotations

from vm.errors import TrapCode
from vm.isa.types import ValType
from vm.tiers.threaded.moves import Write, element
from vm.tiers.threaded.text import HandlerText, size


def _counter(b: HandlerText, offset: int) -> str:
    return b.value(f"inttoptr i64 {b.word(offset)} to ptr")


def _add(b: HandlerText, counter: str, amount: int) -> None:
    before = b.load("i64", counter)
    b.effect(f"store i64 {b.value(f'add i64 {before}, {amount}')}, ptr {counter}")


def _tally(b: HandlerText) -> None:
    """Word: the counter."""
    _add(b, _counter(b, size(0)), 1)
    b.next(size(0, 1))


def _tally_instead(b: HandlerText) -> None:
    """Words: what was counted before, too early; what it is instead."""
    _add(b, _counter(b, size(0)), -1)
    _add(b, _counter(b, size(0, 1)), 1)
    b.next(size(0, 2))


def _tally_case(b: HandlerText) -> None:
    """Fields: slot of an index, number of labels; word: the first label's counter."""
    wide, last = b.value(f"zext i32 {b.read(0, ValType.I32)} to i64"), b.field(1)
    beyond = b.value(f"icmp ugt i64 {wide}, {last}")
    chosen = b.value(f"select i1 {beyond}, i64 {last}, i64 {wide}")
    _add(b, b.value(f"getelementptr i64, ptr {_counter(b, size(2))}, i64 {chosen}"), 1)
    b.next(size(2, 1))


def _count_target(b: HandlerText, record: str) -> None:
    context = b.value("ptrtoint ptr %ctx to i64")
    apart = b.value(f"sub i64 {record}, {context}")
    b.effect(f"call void @count_target(ptr {_counter(b, size(2))}, i64 {apart})")
    b.next(size(2, 1))


def _tally_element(b: HandlerText) -> None:
    """Fields: index, table, as of ``call_indirect``, which traps alike; word: the call's counters."""
    _count_target(b, b.load("i64", element(b, 0, 1, TrapCode.UNDEFINED_ELEMENT)))


def _tally_reference(b: HandlerText) -> None:
    """Fields: slot of a reference to a function, nothing; word: the call's counters."""
    _count_target(b, b.read(0, ValType.I64))


HANDLERS: dict[str, Write] = {
    "tally": _tally,
    "tally instead": _tally_instead,
    "tally case": _tally_case,
    "tally element": _tally_element,
    "tally reference": _tally_reference,
}
"""How each is written, by name."""
