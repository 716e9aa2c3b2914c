"""Text to tokens (spec 6.3). A token is the text it stands for; its first character says what it is.

    (  )        parentheses
    "..."       a string, still with its escapes: ``string_bytes`` reads them
    $...        an identifier; one in quotes is given without them: ``$"a b"`` is ``$a b``
    ""          the end
    other       a keyword, a number, or nothing that the format knows: whoever expects something decides

Comments separate tokens and say nothing, as do annotations ``(@id ...)``, but for those that are noted
(``vm.text.annotations``).
"""

from __future__ import annotations

import re
from dataclasses import dataclass, field

from vm.errors import TextError
from vm.text import Place

_ID = r"[0-9A-Za-z!#$%&'*+\-./:<=>?@\\^_`|~]"
_HEX = r"[0-9A-Fa-f]"
_INSIDE_STRING = rf"""(?:[^"\\\x00-\x1f\x7f]|\\(?:[tnr"'\\]|{_HEX}{_HEX}|u\{{{_HEX}(?:_?{_HEX})*\}}))*+"""
_STRING = f'"{_INSIDE_STRING}"'
_SPACE = r"(?:[ \t\n\r]++|;;[^\n\r]*+)*+"

_OPEN, _CLOSE, _WORD, _TEXT, _QUOTED_ID = range(1, 6)
_TOKEN = re.compile(
    rf"""{_SPACE}(?:(\()(?![;@])|(\))|({_ID}++)(?!")|({_STRING})(?!"|{_ID})|\$({_STRING})(?!"|{_ID}))"""
)
_BLANK = re.compile(_SPACE)
_RESERVED = re.compile(rf"(?:{_ID}|{_STRING})+|[,;\[\]{{}}]")
_STRING_START = re.compile(f'"{_INSIDE_STRING}')
_COMMENT_EDGE = re.compile(r"\(;|;\)")
_ANNOTATION_ID = re.compile(rf"\(@(?:{_ID}++|({_STRING}))?")
_ANNOTATION_PART = re.compile(rf"{_SPACE}(?:(\((?!;))|(\))|{_STRING}|{_ID}++|[,\[\]{{}}]|;(?!;))")

_ESCAPE = re.compile(rb"\\(?:u\{([0-9A-Fa-f_]+)\}|([0-9A-Fa-f]{2})|(.))", re.DOTALL)
_SIMPLE_ESCAPES = {b"t": b"\t", b"n": b"\n", b"r": b"\r", b'"': b'"', b"'": b"'", b"\\": b"\\"}


KNOWN_ANNOTATIONS = frozenset({"name", "custom", "metadata.code.branch_hint"})
"""Annotations that are noted; all others say nothing."""


@dataclass(frozen=True, slots=True)
class Annotation:
    """An annotation from offset ``start`` to ``end``, in front of a token; ``content`` is behind its name."""

    id: str
    token: int
    start: int
    content: int
    end: int


@dataclass(slots=True)
class Tokens:
    """A text, its tokens (the last is the end), the offset at which each starts, and what was noted."""

    source: str
    words: list[str]
    starts: list[int]
    annotations: list[Annotation] = field(default_factory=list)


def lex(source: str, at: int = 0, end: int | None = None) -> Tokens:
    """The tokens of ``source``, or of a part of it. Raises TextError for what no token can be."""
    words: list[str] = []
    starts: list[int] = []
    tokens = Tokens(source, words, starts)
    match_token = _TOKEN.match
    end = len(source) if end is None else end
    while True:
        match = match_token(source, at, end)
        if match is None:
            at = _between_tokens(tokens, at, end)
            if at == end:
                break
            continue
        kind = match.lastindex
        assert kind is not None
        word = match[kind]
        start = match.start(kind)
        if kind == _WORD:
            if word == "$":
                raise error(source, start, "empty identifier", "a name must follow the $")
        elif kind == _QUOTED_ID:
            start -= 1
            word = "$" + _quoted_name(source, start, word, "empty identifier")
        words.append(word)
        starts.append(start)
        at = match.end()
    words.append("")
    starts.append(end)
    return tokens


def decode(text: str | bytes) -> str:
    """The characters of a text; TextError when its bytes are no UTF-8."""
    try:
        if isinstance(text, bytes):
            return text.decode()
        text.encode()  # a lone surrogate is no character
        return text
    except UnicodeDecodeError as fault:
        source = bytes(text).decode("utf-8", "replace") if isinstance(text, bytes) else text
        before = fault.object[: fault.start].decode()
        raise error(source, len(before), MALFORMED_UTF8, fault.reason) from None
    except UnicodeEncodeError as fault:
        raise error(str(text), fault.start, MALFORMED_UTF8, fault.reason) from None


