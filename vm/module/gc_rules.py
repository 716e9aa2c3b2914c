"""What instructions on structures, arrays and i31, and casts ask of the stacks (spec 3.4.5 to 3.4.8)."""

from __future__ import annotations

from typing import TYPE_CHECKING

from vm.isa.matching import matches, matches_storage, top_of
from vm.isa.types import (
    ANYREF,
    ARRAYREF,
    EQREF,
    EXTERNREF,
    I31REF,
    ArrayType,
    FieldType,
    PackedType,
    RefType,
    StructType,
    ValType,
)
from vm.module.memory_rules import check_data
from vm.module.reference_rules import Immediates, Rule, pop_reference

if TYPE_CHECKING:
    from vm.module.body import BodyValidator

_I32 = ValType.I32


def _struct(v: BodyValidator, index: int) -> StructType:
    found = v.defined(index).composite
    if not isinstance(found, StructType):
        raise v.fail("type mismatch", f"type {index} is not a structure but ({found})")
    return found


def _element(v: BodyValidator, index: int) -> FieldType:
    """The elements of an array type."""
    found = v.defined(index).composite
    if not isinstance(found, ArrayType):
        raise v.fail("type mismatch", f"type {index} is not an array but ({found})")
    return found.element


def _mutable_element(v: BodyValidator, index: int) -> FieldType:
    element = _element(v, index)
    if not element.mutable:
        raise v.fail("immutable array", f"elements of type {index} cannot be changed")
    return element


def _new(v: BodyValidator, index: int) -> None:
    v.push(RefType(v.module.types[index], False))


def _pop_object(v: BodyValidator, index: int) -> None:
    v.pop(RefType(v.module.types[index]))


def _check_default(v: BodyValidator, member: FieldType) -> None:
    if not member.unpacked.defaultable:
        raise v.fail("type mismatch", f"{member} has no default value")


def _check_extension(v: BodyValidator, member: FieldType) -> None:
    """Packed content is read with `_s` or `_u`, nothing else is."""
    extends = v.opcode.name.endswith(("_s", "_u"))
    if extends is not isinstance(member.storage, PackedType):
        wanted = "is only for packed content" if extends else "needs _s or _u for packed content"
        raise v.fail("type mismatch", f"{wanted}, found {member}")


# structures


def _struct_new(v: BodyValidator, immediates: Immediates) -> None:
    v.pop_all([member.unpacked for member in _struct(v, immediates[0]).fields])
    _new(v, immediates[0])


def _struct_new_default(v: BodyValidator, immediates: Immediates) -> None:
    for member in _struct(v, immediates[0]).fields:
        _check_default(v, member)
    _new(v, immediates[0])


def _field(v: BodyValidator, immediates: Immediates) -> FieldType:
    index, place = immediates
    fields = _struct(v, index).fields
    v.check_index(place, fields, "field")
    return fields[place]


def _struct_get(v: BodyValidator, immediates: Immediates) -> None:
    member = _field(v, immediates)
    _check_extension(v, member)
    _pop_object(v, immediates[0])
    v.push(member.unpacked)


def _struct_set(v: BodyValidator, immediates: Immediates) -> None:
    member = _field(v, immediates)
    if not member.mutable:
        raise v.fail("immutable field", f"field {immediates[1]} of type {immediates[0]} cannot be changed")
    v.pop(member.unpacked)
    _pop_object(v, immediates[0])


# arrays


def _array_new(v: BodyValidator, immediates: Immediates) -> None:
    v.pop_all((_element(v, immediates[0]).unpacked, _I32))
    _new(v, immediates[0])


def _array_new_default(v: BodyValidator, immediates: Immediates) -> None:
    _check_default(v, _element(v, immediates[0]))
    v.pop(_I32)
    _new(v, immediates[0])


def _array_new_fixed(v: BodyValidator, immediates: Immediates) -> None:
    index, count = immediates
    kind = _element(v, index).unpacked
    for _ in range(count):
        if v.frame.unreachable and len(v.stack) == v.frame.height:
            break  # all that is left is made up
        v.pop(kind)
    _new(v, index)


def _check_data(v: BodyValidator, element: FieldType, segment: int) -> None:
    """Data can be copied into ``element``."""
    if element.unpacked.is_ref:
        raise v.fail("array type is not numeric or vector", f"its elements are {element}")
    check_data(v, (segment,))


def _check_elements(v: BodyValidator, element: FieldType, segment: int) -> None:
    """An element segment can be copied into ``element``."""
    v.check_index(segment, v.module.elements, "elem segment")
    held = v.module.elements[segment].type
    if not matches_storage(held, element.storage):
        raise v.fail("type mismatch", f"segment {segment} holds {held}, the array {element}")


def _array_new_data(v: BodyValidator, immediates: Immediates) -> None:
    _check_data(v, _element(v, immediates[0]), immediates[1])
    v.pop_all((_I32, _I32))
    _new(v, immediates[0])


def _array_new_elem(v: BodyValidator, immediates: Immediates) -> None:
    _check_elements(v, _element(v, immediates[0]), immediates[1])
    v.pop_all((_I32, _I32))
    _new(v, immediates[0])


def _array_get(v: BodyValidator, immediates: Immediates) -> None:
    element = _element(v, immediates[0])
    _check_extension(v, element)
    v.pop(_I32)
    _pop_object(v, immediates[0])
    v.push(element.unpacked)


def _array_set(v: BodyValidator, immediates: Immediates) -> None:
    v.pop(_mutable_element(v, immediates[0]).unpacked)
    v.pop(_I32)
    _pop_object(v, immediates[0])


def _array_len(v: BodyValidator, immediates: Immediates) -> None:
    v.pop(ARRAYREF)
    v.push(_I32)


