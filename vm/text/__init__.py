"""The text format: ``wat2wasm`` turns it into binary (spec chapter 6).

    lexer       text to tokens
    cursor      a place among the tokens
    outline     first walk: which fields there are, what they are called
    fields      second walk: every field to bytes; ``types``, ``code`` and ``immediates`` are its parts
    assemble    bytes to a module
    origins     all of it in order, and the way back from a binary's offset to the text

Instructions come from the opcode table, so one with operands of a known kind is known here at once.
"""

from __future__ import annotations

from vm.records import Record

__all__ = ["Place", "is_text", "locate", "wat2wasm"]

_BLANK = b" \t\r\n"
_BYTE_ORDER_MARK = b"\xef\xbb\xbf"  # the format does not allow it, but it tells that text is meant


class Place(Record, frozen=True):
    """A place in a text: ``line`` and ``column`` count from 1, ``source`` is that line."""

    line: int
    column: int
    source: str


def wat2wasm(text: str | bytes) -> bytes:
    """The binary of a module in the text format; bytes must be UTF-8.

    Raises TextError for text that is malformed, with line and column. Whether the module is valid is not
    asked: decode and validate the result, as with any binary.
    """
    # Imported here, so that programs which only meet binaries load no parser.
    from vm.text.origins import translate

    return translate(text).binary


def locate(text: str | bytes, offset: int) -> Place | None:
    """Where the instruction stands that ``wat2wasm(text)`` has at ``offset``; None outside of functions.

    For errors about the binary, when people wrote text. Raises what ``wat2wasm`` raises.
    """
    from vm.text.origins import find

    return find(text, offset)


def is_text(content: bytes) -> bool:
    """Whether a file's content is meant as text: it opens with a parenthesis or a comment."""
    return content.removeprefix(_BYTE_ORDER_MARK).lstrip(_BLANK).startswith((b"(", b";;"))
