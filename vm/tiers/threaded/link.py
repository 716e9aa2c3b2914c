"""What ties one store to the machine: its stacks, and the steps that Python runs."""

from __future__ import annotations

from collections.abc import Callable, Sequence

from vm.errors import Frame
from vm.memory.native import WORD, Block
from vm.module.model import ModuleData
from vm.native.glue import glue
from vm.native.link import StoreLink
from vm.runtime.functions import Function
from vm.runtime.layout import (
    STATE_CONTROL,
    STATE_FRAMES,
    STATE_PENDING,
    STATE_STACK,
    STATE_STACK_END,
    STATE_STOP,
)
from vm.runtime.store import Store
from vm.tiers.threaded.library import library
from vm.tiers.threaded.program import ThreadedProgram
from vm.tiers.threaded.steps import Step


class ThreadedLink(StoreLink):
    """Enters the machine for one store.

    ``budget`` is how many bytes the frames of WebAssembly's calls may take; on the native stack, where only
    calls through Python nest, they may take as many again.
    """

    def __init__(
        self,
        store: Store,
        compile: Callable[[Store, Function], int],
        locate: Callable[[int], Sequence[Frame]],
        program_of: Callable[[ModuleData], ThreadedProgram],
        budget: int,
    ) -> None:
        interpret = library().interpret
        super().__init__(store, glue(), lambda type: interpret, compile, locate, budget)
        self._program_of = program_of
        self._made: dict[tuple[int, int], Step] = {}
        self._stack = Block(budget)
        words = store.state.words
        start, end = self._stack.address, self._stack.address + budget // WORD * WORD
        words[STATE_FRAMES // WORD] = words[STATE_STACK // WORD] = start
        words[STATE_CONTROL // WORD] = words[STATE_STACK_END // WORD] = end
        words[STATE_STOP // WORD] = library().halt

    def _help(self, handle: int, number: int, words: int) -> None:
        """Run step ``number`` of an instance on the operands at ``words``; the state gets the answer."""
        try:
            instance = self._here().instances[handle]
            plan = self._program_of(instance.module).steps[number]
            step = self._made.get((handle, number))
            if step is None:
                step = self._made[handle, number] = plan.make(instance)
            plan.run(step, words)
            self._state.words[STATE_PENDING // WORD] = 1
        except BaseException as error:  # whatever it is, it goes on behind the WebAssembly frames
            self._pending = error