def _array_fill(v: BodyValidator, immediates: Immediates) -> None:
    v.pop_all((_I32, _mutable_element(v, immediates[0]).unpacked, _I32))
    _pop_object(v, immediates[0])


def _array_copy(v: BodyValidator, immediates: Immediates) -> None:
    target, source = immediates
    into, out = _mutable_element(v, target), _element(v, source)
    if not matches_storage(out.storage, into.storage):
        raise v.fail("array types do not match", f"{out} cannot be copied into {into}")
    v.pop_all((_I32, _I32))
    _pop_object(v, source)
    v.pop(_I32)
    _pop_object(v, target)


def _array_init_data(v: BodyValidator, immediates: Immediates) -> None:
    _check_data(v, _mutable_element(v, immediates[0]), immediates[1])
    v.pop_all((_I32, _I32, _I32))
    _pop_object(v, immediates[0])


def _array_init_elem(v: BodyValidator, immediates: Immediates) -> None:
    _check_elements(v, _mutable_element(v, immediates[0]), immediates[1])
    v.pop_all((_I32, _I32, _I32))
    _pop_object(v, immediates[0])


# casts, conversions, i31


def _named(v: BodyValidator, type: RefType) -> RefType:
    found = v.value_type(type)
    assert isinstance(found, RefType)
    return found


def _pop_cast(v: BodyValidator, immediates: Immediates) -> RefType:
    """Take what a cast looks at off the stack: a reference of the same hierarchy; gives the type cast to."""
    wanted = _named(v, immediates[0])
    v.pop(RefType(top_of(wanted.heap)))
    return wanted


def _ref_test(v: BodyValidator, immediates: Immediates) -> None:
    _pop_cast(v, immediates)
    v.push(_I32)


def _ref_cast(v: BodyValidator, immediates: Immediates) -> None:
    v.push(_pop_cast(v, immediates))


def _br_on_cast(v: BodyValidator, immediates: Immediates) -> None:
    """The branch takes the reference along as ``target``; what goes on is what a failed cast leaves."""
    source, target = _cast_types(v, immediates)
    _branch_on_cast(v, immediates[0], source, target, _difference(source, target))


def _br_on_cast_fail(v: BodyValidator, immediates: Immediates) -> None:
    source, target = _cast_types(v, immediates)
    _branch_on_cast(v, immediates[0], source, _difference(source, target), target)


def _cast_types(v: BodyValidator, immediates: Immediates) -> tuple[RefType, RefType]:
    source, target = _named(v, immediates[1]), _named(v, immediates[2])
    if not matches(target, source):
        raise v.fail("type mismatch", f"{target} is no subtype of {source}")
    return source, target


def _difference(source: RefType, target: RefType) -> RefType:
    """What a reference of type ``source`` can be when it is no ``target`` (spec 3.3.4.1)."""
    return source.non_null if target.nullable else source


def _branch_on_cast(v: BodyValidator, depth: int, source: RefType, taken: RefType, onward: RefType) -> None:
    v.pop(source)
    target = v.label(depth)
    if not target.label or not target.label[-1].is_ref:
        raise v.fail("type mismatch", f"label {depth} does not end in a reference")
    v.push(taken)
    v.pop_all(target.label)
    v.push_all(target.label)
    v.branch(target)
    v.pop()
    v.push(onward)


def _any_convert_extern(v: BodyValidator, immediates: Immediates) -> None:
    nullable = _pop_in(v, EXTERNREF).nullable
    v.push(RefType(ANYREF.heap, nullable))


def _extern_convert_any(v: BodyValidator, immediates: Immediates) -> None:
    nullable = _pop_in(v, ANYREF).nullable
    v.push(RefType(EXTERNREF.heap, nullable))


def _pop_in(v: BodyValidator, wanted: RefType) -> RefType:
    found = pop_reference(v)
    if not matches(found, wanted):
        raise v.fail("type mismatch", f"expected {wanted}, found {found}")
    return found


def _ref_i31(v: BodyValidator, immediates: Immediates) -> None:
    v.pop(_I32)
    v.push(I31REF.non_null)


def _i31_get(v: BodyValidator, immediates: Immediates) -> None:
    v.pop(I31REF)
    v.push(_I32)


def _ref_eq(v: BodyValidator, immediates: Immediates) -> None:
    v.pop_all((EQREF, EQREF))
    v.push(_I32)


GC_RULES: dict[str, Rule] = {
    "ref.eq": _ref_eq,
    "struct.new": _struct_new,
    "struct.new_default": _struct_new_default,
    **dict.fromkeys(("struct.get", "struct.get_s", "struct.get_u"), _struct_get),
    "struct.set": _struct_set,
    "array.new": _array_new,
    "array.new_default": _array_new_default,
    "array.new_fixed": _array_new_fixed,
    "array.new_data": _array_new_data,
    "array.new_elem": _array_new_elem,
    **dict.fromkeys(("array.get", "array.get_s", "array.get_u"), _array_get),
    "array.set": _array_set,
    "array.len": _array_len,
    "array.fill": _array_fill,
    "array.copy": _array_copy,
    "array.init_data": _array_init_data,
    "array.init_elem": _array_init_elem,
    **dict.fromkeys(("ref.test", "ref.test_null"), _ref_test),
    **dict.fromkeys(("ref.cast", "ref.cast_null"), _ref_cast),
    "br_on_cast": _br_on_cast,
    "br_on_cast_fail": _br_on_cast_fail,
    "any.convert_extern": _any_convert_extern,
    "extern.convert_any": _extern_convert_any,
    "ref.i31": _ref_i31,
    "i31.get_s": _i31_get,
    "i31.get_u": _i31_get,
}
"""Rules by the instruction's name."""
