"""One module's code of both kinds, and how a function goes from one to the other.

The code that a module starts in (``vm.tiers.tiered.first``) counts how often functions and loops run; when a
counter runs out, the function is compiled by LLVM, with those that it calls, and everybody who calls it from
then on gets to that code.
"""

from __future__ import annotations

import weakref
from collections.abc import Callable, Collection
from threading import RLock

from vm.config import Config
from vm.errors import Frame, VMError
from vm.events import note
from vm.isa.types import FuncType
from vm.memory.native import Block, poke
from vm.module.model import ModuleData
from vm.native.code import Costs
from vm.native.glue import glue
from vm.runtime.instance import Instance
from vm.runtime.words import offsets
from vm.tiers.policy import NEVER, Policy, at_once
from vm.tiers.threaded.library import library as threaded
from vm.tiers.threaded.program import COUNTER
from vm.tiers.tiered.first import program_class
from vm.tiers.tiered.hints import Hints, Place
from vm.typed import TYPE_CHECKING

if TYPE_CHECKING:
    from concurrent.futures import Future

    from vm.jit.artefact import Artefact
    from vm.tiers.llvm.program import Program
    from vm.tiers.llvm.thunks import Thunks


class TieredProgram:
    """Code of one module, shared by its instances (``vm.native.tier.NativeProgram``)."""

    def __init__(
        self,
        module: ModuleData,
        config: Config,
        thunks: Callable[[], Thunks],
        policy: Policy,
        spent: Costs,
        lock: RLock,
    ) -> None:
        self._module = weakref.ref(module)
        self._config = config
        self._thunks = thunks
        self._policy = policy
        self._costs = spent
        self._lock = lock
        self._hints = Hints(module.binary, config)
        counting = self._hints.counting(policy.counting) if module.prepared is None else at_once
        self.first = program_class(config)(module, config, spent, counting)
        self._native: Program | None = None
        self._entries: dict[Place, Block] = {}
        self._asked: set[Place] = set()
        self._refused: set[Place] = set()
        self._missing: set[Place] = set()
        self._background = 0.0

    def add(self, instance: Instance) -> None:
        """Let ``instance`` use what is there already, and what will be."""
        self.first.add(instance)
        if self._native is not None:
            self._native.add(instance)

    @property
    def native(self) -> Program:
        """The module's code by LLVM; to be asked for by who wants some, which most programs never do."""
        if self._native is None:
            from vm.tiers.llvm.program import Program

            self._native = Program(self._running(), self._config, glue(), self._costs, self._compiled)
            for instance in self.first.instances:
                self._native.add(instance)
        return self._native

    def compile(self, index: int) -> int:
        """The address of what the machine runs for function ``index``, translated now if there is nothing."""
        return self.first.compile(index)

    def locate(self, address: int) -> list[Frame]:
        """The frames at an address of a trace, innermost first, if it is in this module's code."""
        found = self.first.locate(address)
        return found if found or self._native is None else self._native.locate(address)

    def form(self, address: int) -> str:
        """The tier whose code it is that is there."""
        native = self._native is not None and self._native.locate(address)
        return "llvm" if native else self.first.form(address)

    def hot(self, pc: int) -> int:
        """A counter at ``pc`` has run out; where the machine goes on. Under the tier's lock.

        While code is being made, that is where it was, and the counter starts anew.
        """
        place = self.first.counted(pc)
        for wanted in (place, (place[0], None)):
            if wanted not in self._asked and wanted not in self._entries:
                self._ask(wanted)
        entry = self._entries.get(place)
        if entry is not None:
            return entry.address
        never = place in self._refused
        poke(pc + COUNTER, NEVER if never else self._policy.again(pc, place[1] is not None))
        return pc

    def counts(self) -> dict[str, float]:
        """How many places there are of each kind, and what compiling in the background has taken."""
        return {
            "asked": len(self._asked),
            "background_seconds": self._background,
            "compiled_functions": sum(1 for _, loop in self._entries if loop is None),
            "compiled_loops": sum(1 for _, loop in self._entries if loop is not None),
            "refused": len(self._refused),
            "waiting": len(self._asked - self._refused - self._entries.keys()),
        }

    def _ask(self, place: Place) -> None:
        """Have code made, unless it is on disk, or not worth it yet: a program that runs a loop needs it more
        than one that calls a function.
        """
        from vm.jit import library

        module, (index, loop) = self._running(), place
        if place not in self._missing:  # else it was hot before
            note("hot", function=index, loop=-1 if loop is None else loop)
        request = self.native.request(module, index)
        if loop is not None:
            request = self.native.loop_request(module, index, loop)
        if self._config.tier_waits:
            self._asked.add(place)
            self._take(place, lambda: library.obtain(request, self._costs))
            return
        if place not in self._missing:
            self._missing.add(place)
            self._hints.learn(place)
            found = library.find(request)
            if found is not None:
                self._asked.add(place)
                self._costs.cached += len(found.functions)
                self._take(place, lambda: found)
                return
        if place not in self._hints.known and self._policy.patient():
            return
        self._asked.add(place)
        from vm.jit.compiler import compiler_of  # most programs end before anything is worth compiling
        from vm.jit.scheduler import Priority

        priority = Priority.NORMAL if loop is None else Priority.HIGH
        ticket = compiler_of(self._config).submit(request, priority)
        ticket.add_done_callback(lambda done: self._arrived(place, done))

    def _arrived(self, place: Place, ticket: Future[Artefact]) -> None:
        """Code is there, or there will be none. Runs on any thread."""
        with self._lock:
            if ticket.cancelled():
                self._refused.add(place)
            elif self._module() is not None:
                if not ticket.exception():
                    self._background += ticket.result().seconds
                self._take(place, ticket.result)

    def _take(self, place: Place, give: Callable[[], Artefact]) -> None:
        """Put in place what ``give`` returns. When it raises, it is more than compiled code is made for, or
        the compiler failed: the code stays as it is.
        """
        module, (index, loop) = self._running(), place
        try:
            artefact = give()
            if loop is None:
                self.native.install(module, artefact)
            else:
                code = self.native.install_loop(module, artefact)
                self._entries[place] = self._instruction(index, self._thunks().loop(), code)
        except VMError:
            self._refused.add(place)
            return
        note("installed", function=index, loop=-1 if loop is None else loop)
        bodies = (module.bodies[i - module.imported_functions] for i in artefact.functions)
        self._policy.learn(artefact.seconds, sum(body.end - body.start for body in bodies))

    def _compiled(self, functions: Collection[int]) -> None:
        """There is compiled code for these functions."""
        for index in functions:
            thunk = self._thunks().relay(self._type(index))
            entry = self._instruction(index, thunk, self.native.addresses[index])
            self._entries[index, None] = entry
            self.first.enter_at(index, entry.address)

    def _running(self) -> ModuleData:
        module = self._module()
        assert module is not None  # an instance, which holds it, has asked
        return module

    def _type(self, index: int) -> FuncType:
        return self._running().function_type(index)

    def _instruction(self, index: int, thunk: int, code: int) -> Block:
        """A ``native`` that runs compiled code in the frame of function ``index``."""
        type = self._type(index)
        params, results = offsets(type.params)[-1], offsets(type.results)[-1]
        made = Block(40)
        words = (params | results << 32, max(params, results, 1), thunk, code)
        for number, word in enumerate((threaded().handlers["native"], *words)):
            made.words[number] = word
        return made
