"""A builder of LLVM IR text for one function: names, blocks, slots and traps."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from vm.errors import TrapCode
from vm.gc.layout import TYPE_MASK
from vm.isa.emit import LLVM_TYPES
from vm.isa.semantics import DECLARATIONS, NEUTRAL
from vm.isa.types import MemoryType, ValType
from vm.memory.linear import LENGTH
from vm.native.probing import PROBED
from vm.runtime.layout import trap_number
from vm.tiers.llvm.abi import type_symbol

ENGINE = ", !tbaa !1"
"""Metadata on accesses to the engine's own records, which change only through the engine."""

GLOBALS = ", !tbaa !2"
"""Metadata on accesses to global variables' cells."""

ELEMENTS = ", !tbaa !3"
"""Metadata on accesses to tables' elements."""

ROOTS = ", !tbaa !15"
"""Metadata on stores to the root stack."""

HEADERS = ", !tbaa !17"
"""Metadata on accesses to managed objects' types and lengths, which do not change."""

OBJECTS = ", !tbaa !19"
"""Metadata on accesses to managed objects' fields and elements."""

OFFSET = ", !range !8"
"""Metadata on where an object is: not at 0."""

FIXED = ", !invariant.load !9"
"""Metadata on loads of words that never change once an instance exists."""

_TYPES = 6
"""The number of the metadata that tells how big types' numbers are: they fit an instruction's operand."""

HEAD = (
    DECLARATIONS
    + """\
declare i64 @llvm.read_register.i64(metadata)
declare ptr @llvm.frameaddress.p0(i32)
declare i32 @llvm.usub.sat.i32(i32, i32)
declare i64 @llvm.usub.sat.i64(i64, i64)
declare void @llvm.memmove.p0.p0.i64(ptr, ptr, i64, i1)
declare void @llvm.memset.p0.i64(ptr, i8, i64, i1)
declare void @trap(ptr, i32) #1
declare ptr @compile(ptr, ptr) #2
declare void @help(ptr, i32, ptr) #2
declare void @interpret(ptr, ptr, ptr) #2
declare i64 @allocate(ptr, i64) #2
declare void @throw(ptr) #1
declare void @rethrow(ptr) #1
declare void @throw_ref(ptr, i64) #1
declare i64 @package(ptr) #2
declare i32 @catch_point(ptr) #3
attributes #0 = { nounwind "disable-tail-calls"="true" "frame-pointer"="all" """
    + PROBED
    + """ }
attributes #1 = { nounwind noreturn cold }
attributes #2 = { nounwind cold }
attributes #3 = { nounwind returns_twice }
!0 = !{!10, !10, i64 0}
!1 = !{!11, !11, i64 0}
!2 = !{!12, !12, i64 0}
!3 = !{!13, !13, i64 0}
!4 = !{!"branch_weights", i32 1, i32 1048575}
!5 = !{!"rsp"}
!9 = !{}
!10 = !{!"memory", !14, i64 0}
!11 = !{!"engine", !14, i64 0}
!12 = !{!"globals", !14, i64 0}
!13 = !{!"elements", !14, i64 0}
!14 = !{!"WebAssembly"}
!15 = !{!16, !16, i64 0}
!16 = !{!"roots", !14, i64 0}
!17 = !{!18, !18, i64 0}
!18 = !{!"headers", !14, i64 0}
!19 = !{!7, !7, i64 0}
!7 = !{!"objects", !14, i64 0}
!8 = !{i64 8, i64 4294967297}
"""
    + f"!{_TYPES} = !{{i64 0, i64 {TYPE_MASK + 1}}}\n"
)
"""What every module of compiled bodies starts with.

"disable-tail-calls" keeps LLVM from turning endless recursion, which must exhaust the stack, into a loop;
frame pointers let a trap say where it happened; giant frames are asked for (``vm.native.probing``).
"""


