"""One validated function body to LLVM IR text.

The translator walks the body once with a stack of SSA names. Locals, and the values that blocks pass to
their labels, live in stack slots that LLVM turns into registers, so no phi nodes are written here. Code
that cannot be reached is skipped. A comparison stays an i1 on the stack until something other than a branch
wants it as an i32.
"""

from __future__ import annotations

import functools
from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass

from vm.errors import TrapCode, VMError
from vm.isa.emit import LLVM_TYPES, SELDOM, TracedType
from vm.isa.types import DefType, FuncType, ValueType
from vm.jit.request import MOST_MOVES
from vm.module.instructions import read
from vm.module.model import ModuleData
from vm.runtime.layout import (
    CONTEXT_STATE,
    STATE_HANDLER,
    STATE_HEAP,
    STATE_STACK_LIMIT,
    ContextLayout,
    trap_number,
)
from vm.runtime.words import offsets
from vm.tiers.llvm import debug
from vm.tiers.llvm.abi import (
    CONVENTION,
    passing,
    resume_symbol,
    signature,
    type_symbol,
    word_loads,
    word_stores,
)
from vm.tiers.llvm.effort import Size
from vm.tiers.llvm.liveness import Liveness
from vm.tiers.llvm.metering import Metering
from vm.tiers.llvm.operands import Operands
from vm.tiers.llvm.profiled import BLIND, Blind
from vm.tiers.llvm.protection import scan
from vm.tiers.llvm.roots import prologue
from vm.tiers.llvm.speculation import Speculation
from vm.tiers.llvm.text import ENGINE, FIXED, hidden_symbol
from vm.typed import Any


@dataclass(slots=True)
class Control:
    """An open block: where a branch to its label goes, and the slots its values travel in.

    ``protected`` is how many handlers are in force behind it, ``inside`` how many in its code now.
    ``dispatch`` is the block where the exceptions go that no arm of a legacy ``try`` has caught so far, and
    ``kept`` the slot of the one that its present arm has caught. ``chooses`` says of a loop that each round
    goes to one of many labels, as an interpreter's main loop does. ``behind`` is the label behind a loop that
    has two versions.
    """

    kind: str
    type: FuncType
    label: str
    carried: tuple[ValueType, ...]
    slots: list[str]
    height: int
    otherwise: str | None = None
    arguments: list[str] | None = None
    targeted: bool = False
    protected: int = 0
    inside: int = 0
    dispatch: str | None = None
    kept: str = ""
    chooses: bool = False
    behind: str | None = None


_OPENS = frozenset({"block", "loop", "if", "try", "try_table"})
_CLOSES = frozenset({"end", "delegate"})
_ARMS = frozenset({"else", "catch", "catch_all"}) | _CLOSES


