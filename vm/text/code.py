"""Instruction sequences, flat and folded, to bytes (spec 6.5).

Folded instructions are written behind their operands, so ``(i32.add (A) (B))`` becomes A, B, i32.add. Open
parentheses and blocks stand on a stack of our own: texts may nest deeper than Python calls can.
"""

from __future__ import annotations

import enum
from dataclasses import dataclass

from vm.text.immediates import ARMS, BLOCKS, END, PLAIN, SELECT_TYPED, Scope


class _Open(enum.Enum):
    """What an entry of the stack is."""

    OPERANDS = enum.auto()  # (i32.add ...
    BLOCK = enum.auto()  # (block ...
    CONDITION = enum.auto()  # (if ...
    THEN = enum.auto()  # (if ... (then ...) ...
    ELSE = enum.auto()  # (if ... (then ...) (else ...)
    TRY = enum.auto()  # (try ...
    TRIED = enum.auto()  # (try (do ...) ...
    CAUGHT = enum.auto()  # (try (do ...) (catch ...) ...
    CAUGHT_ALL = enum.auto()  # (try (do ...) ... (catch_all ...) ...
    DELEGATED = enum.auto()  # (try (do ...) (delegate ...) ...
    ARM = enum.auto()  # (then ...  or any other of those in parentheses
    FLAT_BLOCK = enum.auto()  # block ...
    FLAT_IF = enum.auto()  # if ...
    FLAT_TRY = enum.auto()  # try ...
    FLAT_CATCH = enum.auto()  # try ... catch ...


