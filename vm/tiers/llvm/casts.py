"""Translation of tests of types: by tag bits, the number of an object's type, or its supertypes' display.

A type's depth is known when code is made, so whether an object's type is below it takes two loads and two
comparisons, however deep the types (Cohen, "Type-Extension Type Tests Can Be Performed In Constant Time",
1991).
"""

from __future__ import annotations

from vm.errors import TrapCode
from vm.gc.layout import TYPE_MASK
from vm.gc.record import TYPES
from vm.gc.types import ENTRY_DEPTH, ENTRY_DISPLAY, ENTRY_KIND, ENTRY_SIZE, Kind
from vm.gc.words import HANDLE_TAG, I31_TAG, TAG_MASK
from vm.isa.matching import top_of
from vm.isa.types import DefType, Heap, RefType
from vm.runtime.layout import RECORD_TYPE
from vm.tiers.llvm.control import branch_if
from vm.tiers.llvm.objects import heap_field, inside
from vm.tiers.llvm.text import FIXED, HEADERS
from vm.tiers.llvm.translate import Handler, Translator
from vm.typed import Any

_KINDS = {Heap.STRUCT: Kind.STRUCT, Heap.ARRAY: Kind.ARRAY}


def fits(t: Translator, word: str, type: RefType) -> str:
    """An i1: whether the reference ``word`` is of ``type``, whose hierarchy it is known to belong to."""
    if type.heap is top_of(type.heap):
        return "true" if type.nullable else t.value(f"icmp ne i64 {word}, 0")
    slot, ask, done = t.slot("i1"), t.label("test"), t.label("tested")
    t.effect(f"store i1 {'true' if type.nullable else 'false'}, ptr {slot}")
    t.effect(f"br i1 {t.value(f'icmp eq i64 {word}, 0')}, label %{done}, label %{ask}")
    t.block(ask)
    t.effect(f"store i1 {_fits(t, word, type.heap)}, ptr {slot}")
    t.effect(f"br label %{done}")
    t.block(done)
    return t.value(f"load i1, ptr {slot}")


def _fits(t: Translator, word: str, heap: Heap | DefType | int) -> str:
    """The same for a reference that is not null, and a type that is not on top."""
    if heap is Heap.I31:
        return t.value(f"icmp ne i64 {t.value(f'and i64 {word}, {I31_TAG}')}, 0")
    if heap is Heap.EQ:
        return t.value(f"icmp ne i64 {t.value(f'and i64 {word}, {TAG_MASK}')}, {HANDLE_TAG}")
    if isinstance(heap, DefType) and heap.kind is Heap.FUNC:
        pointer = t.value(f"inttoptr i64 {word} to ptr")
        field = t.value(f"getelementptr i8, ptr {pointer}, i64 {RECORD_TYPE}")
        return extends(t, t.value(f"load i64, ptr {field}{FIXED}"), heap)
    if isinstance(heap, DefType) or heap in _KINDS:
        return _object_fits(t, word, heap)
    return "false"


def _object_fits(t: Translator, word: str, heap: Heap | DefType | int) -> str:
    slot, ask, done = t.slot("i1"), t.label("object"), t.label("asked")
    t.effect(f"store i1 false, ptr {slot}")
    boxed = t.value(f"icmp eq i64 {t.value(f'and i64 {word}, {TAG_MASK}')}, 0")
    t.effect(f"br i1 {boxed}, label %{ask}, label %{done}")
    t.block(ask)
    header = t.value(f"load i32, ptr {inside(t, word)}, align 8{HEADERS}")
    number = t.value(f"zext i32 {t.value(f'and i32 {header}, {TYPE_MASK}')} to i64")
    if isinstance(heap, DefType):
        answer = extends(t, number, heap)
    else:
        kind = t.value(f"load i32, ptr {_entry(t, number, ENTRY_KIND)}{FIXED}")
        assert isinstance(heap, Heap)
        answer = t.value(f"icmp eq i32 {kind}, {_KINDS[heap].value}")
    t.effect(f"store i1 {answer}, ptr {slot}")
    t.effect(f"br label %{done}")
    t.block(done)
    return t.value(f"load i1, ptr {slot}")


def extends(t: Translator, number: str, wanted: DefType) -> str:
    """An i1: whether type ``number`` (i64) is ``wanted`` or declared below it."""
    same = t.value(f"icmp eq i64 {number}, {t.type_number(wanted, 'i64')}")
    if wanted.final:
        return same
    slot, climb, look, done = t.slot("i1"), t.label("climb"), t.label("look"), t.label("known")
    t.effect(f"store i1 {same}, ptr {slot}")
    t.effect(f"br i1 {same}, label %{done}, label %{climb}")
    t.block(climb)
    depth = t.value(f"load i32, ptr {_entry(t, number, ENTRY_DEPTH)}{FIXED}")
    deep = t.value(f"icmp ugt i32 {depth}, {len(wanted.display)}")
    t.effect(f"br i1 {deep}, label %{look}, label %{done}")
    t.block(look)
    display = t.value(f"load ptr, ptr {_entry(t, number, ENTRY_DISPLAY)}{FIXED}")
    place = t.value(f"getelementptr i32, ptr {display}, i64 {wanted.depth}")
    above = t.value(f"load i32, ptr {place}{FIXED}")
    found = t.value(f"icmp eq i32 {above}, {t.type_number(wanted, 'i32')}")
    t.effect(f"store i1 {found}, ptr {slot}")
    t.effect(f"br label %{done}")
    t.block(done)
    return t.value(f"load i1, ptr {slot}")


def _entry(t: Translator, number: str, offset: int) -> str:
    """A pointer into the entry of a type in the table."""
    table = t.value(f"load ptr, ptr {heap_field(t, TYPES)}{FIXED}")
    scaled = t.value(f"mul nuw nsw i64 {number}, {ENTRY_SIZE}")
    entry = t.value(f"getelementptr i8, ptr {table}, i64 {scaled}")
    return t.value(f"getelementptr i8, ptr {entry}, i64 {offset}")


def _ref_test(t: Translator, immediates: tuple[Any, ...]) -> None:
    t.push(fits(t, t.pop(), t.module.reference_type(immediates[0])), "i1")


def _ref_cast(t: Translator, immediates: tuple[Any, ...]) -> None:
    word, kind = t.pop_typed()
    good = fits(t, word, t.module.reference_type(immediates[0]))
    t.trap_if(t.value(f"xor i1 {good}, true"), TrapCode.CAST_FAILURE)
    t.push(word, kind)


def _br_on_cast(t: Translator, immediates: tuple[Any, ...]) -> None:
    depth, _, type = immediates
    before = t.stack[:]
    branch_if(t, fits(t, t.peek(), t.module.reference_type(type)), depth, before)


def _br_on_cast_fail(t: Translator, immediates: tuple[Any, ...]) -> None:
    depth, _, type = immediates
    before = t.stack[:]
    good = fits(t, t.peek(), t.module.reference_type(type))
    branch_if(t, t.value(f"xor i1 {good}, true"), depth, before)


HANDLERS: dict[str, Handler] = {
    "ref.test": _ref_test,
    "ref.test_null": _ref_test,
    "ref.cast": _ref_cast,
    "ref.cast_null": _ref_cast,
    "br_on_cast": _br_on_cast,
    "br_on_cast_fail": _br_on_cast_fail,
}
"""By instruction name."""
