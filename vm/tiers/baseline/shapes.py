"""What the threaded tier's instructions look like to the compiler, and which stencils take their place."""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from vm.isa.opcodes import OPCODES, Opcode
from vm.isa.types import ValType, ValueType
from vm.tiers.baseline import kinds
from vm.tiers.baseline.forms import MODES, covered
from vm.tiers.baseline.kinds import SHAPE_CELLS
from vm.tiers.threaded.source import handlers

Ids = Mapping[str, int]

_TYPES: dict[ValueType, int] = {
    ValType.I32: kinds.I32,
    ValType.I64: kinds.I64,
    ValType.F32: kinds.F32,
    ValType.F64: kinds.F64,
}

_BY_HAND = {
    "copy": kinds.COPY,
    "const": kinds.CONST,
    "select": kinds.SELECT,
    "global.get": kinds.GLOBAL_GET,
    "global.get import": kinds.GLOBAL_GET,
    "global.set": kinds.GLOBAL_SET,
    "global.set import": kinds.GLOBAL_SET,
    "jump": kinds.JUMP,
    "table jump": kinds.TABLE,
    "return": kinds.RETURN,
    "return one": kinds.RETURN_ONE,
    "call": kinds.CALL,
    "call import": kinds.CALL,
    "call_indirect": kinds.CALL_INDIRECT,
    "call_ref": kinds.CALL_REF,
    "enter": kinds.ENTER,
    "count": kinds.COUNT,
    "enter clear": kinds.ENTER_CLEAR,
}

_FORMS_BY_HAND = {
    "select": ("select i", "select f"),
    **{name: (name,) for name in ("call", "call import", "call_indirect", "call_ref", "table jump", "count")},
    **{f"global.get{way}": (f"global.get{way} i", f"global.get{way} f") for way in ("", " import")},
    **{
        f"global.set{way}": (f"global.set{way} i", f"global.set{way} f32", f"global.set{way} f64")
        for way in ("", " import")
    },
}


def shapes(stencils: Ids) -> dict[str, list[int]]:
    """A row (``kinds``) for each handler by name; ``stencils`` are numbers by name."""
    found = {}
    lengths = {handler.name: handler.length // 8 for handler in handlers()}
    for name, length in lengths.items():
        kind = _BY_HAND.get(name, kinds.ENDS if name.startswith("return_") else kinds.HANDLER)
        forms = [stencils[form] for form in _FORMS_BY_HAND.get(name, ())]
        found[name] = _row(kind, length, (0, 0, 0), forms)
    for opcode in OPCODES:
        if covered(opcode):
            rows = _access(opcode, stencils) if opcode.access else _plain(opcode, stencils)
            for name, kind, types, forms in rows:
                if max(forms) >= 0:
                    found[name] = _row(kind, lengths[name], types, forms)
    return found


_Rows = Iterator[tuple[str, int, tuple[int, int, int], list[int]]]


def _row(kind: int, length: int, types: tuple[int, int, int], forms: list[int]) -> list[int]:
    row = [kind, length, *types, *forms]
    return row + [-1] * (SHAPE_CELLS - len(row))


def _plain(opcode: Opcode, stencils: Ids) -> _Rows:
    assert opcode.type is not None
    name, params = opcode.name, opcode.type.params
    types = (_TYPES[params[0]], _TYPES[params[-1]], _TYPES[opcode.type.results[0]])
    get = stencils.get
    if len(params) == 1:
        yield name, kinds.UNARY, types, [get(f"{name} {form}", -1) for form in ("r3", "m3")]
        for sense in ("if", "unless"):
            forms = [get(f"{name} {sense} {form}", -1) for form in "rm"]
            if forms[0] >= 0:
                yield f"{name} {sense}", kinds.BRANCH_1, types, forms
        return
    forms = [get(f"{name} r{where}{form}", -1) for form in "23" for where in "rmk"]
    if forms[3] < 0:
        return
    yield name, kinds.BINARY, types, forms
    yield f"{name} k", kinds.BINARY_K, types, forms
    for sense in ("if", "unless"):
        forms = [get(f"{name} {sense} r{where}", -1) for where in "rmk"]
        if forms[0] >= 0:
            yield f"{name} {sense}", kinds.BRANCH, types, forms
            yield f"{name} {sense} k", kinds.BRANCH_K, types, forms


def _access(opcode: Opcode, stencils: Ids) -> _Rows:
    assert opcode.type is not None
    params, results = opcode.type.params, opcode.type.results
    for mode in MODES:
        name = f"{opcode.name} {mode}"
        if results:
            yield name, kinds.LOAD, (kinds.I32, 0, _TYPES[results[0]]), [stencils.get(f"{name} r3", -1)]
            continue
        types = (kinds.I32, _TYPES[params[1]], 0)
        forms = [stencils.get(f"{name} r{where}", -1) for where in "rmk"]
        yield name, kinds.STORE, types, forms
        yield f"{name} k", kinds.STORE_K, types, forms
