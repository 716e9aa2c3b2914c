"""Translation of instructions on references and objects; most of them are left to Python."""

from __future__ import annotations

from collections.abc import Callable

from vm.isa.opcodes import BY_NAME
from vm.isa.types import ArrayType, StructType, ValType, ValueType
from vm.module.model import ModuleData
from vm.runtime.instance import Instance
from vm.tiers.threaded.control import branch_if
from vm.tiers.threaded.steps import Maker, Step, of_reference
from vm.tiers.threaded.translate import Condition, Translate, Translator
from vm.typed import Any

Immediates = tuple[Any, ...]
Count = int | Callable[[ModuleData, Immediates], int]

_I64 = ValType.I64


def _fields(module: ModuleData, immediates: Immediates) -> int:
    composite = module.types[immediates[0]].composite
    assert isinstance(composite, StructType)
    return len(composite.fields)


_STEPS: dict[str, tuple[Count, int]] = {
    "struct.new": (_fields, 1),
    "struct.new_default": (0, 1),
    **dict.fromkeys(("struct.get", "struct.get_s", "struct.get_u"), (1, 1)),
    "struct.set": (2, 0),
    "array.new": (2, 1),
    "array.new_default": (1, 1),
    "array.new_fixed": (lambda module, immediates: immediates[1], 1),
    "array.new_data": (2, 1),
    "array.new_elem": (2, 1),
    **dict.fromkeys(("array.get", "array.get_s", "array.get_u"), (2, 1)),
    "array.set": (3, 0),
    "array.len": (1, 1),
    "array.fill": (4, 0),
    "array.copy": (5, 0),
    "array.init_data": (4, 0),
    "array.init_elem": (4, 0),
    **dict.fromkeys(("ref.test", "ref.test_null", "ref.cast", "ref.cast_null"), (1, 1)),
    **dict.fromkeys(("ref.i31", "i31.get_s", "i31.get_u", "ref.as_non_null"), (1, 1)),
}
"""How many operands and results the instructions have that Python runs."""


def _step(name: str) -> Translate:
    opcode = BY_NAME[name]
    taken, given = _STEPS[name]

    def translate(t: Translator, immediates: Immediates) -> None:
        count = taken if isinstance(taken, int) else taken(t.module, immediates)
        results = [_result(t.module, name, immediates)] * given
        t.step(of_reference(opcode, immediates, count), t.types_of(count), results)

    return translate


def _result(module: ModuleData, name: str, immediates: Immediates) -> ValueType:
    """A type as wide as the result: what a field or element holds, else a word."""
    storage: object = None
    if name == "struct.get":
        composite = module.types[immediates[0]].composite
        assert isinstance(composite, StructType)
        storage = composite.fields[immediates[1]].storage
    elif name == "array.get":
        composite = module.types[immediates[0]].composite
        assert isinstance(composite, ArrayType)
        storage = composite.element.storage
    return ValType.V128 if storage is ValType.V128 else _I64


def _same(t: Translator, _: Immediates) -> None:
    """Conversions between hierarchies change no bit."""


def _equal(t: Translator, _: Immediates) -> None:
    x, y = t.pop_many(2)
    t.compute(t.handlers["i64.eq"], t.top | x << 32, y)
    t.push()


def _is_null(t: Translator) -> Condition:
    """Whether the topmost operand, which stays, is null."""
    reference = t.pop()
    t.push_at(reference, 1)
    return Condition(t.fusion("i64.eqz"), (reference,))


def _br_on_null(t: Translator, immediates: Immediates) -> None:
    condition = _is_null(t)
    reference = t.pop()
    branch_if(t, condition, immediates[0], when=True)
    t.push_at(reference, 1)


def _br_on_non_null(t: Translator, immediates: Immediates) -> None:
    condition = _is_null(t)
    branch_if(t, condition, immediates[0], when=False)
    t.pop()


def _br_on_cast(*, when: bool) -> Translate:
    """Branch when the topmost reference fits the type (``when``) or does not; it stays where it is."""

    def translate(t: Translator, immediates: Immediates) -> None:
        reference = t.pop()
        t.push_at(reference, 1)
        t.push_at(reference, 1)
        t.step(_fits(t.module, immediates[2]), (_I64,), (_I64,))
        branch_if(t, t.pop_condition(), immediates[0], when=when)

    return translate


def _fits(module: ModuleData, wanted: Any) -> Maker:
    """What makes the step that says whether a reference has a type."""
    type = module.reference_type(wanted)

    def make(instance: Instance) -> Step:
        from vm.runtime.casts import tester  # with the managed heap, which most programs have not got

        fits = tester(instance.store, type)

        def step(values: list[int]) -> None:
            values[0] = int(fits(values[0]))

        return step

    return make


TABLE: dict[str, Translate] = {
    **{name: _step(name) for name in _STEPS},
    "any.convert_extern": _same,
    "extern.convert_any": _same,
    "ref.eq": _equal,
    "br_on_null": _br_on_null,
    "br_on_non_null": _br_on_non_null,
    "br_on_cast": _br_on_cast(when=True),
    "br_on_cast_fail": _br_on_cast(when=False),
}
"""By instruction name."""
