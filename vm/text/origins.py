"""A text and its binary: the translation, and the way back from an offset to the place in the text."""

from __future__ import annotations

import bisect
from dataclasses import dataclass

from vm.errors import WasmError
from vm.module.decoder import decode
from vm.text import Place, lexer
from vm.text.annotations import Annotations
from vm.text.assemble import assemble
from vm.text.cursor import Cursor
from vm.text.fields import encode_fields
from vm.text.outline import outline


@dataclass(frozen=True, slots=True)
class Translation:
    """A module both ways. ``starts`` has each token's offset in ``source``; ``marks`` has for each function
    which token brought the instruction at an offset behind the function's first.
    """

    source: str
    binary: bytes
    starts: list[int]
    marks: list[list[tuple[int, int]]]


def translate(text: str | bytes) -> Translation:
    """The whole way from text to binary; raises TextError."""
    tokens = lexer.lex(lexer.decode(text))
    noted = Annotations.read(tokens)
    c = Cursor(tokens)
    c.given_names = noted.names
    found = outline(c)
    sections = encode_fields(c, found)
    noted.check_names(c.taken_names)
    codes = zip(sections.local_bytes, sections.marks, strict=True)
    hints = noted.branch_hints(found.spaces.functions.count - len(sections.codes), codes)
    binary = assemble(found, sections, [*noted.customs, *([hints] if hints else [])])
    return Translation(c.source, binary, c.starts, sections.marks)


def find(text: str | bytes, offset: int) -> Place | None:
    """Where the instruction stands that is at ``offset`` of the binary; None when it is in no function."""
    translation = translate(text)
    try:
        bodies = decode(translation.binary).bodies
    except WasmError:  # then it is no body that is at fault
        return None
    for body, marks in zip(bodies, translation.marks, strict=True):
        if body.start <= offset < body.end:
            last = bisect.bisect_right(marks, offset - body.start, key=lambda mark: mark[0]) - 1
            return lexer.place(translation.source, translation.starts[marks[last][1]])
    return None
