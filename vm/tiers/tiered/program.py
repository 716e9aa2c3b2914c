"""One module's code of both kinds, and how a function goes from one to the other.

The code that a module starts in (``vm.tiers.tiered.first``) counts how often functions and loops run; when a
counter runs out, the function is compiled by LLVM, with those that it calls, and everybody who calls it from
then on gets to that code.
"""

from __future__ import annotations

import time
import weakref

from vm.config import Config
from vm.errors import CompileError, Frame, VMError
from vm.events import note
from vm.memory.native import poke
from vm.module.model import ModuleData
from vm.native.code import Costs
from vm.native.glue import glue
from vm.runtime.instance import Instance
from vm.runtime.layout import RECORD_CODE
from vm.tiers.policy import NEVER, Looks, Place, Policy, compiled_whole
from vm.tiers.threaded.library import library as threaded
from vm.tiers.tiered.entrances import Entrances
from vm.tiers.tiered.hints import Hints
from vm.tiers.tiered.knowledge import Knowledge
from vm.typed import TYPE_CHECKING, Callable, Collection

if TYPE_CHECKING:
    from concurrent.futures import Future
    from threading import RLock

    from vm.jit.artefact import Artefact
    from vm.jit.request import Options, Request
    from vm.tiers.llvm.program import Program
    from vm.tiers.llvm.thunks import Thunks
    from vm.tiers.threaded.program import ThreadedProgram
    from vm.tiers.tiered.departures import Departures


_UNKNOWN: Place = -1, None


def _looks(module: weakref.ref[ModuleData], index: int) -> Looks:
    """What function ``index`` looks like, for a policy that wants to know."""

    def look() -> tuple[int, ...]:
        from vm.tiers.features import of_function  # few do

        running = module()
        assert running is not None  # who asks runs it
        return of_function(running, index)

    return look


