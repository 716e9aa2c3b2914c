"""One validated function body to threaded code: a run of 64-bit words that the machine interprets.

One walk over the code, with a stack that says where each operand is. An operand that a ``local.get`` or a
constant gave stays where it is until something needs it in its own slot, its *home*: so most of them cost
no instruction at all. What is computed goes to its home, or straight to the local that the next instruction
would set; a comparison in front of a branch becomes part of the branch.
"""

from __future__ import annotations

import itertools
from collections.abc import Callable, Mapping, Sequence

from vm.errors import VMError
from vm.isa.opcode import CatchClause
from vm.isa.types import FuncType, ValType, ValueType
from vm.module.instructions import block_type, read
from vm.module.model import Body, ModuleData
from vm.records import Record, field
from vm.runtime.layout import ContextLayout
from vm.runtime.words import offsets, width
from vm.tiers.threaded.made import Door, Places
from vm.tiers.threaded.steps import Maker, StepPlan
from vm.tiers.threaded.unwinding import Guard
from vm.typed import Any, NamedTuple

LOW = 0xFFFF_FFFF
_WORD = (1 << 64) - 1
_OPENERS = frozenset({"block", "loop", "if", "try", "try_table"})
_CLOSERS = frozenset({"else", "catch", "catch_all"})


def pack(fields: list[int]) -> list[int]:
    """32-bit fields, two to a word."""
    if len(fields) % 2:
        fields.append(0)
    return [low | high << 32 for low, high in zip(fields[::2], fields[1::2], strict=True)]


class Fusion(NamedTuple):
    """The branches that may take a comparison's place: handlers, and the comparison's form."""

    holds: int
    fails: int
    constant: bool
    unary: bool

    def swapped(self) -> Fusion:
        """The branches for the opposite condition."""
        return self._replace(holds=self.fails, fails=self.holds)


class Fixup(NamedTuple):
    """A distance that is not known yet: the jump's place, the word it is in, and where in the word.

    ``shift`` None is a whole word.
    """

    jump: int
    word: int
    shift: int | None


class Control(Record):
    """An open block. ``carried`` are the types that a branch to it takes along, from home ``base`` on.

    The code of a loop begins at ``start``; ``forward`` and ``otherwise`` are jumps that wait for a place
    behind. ``guard`` is what catches exceptions that the block's code throws. In a ``try_table``, ``clauses``
    say what is to be caught; in the clauses of a legacy ``try``, its guard is ``caught`` and slot ``kept``
    refers to the exception.
    """

    kind: str
    type: FuncType
    carried: tuple[ValueType, ...]
    height: int
    base: int
    start: int = 0
    forward: list[Fixup] = field(default_factory=list)
    otherwise: Fixup | None = None
    guard: Guard | None = None
    caught: Guard | None = None
    clauses: Sequence[CatchClause] = ()
    kept: int = -1


class Condition(NamedTuple):
    """A branch to be: the handlers for either sense, and the words behind them without the distance."""

    fusion: Fusion
    words: tuple[int, ...]


class Metering(Record, frozen=True):
    """What a function's checkpoints do, at its entry and at loop heads: burn fuel (``vm.module.fuel``), and
    look at the deadline. ``costs`` is empty when fuel is not counted. ``calls`` and ``trips`` say how often
    its entry, and a loop's head, may run before the tier is asked where to go on; None: always.
    """

    costs: Mapping[int, int]
    epochs: bool
    calls: int | None = None
    trips: int | None = None


def _legacy_tries(module: ModuleData, body: Body) -> int:
    """How many legacy ``try`` blocks a body has, each of which may keep an exception."""
    at, count = body.start, 0
    while at < body.end:
        opcode, _, at = read(module.binary, at)
        count += opcode.name == "try"
    return count


