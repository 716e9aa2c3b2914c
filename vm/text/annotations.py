r"""Annotations ``(@id ...)`` that mean something here; the lexer reads over all others.

    (@name "...")                       what the "name" section calls the thing it stands behind (spec A.6.1)
    (@custom "..." placement? "..."*)   a custom section (A.6.2)
    (@metadata.code.branch_hint "\00")  whether the ``if`` or ``br_if`` behind it is likely (A.6.3)

Errors are worded as in the specification's tests.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field

from vm.errors import TextError
from vm.text import lexer
from vm.text.immediates import u

_ORDER = {
    "type": 1,
    "import": 2,
    "func": 3,
    "table": 4,
    "memory": 5,
    "tag": 13,
    "global": 6,
    "export": 7,
    "start": 8,
    "elem": 9,
    "datacount": 12,
    "code": 10,
    "data": 11,
}
"""Sections that a placement can name, by their numbers."""

FIRST, LAST = -1, -2
"""Places that are no sections: in front of all of them, and behind."""

Marks = list[tuple[int, int]]
"""Offsets of instructions, each with the token it comes from."""

_HINTS = frozenset({"if", "br_if"})


@dataclass(frozen=True, slots=True)
class CustomSection:
    """A custom section: behind section ``place``, or ``before`` it."""

    name: str
    content: bytes
    place: int = LAST
    before: bool = False


@dataclass(slots=True)
class Annotations:
    """A text's annotations. ``names`` and ``hints`` go by the token that follows them."""

    tokens: lexer.Tokens
    names: dict[int, str] = field(default_factory=dict)
    hints: dict[int, bytes] = field(default_factory=dict)
    customs: list[CustomSection] = field(default_factory=list)
    _noted: dict[int, lexer.Annotation] = field(default_factory=dict)

    @classmethod
    def read(cls, tokens: lexer.Tokens) -> Annotations:
        """All of them; TextError for what is malformed, or stands where no custom section can."""
        found = cls(tokens)
        for annotation in tokens.annotations:
            _READERS[annotation.id](found, annotation)
        return found

    def fail(self, annotation: lexer.Annotation, message: str) -> TextError:
        """The error about an annotation."""
        return lexer.error(self.tokens.source, annotation.start, message)

    def check_names(self, used: Iterable[int]) -> None:
        """Raise for a name that nothing took: the tokens behind those that were taken are ``used``."""
        for at in self.names.keys() - set(used):
            raise self.fail(self._noted[at], "misplaced @name annotation")

    def branch_hints(self, first: int, codes: Iterable[tuple[int, Marks]]) -> CustomSection | None:
        """The section of hints, if there are any.

        ``codes`` has for each function from index ``first`` the bytes of its locals, and its marks: offsets
        behind them. Raises TextError for a hint on anything else than a branch in a function.
        """
        if not self.hints:
            return None
        left, functions = dict(self.hints), []
        for index, (locals_, marks) in enumerate(codes, first):
            hints = [u(locals_ + offset) + u(1) + left.pop(token) for offset, token in marks if token in left]
            if hints:
                functions.append(u(index) + u(len(hints)) + b"".join(hints))
        for at in left:
            raise self.fail(self._noted[at], f"{_HINT_PREFIX}not in a function")
        return CustomSection(_BRANCH_HINT, u(len(functions)) + b"".join(functions), _ORDER["code"], True)

    def _contents(self, annotation: lexer.Annotation) -> Iterator[tuple[int, str]]:
        """The tokens inside, each with its place; then empty ones for ever."""
        inner = lexer.lex(self.tokens.source, annotation.content, annotation.end - 1)
        yield from zip(inner.starts, inner.words, strict=True)
        while True:
            yield annotation.end - 1, ""

    def _name(self, annotation: lexer.Annotation) -> None:
        contents = self._contents(annotation)
        start, word = next(contents)
        if word[:1] != '"' or next(contents)[1]:
            raise self.fail(annotation, "@name annotation: unexpected token")
        token = annotation.token
        if token in self.names:
            what = "module" if self.tokens.words[1:2] == ["module"] and token <= 3 else "name"
            raise self.fail(annotation, f"@name annotation: multiple {what}")
        self.names[token] = lexer.string_name(self.tokens.source, start, word)
        self._noted[token] = annotation

    def _hint(self, annotation: lexer.Annotation) -> None:
        words, token = self.tokens.words, annotation.token
        inside = _depth(words, token) > (words[:2] == ["(", "module"])
        token += words[token] == "("  # of a folded instruction
        contents = self._contents(annotation)
        start, word = next(contents)
        value = lexer.string_bytes(self.tokens.source, start, word) if word[:1] == '"' else b""
        if value not in (b"\0", b"\1") or next(contents)[1]:
            raise self.fail(annotation, f"{_HINT_PREFIX}unexpected token")
        if token in self.hints:
            raise self.fail(annotation, f"{_HINT_PREFIX}duplicate annotation")
        if words[token] not in _HINTS and inside:
            raise self.fail(annotation, f"{_HINT_PREFIX}invalid target")
        self.hints[token] = value
        self._noted[token] = annotation

    def _custom(self, annotation: lexer.Annotation) -> None:
        words, token = self.tokens.words, annotation.token
        if _depth(words, token) != (words[:2] == ["(", "module"]):
            raise self.fail(annotation, "misplaced @custom annotation")
        contents = self._contents(annotation)
        start, word = next(contents)
        if word[:1] != '"':
            raise self.fail(annotation, "@custom annotation: missing section name")
        try:
            name = lexer.string_name(self.tokens.source, start, word)
        except TextError:
            raise self.fail(annotation, f"@custom annotation: {lexer.MALFORMED_UTF8}") from None
        place, before = LAST, False
        start, word = next(contents)
        if word == "(":
            place, before = self._placement(annotation, contents)
            start, word = next(contents)
        content = b""
        while word[:1] == '"':
            content += lexer.string_bytes(self.tokens.source, start, word)
            start, word = next(contents)
        if word:
            raise self.fail(annotation, "@custom annotation: unexpected token")
        self.customs.append(CustomSection(name, content, place, before))

    def _placement(
        self, annotation: lexer.Annotation, contents: Iterator[tuple[int, str]]
    ) -> tuple[int, bool]:
        """``(before first)``, ``(after last)``, or either with the kind of a section."""
        side, kind = next(contents)[1], ""
        if side in ("before", "after"):
            kind = next(contents)[1]
        else:
            raise self.fail(annotation, "@custom annotation: malformed placement")
        edges = {("before", "first"): FIRST, ("after", "last"): LAST}
        place = edges.get((side, kind), _ORDER.get(kind))
        if place is None:
            raise self.fail(annotation, "@custom annotation: malformed section kind")
        if next(contents)[1] != ")":
            raise self.fail(annotation, "@custom annotation: unexpected token")
        return place, side == "before"


_BRANCH_HINT = "metadata.code.branch_hint"
_HINT_PREFIX = f"@{_BRANCH_HINT} annotation: "
_READERS = {
    "name": Annotations._name,
    "custom": Annotations._custom,
    _BRANCH_HINT: Annotations._hint,
}

assert _READERS.keys() == lexer.KNOWN_ANNOTATIONS


def _depth(words: list[str], token: int) -> int:
    """How many parentheses are open in front of a token."""
    before = words[:token]
    return before.count("(") - before.count(")")