class TieredProgram:
    """Code of one module, shared by its instances (``vm.native.tier.NativeProgram``)."""

    def __init__(
        self,
        module: ModuleData,
        config: Config,
        thunks: Callable[[], Thunks],
        policies: Callable[[str], Policy],
        spent: Costs,
        lock: RLock,
    ) -> None:
        self._module = weakref.ref(module)
        self._config = config
        self._policies = policies
        self._costs = spent
        self._lock = lock
        whole = compiled_whole(module, config)
        self._hints = Hints(module.binary, config, whole=whole)
        self._whole: Place | None = None
        if whole:
            defined = range(module.imported_functions, len(module.functions))
            known = (place for place in self._hints.known if place[1] is None and place[0] in defined)
            self._whole = min(known, default=_UNKNOWN)
        self._departures: Departures | None = None
        self._stale: set[Place] = set()
        self._instances: weakref.WeakSet[Instance] = weakref.WeakSet()
        self.started: ThreadedProgram | None = None
        self._native: Program | None = None
        self._entrances = Entrances(thunks)
        self._asked: set[Place] = set()
        self._waiting: set[Place] = set()
        self._refused: set[Place] = set()
        self._missing: set[Place] = set()
        self._background = 0.0
        self._begun = 0.0
        self._knowledge = Knowledge(config, self._hints, whole=self._whole is not None)

    def add(self, instance: Instance) -> None:
        """Let ``instance`` use what is there already, and what will be."""
        self._instances.add(instance)
        for program in (self.started, self._native):
            if program is not None:
                program.add(instance)
        if self.started is None:
            for index, code in self._entrances.functions():
                self._publish(instance, index, code)

    @property
    def first(self) -> ThreadedProgram:
        """The code that the module starts in; ``started`` is None while nobody has needed it: LLVM has made
        all that runs, at an earlier start.
        """
        if self.started is None:
            from vm.tiers.tiered.first import program_class

            made, module = program_class(self._start()), self._running()
            counting = self._hints.counting(self._counting())
            self.started = made(module, self._config, self._costs, counting)
            self._begun = time.monotonic()
            for instance in self._instances:
                self.started.add(instance)
            for index, code in self._entrances.functions():
                self.started.enter_at(index, code)
        return self.started

    @property
    def native(self) -> Program:
        """The module's code by LLVM; to be asked for by who wants some, which most programs never do."""
        if self._native is None:
            from vm.tiers.llvm.program import Program

            self._native = Program(
                self._running(),
                self._config,
                glue(),
                self._costs,
                self._compiled,
                options=self._options,
                externals={"interpret": threaded().interpret},
            )
            for instance in self._instances:
                self._native.add(instance)
        return self._native

    def _start(self) -> str:
        from vm.tiers.tiered.first import starts_in

        return starts_in(self._config, seldom=self._hints.covering)

    def _policy(self) -> Policy:
        return self._policies(self._start())

    def compile(self, index: int) -> int:
        """The address of what the machine runs for function ``index``, made now if there is nothing.

        What was worth compiling the last time is looked for before anything is translated.
        """
        place = self._asked_as((index, None))
        ahead = self._running().prepared is not None
        if (ahead or place in self._hints.known) and place not in self._asked:
            self._ask(place)
        return self._entry(index) or self.first.compile(index)

    def locate(self, address: int) -> list[Frame]:
        """The frames at an address of a trace, innermost first, if it is in this module's code."""
        programs = (program for program in (self.started, self._native) if program is not None)
        return next((found for program in programs if (found := program.locate(address))), [])

    def form(self, address: int) -> str:
        """The tier whose code it is that is there."""
        native = self._native is not None and self._native.locate(address)
        return "llvm" if native else self.first.form(address)

    def has(self, pc: int) -> bool:
        """Whether the machine's instruction at ``pc`` is of this module's code."""
        return self.started is not None and self.started.has(pc)

    def leave(self, instance: Instance, index: int, offset: int, root: int, loop: int) -> int:
        """Compiled code leaves function ``index`` in front of the instruction at ``offset``: the address of
        the record that goes on for it. The code is what ``root`` and ``loop`` (-1: none) were asked for.
        """
        from vm.tiers.tiered.departures import Departures  # few programs ever leave

        place = root, None if loop >> 63 else loop
        note("deopt", function=index, offset=offset, root=root, loop=-1 if place[1] is None else loop)
        if self._departures is None:
            self._departures = Departures(self.first)
        if not self._config.tier_deopts and self._departures.failed(place, offset):
            self._stale.add(place)
        if place in self._stale and place not in self._waiting:  # else what arrives last expects more
            self._renew(place)
        return self._departures.record(instance, index, offset)

    def _renew(self, place: Place) -> None:
        """Ask for a place's code anew, unless it is too early; until there is some, the old one runs."""
        self._missing.discard(place)
        self._asked.discard(place)
        self._ask(place)
        if place in self._asked:
            self._stale.discard(place)

    def _options(self, index: int, loop: int | None) -> Options:
        """What code of a place may expect."""
        module = self._running()
        # a run's counts: what some hundred rounds never saw is met soon enough
        informed = module.counts is not None and module.prepared is None and self._config.tier_speculates
        if not informed and not self._config.tier_deopts:
            return ()
        from vm.tiers.llvm.speculation import AVOID, GUARDS, LEAVES, POINTS  # most programs have no profile

        if self._config.tier_deopts:
            return ((LEAVES, POINTS),)
        avoided = self._departures.avoided((index, loop)) if self._departures is not None else []
        if avoided is None:
            return ()
        return (LEAVES, GUARDS), (AVOID, " ".join(map(str, avoided)))

    def _counting(self) -> Callable[[int], tuple[int, int]]:
        """What says how often functions, and their loops, run before somebody looks at them. It holds no
        program, for a program's code holds it.
        """
        policy, module = self._policy(), self._module
        return lambda index: policy.counting(index, _looks(module, index))

    def hot(self, pc: int) -> int:
        """A counter at ``pc`` has run out; where the machine goes on. Under the tier's lock.

        While code is being made, that is where it was, and the counter starts anew.
        """
        index, loop = place = self.first.counted(pc)
        pc, enough = self._observed(place, pc)
        if not enough:
            return pc
        left = self._hints.left(place, self._counting())
        if left:
            for wanted in self._noted(place, pc):
                self._hints.learn(wanted, self._knowledge.now(self._running(), wanted))
            self.first.allow(pc, left)
            return pc
        for wanted in self._wanted(place, pc):
            if wanted not in self._asked:
                self._ask(wanted, self._share(index, pc))
        entry = self._entry(index) if loop is None else self._entrances.at(place)
        if entry:
            return entry
        never = self._asked_as(place) in self._refused
        self.first.allow(pc, NEVER if never else self._policy().again(pc, place))
        return pc

    def _share(self, index: int, pc: int) -> float:
        """Which part of the time so far went to what the counter at ``pc`` counts, a part of ``index``."""
        body = self._running().bodies[index - self._running().imported_functions]
        return self._policy().share(self.first.rounds(pc), body.end - body.start, self._begun)

    def _wanted(self, place: Place, pc: int) -> tuple[Place, ...]:
        """What is to be compiled where the counter at ``pc``, which is of ``place``, has run out.

        A loop's code is its function's once more, with another way in, and takes as long to make. While any
        of a function is being made, nobody asks for more of it: most calls end before, and enter the new code
        the next time; one that goes on reaches the other loop, or asks again. Where calls are short
        (``Policy.lasting``), and it was not hot before, nobody asks for the loop at all.
        """
        index, loop = place
        function = self._asked_as((index, None))
        if loop is None:
            return (function,)
        if function in self._waiting or any(waiting[0] == index for waiting in self._waiting):
            return ()
        lasting = self._policy().lasting(self.first.rounds(pc), self.first.calls(index))
        if not lasting and place not in self._hints.known:
            return (function,)
        return place, function

    def _noted(self, place: Place, pc: int) -> tuple[Place, ...]:
        """What the next start is to compile at once where a counter has run out; of a small module, all."""
        return self._wanted(place, pc) if self._whole is None else (self._asked_as((place[0], None)),)

    def _observed(self, place: Place, pc: int) -> tuple[int, bool]:
        """Have what is hot observed before its code is asked for; where it goes on, and if that is over."""
        if self._knowledge.observation is not None and self.first.observed(pc):
            back, hot = self._knowledge.end(place)
            return (back, True) if hot else (self._entrances.at(place) or back, False)
        if self._asked_as(place) in self._asked or not self._wanted(place, pc):
            return pc, True
        if not self._knowledge.observes(self._running(), self._noted(place, pc)):
            return pc, True
        begun = self._knowledge.begin(self._running(), self.first, place, pc)
        return begun or pc, not begun

    def _asked_as(self, place: Place) -> Place:
        """What is asked for when code of ``place`` is wanted: of a small module, all functions at once, under
        the name of that which was wanted first, so that it is the same code at the next start.
        """
        if self._whole is None or place[1] is not None:
            return place
        if self._whole == _UNKNOWN:
            self._whole = place
        return self._whole

    def request(self, place: Place) -> Request:
        """What the compiler is asked for when code of a place is wanted."""
        module, (index, loop) = self._running(), place
        counts = self._knowledge.of(module, place)
        if loop is None:
            return self.native.request(module, index, observed=counts)
        return self.native.loop_request(module, index, loop, counts)

    def counts(self) -> dict[str, float]:
        """How many places there are of each kind, and what compiling in the background has taken."""
        return {
            "asked": len(self._asked),
            "background_seconds": self._background,
            "compiled_functions": len(self._native.addresses) if self._native is not None else 0,
            "compiled_loops": self._entrances.loops(),
            "demotions": self._departures.demotions if self._departures is not None else 0,
            "deopts": self._departures.count if self._departures is not None else 0,
            "refused": len(self._refused),
            "waiting": len(self._waiting),
        }

    def _ask(self, place: Place, share: float | None = None) -> None:
        """Have code made, unless it is on disk, or not worth it yet. ``share`` is how much of the time so far
        went to what is hot there, if that is why.
        """
        from vm.jit import library
        from vm.jit.request import Named

        index, loop = place
        if place not in self._missing:  # else it was hot before
            note("hot", function=index, loop=-1 if loop is None else loop)
        request = self.request(place)
        if self._config.tier_waits:
            self._asked.add(place)
            self._take(place, lambda: library.obtain(request, self._costs))
            return
        if place not in self._missing:
            found = library.find(request)
            if found is None and isinstance(request.observed, Named):
                self._knowledge.recall(self._running(), place, request.observed.key)
                request = self.request(place)
                found = library.find(request) if request.observed is None else None
            self._missing.add(place)  # when its counts are read: Ctrl-C may come any time
            self._hints.learn(place, request.observed)
            if found is not None:
                self._asked.add(place)
                self._costs.cached += len(found.functions)
                self._take(place, lambda: found)
                return
        if self._early(place, request):
            return
        from vm.jit.compiler import compiler_of  # most programs end before anything is worth compiling

        priority = self._policy().priority(place, None if place in self._hints.known else share)
        cost = self._policy().cost(request.size(), _looks(self._module, index))
        self._asked.add(place)
        try:
            ticket = compiler_of(self._config).submit(request, priority, cost)
        except CompileError:  # the program is about to end, or may have no more threads
            self._refused.add(place)
            return
        self._waiting.add(place)
        ticket.add_done_callback(lambda done: self._arrived(place, done))

    def _early(self, place: Place, request: Request) -> bool:
        """Whether compilers, which take what a short program does to start, are not worth it yet: they are at
        once for what ran often at an earlier start, unless that start's compilers are still at it.
        """
        if place in self._hints.known:
            from vm.jit.claims import claimed

            if not claimed(request):
                return False
        return self._policy().patient()

    def _arrived(self, place: Place, ticket: Future[Artefact]) -> None:
        """Code is there, or there will be none. Runs on any thread."""
        with self._lock:
            module = self._module()
            self._waiting.discard(place)
            if ticket.cancelled():
                self._refused.add(place)
            elif module is not None:
                self._take(place, ticket.result)
                if not ticket.exception():
                    self._background += ticket.result().seconds
                    self._learn(module, place, ticket.result())

    def _learn(self, module: ModuleData, place: Place, artefact: Artefact) -> None:
        """Tell the policy what compiling has cost."""
        bodies = (module.bodies[i - module.imported_functions] for i in artefact.functions)
        size = sum(body.end - body.start for body in bodies)
        self._policy().learn(artefact.seconds, size, _looks(self._module, place[0]))

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
                if not self._entrances.lead(place, code):
                    self._entrances.make(place, module.function_type(index), code)
        except VMError:
            self._refused.add(place)
            return
        note("installed", function=index, loop=-1 if loop is None else loop)

    def _compiled(self, functions: Collection[int]) -> None:
        """There is compiled code for these functions: who is called already is entered there from now on."""
        for index in functions:
            if self._entrances.lead((index, None), self.native.addresses[index]):
                continue
            if self.started is not None and self.started.has_code(index):
                self._entry(index)

    def _entry(self, index: int) -> int:
        """The address of what runs compiled code of function ``index`` for the machine; 0: it has none."""
        place = index, None
        made = self._entrances.at(place)
        if made:
            return made
        code = self._native.addresses.get(index) if self._native is not None else None
        if code is None:
            return 0
        entry = self._entrances.make(place, self._running().function_type(index), code)
        if self.started is not None:
            self.started.enter_at(index, entry)
        else:
            for instance in self._instances:
                self._publish(instance, index, entry)
        return entry

    def _publish(self, instance: Instance, index: int, code: int) -> None:
        poke(instance.context.address + instance.layout.record(index) + RECORD_CODE, code)

    def _running(self) -> ModuleData:
        module = self._module()
        assert module is not None  # an instance, which holds it, has asked
        return module
