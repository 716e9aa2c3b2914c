"""Enumerations, as ``enum`` has them, for what every start of a program imports.

``enum`` takes over a millisecond to import, and more for each class; all that these enumerations need of it
is a few lines: members with a name and a value, found by either, listed in order, one object each. Type
checkers see ``enum`` itself.
"""

from __future__ import annotations

from vm.typed import TYPE_CHECKING

if TYPE_CHECKING:
    from enum import Enum as Enum
    from enum import IntEnum as IntEnum
    from enum import StrEnum as StrEnum
else:

    class _EnumType(type):
        """The type of enumerations: the class is the collection of its members."""

        def __new__(cls, name, bases, namespace):
            values = {key: value for key, value in namespace.items() if _is_member(key, value)}
            rest = {key: value for key, value in namespace.items() if key not in values}
            made = super().__new__(cls, name, bases, rest)
            made.__members__, made._by_value = {}, {}
            for key, value in values.items():
                member = made._by_value.get(value)
                if member is None:
                    member = made._by_value[value] = made._new(value)
                    member.name, member.value = key, value
                made.__members__[key] = member
                type.__setattr__(made, key, member)
            return made

        def __call__(cls, value):
            if type(value) is cls:
                return value
            try:
                return cls._by_value[value]
            except (KeyError, TypeError):
                raise ValueError(f"{value!r} is not a valid {cls.__qualname__}") from None

        def __getitem__(cls, name):
            return cls.__members__[name]

        def __iter__(cls):
            return iter(cls._by_value.values())

        def __len__(cls):
            return len(cls._by_value)

        def __contains__(cls, value):
            return type(value) is cls or value in cls._by_value

        def __setattr__(cls, name, value):
            if name in cls.__dict__.get("__members__", ()):
                raise AttributeError(f"cannot reassign member {name!r}")
            type.__setattr__(cls, name, value)

    def _is_member(name, value):
        """Whether a name of the class's body is a member: no method, nothing between underscores."""
        return not name.startswith("__") and not hasattr(value, "__get__")

    class Enum(metaclass=_EnumType):
        """Members are what they are: they compare and hash by identity."""

        @classmethod
        def _new(cls, value):
            return object.__new__(cls)

        def __repr__(self):
            return f"<{type(self).__name__}.{self.name}: {self.value!r}>"

        def __str__(self):
            return f"{type(self).__name__}.{self.name}"

        def __reduce_ex__(self, _):
            return type(self), (self.value,)

        def __copy__(self):
            return self

        def __deepcopy__(self, _):
            return self

    class IntEnum(int, Enum):
        """Members that are integers, too."""

        @classmethod
        def _new(cls, value):
            return int.__new__(cls, value)

        __repr__ = Enum.__repr__
        __str__ = int.__repr__
        __format__ = int.__format__

    class StrEnum(str, Enum):
        """Members that are text, too."""

        @classmethod
        def _new(cls, value):
            return str.__new__(cls, value)

        __repr__ = Enum.__repr__
        __str__ = str.__str__
        __format__ = str.__format__
