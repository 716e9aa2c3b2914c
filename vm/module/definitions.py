"""The type section: recursion groups of definitions, each to its canonical types (spec 5.3.8 to 5.3.11)."""

from __future__ import annotations

from vm.errors import ValidationError
from vm.isa.canonical import canonical_group
from vm.isa.types import (
    ArrayType,
    CompositeType,
    DefType,
    FieldType,
    FuncType,
    PackedType,
    RefType,
    StorageType,
    StructType,
    SubType,
    ValueType,
)
from vm.module.leb import TOO_LONG
from vm.module.limits import MAX_SUBTYPE_DEPTH
from vm.module.model import ModuleData
from vm.module.reader import Reader
from vm.typed import Callable

_REC, _SUB, _SUB_FINAL = 0x4E, 0x50, 0x4F
_PACKED = {member.value: member for member in PackedType}


def types(r: Reader, module: ModuleData) -> None:
    """Section 1: fills ``module.types``, group by group."""
    for _ in range(r.count("types")):
        count = 1
        if r.at < r.end and r.data[r.at] == _REC:
            r.at += 1
            count = r.count("types of a recursion group")
        group = _Group(r, module.types, count)
        module.types += canonical_group([group.member(index) for index in range(count)])


class _Group:
    """Reads the members of one recursion group, whose types get the next ``count`` indices."""

    def __init__(self, r: Reader, known: list[DefType], count: int) -> None:
        self.r = r
        self.known = known
        self.count = count
        self.depths: list[int] = []
        self.forms: dict[int, Callable[[], CompositeType]] = {
            0x60: self._function,
            0x5F: self._structure,
            0x5E: lambda: ArrayType(self._field()),
        }

    def member(self, index: int) -> SubType:
        """The next definition, which is the ``index``-th of its group."""
        r = self.r
        form = self._form()
        supertypes: tuple[DefType | int, ...] = ()
        if form in (_SUB, _SUB_FINAL):
            start = r.at
            above = r.vector("supertypes", lambda: self._reference(r.u32("supertype"), r.at, index))
            if len(above) > 1:
                raise ValidationError("sub type", start, f"{len(above)} supertypes, one is possible")
            supertypes = tuple(above)
            self._measure(supertypes, start)
            return SubType(self._composite(self._form()), supertypes, form == _SUB_FINAL)
        self._measure(supertypes, r.at)
        return SubType(self._composite(form))

    def _form(self) -> int:
        form = self.r.byte("type")
        if form & 0x80:  # forms are signed LEB128 numbers of 7 bits
            raise self.r.fail(TOO_LONG, "type", self.r.at - 1)
        return form

    def _measure(self, supertypes: tuple[DefType | int, ...], at: int) -> None:
        """Keep how many supertypes each member has, which is bounded."""
        depth = 0
        for above in supertypes:
            depth = 1 + (above.depth if isinstance(above, DefType) else self.depths[above])
        if depth > MAX_SUBTYPE_DEPTH:
            raise ValidationError(
                "sub type", at, f"{depth} supertypes, at most {MAX_SUBTYPE_DEPTH} are supported"
            )
        self.depths.append(depth)

    def _composite(self, form: int) -> CompositeType:
        read = self.forms.get(form)
        if read is None:
            detail = f"byte {form:#x}, a function, structure or array type was expected"
            raise self.r.fail("malformed definition type", detail, self.r.at - 1)
        return read()

    def _function(self) -> FuncType:
        params = tuple(self.r.vector("parameters", self._value_type))
        return FuncType(params, tuple(self.r.vector("results", self._value_type)))

    def _structure(self) -> StructType:
        return StructType(tuple(self.r.vector("fields", self._field)))

    def _field(self) -> FieldType:
        r = self.r
        storage: StorageType
        if r.at < r.end and r.data[r.at] in _PACKED:
            storage = _PACKED[r.byte("storage type")]
        else:
            storage = self._value_type()
        return FieldType(storage, r.mutability())

    def _value_type(self) -> ValueType:
        start = self.r.at
        found = self.r.raw_value_type()
        if isinstance(found, RefType) and isinstance(found.heap, int):
            return RefType(self._reference(found.heap, start, self.count), found.nullable)
        return found

    def _reference(self, index: int, at: int, limit: int) -> DefType | int:
        """What a type index means here: a type before the group, or one of the first ``limit`` in it."""
        before = len(self.known)
        if index < before:
            return self.known[index]
        if index - before >= limit:
            raise ValidationError(
                f"unknown type {index}", at, f"only types below {before + limit} are known here"
            )
        return index - before
