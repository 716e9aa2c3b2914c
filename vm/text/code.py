"""Instruction sequences, flat and folded, to bytes (spec 6.5).

Folded instructions are written behind their operands, so ``(i32.add (A) (B))`` becomes A, B, i32.add. Open
parentheses and blocks stand on a stack of our own: texts may nest deeper than Python calls can.
"""

from __future__ import annotations

import enum
from dataclasses import dataclass

from vm.text.immediates import BLOCKS, ELSE, END, PLAIN, SELECT_TYPED, Scope, block_type


class _Open(enum.Enum):
    """What an entry of the stack is."""

    OPERANDS = enum.auto()  # (i32.add ...
    BLOCK = enum.auto()  # (block ...
    CONDITION = enum.auto()  # (if ...
    THEN = enum.auto()  # (if ... (then ...) ...
    ELSE = enum.auto()  # (if ... (then ...) (else ...)
    ARM = enum.auto()  # (then ...  or  (else ...
    FLAT_BLOCK = enum.auto()  # block ...
    FLAT_IF = enum.auto()  # if ...


_EXPECTED = {
    _Open.OPERANDS: "a folded instruction or )",
    _Open.BLOCK: "an instruction or )",
    _Open.CONDITION: "a condition or (then",
    _Open.THEN: "(else or )",
    _Open.ELSE: ")",
    _Open.ARM: "an instruction or )",
    _Open.FLAT_BLOCK: "an instruction or end",
    _Open.FLAT_IF: "an instruction, else or end",
}
"""What may follow inside each: for errors."""


@dataclass(slots=True)
class _Frame:
    """``code`` is what is written at the end of the operands or of the condition, for the word at token
    ``at``; ``name`` is the label.
    """

    kind: _Open
    at: int
    code: bytes = b""
    name: str | None = None


_FOLDED_ONLY = frozenset({_Open.OPERANDS, _Open.CONDITION, _Open.THEN, _Open.ELSE})
_FLAT = frozenset({_Open.FLAT_BLOCK, _Open.FLAT_IF})


class Code:
    """Reads instructions in ``scope`` and collects their bytes in ``out``.

    ``marks`` says where they come from: pairs of an offset in ``out`` and a token, in ascending order.
    """

    def __init__(self, scope: Scope) -> None:
        self.scope = scope
        self.c = scope.c
        self.out = bytearray()
        self.marks: list[tuple[int, int]] = []
        self._stack: list[_Frame] = []

    def sequence(self) -> None:
        """Instructions up to the parenthesis that closes what they stand in; it is not read."""
        words = self.c.words
        while self._stack or words[self.c.at] != ")":
            self._step()

    def folded(self) -> None:
        """One folded instruction."""
        if self.c.words[self.c.at] != "(":
            raise self.c.unexpected("an instruction in parentheses")
        self._open()
        while self._stack:
            self._step()

    def expression(self) -> bytes:
        """What was read, as an expression of its own."""
        self._mark(self.c.at)
        return bytes(self.out) + END

    def _mark(self, at: int) -> None:
        self.marks.append((len(self.out), at))

    def _step(self) -> None:
        """Whatever is next; a ")" closes what the stack has."""
        word = self.c.words[self.c.at]
        if word == "(":
            self._open()
        elif word == ")":
            self._close()
        else:
            self._flat(word)

    def _instruction(self, word: str) -> bytes:
        """An instruction that is no block, with its immediates."""
        c = self.c
        entry = PLAIN.get(word)
        if entry is None:
            raise c.unexpected("an instruction")
        c.at += 1
        if word == "select" and c.sees("result"):
            entry = SELECT_TYPED
        code, parser = entry
        return code if parser is None else code + parser(self.scope)

    def _open(self) -> None:
        """At a "("."""
        c = self.c
        c.at += 1
        at = c.at
        word = c.words[at]
        top = self._stack[-1] if self._stack else None
        if word in ("then", "else") or (top is not None and top.kind in (_Open.THEN, _Open.ELSE)):
            self._open_arm(word, top)
        elif word in BLOCKS:
            c.at += 1
            name = c.identifier()
            code = BLOCKS[word] + block_type(self.scope)
            if word == "if":
                self._stack.append(_Frame(_Open.CONDITION, at, code, name))
            else:
                self._enter(_Frame(_Open.BLOCK, at, code, name))
        else:
            self._stack.append(_Frame(_Open.OPERANDS, at, self._instruction(word)))

    def _open_arm(self, word: str, top: _Frame | None) -> None:
        """At ``then`` or ``else``, which belong into an ``(if``, once each."""
        if top is not None and (word, top.kind) == ("then", _Open.CONDITION):
            top.kind = _Open.THEN
            self._mark(top.at)
            self.out += top.code
            self.scope.labels.push(top.name)
        elif top is not None and (word, top.kind) == ("else", _Open.THEN):
            top.kind = _Open.ELSE
            self._mark(self.c.at)
            self.out += ELSE
        else:
            raise self.c.unexpected(_EXPECTED[top.kind] if top else "an instruction")
        self.c.at += 1
        self._stack.append(_Frame(_Open.ARM, self.c.at))

    def _close(self) -> None:
        """At a ")" that belongs to the innermost entry."""
        frame = self._stack.pop()
        if frame.kind is _Open.OPERANDS:
            self._mark(frame.at)
            self.out += frame.code
        elif frame.kind is _Open.CONDITION or frame.kind in _FLAT:
            raise self.c.unexpected(_EXPECTED[frame.kind])
        elif frame.kind is not _Open.ARM:
            self._leave(self.c.at)
        self.c.at += 1

    def _flat(self, word: str) -> None:
        """At an instruction without parentheses."""
        top = self._stack[-1] if self._stack else None
        if top is not None and top.kind in _FOLDED_ONLY:
            raise self.c.unexpected(_EXPECTED[top.kind])
        at = self.c.at
        if word in BLOCKS:
            self.c.at += 1
            name = self.c.identifier()
            kind = _Open.FLAT_IF if word == "if" else _Open.FLAT_BLOCK
            self._enter(_Frame(kind, at, BLOCKS[word] + block_type(self.scope), name))
        elif word == "end" and top is not None and top.kind in _FLAT:
            self._repeat_label(top)
            self._stack.pop()
            self._leave(at)
        elif word == "else" and top is not None and top.kind is _Open.FLAT_IF:
            self._repeat_label(top)
            top.kind = _Open.FLAT_BLOCK
            self._mark(at)
            self.out += ELSE
        else:
            self._mark(at)
            self.out += self._instruction(word)

    def _repeat_label(self, frame: _Frame) -> None:
        """At the ``end`` or ``else`` of a block, which may repeat its label."""
        self.c.at += 1
        at = self.c.at
        name = self.c.identifier()
        if name is not None and name != frame.name:
            expected = "the block has no label" if frame.name is None else f"the block is {frame.name}"
            raise self.c.fail("mismatching label", at, f"{name}, {expected}")

    def _enter(self, frame: _Frame) -> None:
        self._mark(frame.at)
        self.out += frame.code
        self.scope.labels.push(frame.name)
        self._stack.append(frame)

    def _leave(self, at: int) -> None:
        self._mark(at)
        self.out += END
        self.scope.labels.pop()
