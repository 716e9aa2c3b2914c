"""Annotations of the text format: names, custom sections, branch hints."""

from __future__ import annotations

import pytest
import wasmtime

from vm.errors import TextError
from vm.module.decoder import decode
from vm.module.validator import validate
from vm.text import wat2wasm


def customs(text: str) -> list[tuple[str, bytes]]:
    """Name and content of each custom section but the names, in order."""
    module = decode(wat2wasm(text))
    validate(module)
    found = [(name, module.binary[start:end]) for name, start, end in module.custom]
    return [entry for entry in found if entry[0] != "name"]


def order(text: str) -> list[int | str]:
    """The sections of a module: numbers, and names of custom ones."""
    binary = wat2wasm(text)
    names = iter([name for name, _, _ in decode(binary).custom])
    found: list[int | str] = []
    at = 8
    while at < len(binary):
        found.append(binary[at] or next(names))
        at += 2 + binary[at + 1]
    return found


def test_names_are_taken_from_annotations() -> None:
    text = """(module $m (@name "Modül")
      (func $f (@name "λ") (param $a (@name "first one") i32) (local i32))
      (func $plain)
      (func (@name "anonymous")))"""
    names = decode(wat2wasm(text)).names
    assert names.module == "Modül"
    assert names.functions == {0: "λ", 1: "plain", 2: "anonymous"}
    assert b"first one" in wat2wasm(text)


def test_custom_sections_stand_where_they_want_to() -> None:
    text = """(module
      (@custom "end" "1") (@custom "first" (before first) "2") (@custom "f" (after func))
      (func) (memory 1) (@custom "m" (before memory) "3" "\\04") (@custom "last" (after last)))"""
    assert order(text) == ["first", 1, 3, "f", "m", 5, 10, "end", "last"]
    assert dict(customs(text)) == {"end": b"1", "first": b"2", "f": b"", "m": b"3\4", "last": b""}


def test_custom_sections_without_a_module_around_them() -> None:
    assert customs('(@custom "a" "b") (func)') == [("a", b"b")]


def test_a_placement_beside_a_section_that_is_not_there() -> None:
    assert order('(module (@custom "x" (before global)) (func))') == [1, 3, "x", 10]


BRANCHES = r"""(module
  (import "" "" (func))
  (func)
  (func (param i32) (local i64)
    local.get 0
    (@metadata.code.branch_hint "\00") if nop end
    (@metadata.code.branch_hint "\01") (if (local.get 0) (then))
    (block local.get 0 (@metadata.code.branch_hint "\01") br_if 0)))"""


def test_branch_hints_name_the_instructions_they_stand_before() -> None:
    ((name, content),) = customs(BRANCHES)
    assert name == "metadata.code.branch_hint"
    module = decode(wat2wasm(BRANCHES))
    body = module.bodies[1]
    start, _ = module.bodies.extents[1]
    assert content[:3] == b"\1\2\3", "one function, index 2, three hints"
    hints = [content[at : at + 3] for at in range(3, len(content), 3)]
    assert [(module.binary[start + hint[0]], hint[1], hint[2]) for hint in hints] == [
        (0x04, 1, 0),
        (0x04, 1, 1),
        (0x0D, 1, 1),
    ]
    assert start < body.start, "offsets count from the locals"


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ('(module (@name "a") (@name "b"))', "@name annotation: multiple module"),
        ("(module (func (@name)))", "@name annotation: unexpected token"),
        ('(module (func (@name "a" "b")))', "@name annotation: unexpected token"),
        ('(module (func (nop (@name "a"))))', "misplaced @name annotation"),
        ('(module (@custom "a" (before last)))', "@custom annotation: malformed section kind"),
        ('(module (@custom "a" (before func x)))', "@custom annotation: unexpected token"),
        ('(module (@custom "a")) (@custom "b")', "misplaced @custom annotation"),
        ('(module (func (@metadata.code.branch_hint "\\02") if))', "unexpected token"),
        ('(module (func (@metadata.code.branch_hint "\\00") nop))', "invalid target"),
        ('(module (@metadata.code.branch_hint "\\00") (func))', "not in a function"),
        ('(module (@custom "a" "\\zz"))', "illegal escape"),
        ("(module (@custom", "unclosed annotation"),
    ],
)
def test_what_is_malformed_is_refused_with_its_place(text: str, message: str) -> None:
    with pytest.raises(TextError, match=message) as caught:
        wat2wasm(text)
    assert caught.value.line == 1


def test_other_annotations_say_nothing() -> None:
    assert wat2wasm('(module (@foo (@custom "a") "b") (func (@bar)))') == wat2wasm("(module (func))")


def test_another_reader_makes_the_same_names_and_sections() -> None:
    text = '(module $m (@custom "x" (before func) "abc") (func $f (@name "g")))'
    theirs = decode(bytes(wasmtime.wat2wasm(text)))
    ours = decode(wat2wasm(text))
    assert (ours.names.module, ours.names.functions) == (theirs.names.module, theirs.names.functions)
    assert [name for name, _, _ in ours.custom] == [name for name, _, _ in theirs.custom]
