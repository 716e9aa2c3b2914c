"""The opcode table, and that every part of the engine derived from it covers all of it."""

from __future__ import annotations

import pytest
import wasmtime

from vm.isa.opcodes import BY_CODE, BY_NAME, OPCODES, TEXT_NAMES, Immediate, Opcode
from vm.module.decoder import decode
from vm.module.instructions import read
from vm.module.kernel.facts import RULES
from vm.tiers.llvm.handlers import HANDLERS
from vm.tiers.reference.control import CONTROL
from vm.tiers.reference.numeric import MEANINGS
from vm.tiers.reference.steps import STACK_EFFECTS, STEPS
from vm.tiers.reference.vectors import VECTOR_MEANINGS

TEXT_OPERANDS = {
    Immediate.NONE: "",
    Immediate.MEMARG: "offset=5 align=1",
    Immediate.I32: "-3",
    Immediate.I64: "-3",
    Immediate.F32: "1.5",
    Immediate.F64: "1.5",
    Immediate.LOCAL: "0",
    Immediate.GLOBAL: "0",
    Immediate.TABLE: "0",
    Immediate.TABLE_TABLE: "0 0",
    Immediate.ELEM: "0",
    Immediate.ELEM_TABLE: "0 0",
    Immediate.DATA: "0",
    Immediate.DATA_MEMORY: "0",
    Immediate.MEMORY: "",
    Immediate.MEMORY_MEMORY: "",
    Immediate.V128: "i32x4 1 2 3 4",
    Immediate.LANE: "1",
    Immediate.SHUFFLE: "0 1 2 3 4 5 6 7 8 9 10 11 12 13 14 31",
    Immediate.MEMARG_LANE: "offset=5 align=1 0",
    Immediate.REF_TYPE: "func",
    Immediate.FUNC: "0",
    Immediate.TYPE: "0",
    Immediate.TYPE_FIELD: "0 0",
    Immediate.TYPE_COUNT: "0 3",
    Immediate.TYPE_DATA: "0 0",
    Immediate.TYPE_ELEM: "0 0",
    Immediate.TYPE_TYPE: "0 0",
    Immediate.CAST: "0 anyref (ref 0)",
    Immediate.NON_NULL_TYPE: "(ref 0)",
    Immediate.CALL_INDIRECT: "0 (type 0)",
    Immediate.LABEL: "0",
    Immediate.LABEL_TABLE: "0 0",
    Immediate.BLOCK: "(result i32)",
    Immediate.SELECT_TYPES: "(result i32)",
    Immediate.FENCE: "",
    Immediate.TAG: "0",
    Immediate.TRY_TABLE: "(result i32) (catch 0 0) (catch_all_ref 0)",
}


def test_codes_and_names_are_unique() -> None:
    assert len(BY_CODE) == len(BY_NAME) == len(OPCODES)


@pytest.mark.parametrize("opcode", [o for o in OPCODES if o.name not in ("else", "end")], ids=str)
def test_a_row_agrees_with_an_independent_encoder(opcode: Opcode) -> None:
    """wasmtime's text reader encodes the name; the row's code and immediates must read it back exactly."""
    name = TEXT_NAMES.get(opcode.name, opcode.name)
    operands = (
        "(ref null 0)"
        if opcode.name in ("ref.test_null", "ref.cast_null")
        else TEXT_OPERANDS[opcode.immediate]
    )
    ending = "end" if opcode.immediate in (Immediate.BLOCK, Immediate.TRY_TABLE) else ""
    before = ""
    if opcode.name in ("catch", "catch_all", "delegate"):
        before, ending = "try", "" if opcode.name == "delegate" else "end"
    text = (
        "(module (type (func)) (memory 1) (table 1 funcref) (global (mut i32) (i32.const 0))"
        '(elem func 0) (data "") (tag) (func (local i32)'
        f" {before} {name} {operands} {ending}))"
    )
    module = decode(bytes(wasmtime.wat2wasm(text)))
    found, _, following = read(module.binary, module.bodies[0].start + (2 if before else 0))
    rest = b"\x0b\x0b" if ending else b"\x0b"
    assert found is opcode
    assert module.binary[following : module.bodies[0].end] == rest


@pytest.mark.parametrize("opcode", [o for o in OPCODES if o.access], ids=str)
def test_access_width_is_the_natural_alignment(opcode: Opcode) -> None:
    """The text format writes the natural alignment when none is given: that is the access width."""
    lane = " 0" if opcode.immediate is Immediate.MEMARG_LANE else ""
    text = f"(module (memory 1) (func {opcode.name}{lane}))"
    module = decode(bytes(wasmtime.wat2wasm(text)))
    _, (align, offset, *_), _ = read(module.binary, module.bodies[0].start)
    assert (1 << align, offset) == (opcode.access, 0)


def test_every_opcode_is_either_typed_or_has_a_validation_rule() -> None:
    assert RULES.keys() >= {opcode.name for opcode in OPCODES if opcode.type is None}
    assert RULES.keys() <= BY_NAME.keys()


def test_the_reference_tier_covers_every_opcode_once() -> None:
    parts = [set(MEANINGS), set(VECTOR_MEANINGS), set(STEPS), set(CONTROL)]
    assert set.union(*parts) == set(BY_NAME)
    assert sum(map(len, parts)) == len(BY_NAME)


def test_the_llvm_tier_covers_every_opcode() -> None:
    assert [opcode.name for opcode in OPCODES if opcode.code not in HANDLERS] == []


def test_stack_effects_are_listed_exactly_where_the_row_has_no_type() -> None:
    assert set(STACK_EFFECTS) == {o.name for o in OPCODES if o.type is None} - set(CONTROL)
