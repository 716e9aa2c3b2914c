"""What a module's indices and identifiers mean: one index space a kind of thing (spec 6.6.1)."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field

from vm.isa.types import FuncType, SubType
from vm.text.cursor import Cursor


@dataclass(slots=True)
class Space:
    """One index space: how many there are, and which have names.

    ``kind`` is the format's keyword, ``noun`` what errors call it; they differ for functions alone.
    """

    kind: str
    noun: str
    count: int = 0
    by_name: dict[str, int] = field(default_factory=dict)
    given: dict[int, str] = field(default_factory=dict)

    @property
    def names(self) -> dict[int, str]:
        """What things are called, by index: as an annotation says, or else by their identifier."""
        return {**{index: name[1:] for name, index in self.by_name.items()}, **self.given}

    def add(self, c: Cursor) -> int:
        """The index of one more; its identifier is read, when it has one."""
        at = c.at
        name = c.identifier()
        if name is not None:
            if name in self.by_name:
                raise c.fail(
                    f"duplicate {self.kind}", at, f"{name} is already {self.kind} {self.by_name[name]}"
                )
            self.by_name[name] = self.count
        given = c.given_name()
        if given is not None:
            self.given[self.count] = given
        self.count += 1
        return self.count - 1

    def add_anonymous(self, count: int = 1) -> int:
        """The index of the first of ``count`` more without names."""
        self.count += count
        return self.count - count

    def sees_index(self, c: Cursor) -> bool:
        """Whether an index or an identifier is next."""
        return c.words[c.at][:1] == "$" or c.sees_natural()

    def index(self, c: Cursor) -> int:
        """Read an index, as a number or by name. Numbers are not checked: that is validation."""
        word = c.words[c.at]
        if word[:1] != "$":
            return c.natural(32, f"a {self.noun}")
        found = self.by_name.get(word)
        if found is None:
            raise c.fail(f"unknown {self.noun}", detail=word)
        c.at += 1
        return found


@dataclass(slots=True)
class Unnamed(Space):
    """Parameters of types and imports: they may have identifiers, which nothing refers to."""

    kind: str = "local"
    noun: str = "local"

    def add(self, c: Cursor) -> int:
        """One more; its identifier may be another's, too."""
        c.identifier()
        c.given_name()
        return self.add_anonymous()


@dataclass(slots=True)
class TypeSpace(Space):
    """The types: those declared, then those that type uses bring along.

    ``groups`` has for each recursion group how many members it has, or None for a type that stands alone
    in a group that was not written; ``fields`` the names of fields, by the type's index.
    """

    types: list[SubType] = field(default_factory=list)
    groups: list[int | None] = field(default_factory=list)
    fields: dict[int, Space] = field(default_factory=dict)
    _first: dict[SubType, int] = field(default_factory=dict)

    def declare(self, members: Sequence[SubType], *, group: bool) -> None:
        """Append the types of a recursion group; what equals one before it leaves that the first."""
        self.groups.append(len(members) if group else None)
        if len(members) == 1:
            self._first.setdefault(members[0], len(self.types))
        self.types += members

    def intern(self, signature: FuncType) -> int:
        """The first type that is just ``signature``, which is appended when there is none (spec 6.4.8)."""
        wanted = SubType(signature)
        if wanted not in self._first:
            self.declare([wanted], group=False)
        return self._first[wanted]


@dataclass(slots=True)
class Spaces:
    """The index spaces of a module."""

    types: TypeSpace = field(default_factory=lambda: TypeSpace("type", "type"))
    functions: Space = field(default_factory=lambda: Space("func", "function"))
    tables: Space = field(default_factory=lambda: Space("table", "table"))
    memories: Space = field(default_factory=lambda: Space("memory", "memory"))
    globals: Space = field(default_factory=lambda: Space("global", "global"))
    tags: Space = field(default_factory=lambda: Space("tag", "tag"))
    elements: Space = field(default_factory=lambda: Space("elem", "elem segment"))
    data: Space = field(default_factory=lambda: Space("data", "data segment"))

    @property
    def definable(self) -> dict[str, Space]:
        """What can be imported, exported and defined, by its keyword."""
        spaces = (self.functions, self.tables, self.memories, self.globals, self.tags)
        return {space.kind: space for space in spaces}
