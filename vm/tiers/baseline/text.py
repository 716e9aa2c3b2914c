"""A builder of one stencil: LLVM IR text for an instruction whose operands are in registers, in frame slots,
or constants. Slots, constants and offsets are symbols without a value yet, *holes*; it ends by a jump to
``next``.
"""

from __future__ import annotations

from collections.abc import Mapping

from vm.errors import TrapCode
from vm.isa.emit import LLVM_TYPES
from vm.isa.types import ValType
from vm.tiers.baseline.registers import MACHINE, OPERANDS, PASSED, VECTOR_COUNT, VECTOR_OPERANDS
from vm.tiers.threaded.text import HandlerText

HOLES = ("h0", "h1", "h2", "w0", "q0", "pool", "table", "next", "taken")
TRAP = "trap_"
"""What else a stencil refers to."""

HEAD = """\
@h0 = external dso_local global i8, !absolute_symbol !20
@h1 = external dso_local global i8, !absolute_symbol !20
@h2 = external dso_local global i8, !absolute_symbol !20
@w0 = external dso_local global i8, !absolute_symbol !21
@q0 = external dso_local global i8
@pool = external dso_local global i8
!20 = !{i64 0, i64 2147483648}
!21 = !{i64 0, i64 4294967296}
declare dso_local void @next()
declare dso_local void @taken()
"""
"""``h0`` to ``h2`` are less than 2 ** 31; ``w0`` is any 32 bits, ``q0`` any 64 bits, ``pool`` a constant
near the code."""

FLOATS = (ValType.F32, ValType.F64)


def number(hole: str) -> str:
    """A hole's number, an i64."""
    return f"ptrtoint (ptr @{hole} to i64)"


class StencilText(HandlerText):
    """Collects the lines of stencil ``name``; a ``Builder`` (``vm.isa.emit``) for the meanings."""

    def __init__(self, name: str, *, guarded: bool = False, sample: int | None = None) -> None:
        super().__init__(name, guarded=guarded)
        self.sample = sample
        self.symbol = name
        self._inputs = {place: f"%g{place}" for place in PASSED} | MACHINE
        self._outputs = dict(self._inputs)
        self._vectors = ["double"] * VECTOR_COUNT
        self._results = [f"%x{i}" for i in range(VECTOR_COUNT)]

    @property
    def may_trap(self) -> bool:
        """Whether what was emitted so far may."""
        return bool(self._traps)

    # operands

    def register(self, operand: int, type: ValType) -> str:
        """The value in the register of operand 0, 1 or 2 (a, b, the result)."""
        if type in FLOATS:
            place = VECTOR_OPERANDS[operand]
            self._vectors[place] = LLVM_TYPES[type]
            return f"%x{place}"
        whole = f"%g{OPERANDS[operand]}"
        return self.value(f"trunc nuw i64 {whole} to i32") if type is ValType.I32 else whole

    def give(self, operand: int, type: ValType, value: str, *, condition: bool = False) -> None:
        """Let the register of an operand hold a value."""
        if type in FLOATS:
            place = VECTOR_OPERANDS[operand]
            self._vectors[place] = LLVM_TYPES[type]
            self._results[place] = value
            return
        if condition:
            value = self.value(f"zext i1 {value} to i64")
        elif type is ValType.I32:
            value = self.value(f"zext i32 {value} to i64")
        self._outputs[OPERANDS[operand]] = value

    def slot_at(self, hole: str) -> str:
        """A pointer to the frame slot whose place in bytes a hole says."""
        return self.at("%fr", number(hole))

    def in_slot(self, type: ValType, hole: str) -> str:
        """The value in a slot."""
        return self.value(f"load {LLVM_TYPES[type]}, ptr {self.slot_at(hole)}, align 8")

    def constant(self, type: ValType) -> str:
        """A constant; integers of 64 bits are not negative, and less than 2 ** 31. In one of several samples
        it is a number: where they differ is where constants go.
        """
        if self.sample is not None:
            return str(self.sample)
        if type is ValType.I32:
            return "ptrtoint (ptr @w0 to i32)"
        if type is ValType.I64:
            return number("h0")
        return self.value(f"load {LLVM_TYPES[type]}, ptr @pool, align 8")

    # where to go on

    def arguments(self, only: Mapping[int, str] | None = None, *, vectors: bool = False) -> str:
        """What the next stencil gets; with ``only``, nothing but that, and vector registers if asked."""
        if only is not None:
            general = [f"{_type(place)} {only.get(place, 'undef')}" for place in PASSED]
            given = self._results if vectors else ["undef"] * VECTOR_COUNT
            return ", ".join(general + [f"{t} {v}" for t, v in zip(self._vectors, given, strict=True)])
        general = [f"{_type(place)} {self._outputs[place]}" for place in PASSED]
        return ", ".join(general + [f"{t} {v}" for t, v in zip(self._vectors, self._results, strict=True)])

    def go_to(self, target: str, arguments: str = "") -> None:
        """End in a jump, to one of the symbols or to any pointer."""
        callee = target if target[0] in "%@" else f"@{target}"
        self.effect(f"musttail call preserve_nonecc void {callee}({arguments or self.arguments()})")
        self.effect("ret void")

    def fork(self, condition: str) -> None:
        """End in a jump to ``taken`` when the condition holds, else to ``next``."""
        self.effect(f"br i1 {condition}, label %holds, label %fails, !prof !4")
        self.block("holds")
        self.go_to("taken")
        self.block("fails")
        self.go_to("next")

    def text(self) -> str:
        """The definition."""
        for label, write in self._later:
            self.block(label)
            write()
        general = [f"{_type(place)} {MACHINE.get(place, f'%g{place}')}" for place in PASSED]
        vectors = [f"{type} %x{i}" for i, type in enumerate(self._vectors)]
        params = ", ".join(general + vectors)
        lines = [f'define dso_local preserve_nonecc void @"{self.symbol}"({params}) #0 {{', "begin:"]
        for code in self._traps:
            self.block(f"trap_{code.name}")
            self.go_to(trap_symbol(code), self.arguments(MACHINE))
        return "\n".join([*lines, *self._lines, "}\n"])


def trap_symbol(code: TrapCode) -> str:
    """The symbol that a stencil jumps to when it traps with ``code``."""
    return TRAP + code.name


def _type(place: int) -> str:
    return "ptr" if place in MACHINE else "i64"