class TextBuilder:
    """Collects lines (``vm.isa.emit.Builder``) for code in a module with these ``memories``.

    ``guarded`` says for each of them whether accesses need no check. What is read of a shared one is
    read each time, for other threads may write and grow it. ``here`` is the offset in the module of what is
    being translated, and ``inside`` says of accesses by their offsets that they are known to be inside: a
    pointer, and how far behind it they are.
    """

    def __init__(self, *, memories: Sequence[MemoryType], guarded: Sequence[bool]) -> None:
        self.lines: list[str] = []
        self.slots: list[str] = []
        self._memories = memories
        self._guarded = guarded
        self.shared = any(memory.shared for memory in memories)
        self.access = "volatile " if any(guarded) or self.shared else ""
        self.here = 0
        self.inside: dict[int, tuple[str, int]] = {}
        self._values = 0
        self._labels = 0
        self._traps: dict[str, tuple[TrapCode, str]] = {}
        self.mark = ""
        self.bases: set[int] = set()
        self.blocks = 1
        self._started = self._longest = 0

    def value(self, text: str) -> str:
        """Append an instruction with a result."""
        self._values += 1
        name = f"%v{self._values}"
        self.lines.append(f"  {name} = {text}{self.mark}")
        return name

    def hidden(self, type: str, constant: str) -> str:
        """A float constant, hidden from LLVM's simplifier where it must be (``vm.isa.semantics.NEUTRAL``): it
        is read from the code's own data, whose contents LLVM is told not to rely on.
        """
        if constant not in NEUTRAL:
            return constant
        return self.value(f"load {type}, ptr @{hidden_symbol(type, constant)}{FIXED}")

    def effect(self, text: str) -> None:
        """Append an instruction without a result."""
        self.lines.append(f"  {text}{self.mark}")

    def label(self, prefix: str) -> str:
        """A fresh block name."""
        self._labels += 1
        return f"{prefix}{self._labels}"

    def block(self, label: str) -> None:
        """Start the block ``label``."""
        self.blocks += 1
        self._longest = self.longest_block()
        self._started = len(self.lines)
        self.lines.append(label + ":")

    def longest_block(self) -> int:
        """How many lines the longest block has so far."""
        return max(self._longest, len(self.lines) - self._started)

    def slot(self, type: str) -> str:
        """A fresh stack slot, which LLVM's mem2reg turns into registers."""
        name = f"%s{len(self.slots)}"
        self.slots.append(f"  {name} = alloca {type}")
        return name

    def trap_if(self, condition: str, code: TrapCode) -> None:
        """Leave for the trap block of ``code`` when ``condition`` holds."""
        following = self.label("ok")
        self.effect(f"br i1 {condition}, label %{self._trap_label(code)}, label %{following}, !prof !4")
        self.block(following)

    def trap(self, code: TrapCode) -> None:
        """End the block by trapping."""
        self.effect(f"br label %{self._trap_label(code)}")

    def _trap_label(self, code: TrapCode) -> str:
        """A block that traps: one for each code, or, where instructions have marks, for each place."""
        label = self.label(f"trap_{code.name}_") if self.mark else f"trap_{code.name}"
        self._traps[label] = code, self.mark
        return label

    def trap_blocks(self) -> None:
        """Append the blocks that ``trap_if`` and ``trap`` go to."""
        for number, (label, (code, mark)) in enumerate(self._traps.items()):
            self.block(label)
            self.mark = mark
            # a number that nobody reads keeps LLVM from merging traps of different places
            place = f", i32 {number}" if self.mark else ""
            self.effect(f"call void @trap(ptr %ctx, i32 {trap_number(code)}{place})")
            self.effect("unreachable")

    def field(self, offset: int) -> str:
        """A pointer into the instance's context."""
        return self.value(f"getelementptr i8, ptr %ctx, i64 {offset}")

    def address(self, index: str, offset: int, width: int, memory: int) -> str:
        """A pointer into a memory, checked unless guard pages do it, or it is known to be inside."""
        if self.here in self.inside:
            base, ahead = self.inside[self.here]
            return self.value(f"getelementptr i8, ptr {base}, i64 {ahead}")
        if self._memories[memory].address is ValType.I64:
            return self._wide_address(index, offset, width, memory)
        wide = self.value(f"zext i32 {index} to i64")
        if not self._guarded[memory]:
            end = self.value(f"add nuw nsw i64 {wide}, {offset + width}")
            self.outside_if(self.value(f"icmp ugt i64 {end}, {self.memory_length(memory)}"))
        return self.offset_pointer(memory, wide, offset)

    def _wide_address(self, index: str, offset: int, width: int, memory: int) -> str:
        """As ``address``, for an i64 ``index``: no sum is made before it is known not to overflow."""
        reach = offset + width
        if reach >= MAX_LENGTH:
            self.outside_if("true")
            return self.memory_base(memory)
        self.outside_if(self.beyond(index, str(reach), self.memory_length(memory)))
        return self.offset_pointer(memory, index, offset)

    def beyond(self, start: str, count: str, length: str) -> str:
        """An i1: whether ``count`` bytes from ``start`` are not all below ``length``, for any i64s."""
        short = self.value(f"icmp ult i64 {length}, {count}")
        far = self.value(f"icmp ugt i64 {start}, " + self.value(f"sub i64 {length}, {count}"))
        return self.value(f"or i1 {short}, {far}")

    def outside_if(self, condition: str) -> None:
        """Trap as an access out of bounds does."""
        self.trap_if(condition, TrapCode.MEMORY_OUT_OF_BOUNDS)

    def offset_pointer(self, memory: int, index: str, offset: int = 0) -> str:
        """A pointer to ``index`` (i64) plus ``offset``, which are known to be inside."""
        if offset:
            index = self.value(f"add nuw nsw i64 {index}, {offset}")
        return self.value(f"getelementptr i8, ptr {self.memory_base(memory)}, i64 {index}")

    def aligned(self, index: str, offset: int, width: int, memory: int) -> None:
        """Trap unless an atomic access would be aligned; memories start at a page's boundary."""
        if width == 1:
            return
        type = LLVM_TYPES[self._memories[memory].address]
        low = self.value(f"add {type} {index}, {offset % width}")
        low = self.value(f"and {type} {low}, {width - 1}")
        self.trap_if(self.value(f"icmp ne {type} {low}, 0"), TrapCode.HEAP_MISALIGNED)

    def memory_base(self, memory: int) -> str:
        """The base of a memory, which the function's start loads."""
        self.bases.add(memory)
        return f"%memory{memory}"

    def memory_length(self, memory: int) -> str:
        """The length of a memory in bytes."""
        pointer = self.value(f"getelementptr i8, ptr {self.memory_base(memory)}, i64 {LENGTH}")
        access = "volatile " if self._memories[memory].shared else ""
        return self.value(f"load {access}i64, ptr {pointer}{ENGINE}, !range !{_RANGES + memory}")


