"""Validation of type definitions: their sizes, and what a declared subtype must fulfil (spec 3.2.9-12)."""

from __future__ import annotations

from vm.errors import ValidationError
from vm.isa.matching import matches_composite
from vm.isa.types import CompositeType, DefType, FuncType, StructType
from vm.module.limits import MAX_FIELDS, MAX_PARAMETERS, MAX_RESULTS
from vm.typed import Sequence


def check_types(types: Sequence[DefType]) -> None:
    """Raise ``ValidationError`` unless all definitions of a module are valid."""
    for index, definition in enumerate(types):
        _check_sizes(definition.composite, f"type {index}")
        supertype = definition.supertype
        if supertype is None:
            continue
        if supertype.final:
            raise ValidationError("sub type", 0, f"type {index} extends a final type, {supertype}")
        if not matches_composite(definition.composite, supertype.composite):
            raise ValidationError("sub type", 0, f"type {index} does not match its supertype, {supertype}")


def _check_sizes(composite: CompositeType, where: str) -> None:
    sizes: list[tuple[str, int, int]] = []
    if isinstance(composite, FuncType):
        sizes += [
            ("parameters", len(composite.params), MAX_PARAMETERS),
            ("results", len(composite.results), MAX_RESULTS),
        ]
    elif isinstance(composite, StructType):
        sizes.append(("fields", len(composite.fields), MAX_FIELDS))
    for what, count, most in sizes:
        if count > most:
            raise ValidationError(f"too many {what}", 0, f"{where}: {count}, at most {most} are supported")