class Translator(Operands):
    """Translates function ``index``; functions in ``batch`` are called directly, others through records.

    ``handlers`` maps opcodes to what translates them (``vm.tiers.llvm.handlers``). ``most_moves`` bounds the
    moves of values (``moved``), beyond those that the body's bytes allow.
    """

    leaves_by_tail_calls = True
    """Whether a tail call can take the place of the code's own frame."""

    def __init__(
        self,
        module: ModuleData,
        layout: ContextLayout,
        index: int,
        batch: Collection[int],
        *,
        handlers: Mapping[int, Handler],
        guarded: Sequence[bool],
        metering: Metering,
        most_moves: int = MOST_MOVES,
        debug_info: bool = False,
        profile: Blind = BLIND,
        speculation: Speculation | None = None,
        versions: bool = False,
    ) -> None:
        super().__init__(memories=module.memories, guarded=guarded)
        self.versions = versions and not self.shared
        self.profile = profile
        self.speculation = speculation
        self._handlers = handlers
        self.metering = metering
        self._debug_info = debug_info
        self._offsets: list[int] = []
        self.module = module
        self.layout = layout
        self.index = index
        self.batch = batch
        self.type = module.function_type(index)
        self.form = signature(self.type)
        self.body = module.bodies[index - module.imported_functions]
        self.local_types: list[ValueType] = list(self.type.params)
        for count, type in self.body.locals:
            self.local_types += [type] * count
        self._locals = [LLVM_TYPES[type] for type in self.local_types]
        self._liveness: Liveness | None = None
        self._needs: Liveness | None = None
        self.root_slots = 0
        self.root_stores = 0
        self.uses_heap = False
        self._used: dict[int, None] = {}
        self.control: list[Control] = []
        self.tries: list[str] = []
        self.records: list[str] = []
        self.protection = scan(module, self.body, lambda i: isinstance(self._locals[i], TracedType))
        self.dead = False
        self.here = self.next = self.body.start
        self.calls = False
        self.needs_state = False
        self._joins = 0
        self.loops: list[Control] = []
        self.choices = 0
        self._nest = 0
        self._most_moves = most_moves
        self.moves = self.body.start - self.body.end
        self.help_slots = 0
        self.types: set[int] = set()
        self.left = False

    def translate(self, linkage: str) -> str:
        """The whole definition, as text."""
        self.open("block", FuncType((), self.type.results))
        self._mark(self.body.start)
        self.metering.checkpoint(self, self.body.start)
        self.profile.enter(self)
        self._walk()
        self.trap_blocks()
        scope = debug.scope(self.index) if self._debug_info else ""
        head = f"define {linkage} {self.head()} #0{self.profile.definition()}{scope} {{"
        text = "\n".join([head, *self._prologue(), *self.way_in(), *self.lines, "}\n"])
        return text + debug.metadata(self.index, self._offsets) if self._debug_info else text

    def type_number(self, definition: DefType, type: str) -> str:
        """A constant of an integer ``type``: the number of one of the module's types in the process that the
        code is loaded into.
        """
        index = self.module.index_of(definition)
        self.types.add(index)
        return f"ptrtoint (ptr @{type_symbol(index)} to {type})"

    def head(self) -> str:
        """What the definition says in front of its attributes."""
        name = f"@f{self.index}(ptr nonnull %ctx{self.form.parameters})"
        return f"{CONVENTION} {self.form.result} {name}"

    def way_in(self) -> list[str]:
        """What stands between the prologue and the body's first line."""
        return []

    def size(self) -> Size:
        """How much IR that is."""
        slots = len(self.slots) + len(self._used)
        return Size(len(self.lines), self.blocks, slots, self._joins, self._nest, self.longest_block())

    def _prologue(self) -> list[str]:
        """Slots, initial values of locals, the memory's base, and the check that there is stack left."""
        lines = list(self.slots)
        if self.help_slots:
            lines.append(f"  %help = alloca [{self.help_slots} x i64]")
        self.uses_heap |= self.root_slots > 0
        if any((self.calls, self.needs_state, self.form.passed, self.metering.active, self.uses_heap)):
            lines += [
                f"  %state_field = getelementptr i8, ptr %ctx, i64 {CONTEXT_STATE}",
                f"  %state = load ptr, ptr %state_field{FIXED}",
            ]
        lines += self.initial_locals()
        for number in sorted(self.bases):
            field = self.layout.memory_pointer(number)
            lines += [
                f"  %memory_field{number} = getelementptr i8, ptr %ctx, i64 {field}",
                f"  %memory{number} = load ptr, ptr %memory_field{number}{FIXED}",
            ]
        if self.uses_heap:
            lines += [
                f"  %heap_field = getelementptr i8, ptr %state, i64 {STATE_HEAP}",
                f"  %heap = load ptr, ptr %heap_field{FIXED}",
            ]
        if self.calls:  # a leaf fits into the margin that the limit leaves, or LLVM asks (vm.native.probing)
            lines += [
                "  %sp = call i64 @llvm.read_register.i64(metadata !5)",
                f"  %limit_field = getelementptr i8, ptr %state, i64 {STATE_STACK_LIMIT}",
                f"  %limit = load i64, ptr %limit_field{ENGINE}",
                "  %deep = icmp ult i64 %sp, %limit",
                *prologue(self.root_slots),
                f"  %exhausted = or i1 %deep, {'%full' if self.root_slots else 'false'}",
                "  br i1 %exhausted, label %overflow, label %body, !prof !4",
                "overflow:",
                f"  call void @trap(ptr %ctx, i32 {trap_number(TrapCode.STACK_OVERFLOW)})"
                + (debug.mark(self.body.start) if self._debug_info else ""),
                "  unreachable",
            ]
        else:
            lines.append("  br label %body")
        lines.append("body:")
        return lines

    def initial_locals(self) -> list[str]:
        """The locals in use: parameters from registers or from where they were passed, zeros."""
        lines, passed = [], self.form.passed
        if passed:
            loads, values = word_loads(self.form.passed_types, "%passed", "over")
            lines += [*passing("%state", "passed"), *loads]
            arrived = dict(zip(passed, values, strict=True))
        else:
            arrived = {}
        given = len(self.type.params)
        for i in self._used:
            type = self._locals[i]
            initial = arrived.get(i, f"%p{i}") if i < given else "zeroinitializer"
            if i >= given and type in ("float", "double"):
                lines.append(f"  %z{i} = load {type}, ptr @{hidden_symbol(type, initial)}{FIXED}")
                initial = f"%z{i}"
            lines += [f"  %l{i} = alloca {type}", f"  store {self._volatile(i)}{type} {initial}, ptr %l{i}"]
        return lines

    def _walk(self) -> None:
        at, end = self.body.start, self.body.end
        while at < end and self.control:
            at = self._skip(self.next) if self.step(at) else self.next

    def step(self, at: int) -> bool | None:
        """Translate the instruction at ``at``; whether what follows (``next``) cannot be reached."""
        self._mark(at)
        self.here = at
        opcode, immediates, self.next = read(self.module.binary, at)
        return self._handlers[opcode.code](self, immediates)

    def _mark(self, offset: int) -> None:
        """What follows stands for the instruction at ``offset``."""
        if self._debug_info:
            self._offsets.append(offset)
            self.mark = debug.mark(offset)

    def _skip(self, at: int) -> int:
        """The offset of the ``else``, ``end`` and so on that closes the unreachable code from ``at``."""
        depth, code = 0, self.module.binary
        while True:
            opcode, _, following = read(code, at)
            if opcode.name in _OPENS:
                depth += 1
            elif depth == 0 and opcode.name in _ARMS:
                self.dead = True
                return at
            elif opcode.name in _CLOSES:
                depth -= 1
            at = following

    def moved(self, count: int) -> None:
        """Note that ``count`` values go to or from a label, a call or an exception: too many are refused."""
        self.moves += count
        if self.moves > self._most_moves:
            raise VMError(
                f"function {self.index} passes more values to more labels and calls than code is made for: "
                "use tier reference"
            )

    # blocks

    def open(self, kind: str, type: FuncType) -> Control:
        """Open a block whose parameters are on the stack."""
        carried = type.params if kind == "loop" else type.results
        self.moved(len(carried))
        control = Control(
            kind,
            type,
            self.label(kind),
            carried,
            [self.slot(LLVM_TYPES[t]) for t in carried],
            len(self.stack) - len(type.params),
            protected=len(self.tries),
            inside=len(self.tries),
        )
        self.control.append(control)
        if kind == "loop":
            self.loops.append(control)
            self._nest = max(self._nest, len(self.loops))
        return control

    def store_carried(self, control: Control) -> None:
        """Put the operands that a branch to ``control`` takes along into its slots; they stay on the stack.

        Storing before a conditional branch is harmless: every path to a label stores first.
        """
        count = len(control.carried)
        if not count:
            return
        self.moved(count)
        values = self.pop_many(count)
        for slot, type, value in zip(control.slots, control.carried, values, strict=True):
            self.effect(f"store {LLVM_TYPES[type]} {value}, ptr {slot}")
            self.push(value, LLVM_TYPES[type])

    def target(self, depth: int) -> Control:
        """The block that a branch goes to, with the operands that it takes along in its slots."""
        control = self.control[-1 - depth]
        control.targeted = True
        self.store_carried(control)
        return control

    def load_carried(self, control: Control) -> None:
        """Begin behind the label of ``control``: what branches took along is on the stack."""
        del self.stack[control.height :]
        self.moved(len(control.carried))
        for slot, type in zip(control.slots, control.carried, strict=True):
            self.push(self.value(f"load {LLVM_TYPES[type]}, ptr {slot}"), LLVM_TYPES[type])

    def fall_through(self, control: Control) -> None:
        """Go to the end of ``control`` from the end of its code, if that can be reached."""
        if self.dead:
            self.dead = False
            return
        control.targeted = True
        self.store_carried(control)
        self.leave_tries(control.protected)
        self.effect(f"br label %{control.label}")

    def leave_tries(self, count: int) -> None:
        """Take handlers out of force until ``count`` of the function's are left."""
        if len(self.tries) > count:
            before = self.value(f"load ptr, ptr {self.tries[count]}")
            self.effect(f"store ptr {before}, ptr {self.handler_field()}{ENGINE}")

    def handler_field(self) -> str:
        """A pointer to the newest handler."""
        self.calls = True
        return self.value(f"getelementptr i8, ptr %state, i64 {STATE_HANDLER}")

    def close(self) -> bool:
        """Close the innermost block, whose code has gone to its end; whether what follows is unreachable."""
        control = self.control.pop()
        if not control.targeted:
            return bool(self.control)
        self.block(control.label)
        self.load_carried(control)
        if not self.control:
            self.leave()
        return False

    def leave(self) -> None:
        """Return, with the topmost operands as results."""
        type, results = self.form.result, self.type.results
        values = self.pop_many(len(results))
        if self.form.passes_results:
            self.pass_words(results, values)
            values = []
        if len(values) > 1:
            aggregate = "undef"
            for i, (value, result) in enumerate(zip(values, results, strict=True)):
                aggregate = self.value(f"insertvalue {type} {aggregate}, {LLVM_TYPES[result]} {value}, {i}")
            values = [aggregate]
        self.effect(f"ret {type} {values[0]}" if values else "ret void")

    def pass_words(self, types: Sequence[ValueType], values: Sequence[str]) -> None:
        """Put values where a callee or caller finds what had no register (``vm.tiers.llvm.abi``)."""
        if types:
            self.moved(len(types))
            name = self._passing()
            self.lines += word_stores(types, values, f"%{name}", name)

    def passed_words(self, types: Sequence[ValueType]) -> list[str]:
        """The values that a callee or caller has put there."""
        self.moved(len(types))
        name = self._passing()
        lines, values = word_loads(types, f"%{name}", name)
        self.lines += lines
        return values

    def _passing(self) -> str:
        self.needs_state = True
        name = self.label("passed")
        self.lines += passing("%state", name)
        return name

    # the plain rest

    def nop_op(self, _: tuple[Any, ...]) -> None:
        """``nop``."""

    def drop_op(self, _: tuple[Any, ...]) -> None:
        """``drop``."""
        self.stack.pop()

    def select_op(self, _: tuple[Any, ...]) -> None:
        """``select``, with and without types.

        In a loop that chooses what to do next (say, "next or target" of an interpreter's jump), it is marked
        as one to predict: LLVM makes a branch of it where the loop would wait for its condition.
        """
        condition = self.pop_condition()
        second, type = self.pop_typed()
        first, other = self.pop_typed()
        if isinstance(other, TracedType):  # the second may be a null, which is nothing to trace
            type = other
        mark = SELDOM if self.loops and self.loops[-1].chooses else ""
        self.push(self.value(f"select i1 {condition}, {type} {first}, {type} {second}{mark}"), type)

    def live_locals(self) -> Iterator[str]:
        """References in locals that are needed behind the present instruction, each loaded when asked for."""
        if self._liveness is None:
            traced = [i for i, type in enumerate(self._locals) if isinstance(type, TracedType)]
            self._liveness = Liveness(self.module, self.body, traced)
        for index in self._liveness.after(self.next):
            yield self.value("load {}, ptr {}".format(*self._local(index)))

    def locals_needed(self, at: int) -> Collection[int]:
        """All locals that the code from offset ``at`` on may read, and perhaps others."""
        if at == self.body.start:
            return range(len(self._locals))
        if self._needs is None:
            self._needs = Liveness(self.module, self.body, range(len(self._locals)))
        return frozenset(self._needs.after(at))

    def local_value(self, index: int) -> str:
        """What a local is now."""
        type, slot = self._local(index)
        return self.value(f"load {self._volatile(index)}{type}, ptr {slot}")

    @functools.cached_property
    def local_slots(self) -> list[int]:
        """Where the machine keeps each local in a frame, then how many slots locals take."""
        return offsets(self.local_types)

    @functools.cached_property
    def kept_slots(self) -> int:
        """The machine keeps an exception for each legacy ``try``, between locals and operands."""
        if not self.module.tags:
            return 0
        at, count = self.body.start, 0
        while at < self.body.end:
            opcode, _, at = read(self.module.binary, at)
            count += opcode.name == "try"
        return count

    def go_on(self, record: str) -> None:
        """End the function: the machine runs the code of ``record`` instead (``vm.tiers.llvm.leaving``)."""
        self.left = True
        type = self.form.result
        call = (
            f"musttail call {CONVENTION} {type} @{resume_symbol(self.type.results)}(ptr %ctx, i64 {record})"
        )
        if type == "void":
            self.effect(call)
            self.effect("ret void")
        else:
            self.effect(f"ret {type} {self.value(call)}")

    def _local(self, index: int) -> tuple[str, str]:
        """A local's IR type and slot. Only those in use get one: a few bytes may declare thousands."""
        self._used[index] = None
        return self._locals[index], f"%l{index}"

    def locals_in_use(self) -> Iterator[tuple[int, str, str]]:
        """Their numbers, IR types, and what an access says (``_volatile``)."""
        for index in self._used:
            yield index, self._locals[index], self._volatile(index)

    def _volatile(self, index: int) -> str:
        """What an access to a local says when the local must not live in registers."""
        return "volatile " if index in self.protection.volatile else ""

    def local_get_op(self, immediates: tuple[Any, ...]) -> None:
        """``local.get``."""
        type, slot = self._local(immediates[0])
        self.push(self.value(f"load {self._volatile(immediates[0])}{type}, ptr {slot}"), type)

    def local_set_op(self, immediates: tuple[Any, ...]) -> None:
        """``local.set``."""
        self._joins += len(self.control)
        type, slot = self._local(immediates[0])
        self.effect(f"store {self._volatile(immediates[0])}{type} {self.pop()}, ptr {slot}")

    def local_tee_op(self, immediates: tuple[Any, ...]) -> None:
        """``local.tee``."""
        self._joins += len(self.control)
        value, type = self.pop_typed()
        slot = self._local(immediates[0])[1]
        self.effect(f"store {self._volatile(immediates[0])}{type} {value}, ptr {slot}")
        self.push(value, type)


Handler = Callable[[Translator, tuple[Any, ...]], bool | None]
"""Translates one instruction; True when the code behind it cannot be reached."""
