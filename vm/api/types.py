"""Types with wasmtime-py's names and shapes, around the engine's own (``vm.isa.types``)."""

from __future__ import annotations

from vm.api.checks import check
from vm.errors import VMError
from vm.isa import types as isa
from vm.isa.canonical import canonical
from vm.typed import Any, Sequence


class _Wrapper:
    """A type of the API around ``raw``, a type of the engine; equal when the engine's types are."""

    raw: Any

    def __eq__(self, other: object) -> bool:
        return type(other) is type(self) and other.raw == self.raw

    def __hash__(self) -> int:
        return hash(self.raw)

    def __str__(self) -> str:
        return str(self.raw)

    def __repr__(self) -> str:
        return f"{type(self).__name__}({self.raw})"


class ValType(_Wrapper):
    """A value type; made by the class methods."""

    def __init__(self) -> None:
        raise TypeError("use ValType.i32(), ValType.i64(), ValType.f32(), ...")

    @classmethod
    def of(cls, raw: isa.ValueType) -> ValType:
        """The wrapper of an engine type."""
        self = cls.__new__(cls)
        self.raw = raw
        return self

    @classmethod
    def i32(cls) -> ValType:
        """A 32-bit integer."""
        return cls.of(isa.ValType.I32)

    @classmethod
    def i64(cls) -> ValType:
        """A 64-bit integer."""
        return cls.of(isa.ValType.I64)

    @classmethod
    def f32(cls) -> ValType:
        """A 32-bit float."""
        return cls.of(isa.ValType.F32)

    @classmethod
    def f64(cls) -> ValType:
        """A 64-bit float."""
        return cls.of(isa.ValType.F64)

    @classmethod
    def v128(cls) -> ValType:
        """A vector of 128 bits; an unsigned int in Python, with lane 0 in the lowest bits."""
        return cls.of(isa.ValType.V128)

    @classmethod
    def funcref(cls) -> ValType:
        """A reference to a function, or null."""
        return cls.of(isa.FUNCREF)

    @classmethod
    def externref(cls) -> ValType:
        """A reference to any Python object, or null."""
        return cls.of(isa.EXTERNREF)

    @classmethod
    def anyref(cls) -> ValType:
        """A reference to anything that WebAssembly manages, or to what the host does; or null."""
        return cls.of(isa.ANYREF)

    @classmethod
    def eqref(cls) -> ValType:
        """A reference to a structure, an array or a small int; or null."""
        return cls.of(isa.EQREF)

    @classmethod
    def i31ref(cls) -> ValType:
        """An int of 31 bits, or null."""
        return cls.of(isa.I31REF)

    @classmethod
    def structref(cls) -> ValType:
        """A reference to a structure, or null."""
        return cls.of(isa.STRUCTREF)

    @classmethod
    def arrayref(cls) -> ValType:
        """A reference to an array, or null."""
        return cls.of(isa.ARRAYREF)

    @classmethod
    def exnref(cls) -> ValType:
        """A reference to an exception, or null."""
        return cls.of(isa.EXNREF)


class FuncType(_Wrapper):
    """A function's parameters and results."""

    def __init__(self, params: Sequence[ValType], results: Sequence[ValType]) -> None:
        self.raw = isa.FuncType(_raws(params, "params"), _raws(results, "results"))

    @property
    def params(self) -> list[ValType]:
        """Parameter types."""
        return [ValType.of(raw) for raw in self.raw.params]

    @property
    def results(self) -> list[ValType]:
        """Result types."""
        return [ValType.of(raw) for raw in self.raw.results]


def _raws(types: Sequence[ValType], what: str) -> tuple[isa.ValueType, ...]:
    return tuple(check(type, ValType, what).raw for type in types)


class Limits(_Wrapper):
    """Size bounds; ``max`` None is unbounded."""

    def __init__(self, min: int, max: int | None) -> None:
        self.raw = isa.Limits(check(min, int, "min"), check(max, (int, type(None)), "max"))
        if min < 0 or (max is not None and max < min):
            raise VMError(f"limits: expected 0 <= min <= max, got min {min}, max {max}")

    @property
    def min(self) -> int:
        """The least size."""
        minimum: int = self.raw.minimum
        return minimum

    @property
    def max(self) -> int | None:
        """The greatest size."""
        maximum: int | None = self.raw.maximum
        return maximum


