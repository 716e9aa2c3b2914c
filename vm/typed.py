"""The names of ``typing`` and ``collections.abc`` that starts use, at no cost when they run.

``typing`` takes 2 ms to import and brings ``re`` and ``enum``, another 4: a fifth of the time that a small
module may take to its first result; ``collections.abc``, which Python itself starts with under another name,
brings ``collections``, another 2 (as ``functools`` does, and ``threading``, of which ``vm.primitives`` has
what starts need). Annotations are text here, so that most names mean nothing at run time. Type checkers see
the modules themselves.
"""

from __future__ import annotations

TYPE_CHECKING = False

if TYPE_CHECKING:
    from collections.abc import Callable as Callable
    from collections.abc import Collection as Collection
    from collections.abc import Iterable as Iterable
    from collections.abc import Iterator as Iterator
    from collections.abc import Mapping as Mapping
    from collections.abc import MutableSequence as MutableSequence
    from collections.abc import Sequence as Sequence
    from typing import Any as Any
    from typing import ClassVar as ClassVar
    from typing import Generic as Generic
    from typing import Literal as Literal
    from typing import NamedTuple as NamedTuple
    from typing import NoReturn as NoReturn
    from typing import ParamSpec as ParamSpec
    from typing import Protocol as Protocol
    from typing import TypeAlias as TypeAlias
    from typing import TypeVar as TypeVar
    from typing import cast as cast
    from typing import dataclass_transform as dataclass_transform
    from typing import overload as overload
else:
    from _collections import _tuplegetter
    from _collections_abc import Callable as Callable
    from _collections_abc import Collection as Collection
    from _collections_abc import Iterable as Iterable
    from _collections_abc import Iterator as Iterator
    from _collections_abc import Mapping as Mapping
    from _collections_abc import MutableSequence as MutableSequence
    from _collections_abc import Sequence as Sequence

    class _Form:
        """What may stand in an annotation, or in brackets behind one."""

        def __init__(self, *_, **__):
            pass

        def __getitem__(self, _):
            return self

        def __or__(self, _):
            return self

        __ror__ = __or__

    class _Base:
        """A base class that adds nothing."""

        __slots__ = ()

        def __class_getitem__(cls, _):
            return cls

    Any = ClassVar = Literal = NoReturn = TypeAlias = _Form()
    ParamSpec = TypeVar = _Form
    Generic = Protocol = _Base

    def cast(_, value):
        return value

    def dataclass_transform(**_):
        return lambda decorator: decorator

    def overload(function):
        return function

    class _NamedTupleType(type):
        """Makes a class of annotated fields a tuple with these names; other bases go, as with ``typing``."""

        def __new__(cls, name, bases, namespace):
            if not bases:
                return super().__new__(cls, name, bases, namespace)
            names = tuple(namespace.get("__annotations__", ()))
            defaults = {field: namespace.pop(field) for field in names if field in namespace}
            getters = {field: _tuplegetter(i, "") for i, field in enumerate(names)}
            own = {"__slots__": (), "_fields": names, "_field_defaults": defaults, "__match_args__": names}
            return type(name, (_Tuple,), namespace | getters | own)

    class _Tuple(tuple):
        """What such tuples have in common."""

        __slots__ = ()
        _fields = ()
        _field_defaults = {}  # noqa: RUF012 - nobody adds to it

        def __new__(cls, *values, **named):
            if not values and tuple(named) == cls._fields:  # as most call it that have many fields
                values = named.values()
            elif len(values) != len(cls._fields) or named:
                values = _complete(cls, values, named)
            return tuple.__new__(cls, values)

        @classmethod
        def _make(cls, values):
            return cls(*values)

        def _asdict(self):
            return dict(zip(self._fields, self, strict=True))

        def _replace(self, **changes):
            return type(self)(**{**self._asdict(), **changes})

        def __getnewargs__(self):
            return tuple(self)

        def __repr__(self):
            return f"{type(self).__name__}({', '.join(f'{k}={v!r}' for k, v in self._asdict().items())})"

    def _complete(cls, values, named):
        """All values in order; TypeError as calls of functions have it."""
        given = dict(zip(cls._fields, values, strict=False))
        wrong = [name for name in named if name in given or name not in cls._fields]
        found = {**cls._field_defaults, **given, **named}
        if len(values) > len(cls._fields) or wrong or len(found) < len(cls._fields):
            raise TypeError(f"{cls.__name__} takes {', '.join(cls._fields)}; got {values!r} and {named!r}")
        return (found[name] for name in cls._fields)

    class NamedTuple(metaclass=_NamedTupleType):
        """A tuple whose items have names, as ``typing`` makes it, without compiling text."""
