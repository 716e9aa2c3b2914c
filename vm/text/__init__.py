"""The text format: ``wat2wasm`` turns it into binary (spec chapter 6).

    lexer       text to tokens
    cursor      a place among the tokens
    outline     first walk: which fields there are, what they are called
    fields      second walk: every field to bytes; ``types``, ``code`` and ``immediates`` are its parts
    assemble    bytes to a module

Instructions come from the opcode table, so one with operands of a known kind is known here at once.
"""

from __future__ import annotations

__all__ = ["is_text", "wat2wasm"]

_BLANK = b" \t\r\n"


def wat2wasm(text: str | bytes) -> bytes:
    """The binary of a module in the text format; bytes must be UTF-8.

    Raises TextError for text that is malformed, with line and column. Whether the module is valid is not
    asked: decode and validate the result, as with any binary.
    """
    # Imported here, so that programs which only meet binaries load no parser.
    from vm.text.assemble import assemble
    from vm.text.cursor import Cursor
    from vm.text.fields import encode_fields
    from vm.text.lexer import decode, lex
    from vm.text.outline import outline

    c = Cursor(lex(decode(text)))
    found = outline(c)
    return assemble(found, encode_fields(c, found))


def is_text(content: bytes) -> bool:
    """Whether a file's content is meant as text: it opens with a parenthesis or a comment."""
    return content.lstrip(_BLANK).startswith((b"(", b";;"))
