"""``vm.enums``, ``vm.typed`` and ``vm.digests`` do what the modules do whose place they take at start-up."""

from __future__ import annotations

import copy
import enum
import hashlib
import pickle
import typing

import pytest

from vm import enums, typed
from vm.digests import SIZE, digest


def enumerations(module: object) -> list[type]:
    """The same three classes, with one library and with the other."""
    made: dict[str, object] = {}
    for base, one, two in (("Enum", "'x'", "'y'"), ("IntEnum", "1", "2"), ("StrEnum", "'p'", "'q'")):
        source = (
            f"class {base}Class(module.{base}):\n    ONE = {one}\n    TWO = {two}\n    ALIAS = ONE\n"
            "    @property\n    def double(self): return self.value * 2\n"
            "    def shout(self): return self.name + '!'\n"
        )
        exec(source, {"module": module, "__name__": __name__}, made)
    return [cls for cls in made.values() if isinstance(cls, type)]


def told(cls: typing.Any) -> dict[str, object]:
    """What can be seen of an enumeration."""
    one = cls.ONE
    return {
        "members": [(m.name, m.value, str(m), f"{m}", repr(m), m.double, m.shout()) for m in cls],
        "names": {name: member.name for name, member in cls.__members__.items()},
        "one": (cls(one.value) is one, cls(one) is one, cls["TWO"] is cls.TWO, cls.ALIAS is one, len(cls)),
        "equal": (one == one.value, one == cls.TWO, one in {cls.ONE}, isinstance(one, cls), one in cls),
        "copied": (copy.copy(one) is one, copy.deepcopy([one])[0] is one),
    }


def test_enumerations_are_as_those_of_the_library() -> None:
    ours, theirs = enumerations(enums), enumerations(enum)
    assert [told(cls) for cls in ours] == [told(cls) for cls in theirs]
    for cls in ours:
        with pytest.raises(ValueError, match="is not a valid"):
            cls(object())
        with pytest.raises(AttributeError, match="cannot reassign"):
            cls.ONE = 3  # type: ignore[attr-defined]


class Ours(typed.NamedTuple):
    """A tuple with a default and a method."""

    a: int
    b: int = 3

    def total(self) -> int:
        """The sum."""
        return self.a + self.b


def test_tuples_with_names_are_as_those_of_the_library() -> None:
    class Theirs(typing.NamedTuple):
        a: int
        b: int = 3

    for arguments, named in (((1,), {}), ((1, 2), {}), ((), {"b": 5, "a": 4}), ((7,), {"b": 8})):
        ours, theirs = Ours(*arguments, **named), Theirs(*arguments, **named)
        assert tuple(ours) == tuple(theirs)
        assert (ours.a, ours.b, ours._asdict()) == (theirs.a, theirs.b, theirs._asdict())
        assert ours._replace(b=9) == theirs._replace(b=9)
        assert repr(ours)[4:] == repr(theirs).split("Theirs")[1]
        assert pickle.loads(pickle.dumps(ours)) == ours
    assert Ours(1, 2).total() == 3
    assert (Ours._fields, Ours.__match_args__) == (Theirs._fields, Theirs.__match_args__)
    for arguments, named in (((), {}), ((1, 2, 3), {}), ((1,), {"a": 2}), ((1,), {"c": 2})):
        with pytest.raises(TypeError, match="Ours takes a, b"):
            Ours(*arguments, **named)


def test_digests_are_those_of_the_library() -> None:
    made = digest(b"some ")
    made.update(b"more")
    assert made.digest() == hashlib.blake2b(b"some more", digest_size=SIZE).digest()
    assert digest().digest() != made.digest()
