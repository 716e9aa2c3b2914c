"""Records: classes of fields, as ``dataclasses`` has them, for what every start of a program imports.

``dataclasses`` takes some 8 ms to import (it brings ``inspect``) and half a millisecond a class, since it
compiles each method from text; fifty such classes were a third of the time to a first result. Here comparing,
hashing and showing go by the fields, and ``__init__`` is compiled when a class is instantiated often. All
records have slots, and each class is made once: to make it anew, with slots, takes another 50 µs.
"""

from __future__ import annotations

from vm.primitives import attrgetter
from vm.typed import Any, Callable, Mapping, TypeVar, dataclass_transform

_T = TypeVar("_T")

_MISSING: Any = object()


class Field:
    """One field: its name, default and ``metadata``."""

    __slots__ = ("compare", "default", "default_factory", "init", "metadata", "name", "repr")

    def __init__(
        self,
        default: Any = _MISSING,
        default_factory: Callable[[], Any] | None = None,
        *,
        init: bool = True,
        repr: bool = True,
        compare: bool = True,
        metadata: Mapping[str, Any] | None = None,
    ) -> None:
        self.name = ""
        self.default = default
        self.default_factory = default_factory
        self.init = init
        self.repr = repr
        self.compare = compare
        self.metadata: Mapping[str, Any] = metadata or {}


def field(
    *,
    default: Any = _MISSING,
    default_factory: Callable[[], Any] | None = None,
    init: bool = True,
    repr: bool = True,
    compare: bool = True,
    metadata: Mapping[str, Any] | None = None,
) -> Any:
    """A field that says more than its default."""
    return Field(default, default_factory, init=init, repr=repr, compare=compare, metadata=metadata)


def fields(record: object) -> tuple[Field, ...]:
    """The fields of a record, or of its class."""
    cls = record if isinstance(record, type) else type(record)
    return tuple(_fields(cls).values())


def replace(record: _T, **changes: Any) -> _T:
    """A record of the same class with some fields changed."""
    given = {f.name: getattr(record, f.name) for f in fields(record) if f.init}
    return type(record)(**{**given, **changes})


def _fields(cls: type[Any]) -> Mapping[str, Field]:
    found: Mapping[str, Field] = vars(cls).get("__record_fields__", {})
    return found


def _annotated(namespace: Mapping[str, Any]) -> list[str]:
    annotations = namespace.get("__annotations__", {})
    return [name for name, type in annotations.items() if not str(type).startswith("ClassVar")]


def _field(namespace: dict[str, Any], name: str) -> Field:
    """A field as a class's body has it, where its slot will be."""
    default = namespace.pop(name, _MISSING)
    found = default if isinstance(default, Field) else Field(default)
    found.name = name
    return found


def _methods(fields: Mapping[str, Field], frozen: bool, eq: bool) -> dict[str, Any]:
    """What a class gets that does not define it. All classes share these functions, which Python's cycle
    collector would look at one by one at a program's end.
    """
    compared = [name for name, f in fields.items() if f.compare]
    methods: dict[str, Any] = {"__repr__": _show}
    if eq:
        methods["__record_key__"] = attrgetter(*compared) if compared else _nothing
        methods |= {"__eq__": _equal, "__hash__": _hash if frozen else None}
    if frozen:
        methods |= {"__setattr__": _refuse, "__delattr__": _refuse, "__reduce__": _reduce}
    return methods


def _nothing(record: Any) -> tuple[()]:
    return ()


def _show(self: Any) -> str:
    shown = (name for name, f in _fields(type(self)).items() if f.repr)
    return f"{type(self).__qualname__}({', '.join(f'{name}={getattr(self, name)!r}' for name in shown)})"


def _equal(self: Any, other: object) -> Any:
    key = type(self).__record_key__
    return key(self) == key(other) if type(other) is type(self) else NotImplemented


def _hash(self: Any) -> int:
    return hash(type(self).__record_key__(self))


def _refuse(self: object, name: str, *value: object) -> None:
    raise AttributeError(f"{type(self).__qualname__} is frozen: {name!r} stays as it is")


def _reduce(self: object) -> tuple[Any, ...]:
    """For ``pickle`` and ``copy``: frozen fields are set past ``__setattr__``."""
    return _restore, (type(self), {name: getattr(self, name) for name in _fields(type(self))})


def _restore(cls: type[Any], values: Mapping[str, Any]) -> object:
    made: object = object.__new__(cls)
    for name, value in values.items():
        object.__setattr__(made, name, value)
    return made