def string_bytes(source: str, start: int, literal: str) -> bytes:
    """The bytes that a string token at ``start`` stands for."""
    content = literal[1:-1].encode()
    if b"\\" not in content:
        return content

    def replace(match: re.Match[bytes]) -> bytes:
        unicode, byte, simple = match.groups()
        if unicode is None:
            return bytes.fromhex(byte.decode()) if byte else _SIMPLE_ESCAPES[simple]
        digits = unicode.replace(b"_", b"").lstrip(b"0") or b"0"
        code = int(digits, 16) if len(digits) <= 6 else -1
        if not (0 <= code < 0xD800 or 0xE000 <= code < 0x110000):
            raise error(source, start, "illegal escape", f"{shortened(match[0].decode())} is no character")
        return chr(code).encode()

    return _ESCAPE.sub(replace, content)


def string_name(source: str, start: int, literal: str) -> str:
    """The characters that a string token stands for, where the format wants a name."""
    try:
        return string_bytes(source, start, literal).decode()
    except UnicodeDecodeError as fault:
        raise error(source, start, MALFORMED_UTF8, f"{shortened(literal)}: {fault.reason}") from None


def shortened(word: str) -> str:
    """A token as errors show it."""
    return word if len(word) <= 40 else word[:37] + "..."


MALFORMED_UTF8 = "malformed UTF-8 encoding"


def place(source: str, offset: int) -> Place:
    """Where the character at ``offset`` stands."""
    start = source.rfind("\n", 0, offset) + 1
    end = source.find("\n", offset)
    line = source[start:] if end < 0 else source[start:end]
    return Place(source.count("\n", 0, start) + 1, offset - start + 1, line.rstrip("\r"))


def error(source: str, offset: int, message: str, detail: str = "") -> TextError:
    """The error about what stands at ``offset``."""
    at = place(source, offset)
    return TextError(message, offset, at.line, at.column, at.source, detail)


def _quoted_name(source: str, start: int, literal: str, empty: str) -> str:
    name = string_name(source, start, literal)
    if not name:
        raise error(source, start, empty)
    return name


def _between_tokens(tokens: Tokens, at: int, end: int) -> int:
    """Where to go on when no token follows: behind a comment, an annotation, or at the end."""
    source = tokens.source
    blank = _BLANK.match(source, at, end)
    assert blank is not None  # it matches nothing, too
    at = blank.end()
    if at == end:
        return at
    if source.startswith("(;", at):
        return _skip_comment(source, at)
    if source.startswith("(@", at):
        id, content = _annotation_id(source, at)
        behind = _skip_annotation(source, at, content)
        if id in KNOWN_ANNOTATIONS:
            tokens.annotations.append(Annotation(id, len(tokens.words), at, content, behind))
        return behind
    raise _no_token(source, at)


def _skip_comment(source: str, start: int) -> int:
    """The offset behind the block comment at ``start``; they nest."""
    at, depth = start + 2, 1
    while depth:
        edge = _COMMENT_EDGE.search(source, at)
        if edge is None:
            raise error(source, start, "unclosed comment", "expected ;)")
        depth += 1 if edge[0] == "(;" else -1
        at = edge.end()
    return at


def _annotation_id(source: str, start: int) -> tuple[str, int]:
    """The name of the annotation at ``start``, and the offset behind it."""
    head = _ANNOTATION_ID.match(source, start)
    assert head is not None  # the caller saw "(@"
    if head.end() == start + 2:
        raise error(source, start, "empty annotation id", "a name must follow the @")
    if head[1]:
        return _quoted_name(source, start, head[1], "empty annotation id"), head.end()
    return source[start + 2 : head.end()], head.end()


def _skip_annotation(source: str, start: int, at: int) -> int:
    """The offset behind the annotation at ``start``: anything made of tokens, with balanced parentheses.

    Its contents start at ``at``.
    """
    depth = 1
    while depth:
        part = _ANNOTATION_PART.match(source, at)
        if part is not None:
            depth += 1 if part[1] else -1 if part[2] else 0
            at = part.end()
            continue
        blank = _BLANK.match(source, at)
        assert blank is not None
        at = blank.end()
        if at == len(source):
            raise error(source, start, "unclosed annotation", "expected )")
        if not source.startswith("(;", at):
            raise _no_token(source, at)
        at = _skip_comment(source, at)
    return at


def _no_token(source: str, at: int) -> TextError:
    """What is wrong with the characters at ``at``."""
    reserved = _RESERVED.match(source, at)
    if reserved is not None and reserved[0] != "$":
        return error(source, at, f"unknown operator {shortened(reserved[0])}")
    if reserved is not None:  # a $ in front of a string that is none
        return error(source, at, "empty identifier", "a name must follow the $")
    string = _STRING_START.match(source, at)
    if string is None:
        return error(
            source, at, "illegal character", f"{source[at]!r} may only stand in strings and comments"
        )
    at = string.end()
    if at == len(source) or source[at] in "\r\n":
        return error(source, string.start(), "unclosed string", 'expected "')
    if source[at] == "\\":
        return error(
            source, at, "illegal escape", "expected t n r \" ' \\, two hexadecimal digits, or u{...}"
        )
    return error(source, at, "illegal character", f"{source[at]!r}; in a string, write it as an escape")
