"""The stack of SSA names that stand for a function's operands."""

from __future__ import annotations

from collections.abc import Sequence

from vm.isa.types import MemoryType
from vm.tiers.llvm.text import TextBuilder


class Operands(TextBuilder):
    """A builder of text with the operands that the code so far has left."""

    def __init__(self, *, memories: Sequence[MemoryType], guarded: Sequence[bool]) -> None:
        super().__init__(memories=memories, guarded=guarded)
        self.stack: list[tuple[str, str]] = []

    def push(self, name: str, type: str) -> None:
        """Push an operand; ``type`` i1 is a condition that stands for an i32."""
        self.stack.append((name, type))

    def held(self, name: str, type: str) -> str:
        """The SSA name, here, of what an entry of the stack stands for."""
        return name

    def peek(self) -> str:
        """The topmost operand, which stays."""
        return self.held(*self.stack[-1])

    def pop(self) -> str:
        """Pop an operand as the value that WebAssembly sees."""
        return self.pop_typed()[0]

    def pop_typed(self) -> tuple[str, str]:
        """As ``pop``, with the IR type."""
        name, type = self.stack.pop()
        name = self.held(name, type)
        if type == "i1":
            return self.value(f"zext i1 {name} to i32"), "i32"
        return name, type

    def pop_wide(self) -> str:
        """Pop an i32 or i64, the former without sign, as an i64: an address, index or count."""
        name, type = self.pop_typed()
        return name if type == "i64" else self.value(f"zext i32 {name} to i64")

    def push_narrow(self, name: str, type: str) -> None:
        """Push an i64 as ``type``, i32 or i64: what is counted fits."""
        self.push(name if type == "i64" else self.value(f"trunc i64 {name} to i32"), type)

    def pop_condition(self) -> str:
        """Pop an i32 as an i1: whether it is not zero."""
        name, type = self.stack.pop()
        name = self.held(name, type)
        return name if type == "i1" else self.value(f"icmp ne i32 {name}, 0")

    def pop_many(self, count: int) -> list[str]:
        """Pop ``count`` operands, deepest first."""
        values = [self.pop() for _ in range(count)]
        values.reverse()
        return values