_FEW = 100
"""Instances of a class for which making its own ``__init__`` costs more than it saves: some 4 µs each, as
against 0.1 ms a class, and 1.2 ms for the first: there ``compile`` has CPython make the types of ``ast``."""


def _first_init(self: Any, *args: Any, **named: Any) -> None:
    """The ``__init__`` of a class's first few instances, which there is no text to be compiled for; then, or
    when the arguments are wrong, it puts the real one in its place. Another thread may just have done so.
    """
    cls: Any = next(cls for cls in type(self).__mro__ if "__record_left__" in vars(cls))
    cls.__record_left__ -= 1
    fields = _fields(cls)
    given = dict(zip(cls.__match_args__, args, strict=False)) | named
    fits = len(given) == len(args) + len(named) and given.keys() <= set(cls.__match_args__)
    if cls.__record_left__ < 0 or not fits or not _fill(cls, self, fields, given):
        real = cls.__init__ = _init(cls, fields, cls.__setattr__ is _refuse)
        real(self, *args, **named)


def _fill(cls: type[Any], made: Any, fields: Mapping[str, Field], given: Mapping[str, Any]) -> bool:
    """Set the fields; False: there is none given for one that must be."""
    for name, f in fields.items():
        if name in given:
            value = given[name]
        elif f.default_factory is not None:
            value = f.default_factory()
        elif f.default is not _MISSING:
            value = f.default
        else:
            return False
        getattr(cls, name).__set__(made, value)
    if hasattr(cls, "__post_init__"):
        made.__post_init__()
    return True


def _init(cls: type[Any], fields: Mapping[str, Field], frozen: bool) -> Callable[..., None]:
    parameters, lines, known = [], [], {"_missing": _MISSING}
    for name, f in fields.items():
        value = name
        if f.default_factory is not None:
            known[f"_make_{name}"] = f.default_factory
            value = f"_make_{name}() if {name} is _missing else {name}" if f.init else f"_make_{name}()"
            parameters.append(f"{name}=_missing")
        elif f.default is not _MISSING:
            known[f"_default_{name}"] = f.default
            value = name if f.init else f"_default_{name}"
            parameters.append(f"{name}=_default_{name}")
        else:
            parameters.append(name)
        if not f.init:
            parameters.pop()
        if frozen:  # past __setattr__, by the field's own slot: quicker than object.__setattr__
            known[f"_set_{name}"] = getattr(cls, name).__set__
        lines.append(f"_set_{name}(self, {value})" if frozen else f"self.{name} = {value}")
    if hasattr(cls, "__post_init__"):
        lines.append("self.__post_init__()")
    source = f"def __init__(self, {', '.join(parameters)}):\n " + "\n ".join(lines or ["pass"])
    # As a code object: when Ctrl-C interrupts text that is executed, CPython ends the process by that signal
    # in the end, whoever caught KeyboardInterrupt meanwhile (run_eval_code_obj in its pythonrun.c).
    exec(compile(source, f"<{cls.__qualname__}>", "exec"), known)  # noqa: S102 - names of the class's own fields
    found: Callable[..., None] = known["__init__"]
    found.__qualname__ = f"{cls.__qualname__}.__init__"
    return found


class _RecordType(type):
    """The type of records, which makes each class once: with slots, and with methods that know its fields."""

    def __new__(
        cls,
        name: str,
        bases: tuple[type, ...],
        namespace: dict[str, Any],
        *,
        frozen: bool = False,
        eq: bool = True,
        weakref: bool = False,
    ) -> _RecordType:
        frozen = frozen or any(base.__setattr__ is _refuse for base in bases)
        own = {name: _field(namespace, name) for name in _annotated(namespace)}
        inherited = {name: f for base in reversed(bases) for name, f in _fields(base).items()}
        everything = inherited | own
        namespace["__slots__"] = (*own, *(("__weakref__",) if weakref else ()))
        namespace["__record_fields__"] = everything
        namespace["__match_args__"] = tuple(name for name, f in everything.items() if f.init)
        if "__init__" not in namespace:
            namespace |= {"__init__": _first_init, "__record_left__": _FEW}
        return super().__new__(cls, name, bases, _methods(everything, frozen, eq) | namespace)


@dataclass_transform(field_specifiers=(field,))
class Record(metaclass=_RecordType, eq=False):
    """A class whose annotations are its fields, in order, those of its bases first.

    ``class Point(Record, frozen=True)``: fields cannot be assigned; ``eq=False``: records are equal only to
    themselves, not if their class and fields are the same; ``weakref=True``: there may be weak references.
    ``__post_init__``, if there is one, ends ``__init__``.
    """
