"""When two defined types are the same and which one extends which, by comparing definitions anew each time.

Judges canonical types. A module's types are recursion groups of plain definitions with absolute indices; two
types are the same when their groups are, member by member, where a reference into a group must lead to the
same place of the other, and any other reference to the same type, by the same comparison (spec 3.1.3).
"""

from __future__ import annotations

from dataclasses import dataclass

ABSTRACT = {
    "none": {"i31", "struct", "array", "eq", "any"},
    "i31": {"eq", "any"},
    "struct": {"eq", "any"},
    "array": {"eq", "any"},
    "eq": {"any"},
    "any": set(),
    "nofunc": {"func"},
    "func": set(),
    "noextern": {"extern"},
    "extern": set(),
    "noexn": {"exn"},
    "exn": set(),
}
"""The abstract heap types strictly above each one."""


@dataclass(frozen=True)
class Ref:
    """A reference type: an abstract heap type's name or a type index."""

    heap: str | int
    nullable: bool


Value = str | Ref
"""A number or packed type's name, or a reference."""


@dataclass(frozen=True)
class Definition:
    """One type: ``kind`` func, struct or array; ``parts`` as (content, mutable), results behind params."""

    kind: str
    parts: tuple[tuple[Value, bool], ...]
    params: int
    supertype: int | None
    final: bool


@dataclass(frozen=True)
class Module:
    """Types in groups."""

    groups: tuple[tuple[Definition, ...], ...]

    def definition(self, index: int) -> Definition:
        """Type ``index``."""
        return [member for group in self.groups for member in group][index]

    def group(self, index: int) -> tuple[int, int]:
        """Number of the group of type ``index``, and the index of its first member."""
        first = 0
        for number, group in enumerate(self.groups):
            if index < first + len(group):
                return number, first
            first += len(group)
        raise IndexError(index)


def same(a: Module, i: int, b: Module, j: int) -> bool:
    """Whether type ``i`` of one module is type ``j`` of another."""
    (group_a, first_a), (group_b, first_b) = a.group(i), b.group(j)
    members_a, members_b = a.groups[group_a], b.groups[group_b]
    if i - first_a != j - first_b or len(members_a) != len(members_b):
        return False

    def same_index(x: int, y: int) -> bool:
        if x >= first_a or y >= first_b:
            return x - first_a == y - first_b
        return same(a, x, b, y)

    def same_value(x: Value, y: Value) -> bool:
        if (
            not isinstance(x, Ref)
            or not isinstance(y, Ref)
            or isinstance(x.heap, str)
            or isinstance(y.heap, str)
        ):
            return x == y
        return x.nullable == y.nullable and same_index(x.heap, y.heap)

    def same_definition(x: Definition, y: Definition) -> bool:
        shape = (x.kind, x.params, x.final, len(x.parts), x.supertype is None)
        if shape != (y.kind, y.params, y.final, len(y.parts), y.supertype is None):
            return False
        if x.supertype is not None and y.supertype is not None and not same_index(x.supertype, y.supertype):
            return False
        pairs = zip(x.parts, y.parts, strict=True)
        return all(mx == my and same_value(vx, vy) for (vx, mx), (vy, my) in pairs)

    return all(map(same_definition, members_a, members_b))


def extends(a: Module, i: int, b: Module, j: int) -> bool:
    """Whether type ``i`` of one module is type ``j`` of another, or declared below it."""
    step: int | None = i
    while step is not None:
        if same(a, step, b, j):
            return True
        step = a.definition(step).supertype
    return False


def matches(a: Module, x: Value, b: Module, y: Value) -> bool:
    """Whether a value of type ``x`` can stand for one of type ``y``."""
    if not isinstance(x, Ref) or not isinstance(y, Ref):
        return x == y
    if x.nullable and not y.nullable:
        return False
    if isinstance(x.heap, int) and isinstance(y.heap, int):
        return extends(a, x.heap, b, y.heap)
    if isinstance(x.heap, int):
        kind = a.definition(x.heap).kind
        return y.heap == kind or y.heap in ABSTRACT[kind]
    if isinstance(y.heap, int):
        return x.heap == ("nofunc" if b.definition(y.heap).kind == "func" else "none")
    return x.heap == y.heap or y.heap in ABSTRACT[x.heap]