class MemoryType(_Wrapper):
    """A memory's limits, in pages of 64 KiB unless ``page_size_log2`` says otherwise."""

    def __init__(
        self, limits: Limits, is_64: bool = False, shared: bool = False, page_size_log2: int = 16
    ) -> None:
        bounds = check(limits, Limits, "limits").raw
        address = isa.ValType.I64 if is_64 else isa.ValType.I32
        bounds = isa.Limits(bounds.minimum, bounds.maximum, address)
        self.raw = isa.MemoryType(bounds, shared, check(page_size_log2, int, "page_size_log2"))
        if page_size_log2 not in isa.PAGE_BITS:
            raise VMError(f"page_size_log2: expected 0 or 16, got {page_size_log2}")
        if max(bounds.minimum, bounds.maximum or 0) > self.raw.most_pages:
            raise VMError(f"limits: such a memory has at most {self.raw.most_pages} pages, got {limits}")

    @property
    def limits(self) -> Limits:
        """Size bounds in pages."""
        return Limits(self.raw.limits.minimum, self.raw.limits.maximum)

    @property
    def is_64(self) -> bool:
        """Whether its addresses have 64 bits."""
        return self.raw.address is isa.ValType.I64

    @property
    def page_size(self) -> int:
        """Bytes in a page."""
        return 1 << self.page_size_log2

    @property
    def page_size_log2(self) -> int:
        """The binary logarithm of ``page_size``."""
        bits: int = self.raw.page_bits
        return bits

    @property
    def is_shared(self) -> bool:
        """Whether several threads can use it at once."""
        shared: bool = self.raw.shared
        return shared


class TableType(_Wrapper):
    """A table's element type and limits."""

    def __init__(self, valtype: ValType, limits: Limits) -> None:
        self.raw = isa.TableType(check(valtype, ValType, "valtype").raw, check(limits, Limits, "limits").raw)

    @property
    def element(self) -> ValType:
        """The type of the elements."""
        return ValType.of(self.raw.element)

    @property
    def limits(self) -> Limits:
        """Size bounds in elements."""
        return Limits(self.raw.limits.minimum, self.raw.limits.maximum)


class GlobalType(_Wrapper):
    """A global's content and mutability."""

    def __init__(self, valtype: ValType, mutable: bool) -> None:
        self.raw = isa.GlobalType(check(valtype, ValType, "valtype").raw, mutable)

    @property
    def content(self) -> ValType:
        """The type of the value."""
        return ValType.of(self.raw.content)

    @property
    def mutable(self) -> bool:
        """Whether it can be set."""
        mutable: bool = self.raw.mutable
        return mutable


class TagType(_Wrapper):
    """A tag's type: the parameters of a function type are what exceptions bring along."""

    def __init__(self, functype: FuncType) -> None:
        self.raw = isa.TagType(canonical(check(functype, FuncType, "functype").raw))

    @property
    def functype(self) -> FuncType:
        """The function type."""
        found: FuncType = wrap_type(self.raw.definition)
        return found


ExternType = FuncType | MemoryType | TableType | GlobalType | TagType

_WRAPPERS: dict[type, type[Any]] = {
    isa.FuncType: FuncType,
    isa.MemoryType: MemoryType,
    isa.TableType: TableType,
    isa.GlobalType: GlobalType,
    isa.TagType: TagType,
}


def wrap_type(raw: isa.ExternType | isa.FuncType) -> Any:
    """The API's type for an engine's."""
    if isinstance(raw, isa.DefType):
        raw = raw.func
    cls = _WRAPPERS[type(raw)]
    wrapper = object.__new__(cls)
    wrapper.raw = raw
    return wrapper


class ImportType:
    """One import of a module."""

    def __init__(self, module: str, name: str, raw: isa.ExternType) -> None:
        self.module = module
        self.name = name
        self.type = wrap_type(raw)


class ExportType:
    """One export of a module."""

    def __init__(self, name: str, raw: isa.ExternType) -> None:
        self.name = name
        self.type = wrap_type(raw)
