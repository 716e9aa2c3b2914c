from __future__ import annotations

import struct

from hypothesis import given
from hypothesis import strategies as st

from vm.isa.opcodes import BY_NAME, OPCODES
from vm.isa.semantics import SEMANTICS, constant
from vm.isa.types import ValType
from vm.tiers.llvm.handlers import HANDLERS


def test_every_meaning_belongs_to_an_opcode_of_fixed_type() -> None:
    assert all(BY_NAME[name].type is not None for name in SEMANTICS)


def test_the_llvm_tier_translates_every_opcode() -> None:
    assert {opcode.name for opcode in OPCODES if opcode.code not in HANDLERS} == set()


@given(st.integers(0, 0xFFFF_FFFF))
def test_an_f32_constant_is_written_with_its_exact_value(bits: int) -> None:
    text = constant(ValType.F32, bits)
    if bits & 0x7FFF_FFFF > 0x7F80_0000:  # a NaN goes by its bits
        assert text == f"bitcast (i32 {bits} to float)"
    else:
        (value,) = struct.unpack("<f", struct.pack("<I", bits))
        assert int(text, 16) == struct.unpack("<Q", struct.pack("<d", value))[0]
