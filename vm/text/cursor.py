"""A place among the tokens, and the questions every parser asks there."""

from __future__ import annotations

from vm.errors import TextError
from vm.text import keywords, lexer, numbers

OUT_OF_RANGE = "constant out of range"


class Cursor:
    """Walks over tokens. Methods that read leave ``at`` behind what they read, or raise TextError."""

    __slots__ = ("at", "given_names", "source", "starts", "taken_names", "words")

    def __init__(self, tokens: lexer.Tokens) -> None:
        self.source = tokens.source
        self.words = tokens.words
        self.starts = tokens.starts
        self.at = 0
        self.given_names: dict[int, str] = {}
        self.taken_names: set[int] = set()

    def fail(self, message: str, at: int | None = None, detail: str = "") -> TextError:
        """The error about token ``at``, or the one that is next."""
        return lexer.error(self.source, self.starts[self.at if at is None else at], message, detail)

    def unexpected(self, expected: str, at: int | None = None) -> TextError:
        """The error for a token that may not stand where it does, or that the format does not know."""
        at = self.at if at is None else at
        word = self.words[at]
        if word and word[0] not in '()"$' and not keywords.known(word):
            return self.fail(f"unknown operator {lexer.shortened(word)}", at, keywords.hint(word))
        found = lexer.shortened(word) or "the end"
        return self.fail("unexpected token", at, f"{found}, {expected} was expected")

    def take(self, word: str) -> None:
        """Step over ``word``."""
        if self.words[self.at] != word:
            raise self.unexpected(word)
        self.at += 1

    def close(self) -> None:
        """Step over a closing parenthesis."""
        if self.words[self.at] != ")":
            raise self.unexpected(")")
        self.at += 1

    def sees(self, keyword: str) -> bool:
        """Whether ``(keyword`` is next."""
        return self.words[self.at] == "(" and self.words[self.at + 1] == keyword

    def opens(self, keyword: str) -> bool:
        """Step over ``(keyword`` when it is next; whether it was."""
        if self.words[self.at] == "(" and self.words[self.at + 1] == keyword:
            self.at += 2
            return True
        return False

    def identifier(self) -> str | None:
        """An identifier, with its $, when one is next."""
        word = self.words[self.at]
        if word[:1] != "$":
            return None
        self.at += 1
        return word

    def given_name(self) -> str | None:
        """What an annotation in front of the next token says that the thing before it is called."""
        name = self.given_names.get(self.at)
        if name is not None:
            self.taken_names.add(self.at)
        return name

    def string(self) -> bytes | None:
        """A string, when one is next."""
        word = self.words[self.at]
        if word[:1] != '"':
            return None
        self.at += 1
        return lexer.string_bytes(self.source, self.starts[self.at - 1], word)

    def strings(self) -> bytes:
        """All the strings that follow, as one."""
        parts = []
        while (part := self.string()) is not None:
            parts.append(part)
        return b"".join(parts)

    def name(self) -> str:
        """A string that must be text: names of imports and exports."""
        word = self.words[self.at]
        if word[:1] != '"':
            raise self.unexpected("a name in quotes")
        self.at += 1
        return lexer.string_name(self.source, self.starts[self.at - 1], word)

    def sees_natural(self) -> bool:
        """Whether an unsigned number is next."""
        return self.words[self.at][:1].isdigit()

    def natural(self, bits: int, expected: str = "a number", *, kind: str = "") -> int:
        """An unsigned number; ``kind`` stands in front of the error for one that is too big."""
        try:
            value = numbers.natural(self.words[self.at], bits)
        except OverflowError:
            raise self.fail(
                kind + OUT_OF_RANGE, detail=f"{lexer.shortened(self.words[self.at])} in {bits} bits"
            ) from None
        if value is None:
            raise self.unexpected(expected)
        self.at += 1
        return value

    def skip_group(self) -> None:
        """Step over the rest of a parenthesised group whose opening was read, its closing included."""
        words, at, depth = self.words, self.at, 1
        while depth:
            word = words[at]
            if word == "(":
                depth += 1
            elif word == ")":
                depth -= 1
            elif not word:
                self.at = at
                raise self.unexpected(")")
            at += 1
        self.at = at
