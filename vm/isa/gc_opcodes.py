"""Rows of the opcode table: structures, arrays, i31, casts (specification 5.4.4, "garbage collection").

`ref.test` and `ref.cast` stand here twice, as the binary has them: once for types with null. The text format
calls both the same.
"""

from __future__ import annotations

from vm.isa.opcode import Feature, Immediate, Opcode
from vm.isa.opcode import row as _row

_N = Immediate.NONE
_TYPE, _FIELD = Immediate.TYPE, Immediate.TYPE_FIELD


def _gc(code: int, name: str, immediate: Immediate) -> Opcode:
    return _row(code, name, immediate, None, Feature.GC)


GC_OPCODES: tuple[Opcode, ...] = (
    _gc(0xD3, "ref.eq", _N),
    _gc(0xFB00, "struct.new", _TYPE),
    _gc(0xFB01, "struct.new_default", _TYPE),
    _gc(0xFB02, "struct.get", _FIELD),
    _gc(0xFB03, "struct.get_s", _FIELD),
    _gc(0xFB04, "struct.get_u", _FIELD),
    _gc(0xFB05, "struct.set", _FIELD),
    _gc(0xFB06, "array.new", _TYPE),
    _gc(0xFB07, "array.new_default", _TYPE),
    _gc(0xFB08, "array.new_fixed", Immediate.TYPE_COUNT),
    _gc(0xFB09, "array.new_data", Immediate.TYPE_DATA),
    _gc(0xFB0A, "array.new_elem", Immediate.TYPE_ELEM),
    _gc(0xFB0B, "array.get", _TYPE),
    _gc(0xFB0C, "array.get_s", _TYPE),
    _gc(0xFB0D, "array.get_u", _TYPE),
    _gc(0xFB0E, "array.set", _TYPE),
    _gc(0xFB0F, "array.len", _N),
    _gc(0xFB10, "array.fill", _TYPE),
    _gc(0xFB11, "array.copy", Immediate.TYPE_TYPE),
    _gc(0xFB12, "array.init_data", Immediate.TYPE_DATA),
    _gc(0xFB13, "array.init_elem", Immediate.TYPE_ELEM),
    _gc(0xFB14, "ref.test", Immediate.NON_NULL_TYPE),
    _gc(0xFB15, "ref.test_null", Immediate.REF_TYPE),
    _gc(0xFB16, "ref.cast", Immediate.NON_NULL_TYPE),
    _gc(0xFB17, "ref.cast_null", Immediate.REF_TYPE),
    _gc(0xFB18, "br_on_cast", Immediate.CAST),
    _gc(0xFB19, "br_on_cast_fail", Immediate.CAST),
    _gc(0xFB1A, "any.convert_extern", _N),
    _gc(0xFB1B, "extern.convert_any", _N),
    _gc(0xFB1C, "ref.i31", _N),
    _gc(0xFB1D, "i31.get_s", _N),
    _gc(0xFB1E, "i31.get_u", _N),
)
