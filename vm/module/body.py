"""Validation of one function body, which also yields what executors need to run it.

The algorithm is the specification's (appendix "Validation Algorithm"): a stack of operand types and a
stack of control frames, both known at every instruction (what each instruction does to them stands in
``vm.module.rules``). While it walks, it records where each branch
goes and what it does to the operand stack (the side table), so no executor has to search for ``end``.
"""

from __future__ import annotations

from collections.abc import Container, Sequence
from dataclasses import dataclass, field

from vm.errors import DecodeError, ValidationError
from vm.isa.matching import matches
from vm.isa.opcodes import BY_CODE
from vm.isa.types import DefType, FuncType, RefType, ValueType
from vm.module.handlers import Branch, Catch, Handler
from vm.module.instructions import BlockType, block_type, read
from vm.module.limits import MAX_LOCALS, MAX_OPERANDS
from vm.module.model import ModuleData
from vm.module.reader import END_OF_SECTION
from vm.module.rules import RULES

Operand = ValueType | None
"""A type on the operand stack; None is a value that unreachable code made up, and fits every type."""


@dataclass(frozen=True, slots=True)
class FunctionInfo:
    """A validated body.

    ``locals`` are the types of parameters and locals; the frame is these slots, then ``max_stack``
    operand slots. ``ref_slots`` are the frame slots that may ever hold a reference. ``side_table`` has
    one entry for ``if`` (taken when the condition is false), ``else`` (taken when met after the first
    arm), ``br``, ``br_if`` and ``return`` each, and for ``br_table`` one per label with the default last;
    in the order in which the instructions stand in the code, unreachable ones included. The legacy ``catch``
    and ``catch_all`` have one as ``else`` has. ``handlers`` are those of the body, inner ones first;
    ``kept_exceptions`` is how many slots they need behind the operands.
    """

    type: FuncType
    locals: tuple[ValueType, ...]
    max_stack: int
    side_table: tuple[Branch, ...]
    ref_slots: frozenset[int]
    handlers: tuple[Handler, ...] = ()
    kept_exceptions: int = 0


@dataclass(slots=True)
class ControlFrame:
    """A control frame: an open block. ``forward`` are the branches that wait for its ``end``; ``set_before``
    says how many of the locals without a default had been set when it opened.

    ``handler`` catches what its code throws now. In the legacy form, ``caught`` are the clauses so far, and
    ``clause`` is the one whose code this is.
    """

    kind: str
    type: FuncType
    height: int
    forward: list[Branch]
    start: int
    start_entry: int
    unreachable: bool = False
    set_before: int = 0
    false_branch: Branch | None = None
    handler: Handler | None = None
    caught: list[Catch] = field(default_factory=list)
    clause: Catch | None = None

    @property
    def label(self) -> tuple[ValueType, ...]:
        """The types a branch to this frame carries."""
        return self.type.params if self.kind == "loop" else self.type.results


