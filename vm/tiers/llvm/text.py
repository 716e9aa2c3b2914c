"""A builder of LLVM IR text for one function: names, blocks, slots and traps."""

from __future__ import annotations

from collections.abc import Sequence

from vm.errors import TrapCode
from vm.isa.emit import LLVM_TYPES
from vm.isa.semantics import DECLARATIONS
from vm.isa.types import PAGE_SIZE, FuncType, Limits, ValType
from vm.memory.linear import LENGTH
from vm.runtime.layout import TRAPS, trap_number

ENGINE = ", !tbaa !1"
"""Metadata on accesses to the engine's own records, which change only through the engine."""

GLOBALS = ", !tbaa !2"
"""Metadata on accesses to global variables' cells."""

ELEMENTS = ", !tbaa !3"
"""Metadata on accesses to tables' elements."""

FIXED = ", !invariant.load !9"
"""Metadata on loads of words that never change once an instance exists."""

HEAD = (
    DECLARATIONS
    + """\
declare i64 @llvm.read_register.i64(metadata)
declare void @llvm.memmove.p0.p0.i64(ptr, ptr, i64, i1)
declare void @llvm.memset.p0.i64(ptr, i8, i64, i1)
declare void @trap(ptr, i32) #1
declare ptr @compile(ptr, ptr) #2
declare void @help(ptr, i32, ptr) #2
attributes #0 = { nounwind "disable-tail-calls"="true" "frame-pointer"="all" }
attributes #1 = { nounwind noreturn cold }
attributes #2 = { nounwind cold }
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
"""
)
"""What every module of compiled bodies starts with.

"disable-tail-calls" keeps LLVM from turning endless recursion, which must exhaust the stack, into a loop;
frame pointers let a trap say where it happened.
"""


def result_type(type: FuncType) -> str:
    """The IR return type: void, the one result, or a struct of them."""
    return return_type(type.results)


def return_type(results: Sequence[ValType]) -> str:
    """As ``result_type``, from the results alone."""
    if not results:
        return "void"
    if len(results) == 1:
        return LLVM_TYPES[results[0]]
    return "{ " + ", ".join(LLVM_TYPES[result] for result in results) + " }"


class TextBuilder:
    """Collects lines; ``guarded`` says that memory accesses need no check (``vm.isa.semantics.Builder``).

    ``shared``: other threads may write and grow the memory, so what is read of it is read each time.
    """

    def __init__(self, *, guarded: bool, shared: bool = False) -> None:
        self.lines: list[str] = []
        self.slots: list[str] = []
        self._guarded = guarded
        self.access = "volatile " if guarded or shared else ""
        self._length_access = "volatile " if shared else ""
        self._values = 0
        self._labels = 0
        self._traps: set[TrapCode] = set()
        self.uses_memory = False

    def value(self, text: str) -> str:
        """Append an instruction with a result."""
        self._values += 1
        name = f"%v{self._values}"
        self.lines.append(f"  {name} = {text}")
        return name

    def effect(self, text: str) -> None:
        """Append an instruction without a result."""
        self.lines.append("  " + text)

    def label(self, prefix: str) -> str:
        """A fresh block name."""
        self._labels += 1
        return f"{prefix}{self._labels}"

    def block(self, label: str) -> None:
        """Start the block ``label``."""
        self.lines.append(label + ":")

    def slot(self, type: str) -> str:
        """A fresh stack slot, which LLVM's mem2reg turns into registers."""
        name = f"%s{len(self.slots)}"
        self.slots.append(f"  {name} = alloca {type}")
        return name

    def trap_if(self, condition: str, code: TrapCode) -> None:
        """Leave for the trap block of ``code`` when ``condition`` holds."""
        self._traps.add(code)
        following = self.label("ok")
        self.effect(f"br i1 {condition}, label %trap_{code.name}, label %{following}, !prof !4")
        self.block(following)

    def trap(self, code: TrapCode) -> None:
        """End the block by trapping."""
        self._traps.add(code)
        self.effect(f"br label %trap_{code.name}")

    def trap_blocks(self) -> None:
        """Append the blocks that ``trap_if`` and ``trap`` go to."""
        for code in sorted(self._traps, key=TRAPS.index):
            self.block(f"trap_{code.name}")
            self.effect(f"call void @trap(ptr %ctx, i32 {trap_number(code)})")
            self.effect("unreachable")

    def field(self, offset: int) -> str:
        """A pointer into the instance's context."""
        return self.value(f"getelementptr i8, ptr %ctx, i64 {offset}")

    def address(self, index: str, offset: int, width: int) -> str:
        """A pointer into memory 0, checked unless guard pages do it."""
        self.uses_memory = True
        wide = self.value(f"zext i32 {index} to i64")
        if not self._guarded:
            end = self.value(f"add nuw nsw i64 {wide}, {offset + width}")
            self.trap_if(
                self.value(f"icmp ugt i64 {end}, {self.memory_length()}"), TrapCode.MEMORY_OUT_OF_BOUNDS
            )
        if offset:
            wide = self.value(f"add nuw nsw i64 {wide}, {offset}")
        return self.value(f"getelementptr i8, ptr %memory, i64 {wide}")

    def aligned(self, index: str, offset: int, width: int) -> None:
        """Trap unless an atomic access would be aligned; memories start at a page's boundary."""
        if width == 1:
            return
        low = self.value(f"add i32 {index}, {offset % width}")
        low = self.value(f"and i32 {low}, {width - 1}")
        self.trap_if(self.value(f"icmp ne i32 {low}, 0"), TrapCode.HEAP_MISALIGNED)

    def memory_length(self) -> str:
        """The length of memory 0 in bytes."""
        self.uses_memory = True
        pointer = self.value(f"getelementptr i8, ptr %memory, i64 {LENGTH}")
        return self.value(f"load {self._length_access}i64, ptr {pointer}{ENGINE}, !range !6")


def memory_range(limits: Limits) -> str:
    """Metadata that tells LLVM how long memory 0 can be: accesses to its fixed start need no check."""
    top = 65_536 if limits.maximum is None else limits.maximum
    return f"!6 = !{{i64 {limits.minimum * PAGE_SIZE}, i64 {top * PAGE_SIZE + 1}}}\n"