_EXPECTED = {
    _Open.OPERANDS: "a folded instruction or )",
    _Open.BLOCK: "an instruction or )",
    _Open.CONDITION: "a condition or (then",
    _Open.THEN: "(else or )",
    _Open.ELSE: ")",
    _Open.TRY: "(do",
    _Open.TRIED: "(catch, (catch_all, (delegate or )",
    _Open.CAUGHT: "(catch, (catch_all or )",
    _Open.CAUGHT_ALL: ")",
    _Open.DELEGATED: ")",
    _Open.ARM: "an instruction or )",
    _Open.FLAT_BLOCK: "an instruction or end",
    _Open.FLAT_IF: "an instruction, else or end",
    _Open.FLAT_TRY: "an instruction, catch, catch_all, delegate or end",
    _Open.FLAT_CATCH: "an instruction, catch, catch_all or end",
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


_ARMS = {
    ("then", _Open.CONDITION): _Open.THEN,
    ("else", _Open.THEN): _Open.ELSE,
    ("do", _Open.TRY): _Open.TRIED,
    ("catch", _Open.TRIED): _Open.CAUGHT,
    ("catch", _Open.CAUGHT): _Open.CAUGHT,
    ("catch_all", _Open.TRIED): _Open.CAUGHT_ALL,
    ("catch_all", _Open.CAUGHT): _Open.CAUGHT_ALL,
    ("delegate", _Open.TRIED): _Open.DELEGATED,
}
"""Which parts a folded block may go on with, and what it is behind them."""

_FLAT_ARMS = {
    ("else", _Open.FLAT_IF): _Open.FLAT_BLOCK,
    ("catch", _Open.FLAT_TRY): _Open.FLAT_CATCH,
    ("catch", _Open.FLAT_CATCH): _Open.FLAT_CATCH,
    ("catch_all", _Open.FLAT_TRY): _Open.FLAT_BLOCK,
    ("catch_all", _Open.FLAT_CATCH): _Open.FLAT_BLOCK,
}
"""The same of flat blocks; ``delegate`` closes one."""

_ARM_WORDS = frozenset(word for word, _ in _ARMS)
_ARMS_ONLY = frozenset(
    {_Open.THEN, _Open.ELSE, _Open.TRY, _Open.TRIED, _Open.CAUGHT, _Open.CAUGHT_ALL, _Open.DELEGATED}
)
_FOLDED_ONLY = _ARMS_ONLY | {_Open.OPERANDS, _Open.CONDITION}
_FLAT = frozenset({_Open.FLAT_BLOCK, _Open.FLAT_IF, _Open.FLAT_TRY, _Open.FLAT_CATCH})
_KINDS = {"if": (_Open.CONDITION, _Open.FLAT_IF), "try": (_Open.TRY, _Open.FLAT_TRY)}
"""What a block's first word opens, folded and flat, if it is no plain block."""


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
        if word in _ARM_WORDS or (top is not None and top.kind in _ARMS_ONLY):
            self._open_arm(word, top)
        elif word in BLOCKS:
            frame = self._block(word, _KINDS.get(word, (_Open.BLOCK, None))[0])
            if word == "if":
                self._stack.append(frame)
            else:
                self._enter(frame)
        else:
            self._stack.append(_Frame(_Open.OPERANDS, at, self._instruction(word)))

    def _block(self, word: str, kind: _Open) -> _Frame:
        """The head of a block, at its first word."""
        c = self.c
        at = c.at
        c.at += 1
        name = c.identifier()
        code, parser = BLOCKS[word]
        return _Frame(kind, at, code + parser(self.scope), name)

    def _open_arm(self, word: str, top: _Frame | None) -> None:
        """At ``then``, ``else``, ``do``, ``catch`` and so on, the parts of certain blocks, in their order."""
        following = None if top is None else _ARMS.get((word, top.kind))
        if top is None or following is None:
            raise self.c.unexpected(_EXPECTED[top.kind] if top else "an instruction")
        top.kind = following
        if word == "then":
            self._mark(top.at)
            self.out += top.code
            self.scope.labels.push(top.name)
        if word == "delegate":
            self.scope.labels.pop()
        self._arm(word)
        self._stack.append(_Frame(_Open.ARM, self.c.at))

    def _arm(self, word: str) -> None:
        """What the binary has at the start of an arm, which ``then`` and ``do`` do not have."""
        self._mark(self.c.at)
        self.c.at += 1
        if word in ARMS:
            code, parser = ARMS[word]
            self.out += code if parser is None else code + parser(self.scope)

    def _close(self) -> None:
        """At a ")" that belongs to the innermost entry."""
        frame = self._stack.pop()
        if frame.kind is _Open.OPERANDS:
            self._mark(frame.at)
            self.out += frame.code
        elif frame.kind is _Open.CONDITION or frame.kind in _FLAT or frame.kind is _Open.TRY:
            raise self.c.unexpected(_EXPECTED[frame.kind])
        elif frame.kind not in (_Open.ARM, _Open.DELEGATED):
            self._leave(self.c.at)
        self.c.at += 1

    def _flat(self, word: str) -> None:
        """At an instruction without parentheses."""
        top = self._stack[-1] if self._stack else None
        if top is not None and top.kind in _FOLDED_ONLY:
            raise self.c.unexpected(_EXPECTED[top.kind])
        at = self.c.at
        arm = None if top is None else _FLAT_ARMS.get((word, top.kind))
        if word in BLOCKS:
            self._enter(self._block(word, _KINDS.get(word, (None, _Open.FLAT_BLOCK))[1]))
        elif word == "end" and top is not None and top.kind in _FLAT:
            self.c.at += 1
            self._repeat_label(top)
            self._stack.pop()
            self._leave(at)
        elif word == "delegate" and top is not None and top.kind is _Open.FLAT_TRY:
            self._stack.pop()
            self.scope.labels.pop()
            self._arm(word)
        elif top is not None and arm is not None:
            top.kind = arm
            self._arm(word)
            if word == "else":
                self._repeat_label(top)
        else:
            self._mark(at)
            self.out += self._instruction(word)

    def _repeat_label(self, frame: _Frame) -> None:
        """Behind the ``end`` or ``else`` of a block, which may repeat its label."""
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
