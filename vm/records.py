"""Records: classes of fields, as ``dataclasses`` has them, for what every start of a program imports.

``dataclasses`` takes some 8 ms to import (it brings ``inspect``) and half a millisecond a class, since it
compiles each method from text; fifty such classes were a third of the time to a first result. Here comparing,
hashing and showing are closures, and ``__init__`` is compiled when a class is first instantiated. All records
have slots.
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


@dataclass_transform(field_specifiers=(field,))
def record(*, frozen: bool = False, eq: bool = True, weakref: bool = False) -> Callable[[type[_T]], type[_T]]:
    """Make a class a record: its annotations are its fields, in order, those of its bases first.

    ``frozen``: fields cannot be assigned; ``eq``: records of one class are equal if their fields are;
    ``weakref``: there may be weak references. ``__post_init__``, if there is one, ends ``__init__``.
    """

    def make(cls: type[_T]) -> type[_T]:
        own = {name: _field(cls, name) for name in _annotated(cls)}
        inherited = {name: f for base in reversed(cls.__mro__[1:]) for name, f in _fields(base).items()}
        namespace = {k: v for k, v in vars(cls).items() if k not in own and k not in _OF_CLASSES}
        everything = inherited | own
        namespace["__slots__"] = (*own, *(("__weakref__",) if weakref else ()))
        namespace["__record_fields__"] = everything
        namespace["__match_args__"] = tuple(name for name, f in everything.items() if f.init)
        for name, method in _methods(everything, frozen, eq).items():
            namespace.setdefault(name, method)
        make_class: Any = type(cls)
        made: Any = make_class(cls.__name__, cls.__bases__, namespace)
        made.__qualname__ = cls.__qualname__
        if "__init__" not in namespace:
            made.__init__ = _first_init(made, everything, frozen)
        found: type[_T] = made
        return found

    return make


_OF_CLASSES = ("__dict__", "__weakref__")
"""What Python puts into a class without slots."""


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


def _annotated(cls: type[Any]) -> list[str]:
    annotations = vars(cls).get("__annotations__", {})
    return [name for name, type in annotations.items() if not str(type).startswith("ClassVar")]


def _field(cls: type[Any], name: str) -> Field:
    default = vars(cls).get(name, _MISSING)
    found = default if isinstance(default, Field) else Field(default)
    found.name = name
    return found


def _methods(fields: Mapping[str, Field], frozen: bool, eq: bool) -> dict[str, Any]:
    compared = _getter([name for name, f in fields.items() if f.compare])
    shown = [name for name, f in fields.items() if f.repr]

    def __repr__(self: object) -> str:
        values = ", ".join(f"{name}={getattr(self, name)!r}" for name in shown)
        return f"{type(self).__qualname__}({values})"

    def __eq__(self: object, other: object) -> bool:
        return compared(self) == compared(other) if type(other) is type(self) else NotImplemented

    def __hash__(self: object) -> int:
        return hash(compared(self))

    methods: dict[str, Any] = {"__repr__": __repr__}
    if eq:
        methods |= {"__eq__": __eq__, "__hash__": __hash__ if frozen else None}
    if frozen:
        methods |= {"__setattr__": _refuse, "__delattr__": _refuse, "__reduce__": _reduce}
    return methods


def _getter(names: list[str]) -> Callable[[object], Any]:
    return attrgetter(*names) if names else lambda record: ()


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


_FEW = 25
"""Instances of a class for which making its own ``__init__`` costs more than it saves."""


def _first_init(cls: type[Any], fields: Mapping[str, Field], frozen: bool) -> Callable[..., None]:
    """An ``__init__`` that does without text to compile for the first few instances, and then, or when the
    arguments are wrong, puts the real one in its place.
    """
    names = [name for name, f in fields.items() if f.init]
    left = _FEW

    def __init__(self: Any, *args: Any, **named: Any) -> None:
        nonlocal left
        left -= 1
        given = dict(zip(names, args, strict=False)) | named
        fits = len(given) == len(args) + len(named) and given.keys() <= set(names)
        if left < 0 or not fits or not _fill(cls, self, fields, given):
            real = cls.__init__ = _init(cls, fields, frozen)
            real(self, *args, **named)

    return __init__


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
