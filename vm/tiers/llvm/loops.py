"""Code that enters a function in its middle, at a loop's head, with the values in a frame of the machine.

    void @f(ctx, frame)      results go to the frame's first slots

It is the function's translation with another way in: what runs before the loop is reached only from loops
around it. Operands that are on the stack where a block is opened lie in variables of their own, not in SSA
names, since two ways lead to where they are read; LLVM makes registers of them again.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Collection
from functools import partial

from vm.errors import VMError
from vm.isa.emit import LLVM_TYPES
from vm.isa.types import FuncType
from vm.jit.artefact import Artefact
from vm.jit.request import Request
from vm.module.validator import validate_function
from vm.native.validation import kernel
from vm.runtime.layout import STATE_TAIL
from vm.tiers.llvm.abi import word_stores, words_of
from vm.tiers.llvm.emission import Emission
from vm.tiers.llvm.text import ENGINE
from vm.tiers.llvm.translate import Control, Translator
from vm.typed import Any

LOOP = "loop"
"""The option of a request that says where the code of the loop begins, as an offset in the module."""


class LoopTranslator(Translator):
    """Translates a function for who enters at the loop whose code begins at offset ``loop``."""

    leaves_by_tail_calls = False

    def __init__(self, *where: Any, loop: int, **how: Any) -> None:
        super().__init__(*where, **how)
        self._loop = loop
        self._variables: set[str] = set()
        self._way_in: list[str] | None = None

    def open(self, kind: str, type: FuncType) -> Control:
        """Open a block; operands go to variables first."""
        for place, (name, held) in enumerate(self.stack):
            if name.startswith("%") and name not in self._variables:
                self.stack[place] = self._keep(name, held), held
        height = len(self.stack) - len(type.params)
        below = self.stack[:height]
        control = super().open(kind, type)
        if kind == "loop" and self.next == self._loop:
            self._arrive(control, below)
        return control

    def _keep(self, name: str, held: str) -> str:
        slot = self.slot(held)
        self._variables.add(slot)
        self.effect(f"store {held} {name}, ptr {slot}")
        return slot

    def held(self, name: str, type: str) -> str:
        """A variable's value is read where it is needed."""
        return self.value(f"load {type}, ptr {name}") if name in self._variables else name

    def _arrive(self, control: Control, below: list[tuple[str, str]]) -> None:
        """Note the way in: every operand of the frame goes to its variable."""
        self._way_in = lines = ["  br label %arrive", "arrive:"]
        at = self.local_slots[-1] + self.kept_slots
        for number, (name, held) in enumerate(below):
            if name in self._variables:
                lines += _load(f"operand{number}", held, at, name)
            at += words_of(held)
        for number, (slot, type) in enumerate(zip(control.slots, control.carried, strict=True)):
            lines += _load(f"carried{number}", LLVM_TYPES[type], at, slot)
            at += words_of(LLVM_TYPES[type])
        lines += [f"  br label %{control.label}", "unused:"]

    def head(self) -> str:
        """As C functions are called."""
        return f"void @f{self.index}(ptr nonnull %ctx, ptr nonnull %frame)"

    def way_in(self) -> list[str]:
        """To the loop; what is between is for the loops around it."""
        if self._way_in is None:
            raise VMError(f"function {self.index} has no loop at {self._loop:#x} that can be reached")
        return self._way_in

    def initial_locals(self) -> list[str]:
        """All from the frame."""
        lines = []
        for index, type, volatile in self.locals_in_use():
            lines += [f"  %l{index} = alloca {type}"]
            lines += _load(f"local{index}", type, self.local_slots[index], f"%l{index}", volatile)
        return lines

    def leave(self) -> None:
        """Results go to the frame."""
        results = self.type.results
        self.moved(len(results))
        self.lines += word_stores(results, self.pop_many(len(results)), "%frame", self.label("result"))
        self.effect("ret void")

    def go_on(self, record: str) -> None:
        """The machine, which has called, is where a tail call comes back to (``native`` in
        ``vm.tiers.threaded.invocation``): it finds the record in the state.
        """
        field = self.value(f"getelementptr i8, ptr %state, i64 {STATE_TAIL}")
        self.effect(f"store i64 {record}, ptr {field}{ENGINE}")
        self.effect("ret void")


def _load(name: str, type: str, slot: int, variable: str, volatile: str = "") -> list[str]:
    """Lines that bring a slot of the frame to a variable."""
    held = "i32" if type == "i1" else type
    lines = [
        f"  %{name}.at = getelementptr i64, ptr %frame, i64 {slot}",
        f"  %{name} = load {held}, ptr %{name}.at, align 4",
    ]
    value = f"%{name}"
    if type == "i1":
        lines.append(f"  %{name}.holds = icmp ne i32 %{name}, 0")
        value += ".holds"
    return [*lines, f"  store {volatile}{type} {value}, ptr {variable}"]


class _LoopEmission(Emission):
    """Code of a loop, with the functions that it calls."""

    def translator(self, index: int) -> Callable[..., Translator]:
        """Of the function itself there is the loop's code alone."""
        if index != self.request.functions[0]:
            return Translator
        return partial(LoopTranslator, loop=int(dict(self.request.options)[LOOP]))

    def members(self, batch: Collection[int]) -> frozenset[int]:
        """Whoever calls the function itself goes to its record."""
        return frozenset(batch) - {self.request.functions[0]}


def make(request: Request) -> Artefact:
    """Compile the code of one loop of the one function that is asked for; callees in it are for itself."""
    started = time.thread_time()
    module, (index,) = request.module, request.functions
    if not module.validated:
        validate_function(module, index, kernel(module.bodies.code_bytes))
    checked = time.thread_time() - started
    emission = _LoopEmission(request)
    whole = emission.make(emission.reachable(), {index})
    if len(whole.parts) > 1:  # too much for LLVM at once: the loop alone, which calls through records
        whole = emission.make([index], {index})
    return Artefact(whole.parts[:1], whole.moves, checked + whole.seconds)