class Translator:
    """Translates function ``index`` by ``table``; steps for Python are added to ``steps``.

    ``labels`` are the places in the code that jumps go to, and the slot behind the operands there. With
    ``stop``, the offset of an instruction, there is a ``Door`` to enter the code in front of it.
    """

    def __init__(
        self,
        module: ModuleData,
        layout: ContextLayout,
        index: int,
        table: Table,
        steps: list[StepPlan],
        metering: Metering,
        stop: int | None = None,
    ) -> None:
        self.module = module
        self._stop = stop
        self.door: Door | None = None
        self._metering = metering
        self.layout = layout
        self.handlers = handlers = table.handlers
        self.type = module.function_type(index)
        self._body = module.bodies[index - module.imported_functions]
        self._table = table.opcodes
        self._fusions = table.fusions
        self._steps = steps
        self._copies = {1: handlers["copy"], 2: handlers["copy v"]}
        self._constant = handlers["const"]
        types: list[ValueType] = list(self.type.params)
        for count, type in self._body.locals:
            types += [type] * count
        self.index = index
        self.types = types
        self.locals = offsets(types)
        self._kept = self.locals[-1]
        kept = _legacy_tries(module, self._body) if module.tags else 0
        self.code: list[int] = []
        self.operands: list[int] = []
        self.homes: list[int] = []
        self.constants: list[int] = []
        self.top = self.high = self.locals[-1] + kept
        self.kept_slots = range(self.locals[-1], self.top)
        self.last = -1
        self.control: list[Control] = []
        self.dead = False
        self.here = self.next = self._body.start
        self.guards: list[Guard] = []
        self.labels: list[tuple[int, int]] = []
        self.loops: dict[int, int] = {}
        self.places = Places()
        self._starts_here = self.places.handlers.append
        self.counted = -1

    def run(self) -> list[int]:
        """The function's code."""
        self._enter()
        self.open("block", FuncType((), self.type.results))
        if self._metering.calls is not None:
            self.counted = len(self.code)
            self.count(self._metering.calls)
        self.checkpoint()
        self.walk()
        extent = max(self.high, sum(map(width, self.type.results)), 1)
        self.code[2] |= extent
        for at in (*self.loops, *([self.counted] if self.counted >= 0 else [])):
            self.code[at + 1] |= extent
        return self.code

    def _enter(self) -> None:
        params, results = offsets(self.type.params)[-1], offsets(self.type.results)[-1]
        clear = self.kept_slots.stop - params
        handler = self.handlers["enter clear" if clear else "enter"]
        self.emit(handler, params | results << 32, clear << 32)

    def walk(self) -> None:
        """Translate the instructions, one after the other."""
        at, end = self._body.start, self._body.end
        if self._stop is not None:
            at = self.translate(at, self._stop)
            self.pause(at)
        self.translate(at, end)

    def translate(self, at: int, end: int) -> int:
        """Translate the instructions between two offsets; gives the one behind the last."""
        code, table = self.module.binary, self._table
        while at < end and self.control:
            self.here = at
            opcode, immediates, at = read(code, at)
            self.next = at
            if table[opcode.code](self, immediates):
                at = self._skip(at)
        return at

    def pause(self, at: int) -> None:
        """Let the instruction at ``at``, the stop, be a label at which all operands are in their homes."""
        if at != self._stop or not self.control:
            raise VMError(f"function {self.index} has no instruction at {self._stop:#x} that can be reached")
        self.settle(0)
        self.door = Door(len(self.code), self.top)
        self.land([])

    def count(self, limit: int) -> None:
        """Append what counts how often it runs, up to ``limit``; all operands are in their homes."""
        self.emit(self.handlers["count"], 0, limit)

    def loop_head(self) -> None:
        """Append what the start of a loop's code does beside its instructions."""
        if self._metering.trips is not None and all(control.guard is None for control in self.control):
            self.loops[len(self.code)] = self.next
            self.count(self._metering.trips)
        self.checkpoint()

    def checkpoint(self) -> None:
        """Append what the knobs ask for at the start of a function or of a loop's code."""
        if self._metering.epochs:
            self.emit(self.handlers["epoch"])
        cost = self._metering.costs.get(self.next, 0)
        if cost:
            self.emit(self.handlers["fuel"], cost)

    def _skip(self, at: int) -> int:
        """The offset of what closes the unreachable code from ``at``."""
        depth, code = 0, self.module.binary
        while True:
            opcode, _, following = read(code, at)
            if opcode.name in _OPENERS:
                depth += 1
            elif opcode.name in ("end", "delegate"):
                if depth == 0:
                    break
                depth -= 1
            elif opcode.name in _CLOSERS and depth == 0:
                break
            at = following
        self.dead = True
        return at

    # code

    def emit(self, *words: int) -> None:
        """Append an instruction whose result cannot be sent elsewhere."""
        self._starts_here(len(self.code))
        self.code += words
        self.last = -1

    def compute(self, *words: int) -> None:
        """Append an instruction whose first field is the slot of its result."""
        self.last = len(self.code)
        self._starts_here(self.last)
        self.code += words

    def land(self, fixups: Sequence[Fixup]) -> None:
        """Let jumps go to the end of the code as it is now, where the operands are what they are now."""
        self.last = -1
        self.labels.append((len(self.code), self.top))
        for fixup in fixups:
            self._set_distance(fixup, len(self.code))

    def _set_distance(self, fixup: Fixup, target: int) -> None:
        distance = 8 * (target - fixup.jump)
        if fixup.shift is None:
            self.code[fixup.word] = distance & _WORD
        else:
            self.code[fixup.word] |= (distance & LOW) << fixup.shift

    # operands: a slot, or the complement of a place in ``constants``

    def push(self, words: int = 1) -> int:
        """Push an operand that is in its home; gives the home."""
        home = self.top
        self.operands.append(home)
        self.homes.append(home)
        self.top = top = home + words
        if top > self.high:
            self.high = top
        return home

    def push_at(self, operand: int, words: int) -> None:
        """Push an operand that is elsewhere."""
        home = self.top
        self.operands.append(operand)
        self.homes.append(home)
        self.top = top = home + words
        if top > self.high:
            self.high = top

    def push_constant(self, value: int) -> None:
        """Push a number that no instruction has put anywhere yet."""
        self.push_at(~len(self.constants), 1)
        self.constants.append(value)

    def pop(self) -> int:
        """Pop an operand, in some slot."""
        operand = self.operands.pop()
        self.top = home = self.homes.pop()
        if operand >= 0:
            return operand
        self.emit(self._constant, home, self.constants[~operand])
        return home

    def pop_words(self) -> tuple[int, int]:
        """As ``pop``, with the number of words it takes."""
        words = self.top - self.homes[-1]
        return self.pop(), words

    def pop_many(self, count: int) -> list[int]:
        """Pop so many operands, deepest first."""
        found = [self.pop() for _ in range(count)]
        found.reverse()
        return found

    def discard(self, count: int) -> None:
        """Pop so many operands that nobody wants to know."""
        if count:
            self.top = self.homes[-count]
            del self.operands[-count:]
            del self.homes[-count:]

    def move(self, target: int, operand: int, words: int) -> None:
        """Put an operand into a slot."""
        if operand < 0:
            self.emit(self._constant, target, self.constants[~operand])
        elif operand != target:
            self.emit(self._copies[words], target | operand << 32)

    def settle(self, first: int) -> None:
        """Bring the operands from number ``first`` on into their homes."""
        operands, homes = self.operands, self.homes
        if operands[first:] == homes[first:]:
            return
        ends = [*homes[first + 1 :], self.top]
        for i, end in enumerate(ends, first):
            if operands[i] != homes[i]:
                self.move(homes[i], operands[i], end - homes[i])
                operands[i] = homes[i]

    def save(self, slot: int) -> None:
        """Before a local changes: operands that are still in it go home."""
        operands, homes = self.operands, self.homes
        for i, operand in enumerate(operands):
            if operand == slot:
                end = homes[i + 1] if i + 1 < len(homes) else self.top
                self.move(homes[i], slot, end - homes[i])
                operands[i] = homes[i]

    def redirect(self, home: int, slot: int) -> bool:
        """Let the last instruction put what it computes for ``home`` into ``slot``; False: it does not."""
        last = self.last
        if last < 0 or self.code[last + 1] & LOW != home:
            return False
        self.code[last + 1] += slot - home
        self.last = -1
        return True

    def keep_slot(self) -> int:
        """A slot that is nobody's home, for as long as the frame lives."""
        self._kept += 1
        return self._kept - 1

    # branches

    def open(self, kind: str, type: FuncType) -> Control:
        """Open a block, whose parameters are the topmost operands."""
        height = len(self.operands) - len(type.params)
        base = self.homes[height] if type.params else self.top
        carried = type.params if kind == "loop" else type.results
        control = Control(kind, type, carried, height, base, len(self.code))
        control.guard = self.control[-1].guard if self.control else None
        self.control.append(control)
        self.last = -1
        return control

    def pop_condition(self) -> Condition:
        """Pop an i32 for a branch; a comparison that computed it is taken back."""
        last, home = self.last, self.homes[-1]
        operand = self.pop()
        code = self.code
        if operand == home and 0 <= last == self.last and code[last + 1] & LOW == home:
            fusion = self._fusions.get(code[last])
            if fusion is not None:
                first = code[last + 1] >> 32
                words = (first,) if fusion.unary else (first, code[last + 2])
                del code[last:], self.places.handlers[-1]
                self.last = -1
                return Condition(fusion, words)
        return Condition(self.fusion("i32.eqz").swapped(), (operand,))

    def fusion(self, name: str) -> Fusion:
        """The branches for what handler ``name`` compares."""
        return self._fusions[self.handlers[name]]

    def branch(self, condition: Condition, *, when: bool) -> Fixup:
        """Append a branch that is taken when the condition is ``when``."""
        fusion, words = condition
        handler = fusion.holds if when else fusion.fails
        at = len(self.code)
        if fusion.unary:
            self.emit(handler, words[0])
            return Fixup(at, at + 1, 32)
        if fusion.constant:
            self.emit(handler, words[0], words[1])
            return Fixup(at, at + 1, 32)
        self.emit(handler, words[0] | words[1] << 32, 0)
        return Fixup(at, at + 2, 0)

    def jump(self) -> Fixup:
        """Append a jump."""
        at = len(self.code)
        self.emit(self.handlers["jump"], 0)
        return Fixup(at, at + 1, None)

    def aim(self, fixup: Fixup, control: Control) -> None:
        """Let a jump go to a block's label."""
        if control.kind == "loop":
            self._set_distance(fixup, control.start)
        else:
            control.forward.append(fixup)

    def carry(self, control: Control) -> list[tuple[int, int, int]]:
        """The moves that bring the topmost operands to where a block's label expects them."""
        moves = []
        target, first = control.base, len(self.operands) - len(control.carried)
        for operand, type in zip(self.operands[first:], control.carried, strict=True):
            words = width(type)
            if operand != target:
                moves.append((target, operand, words))
            target += words
        return moves

    def leave(self, control: Control) -> None:
        """Append what takes an unconditional branch to a block's label; the operands stay."""
        if control is self.control[0]:
            self.leave_function()
            return
        for move in self.carry(control):
            self.move(*move)
        self.aim(self.jump(), control)

    def leave_function(self) -> None:
        """Append the return, with the topmost operands as results."""
        results = self.type.results
        first = len(self.operands) - len(results)
        if len(results) == 1 and width(results[0]) == 1:
            operand, home = self.operands[-1], self.homes[-1]
            if operand != home or not self.redirect(home, 0):
                if operand < 0:
                    self.move(home, operand, 1)
                    operand = home
                self.emit(self.handlers["return one"], operand)
                return
        elif results:
            kept, top = self.operands[:], self.top
            self.settle(first)
            target = 0
            for operand, type in zip(self.operands[first:], results, strict=True):
                self.move(target, operand, width(type))
                target += width(type)
            self.operands, self.top = kept, top
        self.emit(self.handlers["return"])

    def reset(self, control: Control, types: Sequence[ValueType]) -> None:
        """Make the operands what they are at a block's label: ``types`` in their homes."""
        del self.operands[control.height :]
        del self.homes[control.height :]
        self.top = control.base
        for type in types:
            self.push(width(type))

    def end_block(self) -> bool:
        """Close the innermost block; whether what follows is unreachable."""
        control = self.control[-1]
        live, self.dead = not self.dead, False
        if not control.forward and control.otherwise is None and not live:
            self.control.pop()
            return bool(self.control)
        if len(self.control) == 1:
            self.leave_function()
            self.control.pop()
            return False
        if live:
            self.settle(control.height)
        self.control.pop()
        if control.otherwise is not None:
            control.forward.append(control.otherwise)
        self.reset(control, control.type.results)
        self.land(control.forward)
        return False

    def block_type(self, immediate: Any) -> FuncType:
        """The type of a block."""
        return block_type(self.module, immediate)

    # instructions for Python

    def add_step(self, make: Maker, params: Sequence[ValueType], results: Sequence[ValueType]) -> int:
        """Register a step; gives its number."""
        self._steps.append(StepPlan(make, tuple(params), tuple(results)))
        return len(self._steps) - 1

    def reserve(self, slot: int) -> int:
        """Make sure that the frame has ``slot`` and one behind it."""
        self.high = max(self.high, slot + 2)
        return slot

    def types_of(self, count: int) -> list[ValueType]:
        """Types as wide as the topmost operands are."""
        homes = [*self.homes[len(self.homes) - count :], self.top]
        widths = (end - start for start, end in itertools.pairwise(homes))
        return [ValType.I64 if words == 1 else ValType.V128 for words in widths]

    def step(self, make: Maker, params: Sequence[ValueType], results: Sequence[ValueType]) -> None:
        """Leave an instruction to Python."""
        count = len(params)
        before = self.top
        self.settle(len(self.operands) - count)
        self.discard(count)
        base = self.top
        for type in results:
            self.push(width(type))
        number = self.add_step(make, params, results)
        self.places.steps[len(self.code) + 1] = number
        self.emit(self.handlers["step"], base | number << 32, max(before, self.top))


Translate = Callable[[Translator, tuple[Any, ...]], bool | None]
"""Translates one instruction; True when the code behind it cannot be reached."""


class Table(NamedTuple):
    """Addresses of handlers by name, branches by the comparison's handler, what translates each opcode."""

    handlers: Mapping[str, int]
    fusions: Mapping[int, Fusion]
    opcodes: Mapping[int, Translate]
