"""A builder of one handler: LLVM IR text for the code that runs one kind of instruction.

A handler finds its operands in the instruction itself, behind the handler's address:

    pc ->  address of the handler (8 bytes) | operands: 32-bit fields | words of 64 bits

A field usually names a slot of the frame. When the handler is done it jumps to the next instruction's
handler; the machine's state travels in five registers, in the same ones for all (``preserve_nonecc``):

    pc   the instruction                 cs   the newest entry of the control stack
    fr   the frame                       mem  the base of memory 0
    ctx  the instance's context

The first four lie where a call of a C function leaves them alone, and where a signal's handler finds them.
"""

from __future__ import annotations

from vm.errors import TrapCode
from vm.isa.emit import LLVM_TYPES
from vm.isa.types import ValueType
from vm.memory.linear import LENGTH
from vm.typed import Callable

PARAMETERS = "(ptr %pc, ptr %fr, ptr %ctx, ptr %cs, ptr %mem)"
FIELDS = 8
"""Where an instruction's first 32-bit field lies."""


class HandlerText:
    """Collects the lines of handler ``name``; a ``Builder`` (``vm.isa.emit``) for the meanings.

    ``length`` is how many bytes its instructions have, 0 if that varies.
    """

    def __init__(self, name: str, *, guarded: bool = False) -> None:
        self.name = name
        self._guarded = guarded
        self.access = "volatile " if guarded else ""
        self._lines: list[str] = []
        self._values = 0
        self._traps: dict[TrapCode, None] = {}
        self.length = 0
        self._pinned = False
        self._later: list[tuple[str, Callable[[], None]]] = []

    # what meanings ask for

    def value(self, text: str) -> str:
        """Append an instruction with a result."""
        self._values += 1
        name = f"%v{self._values}"
        self._lines.append(f"  {name} = {text}")
        return name

    def effect(self, text: str) -> None:
        """Append an instruction without a result."""
        self._lines.append("  " + text)

    def trap_if(self, condition: str, code: TrapCode) -> None:
        """Leave for the handler that traps with ``code`` when ``condition`` holds."""
        self._traps[code] = None
        self.branch(condition, f"trap_{code.name}", self.label())

    def address(self, index: str, offset: str, width: int, memory: str) -> str:
        """A pointer into a memory, checked unless guard pages do it; ``offset`` is an i64.

        ``memory`` is "" for memory 0 of 32 bits, which the machine holds a register for; else it is the base
        of any memory, and ``index`` an i64: an i32 in a slot is one, too.
        """
        if memory:
            return self.inside(memory, self.value(f"add i64 {index}, {offset}"), str(width), index)
        wide = self.value(f"zext i32 {index} to i64")
        start = self.value(f"add nuw nsw i64 {wide}, {offset}")
        if not self._guarded:
            end = self.value(f"add nuw nsw i64 {start}, {width}")
            length = self.load("i64", self.at("%mem", LENGTH))
            self.trap_if(self.value(f"icmp ugt i64 {end}, {length}"), TrapCode.MEMORY_OUT_OF_BOUNDS)
        self._pinned = self._guarded
        return self.at("%mem", start)

    def inside(self, memory: str, start: str, count: str, least: str) -> str:
        """A pointer to ``start`` in the memory with this base; traps unless ``count`` bytes lie inside, for
        any numbers, and when ``start``, a sum, is below its part ``least``.
        """
        length = self.load("i64", self.at(memory, LENGTH))
        wrapped = self.value(f"icmp ult i64 {start}, {least}")
        short = self.value(f"icmp ult i64 {length}, {count}")
        far = self.value(f"icmp ugt i64 {start}, {self.value(f'sub i64 {length}, {count}')}")
        outside = self.value(f"or i1 {far}, {self.value(f'or i1 {wrapped}, {short}')}")
        self.trap_if(outside, TrapCode.MEMORY_OUT_OF_BOUNDS)
        return self.at(memory, start)

    def aligned(self, index: str, offset: str, width: int, memory: str) -> None:
        """Trap unless ``index`` plus ``offset`` is a multiple of ``width``, a power of two."""
        if width == 1:
            return
        wide = index if memory else self.value(f"zext i32 {index} to i64")
        low = self.value(f"and i64 {self.value(f'add i64 {wide}, {offset}')}, {width - 1}")
        self.trap_if(self.value(f"icmp ne i64 {low}, 0"), TrapCode.HEAP_MISALIGNED)

    # blocks and pointers

    def label(self) -> str:
        """A fresh block name."""
        self._values += 1
        return f"b{self._values}"

    def block(self, label: str) -> None:
        """Start a block."""
        self._lines.append(label + ":")

    def later(self, label: str, write: Callable[[], None]) -> None:
        """Let ``write`` fill block ``label``, out of the way of what usually happens."""
        self._later.append((label, write))

    def branch(self, condition: str, seldom: str, usual: str) -> None:
        """Branch to ``seldom`` when ``condition`` holds; else go on in block ``usual``, which starts here."""
        self.effect(f"br i1 {condition}, label %{seldom}, label %{usual}, !prof !4")
        self.block(usual)

    def at(self, base: str, offset: int | str) -> str:
        """A pointer ``offset`` bytes behind ``base``."""
        return self.value(f"getelementptr i8, ptr {base}, i64 {offset}")

    def load(self, type: str, pointer: str) -> str:
        """A value from one of the engine's own records."""
        return self.value(f"load {type}, ptr {pointer}")

    # operands

    def field(self, number: int) -> str:
        """32-bit field ``number`` of the instruction, as an i64."""
        loaded = self.load("i32", self.at("%pc", FIELDS + 4 * number))
        return self.value(f"zext i32 {loaded} to i64")

    def word(self, offset: int) -> str:
        """The 64-bit word ``offset`` bytes into the instruction."""
        return self.load("i64", self.at("%pc", offset))

    def slot(self, number: int) -> str:
        """A pointer to the frame slot that a field names."""
        return self.value(f"getelementptr i64, ptr %fr, i64 {self.field(number)}")

    def read(self, number: int, type: ValueType) -> str:
        """The value in the slot that a field names."""
        return self.value(f"load {LLVM_TYPES[type]}, ptr {self.slot(number)}, align 8")

    def write(self, number: int, type: ValueType, value: str, *, condition: bool = False) -> None:
        """Put a value into the slot that a field names; whole words."""
        kind = LLVM_TYPES[type]
        if condition:
            value, kind = self.value(f"zext i1 {value} to i64"), "i64"
        elif kind == "i32":
            value, kind = self.value(f"zext i32 {value} to i64"), "i64"
        elif kind == "float":
            bits = self.value(f"bitcast float {value} to i32")
            value, kind = self.value(f"zext i32 {bits} to i64"), "i64"
        self.effect(f"store {kind} {value}, ptr {self.slot(number)}, align 8")

    # where to go on

    def go(self, pc: str, *, fr: str = "%fr", ctx: str = "%ctx", cs: str = "%cs", mem: str = "%mem") -> None:
        """Run the instruction at ``pc``."""
        self.jump(self.load("ptr", pc), pc=pc, fr=fr, ctx=ctx, cs=cs, mem=mem)

    def jump(
        self,
        handler: str,
        *,
        pc: str = "%pc",
        fr: str = "%fr",
        ctx: str = "%ctx",
        cs: str = "%cs",
        mem: str = "%mem",
    ) -> None:
        """Go on in another handler."""
        arguments = f"(ptr {pc}, ptr {fr}, ptr {ctx}, ptr {cs}, ptr {mem})"
        self.effect(f"musttail call preserve_nonecc void {handler}{arguments}")
        self.effect("ret void")

    def next(self, size: int) -> None:
        """Run the instruction behind this one, which is ``size`` bytes long.

        Behind an access that may fault, ``pc`` is held in its register: the signal's handler reads it.
        """
        self.length = size
        pc = "%pc"
        if self._pinned:
            pc = self.value('call ptr asm sideeffect "", "={r12},0"(ptr %pc)')
        self.go(self.at(pc, size))

    def text(self) -> str:
        """The definition."""
        for label, write in self._later:
            self.block(label)
            write()
        lines = [
            f'define dso_local preserve_nonecc void @"{self.name}"{PARAMETERS} #0 {{',
            "begin:",
            *self._lines,
        ]
        for code in self._traps:
            lines.append(f"trap_{code.name}:")
            lines.append(f'  musttail call preserve_nonecc void @"{raises(code)}"{PARAMETERS}')
            lines.append("  ret void")
        return "\n".join([*lines, "}\n"])


def raises(code: TrapCode) -> str:
    """The name of the handler that traps with ``code``."""
    return f"raise {code.name}"


def size(fields: int, words: int = 0) -> int:
    """Bytes of an instruction with so many 32-bit fields and 64-bit words."""
    return FIELDS + (fields + 1) // 2 * 8 + 8 * words
