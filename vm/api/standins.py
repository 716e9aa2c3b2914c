"""Objects that stand in for imports nobody has defined: functions that trap, or default values."""

from __future__ import annotations

from vm.api.caller import Storelike
from vm.api.externs import AnyExtern, Global, Table, Tag
from vm.api.func import Func
from vm.api.memory import Memory
from vm.api.types import FuncType, GlobalType, ImportType, MemoryType, TableType, TagType
from vm.errors import Trap, VMError
from vm.typed import Any


def trapping(store: Storelike, wanted: ImportType) -> Func:
    """A function that traps and says which import it stands for."""

    def trap(*_: Any) -> None:
        raise Trap(f"unknown import: `{wanted.module}::{wanted.name}` has not been defined")

    return Func(store, wanted.type, trap)


def default(store: Storelike, wanted: ImportType) -> AnyExtern:
    """Zero, null, nothing: whatever a type has as its default."""
    match wanted.type:
        case FuncType() as type:
            values = [_zero(str(result)) for result in type.results]
            result = values[0] if len(values) == 1 else values or None
            return Func(store, type, lambda *_: result)
        case GlobalType() as type:
            return Global(store, type, _zero(str(type.content)))
        case MemoryType() as type:
            return Memory(store, type)
        case TableType() as type:
            return Table(store, type, None)
        case TagType() as type:
            return Tag(store, type)
    raise VMError(f"`{wanted.module}::{wanted.name}` has a type without a default value: {wanted.type}")


def _zero(kind: str) -> Any:
    """The default of a value type; null for references."""
    return {"i32": 0, "i64": 0, "v128": 0, "f32": 0.0, "f64": 0.0}.get(kind)
