"""Which functions others can reach: by direct calls, from outside, and through tables and references."""

from __future__ import annotations

from collections.abc import Iterator

from vm.isa.types import DefType
from vm.module.instructions import read
from vm.module.model import ConstExpr, ModuleData

FEW = 2
"""At most so many functions of a type that indirect calls can reach are compared with one by one. In a
program that has more, calls usually go to others than the first ones."""


def callees(module: ModuleData, index: int) -> list[int]:
    """The functions that function ``index`` calls directly, in order of appearance."""
    return list(dict.fromkeys(target for name, target in _calls(module, index) if name == "call"))


def likely(module: ModuleData, index: int, foreseen: Foreseen) -> list[int]:
    """The functions that function ``index`` calls, directly or not, as far as that can be foreseen, in order
    of appearance.
    """
    found: dict[int, None] = {}
    for name, target in _calls(module, index):
        reached = [target] if name == "call" else foreseen.functions(module.types[target])
        found.update(dict.fromkeys(reached))
    return list(found)


def _calls(module: ModuleData, index: int) -> Iterator[tuple[str, int]]:
    """The calls in a body: how ("call", "call_indirect", "call_ref"), and the function or the type."""
    body = module.bodies[index - module.imported_functions]
    at = body.start
    while at < body.end:
        opcode, immediates, at = read(module.binary, at)
        name = opcode.name.removeprefix("return_")
        if name in ("call", "call_indirect", "call_ref"):
            yield name, immediates[0]


def exposed(module: ModuleData) -> set[int]:
    """The functions that anything but the module's own direct calls can reach: its declared references."""
    found = {export.index for export in module.exports if export.kind == "func"}
    if module.start is not None:
        found.add(module.start)
    for definition in module.global_defs:
        found |= _referred(module, definition.init)
    found |= _named(module)
    return {index for index in found if index >= module.imported_functions}


class Foreseen:
    """Whom indirect calls can go to as far as a module tells itself, in the functions that its element
    segments name: a program in C has often one comparison for all its sorting, and one of each other kind.
    Who gives a module another function by its exports makes such a guess wrong, not the code that makes it.
    """

    def __init__(self, module: ModuleData) -> None:
        self._module = module
        self._fitting: dict[DefType, list[int]] | None = None

    def functions(self, wanted: DefType) -> tuple[int, ...]:
        """All functions that can be called as ``wanted``, in order; none if there are more than ``FEW``."""
        if self._fitting is None:
            self._fitting = _fitting(self._module)
        found = self._fitting.get(wanted, ())
        return tuple(found) if len(found) <= FEW else ()


def _fitting(module: ModuleData) -> dict[DefType, list[int]]:
    """The functions that element segments name, in order, by each type that they can be called as."""
    found: dict[DefType, list[int]] = {}
    for index in sorted(_named(module)):
        for type in module.types[module.functions[index]].display:
            found.setdefault(type, []).append(index)
    return found


def _named(module: ModuleData) -> set[int]:
    """The functions that element segments name."""
    found = set()
    for segment in module.elements:
        for item in segment.items:
            if isinstance(item, ConstExpr):
                found |= _referred(module, item)
            else:
                found.add(item)
    return found


def _referred(module: ModuleData, expression: ConstExpr) -> set[int]:
    found, at = set(), expression.start
    while at < expression.end:
        opcode, immediates, at = read(module.binary, at)
        if opcode.name == "ref.func":
            found.add(immediates[0])
    return found
