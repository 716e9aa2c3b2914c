"""The first of two walks over a module: which fields there are, and what they are called.

Identifiers may be used before they are defined, so every field gets its index here. Types are read whole,
once all of them have their names; everything else is left for ``vm.text.fields``.
"""

from __future__ import annotations

from dataclasses import dataclass, field

from vm.isa.types import SubType
from vm.text import types
from vm.text.cursor import Cursor
from vm.text.definitions import type_definition
from vm.text.spaces import Space, Spaces


@dataclass(slots=True)
class Field:
    """A field of a module: the second walk goes on at token ``at``.

    ``exports`` are those written inside it; ``imported`` its two names when it is an import, and
    ``depth`` how many parentheses to close behind it.
    """

    kind: str
    at: int
    index: int = 0
    exports: list[str] = field(default_factory=list)
    imported: tuple[str, str] | None = None
    depth: int = 1


@dataclass(slots=True)
class Outline:
    """A module's fields in the order of the text, and what their names mean."""

    name: str | None = None
    spaces: Spaces = field(default_factory=Spaces)
    fields: list[Field] = field(default_factory=list)


def outline(c: Cursor) -> Outline:
    """Read ``(module ...)``, or the fields alone; only white space may follow."""
    found = Outline()
    wrapped = c.opens("module")
    if wrapped:
        identifier = c.identifier()
        found.name = c.given_name() or (identifier[1:] if identifier else None)
    walk = _Walk(c, found)
    while c.words[c.at] == "(":
        walk.field()
    if wrapped:
        c.close()
    if c.words[c.at]:
        raise c.unexpected("the end" if wrapped else "a field in parentheses")
    walk.types()
    return found


class _Walk:
    """The walk's state: which kind of thing was defined, for no import may follow; whether start was seen."""

    def __init__(self, c: Cursor, found: Outline) -> None:
        self.c = c
        self.found = found
        spaces = found.spaces
        self.definable = spaces.definable
        self.segments = {space.kind: space for space in (spaces.elements, spaces.data)}
        self.type_fields: list[int] = []
        self.defined: Space | None = None
        self.started = False

    def field(self) -> None:
        """One field, at its opening parenthesis."""
        c = self.c
        start = c.at
        keyword = c.words[start + 1]
        c.at += 2
        if keyword == "type":
            self.type_fields.append(start)
            self.found.spaces.types.add(c)
        elif keyword == "rec":
            self.type_fields.append(start)
            self._recursion_group()
        elif keyword == "import":
            self._import(start)
        elif keyword in self.definable:
            self._definition(start, self.definable[keyword])
        elif keyword in self.segments:
            index = self.segments[keyword].add(c)
            self.found.fields.append(Field(keyword, c.at, index))
        elif keyword in ("export", "start"):
            self._reference(start, keyword)
        else:
            c.at = start + 1
            raise c.unexpected("a field of a module")
        c.at = start + 1
        c.skip_group()

    def _recursion_group(self) -> None:
        c = self.c
        while c.opens("type"):
            self.found.spaces.types.add(c)
            c.skip_group()
        c.close()

    def types(self) -> None:
        """Read the types whose places the walk has noted; their names are known."""
        c, names = self.c, self.found.spaces.types
        for c.at in self.type_fields:
            group = c.opens("rec")
            members: list[SubType] = []
            while c.opens("type"):
                c.identifier()
                members.append(type_definition(c, names, len(names.types) + len(members)))
                c.close()
                if not group:
                    break
            names.declare(members, group=group)

    def _reference(self, start: int, keyword: str) -> None:
        if keyword == "start":
            if self.started:
                raise self.c.fail("multiple start sections", start, "one function can be the start")
            self.started = True
        self.found.fields.append(Field(keyword, self.c.at))

    def _import(self, start: int) -> None:
        c = self.c
        names = c.name(), c.name()
        c.take("(")
        space = self.definable.get(c.words[c.at])
        if space is None:
            raise c.unexpected("what is imported")
        c.at += 1
        self._check_order(start)
        index = space.add(c)
        self.found.fields.append(Field(space.kind, c.at, index, imported=names, depth=2))

    def _definition(self, start: int, space: Space) -> None:
        c = self.c
        definition = Field(space.kind, 0, space.add(c))
        while c.opens("export"):
            definition.exports.append(c.name())
            c.close()
        if c.opens("import"):
            definition.imported = c.name(), c.name()
            c.close()
            self._check_order(start)
        else:
            self.defined = space
            self._inline_segment(space)
        definition.at = c.at
        self.found.fields.append(definition)

    def _inline_segment(self, space: Space) -> None:
        """A table or memory that brings its contents takes the next place among the segments."""
        c = self.c
        at = c.at
        if space.kind in ("table", "memory"):
            types.address_type(c)
            if space.kind == "memory":
                types.page_bits(c)
                if c.sees("data"):
                    self.segments["data"].add_anonymous()
            elif not c.sees_natural():
                self.segments["elem"].add_anonymous()
        c.at = at

    def _check_order(self, start: int) -> None:
        if self.defined is not None:
            raise self.c.fail(f"import after {self.defined.noun}", start, "imports must come first")