MAX_LENGTH = 1 << 48
"""More bytes than a memory can have: addresses of a process have 47 bits."""

_RANGES = 20
"""The number of the metadata that tells the length of memory 0; those of the others follow."""


def hidden_symbol(type: str, constant: str) -> str:
    """The name of the data that ``TextBuilder.hidden`` reads."""
    return f"hidden.{type}.{constant}"


HIDDEN = {
    hidden_symbol(type, constant): f"@{hidden_symbol(type, constant)} = internal externally_initialized "
    f"constant {type} {constant}\n"
    for type in ("float", "double")
    for constant in sorted(NEUTRAL)
}
"""Definitions of the data behind ``TextBuilder.hidden``, by symbol."""


def type_numbers(types: Iterable[int]) -> str:
    """Declarations of those symbols. Numbers differ from process to process, so code has none of its own."""
    declared = f" = external global i8, !absolute_symbol !{_TYPES}\n"
    return "".join(f"@{type_symbol(index)}{declared}" for index in sorted(types))


def memory_ranges(memories: Sequence[MemoryType]) -> str:
    """Metadata that tells LLVM how long each memory can be: accesses to its fixed start need no check."""
    lines = []
    for number, memory in enumerate(memories):
        top = memory.most_pages if memory.limits.maximum is None else memory.limits.maximum
        most = min(top << memory.page_bits, MAX_LENGTH)
        least = min(memory.limits.minimum << memory.page_bits, most)
        lines.append(f"!{_RANGES + number} = !{{i64 {least}, i64 {most + 1}}}\n")
    return "".join(lines)
