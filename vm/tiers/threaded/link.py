"""What ties one store to the machine: its stacks, and the steps that Python runs."""

from __future__ import annotations

from vm.errors import Frame
from vm.memory.native import WORD, Block, peek
from vm.module.model import ModuleData
from vm.native.border import border
from vm.native.glue import THREW, glue
from vm.native.link import StoreLink
from vm.runtime.exceptions import Exn
from vm.runtime.functions import Function
from vm.runtime.layout import (
    CONTROL_ENTRY,
    STATE_CATCH,
    STATE_CONTROL,
    STATE_FRAMES,
    STATE_HANDLER,
    STATE_HOT,
    STATE_MACHINE,
    STATE_MACHINE_SIZE,
    STATE_PENDING,
    STATE_REFERENCE,
    STATE_STACK,
    STATE_STACK_END,
    STATE_STEP,
    STATE_STOP,
    STATE_TRANSLATE,
)
from vm.runtime.store import Store
from vm.tiers.threaded.library import library
from vm.typed import TYPE_CHECKING, Callable, Iterator, Sequence

if TYPE_CHECKING:
    from vm.tiers.threaded.program import ThreadedProgram
    from vm.tiers.threaded.steps import Step
    from vm.tiers.threaded.unwinding import Guard


class ThreadedLink(StoreLink):
    """Enters the machine for one store.

    ``translate`` gives what the machine runs for a function, ``compile`` what compiled code calls.
    ``budget`` is how many bytes the frames of WebAssembly's calls may take; on the native stack, where
    compiled code and calls through Python nest, they may take as many again.
    """

    def __init__(
        self,
        store: Store,
        translate: Callable[[Store, Function], int],
        locate: Callable[[int], Sequence[Frame]],
        program_of: Callable[[ModuleData], ThreadedProgram | None],
        budget: int,
        *,
        compile: Callable[[Store, Function], int] | None = None,
    ) -> None:
        interpret = library().interpret
        super().__init__(store, glue(), lambda type: interpret, compile or translate, locate, budget)
        self._program_of = program_of
        self._translated = translate
        self._thrown: Exn | None = None
        self._made: dict[tuple[int, int], Step] = {}
        self._stack = Block(budget)
        words = store.state.words
        start, end = self._stack.address, self._stack.address + budget // WORD * WORD
        words[STATE_FRAMES // WORD] = words[STATE_STACK // WORD] = start
        words[STATE_CONTROL // WORD] = words[STATE_STACK_END // WORD] = end
        words[STATE_STOP // WORD] = library().halt
        words[STATE_MACHINE // WORD], words[STATE_MACHINE_SIZE // WORD] = library().extent
        symbols = border().symbols
        words[STATE_STEP // WORD] = symbols["python_step"]
        words[STATE_TRANSLATE // WORD] = symbols["python_translate"]
        words[STATE_CATCH // WORD] = symbols["python_catch"]
        words[STATE_HOT // WORD] = symbols["python_hot"]
        store.frame_roots = self._roots

    def _step(self, handle: int, number: int, words: int) -> None:
        """Run step ``number`` of an instance on the operands at ``words``; the state gets the answer."""
        try:
            instance = self._here().instances[handle]
            program = self._program_of(instance.module)
            assert program is not None  # its code is running
            plan = program.steps[number]
            step = self._made.get((handle, number))
            if step is None:
                step = self._made[handle, number] = plan.make(instance)
            plan.run(step, words)
            self._state.words[STATE_PENDING // WORD] = 1
        except Exn as thrown:
            self._thrown = thrown
            self._state.words[STATE_PENDING // WORD] = THREW
        except BaseException as error:  # whatever it is, it goes on behind the WebAssembly frames
            self._pending = error

    def _translate(self, record: int) -> int:
        """The code that the machine runs for the function of a record."""
        store = self._here()
        return self._translated(store, store.function_at(record))

    def _catch(self) -> int:
        """Who in the newest run of the machine catches what was thrown: 1 says that somebody does, ``THREW``
        that native code outside, or another run, may; if there is nobody left, 0, the caller gets it.

        What a step threw is in the state only if it must be, for there it is a handle.
        """
        from vm.tiers.threaded.unwinding import catch  # few programs throw

        store, words = self._here(), self._state.words
        thrown, self._thrown = self._thrown, None
        of_step = thrown is not None
        if thrown is None:
            thrown = store.thrown()
        if catch(store, thrown, self._covering):
            words[STATE_REFERENCE // WORD] = 0
            return 1
        if words[STATE_HANDLER // WORD]:
            if of_step:
                store.throw(thrown)
            return THREW
        words[STATE_REFERENCE // WORD] = 0
        self._pending = thrown
        return 0

    def _roots(self) -> Iterator[tuple[int, int]]:
        """Where references lie in frames: addresses, with one word each."""
        store, words = self._here(), self._state.words
        at, end = words[STATE_CONTROL // WORD], words[STATE_STACK_END // WORD]
        programs = self._programs(store)
        while at < end:
            address, frame = peek(at), peek(at + WORD)
            if frame:  # else it is where the machine was entered
                found = (program.references(address) for program in programs)
                for slot in next((slots for slots in found if slots is not None), []):
                    yield frame + WORD * slot, 1
            at += CONTROL_ENTRY

    def _covering(self, store: Store, address: int) -> tuple[int, Guard | None]:
        found = (program.covering(address) for program in self._programs(store))
        return next((place for place in found if place is not None), (0, None))

    def _programs(self, store: Store) -> list[ThreadedProgram]:
        """The programs of a store's modules."""
        found = map(self._program_of, {instance.module for instance in store.instances})
        return [program for program in found if program is not None]