class BodyValidator:
    """Walks one body; ``run`` gives the result or raises ``ValidationError`` or ``DecodeError``."""

    index: int | None
    locals: tuple[ValueType, ...]
    references: Container[int]

    def __init__(self, module: ModuleData, index: int, references: Container[int]) -> None:
        """``references`` are the functions that ``ref.func`` may name."""
        self.module = module
        self.index = index
        self.references = references
        self.body = module.bodies[index - module.imported_functions]
        self.type = module.function_type(index)
        self.opcode = BY_CODE[0x01]
        self.at = self.next = self.body.start
        self.locals = self._expand_locals()
        self.stack: list[Operand] = []
        self.max_stack = 0
        self.side_table: list[Branch] = []
        self.ref_slots = self._reference_slots()
        self.frame = ControlFrame("function", FuncType((), self.type.results), 0, [], self.at, 0)
        self.frames = [self.frame]
        self.unset = self._unset_locals()
        self._set: list[int] = []
        self.handlers: list[Handler] = []
        self.kept_exceptions = 0
        self.try_depth = 0

    def run(self) -> FunctionInfo:
        """Check every instruction up to the body's final ``end``."""
        code, end, at, frames = self.module.binary, self.body.end, self.next, self.frames
        while frames:
            if at >= end:
                raise DecodeError(END_OF_SECTION, at, f"function {self.index} lacks its `end`")
            self.at = at
            self.opcode, immediates, at = read(code, at)
            self.next = at
            if at > end:
                raise DecodeError(END_OF_SECTION, self.at, f"{self.opcode} goes past the end of its body")
            RULES[self.opcode.code](self, immediates)
        if at != end:
            raise DecodeError("END opcode expected", at, f"{end - at} bytes behind the last `end`")
        if self.max_stack > MAX_OPERANDS:
            detail = f"{self.max_stack}, at most {MAX_OPERANDS} are supported"
            raise ValidationError("too many operands at once", self.at, detail, self.index)
        operands = len(self.locals) + self.max_stack
        self.ref_slots.update(range(operands, operands + self.kept_exceptions))
        return FunctionInfo(
            self.type,
            self.locals,
            self.max_stack,
            tuple(self.side_table),
            frozenset(self.ref_slots),
            tuple(self.handlers),
            self.kept_exceptions,
        )

    # errors

    def fail(self, message: str, detail: str = "") -> ValidationError:
        """An error at the current instruction, for the caller to raise."""
        where = f"{self.opcode}: {detail}" if detail else str(self.opcode)
        return ValidationError(message, self.at, where, self.index)

    def check_index(self, index: int, space: Sequence[object], what: str) -> None:
        """Raise unless ``index`` names something in ``space``."""
        if index >= len(space):
            raise self.fail(f"unknown {what} {index}", f"there are {len(space)}")

    # the operand stack

    def push(self, kind: Operand) -> None:
        """Put one value on the stack."""
        self.stack.append(kind)
        depth = len(self.stack)
        if depth > self.max_stack:
            self.max_stack = depth
        if kind.__class__ is RefType:
            self.ref_slots.add(len(self.locals) + depth - 1)

    def pop(self, want: Operand = None) -> Operand:
        """Take one value off the stack; ``want`` None takes any."""
        frame = self.frame
        if len(self.stack) == frame.height:
            if frame.unreachable:
                return None
            raise self.fail("type mismatch", f"expected {want or 'a value'}, but the block's stack is empty")
        found = self.stack.pop()
        if found is not want and found is not None and want is not None and not matches(found, want):
            raise self.fail("type mismatch", f"expected {want}, found {found}")
        return found

    def pop_all(self, wanted: Sequence[ValueType]) -> list[Operand]:
        """Take values of these types off the stack, the last from the top."""
        return [self.pop(want) for want in reversed(wanted)][::-1]

    def push_all(self, kinds: Sequence[Operand]) -> None:
        """Put values on the stack, the last on top."""
        for kind in kinds:
            self.push(kind)

    def set_unreachable(self) -> None:
        """What follows, up to the block's end, never runs: its stack gives whatever is asked for."""
        del self.stack[self.frame.height :]
        self.frame.unreachable = True

    # control

    def enter(self, kind: str, immediate: BlockType) -> ControlFrame:
        """Open a block."""
        signature = self.block_signature(immediate)
        self.pop_all(signature.params)
        height = len(self.stack)
        start, entries, handler = self.next, len(self.side_table), self.frame.handler
        self.frame = ControlFrame(kind, signature, height, [], start, entries, handler=handler)
        self.frame.set_before = len(self._set)
        self.frames.append(self.frame)
        self.push_all(signature.params)
        return self.frame

    def leave(self) -> ControlFrame:
        """Close the innermost block: its results are on the stack, and nothing else is."""
        frame = self.frame
        self.pop_all(frame.type.results)
        if len(self.stack) != frame.height:
            extra = " ".join(str(kind or "?") for kind in self.stack[frame.height :])
            raise self.fail("type mismatch", f"the block leaves [{extra}] beside its results")
        self.frames.pop()
        if self.frames:
            self.frame = self.frames[-1]
        self.forget_locals(frame)
        return frame

    # locals without a default value (spec 3.4.3.1): which may be read

    def set_local(self, index: int) -> None:
        """A local has a value, up to the end of the block."""
        if index in self.unset:
            self.unset.remove(index)
            self._set.append(index)

    def forget_locals(self, frame: ControlFrame) -> None:
        """At the end of a block or arm: what was set inside counts as not set."""
        while len(self._set) > frame.set_before:
            self.unset.add(self._set.pop())

    def _unset_locals(self) -> set[int]:
        """The locals that have no value at the start."""
        if all(kind.defaultable for _, kind in self.body.locals):
            return set()
        first = len(self.type.params)
        return {slot for slot in range(first, len(self.locals)) if not self.locals[slot].defaultable}

    # types

    def defined(self, index: int) -> DefType:
        """Type ``index``."""
        self.check_index(index, self.module.types, "type")
        return self.module.types[index]

    def signature(self, index: int) -> FuncType:
        """Type ``index``, which must be a function type."""
        found = self.defined(index).composite
        if not isinstance(found, FuncType):
            raise self.fail("type mismatch", f"type {index} is not a function type but ({found})")
        return found

    def block_signature(self, immediate: BlockType) -> FuncType:
        """The type of a block."""
        if immediate.__class__ is int:
            return self.signature(immediate)
        if immediate.__class__ is RefType:
            return FuncType((), (self.value_type(immediate),))
        return block_type(self.module, immediate)

    def value_type(self, type: ValueType) -> ValueType:
        """A type that an instruction names."""
        if isinstance(type, RefType) and isinstance(type.heap, int):
            return RefType(self.defined(type.heap), type.nullable)
        return type

    # labels

    def label(self, depth: int) -> ControlFrame:
        """The frame a branch of this depth goes to."""
        if depth >= len(self.frames):
            raise self.fail(f"unknown label {depth}", f"there are {len(self.frames)}")
        return self.frames[-1 - depth]

    def branch(self, target: ControlFrame) -> None:
        """Record a branch to ``target``, whose values are on the stack (or made up)."""
        kept = len(target.label)
        dropped = max(0, len(self.stack) - kept - target.height)
        entry = Branch(target.start, kept, dropped, target.start_entry)
        if target.kind != "loop":
            target.forward.append(entry)
        self.side_table.append(entry)

    def skip(self, kept: int) -> Branch:
        """Record a jump over an arm of an ``if``; it lands where the caller says later."""
        entry = Branch(0, kept, 0, 0)
        self.side_table.append(entry)
        return entry

    def land(self, branches: Sequence[Branch], target: int) -> None:
        """Let branches go to ``target``, now that it is known."""
        for entry in branches:
            entry.target = target
            entry.entry = len(self.side_table)

    def _reference_slots(self) -> set[int]:
        """The locals that hold references; quick for the many functions that have none."""
        if not any(kind.is_ref for kind in (*self.type.params, *(kind for _, kind in self.body.locals))):
            return set()
        return {slot for slot, kind in enumerate(self.locals) if kind.is_ref}

    def _expand_locals(self) -> tuple[ValueType, ...]:
        total = len(self.type.params) + sum(number for number, _ in self.body.locals)
        if total > MAX_LOCALS:
            detail = f"{total}, at most {MAX_LOCALS} are supported"
            raise ValidationError("too many locals", self.at, detail, self.index)
        types = list(self.type.params)
        for number, kind in self.body.locals:
            types += [kind] * number
        return tuple(types)
