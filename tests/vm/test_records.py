"""Records behave as dataclasses do, for what both can."""

from __future__ import annotations

import copy
import dataclasses
import os
import pickle
import subprocess
import sys
import weakref
from pathlib import Path
from typing import Any, ClassVar

import pytest

from vm.records import Record, field, fields, replace


class Point(Record, frozen=True):
    """A frozen one."""

    kinds: ClassVar[int] = 2
    x: int
    y: int = 0
    seen: bool = field(init=False, repr=False, compare=False, default=False)

    def __post_init__(self) -> None:
        object.__setattr__(self, "seen", self.x > 10)


@dataclasses.dataclass(frozen=True, slots=True)
class Model:
    """The same, by the standard library."""

    kinds: ClassVar[int] = 2
    x: int
    y: int = 0
    seen: bool = dataclasses.field(init=False, repr=False, compare=False, default=False)

    def __post_init__(self) -> None:
        object.__setattr__(self, "seen", self.x > 10)


class Bag(Record):
    """One that changes."""

    items: list[int] = field(default_factory=list)
    name: str = "bag"


class Named(Point, frozen=True):
    """One with a base."""

    name: str = ""


class Unnamed(Point):  # type: ignore[misc]  # mypy would have it say that it is frozen, too
    """One that only has a base."""


class Thing(Record, eq=False, weakref=True):
    """One that is only equal to itself."""

    value: int


@pytest.mark.parametrize("arguments", [(1,), (1, 2), (11, 0)])
def test_a_frozen_record_is_what_a_dataclass_is(arguments: tuple[int, ...]) -> None:
    ours, theirs = Point(*arguments), Model(*arguments)
    assert repr(ours) == repr(theirs).replace("Model", "Point")
    assert (ours.x, ours.y, ours.seen) == (theirs.x, theirs.y, theirs.seen)
    assert hash(ours) == hash(theirs)
    assert ours == Point(*arguments) != Point(99)
    assert Point.__match_args__ == Model.__match_args__
    assert ours != theirs
    assert not hasattr(ours, "__dict__")


@pytest.mark.parametrize("wrong", [(), (1, 2, 3)])
def test_wrong_arguments_are_type_errors(wrong: tuple[int, ...]) -> None:
    with pytest.raises(TypeError, match="__init__"):
        Point(*wrong)
    with pytest.raises(TypeError, match="z"):
        Point(1, z=2)  # type: ignore[call-arg]


@pytest.mark.parametrize("made", [Point, Unnamed])
def test_frozen_fields_stay(made: type[Any]) -> None:
    point: Any = made(1)
    for change in (
        lambda: setattr(point, "x", 2),
        lambda: delattr(point, "x"),
        lambda: setattr(point, "z", 2),
    ):
        with pytest.raises(AttributeError, match=f"{made.__name__} is frozen"):
            change()


def test_defaults_are_made_for_each() -> None:
    one, other = Bag(), Bag()
    one.items.append(1)
    assert (one.items, other.items, other.name) == ([1], [], "bag")
    assert one != other
    with pytest.raises(TypeError, match="unhashable"):
        hash(one)


def test_bases_fields_come_first() -> None:
    assert [f.name for f in fields(Named)] == ["x", "y", "seen", "name"]
    assert repr(Named(1, 2, "n")) == "Named(x=1, y=2, name='n')"
    assert Named(1, 2, "n") != Named(1, 2, "m")


def test_identity_is_left_alone_if_asked() -> None:
    thing = Thing(1)
    assert weakref.ref(thing)() is thing
    assert thing != Thing(1)
    assert thing in {thing}


def test_records_are_copied_pickled_and_replaced() -> None:
    point = Point(11, 3)
    for again in (copy.copy(point), pickle.loads(pickle.dumps(point)), replace(point, y=3)):
        assert again == point
        assert again.seen
    assert replace(point, x=1) == Point(1, 3)
    bag = copy.deepcopy(Bag([1], "b"))
    assert bag == Bag([1], "b")


@pytest.mark.parametrize("frozen", [False, True])
@pytest.mark.parametrize("wrong", [((), {}), ((1,), {"a": 2}), ((1, [], 3, 4), {}), ((1,), {"d": 2})])
def test_the_first_instances_are_as_later_ones(
    frozen: bool, wrong: tuple[tuple[Any, ...], dict[str, Any]]
) -> None:
    """The first few are made without an ``__init__`` of their class' own."""

    class Made(Record, frozen=frozen):
        a: int
        b: list[int] = field(default_factory=list)
        c: int = 3
        d: int = field(init=False, default=0)

    made = [Made(number, c=number) for number in range(200)] + [Made(200)]
    assert [(m.a, m.b, m.c, m.d) for m in made] == [(n, [], n, 0) for n in range(200)] + [(200, [], 3, 0)]
    assert len({id(m.b) for m in made}) == len(made)
    args, named = wrong
    with pytest.raises(TypeError, match=r"__init__\(\)"):
        Made(*args, **named)

    class Other(Record, frozen=frozen):
        a: int
        b: int = 0
        c: int = 0

    with pytest.raises(TypeError, match=r"__init__\(\)"):
        Other(*args, **named)


def test_a_subclass_ends_every_instance_its_own_way() -> None:
    class Made(Record):
        a: int

        def __post_init__(self) -> None:
            self.a += 1

    class Other(Made):
        def __post_init__(self) -> None:
            self.a += 10

    assert {Other(0).a for _ in range(200)} == {10}


def test_an_instance_that_another_thread_overtakes_is_made_nevertheless() -> None:
    """The other has put the real ``__init__`` in the place of the first one, which has just been entered."""

    class Made(Record):
        a: int = 3

    first: Any = Made.__init__
    for number in range(200):
        Made(number)
    assert Made.__init__ is not first
    for arguments in ((), (7,)):
        late = object.__new__(Made)
        first(late, *arguments)
        assert late == Made(*arguments)
    assert Record.__init__ is first


INTERRUPTED = """
import sys
from vm.records import Record

class Point(Record):
    x: int

def interrupt(frame, event, argument):
    if frame.f_code.co_name == "<module>" and event == "line":
        sys.settrace(None)
        raise KeyboardInterrupt
    return interrupt

sys.settrace(interrupt)
try:
    for number in range(200):  # for the first few, nothing is compiled
        Point(number)
except KeyboardInterrupt:
    sys.exit(130)
"""


def test_ctrl_c_while_a_class_is_first_used_can_be_caught(tmp_path: Path) -> None:
    (tmp_path / "interrupted.py").write_text(INTERRUPTED)
    path = os.pathsep.join([str(tmp_path), *sys.path])
    command = [sys.executable, "-m", "interrupted"]
    assert subprocess.run(command, env=os.environ | {"PYTHONPATH": path}, check=False).returncode == 130
