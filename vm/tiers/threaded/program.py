"""One module's threaded code: functions are translated one by one, each when it is first called.

What translates and checks is imported when something is not on disk (``vm.tiers.threaded.kept``).
"""

from __future__ import annotations

import time
import weakref

from vm.config import Config
from vm.errors import Frame
from vm.isa.types import ValType
from vm.memory.bounds import guarded
from vm.memory.native import WORD, Block, peek, poke
from vm.module.model import ModuleData
from vm.native.code import Costs
from vm.runtime.backtrace import trace_frame
from vm.runtime.instance import Instance
from vm.runtime.layout import RECORD_CODE, ContextLayout
from vm.tiers.threaded.library import library
from vm.typed import TYPE_CHECKING, Callable, Iterator, Mapping, NamedTuple, Sequence

if TYPE_CHECKING:
    from vm.tiers.threaded.kept import Kept
    from vm.tiers.threaded.made import Made
    from vm.tiers.threaded.places import Recorder
    from vm.tiers.threaded.steps import StepPlan
    from vm.tiers.threaded.translate import Metering, Table
    from vm.tiers.threaded.unwinding import Guard

Counting = Callable[[int], tuple[int | None, int | None]]
"""How often a function's entry, and each of its loops' heads, may run before the tier is asked."""


Key = tuple[int, int | None]
"""A function's code: its index, and where else than at its start it is entered, if anywhere; ``OBSERVED`` is
that of code that counts where it goes (``vm.tiers.threaded.observing``).
"""

OBSERVED = -1


class Resumption(NamedTuple):
    """Where code goes on in the middle of a function, with ``words`` of a frame that takes ``extent``."""

    pc: int
    words: int
    extent: int


_EXTENT = 0xFFFF_FFFF
"""Of the second word of an ``enter``: the slots of the frame."""


def no_counting(_: int) -> tuple[None, None]:
    """As often as they want."""
    return None, None


def _left(pc: int) -> int:
    """How often what the ``count`` at ``pc`` counts may still run."""
    from vm.tiers.threaded.made import LIMIT

    left = peek(pc + WORD * LIMIT)
    return left if left < 1 << 63 else 0  # it has just gone below


class ThreadedProgram:
    """Code of one module, shared by its instances (``vm.native.tier.NativeProgram``)."""

    def __init__(
        self, module: ModuleData, config: Config, spent: Costs, counting: Counting = no_counting
    ) -> None:
        self._module = weakref.ref(module)
        self._costs = spent
        self._fuel, self._epochs = config.consume_fuel, config.epoch_interruption
        self._layout = ContextLayout.of(module)
        self._instances: weakref.WeakSet[Instance] = weakref.WeakSet()
        self._counting = counting
        self._checked = 0
        self._codes: dict[Key, Block] = {}
        self._entries: dict[int, int] = {}
        self._loops: dict[Key, Mapping[int, int]] = {}
        self._recorders: dict[Key, Recorder] = {}
        self._guards: dict[Key, Sequence[Guard]] = {}
        self._starts: list[tuple[int, int, Key]] = []
        self._counters: dict[Key, int] = {}
        self._allowed: dict[int, int] = {}
        self._resumptions: dict[Key, Resumption] = {}
        self._mode = _mode(module, config)
        self._config = config
        self._kept: Kept | None = None
        self._observing: tuple[Table, int, int] | None = None
        self.steps: list[StepPlan] = []

    def add(self, instance: Instance) -> None:
        """Let ``instance`` use what is translated already, and what will be."""
        self._instances.add(instance)
        for index, code in self._entries.items():
            self._publish(instance, index, code)

    def compile(self, index: int) -> int:
        """The address of what runs function ``index``, translated now if there is nothing yet."""
        if index not in self._entries:
            self.enter_at(index, self._translate((index, None))[0].address)
        return self._entries[index]

    def has_code(self, index: int) -> bool:
        """Whether the machine knows what to run for function ``index``."""
        return index in self._entries

    def resume(self, index: int, offset: int) -> Resumption:
        """Where function ``index`` goes on at the instruction at ``offset``, with all operands at home.

        That is code of its own, translated when somebody first asks.
        """
        key = index, offset
        if key not in self._resumptions:
            code, made = self._translate(key)
            assert made.door is not None  # there is a stop
            pc, extent = code.address + WORD * made.door.entry, made.words[2] & _EXTENT
            self._resumptions[key] = Resumption(pc, made.door.slots, extent)
        return self._resumptions[key]

    def enter_at(self, index: int, code: int) -> None:
        """Let calls of function ``index`` run ``code``, in every instance."""
        self._entries[index] = code
        for instance in self._instances:
            self._publish(instance, index, code)

    def has(self, pc: int) -> bool:
        """Whether the instruction at ``pc`` is of this module's code."""
        return self._find(pc + WORD) is not None

    def counted(self, pc: int) -> tuple[int, int | None]:
        """The function that a ``count`` belongs to, and the offset of the first instruction of the loop whose
        head it is (None: the function's entry).
        """
        found = self._find(pc + WORD)
        assert found is not None  # it is running
        start, key = found
        return key[0], self._loops[key].get((pc - start) // WORD)

    def rounds(self, pc: int) -> int:
        """How often what the ``count`` at ``pc`` counts has run."""
        return self._allowed[pc] - _left(pc)

    def calls(self, index: int) -> int:
        """How often function ``index`` was called here."""
        counter = self._counters.get((index, None))
        return self.rounds(counter) if counter is not None else 0

    def allow(self, pc: int, rounds: int) -> int:
        """What the ``count`` at ``pc`` counts may run so often until it runs out; gives how often before."""
        from vm.tiers.threaded.made import LIMIT

        left = _left(pc)
        self._allowed[pc] += rounds - left
        poke(pc + WORD * LIMIT, rounds)
        return left

    def _note_counters(self, key: Key, start: int, made: Made) -> None:
        """The code from ``start`` on counts from now on."""
        from vm.tiers.threaded.made import LIMIT

        for at in (made.counted, *made.loops):
            if at >= 0:
                self._allowed[start + WORD * at] = made.words[at + LIMIT]
        if made.counted >= 0:
            self._counters[key] = start + WORD * made.counted

    def observe(self, address: Callable[[int], int], calls: int, trips: int) -> None:
        """Let code that is observed have its counters at ``address`` of an offset, and run so many rounds."""
        from vm.tiers.threaded.observing import observing

        self._observing = observing(self._table(), address), calls, trips

    def observed(self, pc: int) -> bool:
        """Whether the instruction at ``pc`` is of code that is observed."""
        found = self._find(pc + WORD)
        return found is not None and found[1][1] == OBSERVED

    def counter(self, key: Key, loop: int | None) -> int:
        """Where the ``count`` of the function's entry, or of a loop's head, stands in one of its codes, which
        is translated if there is none; 0: there is no such loop that is counted.
        """
        if key not in self._codes:
            self._translate(key)
        start, loops = self._codes[key].address, self._loops[key].items()
        if loop is None:
            return self._counters.get(key, 0)
        return next((start + WORD * at for at, head in loops if head == loop), 0)

    def counters(self) -> Iterator[tuple[int, int | None, int]]:
        """Function, loop, and address of every ``count`` of code that is entered at its start."""
        for (index, stop), code in self._codes.items():
            if stop is None:
                yield index, None, self._counters[index, stop]
                loops = self._loops[index, stop].items()
                yield from ((index, loop, code.address + WORD * at) for at, loop in loops)

    def translated(self) -> list[int]:
        """The functions with code that is entered at its start."""
        return [index for index, stop in self._codes if stop is None]

    def start(self, key: Key) -> int:
        """The address of a function's code; 0: there is none."""
        return self._codes[key].address if key in self._codes else 0

    def _translate(self, key: Key) -> tuple[Block, Made]:
        started = time.thread_time()
        index, stop = key
        module = self._module()
        assert module is not None  # an instance, which holds it, is asking
        found = self._find_made(module, index) if stop is None else None
        made = found or self._make(module, index, stop)
        if made.guards:
            self._guards[key] = made.guards
        self._loops[key] = made.loops
        # code that is observed runs for so short a time that nothing else is worth making of it
        place = self._lay if stop == OBSERVED else self._place
        code = self._codes[key] = place(module, index, made)
        if self._counting is not no_counting:
            self._note_counters(key, code.address, made)
        self._enter((code.address, code.address + WORD * len(made.words), key))
        self._costs.seconds += time.thread_time() - started
        self._costs.functions += 1
        return code, made

    def _find_made(self, module: ModuleData, index: int) -> Made | None:
        """The code that an earlier start has made; its body has been checked then."""
        from vm.tiers.threaded.kept import Kept  # of programs that LLVM knows, nothing is asked for here
        from vm.tiers.threaded.made import unpack

        if self._kept is None:
            counted = self._counting is not no_counting
            self._kept = Kept(module, self._config, (self._mode, counted, self._fuel, self._epochs))
        packed = self._kept.find(index)
        if packed is None:
            return None
        self._costs.cached += 1
        calls, trips = self._counting(index)
        limits = calls or 0, trips or 0
        return unpack(packed, library().extent[0], module.types, self.steps, limits)

    def _make(self, module: ModuleData, index: int, stop: int | None = None) -> Made:
        from array import array

        from vm.tiers.threaded.made import Made
        from vm.tiers.threaded.translate import Translator

        if not module.validated:
            self._check(module, index)
        translator = Translator(module, self._layout, index, *self._ways(module, (index, stop), self.steps))
        made = Made(
            array("Q", translator.run()),
            translator.kept_slots.stop,
            translator.counted,
            translator.loops,
            translator.labels,
            translator.guards,
            translator.places,
            translator.door,
        )
        if self._kept is not None and stop is None:
            self._kept.learn(index, made, self.steps)
        return made

    def _ways(
        self, module: ModuleData, key: Key, steps: list[StepPlan]
    ) -> tuple[Table, list[StepPlan], Metering, int | None]:
        """What the translation of this code goes by."""
        index, stop = key
        if stop != OBSERVED:
            return self._table(), steps, self._metering(module, index, *self._counting(index)), stop
        assert self._observing is not None  # whoever wants such code has said how
        table, calls, trips = self._observing
        return table, steps, self._metering(module, index, calls, trips), None

    def _table(self) -> Table:
        return library().table(self._mode)

    def _check(self, module: ModuleData, index: int) -> None:
        """Check a body; once there have been enough of them, by machine code if that has been made."""
        from vm.module.body import WORTHWHILE, check_only
        from vm.module.kernel.run import PlainChecker

        start, end = module.bodies.extents[index - module.imported_functions]
        self._checked += end - start
        if self._checked < WORTHWHILE:
            check_only(module, index, PlainChecker)
            return
        from vm.native.validation import kernel  # most programs are too small for it

        check_only(module, index, kernel(self._checked))

    def _place(self, module: ModuleData, index: int, made: Made) -> Block:
        """Put the code where it is to be run."""
        return self._lay(module, index, made)

    def _lay(self, module: ModuleData, index: int, made: Made) -> Block:
        """Put the words where they are to be run."""
        words = made.words
        code = Block(WORD * len(words))
        code.words[: len(words)] = memoryview(words).cast("B").cast("Q")
        self._costs.code_bytes += WORD * len(words)
        return code

    def locate(self, address: int) -> list[Frame]:
        """The function whose code holds the instruction that ``address`` is inside or behind."""
        module, found = self._module(), self._find(address)
        if module is None or found is None:
            return []
        start, key = found
        offset = self._recorded(module, key).offset((address - 1 - start) // WORD)
        return [trace_frame(module, key[0], offset)]

    def form(self, address: int) -> str:
        """The tier whose code this is."""
        return "threaded"

    def references(self, address: int) -> list[int] | None:
        """The slots of that function's frame that hold references there; None: not ours."""
        module, found = self._module(), self._find(address)
        if module is None or found is None:
            return None
        start, key = found
        return self._recorded(module, key).references((address - start) // WORD)

    def _recorded(self, module: ModuleData, key: Key) -> Recorder:
        """Where the code of a function comes from."""
        recorder = self._recorders.get(key)
        if recorder is None:
            from vm.tiers.threaded.places import Recorder

            recorder = Recorder(module, self._layout, key[0], *self._ways(module, key, []))
            recorder.run()  # which may fail where the stack is nearly used up
            self._recorders[key] = recorder
        return recorder

    def _metering(self, module: ModuleData, index: int, calls: int | None, trips: int | None) -> Metering:
        from vm.tiers.threaded.translate import Metering

        found: Mapping[int, int] = {}
        if self._fuel:
            from vm.module.fuel import costs

            found = costs(module, index)
        return Metering(found, self._epochs, calls, trips)

    def covering(self, address: int) -> tuple[int, Guard | None] | None:
        """Where that function's code begins, and the innermost guard of that instruction; None: not ours."""
        found = self._find(address)
        if found is None:
            return None
        start, key = found
        word = (address - 1 - start) // WORD
        guards = (guard for guard in self._guards.get(key, ()) if guard.start <= word < guard.end)
        return start, next(guards, None)

    def _enter(self, piece: tuple[int, int, Key]) -> None:
        """Note where code lies, in order."""
        if not self._starts or self._starts[-1] < piece:
            self._starts.append(piece)
            return
        import bisect

        bisect.insort(self._starts, piece, key=_start)

    def _find(self, address: int) -> tuple[int, Key] | None:
        """Start and key of that function's code."""
        import bisect  # few programs ask

        place = bisect.bisect(self._starts, address - 1, key=_start) - 1
        if place < 0 or address > self._starts[place][1]:
            return None
        start, _, key = self._starts[place]
        return start, key

    def _publish(self, instance: Instance, index: int, address: int) -> None:
        poke(instance.context.address + self._layout.record(index) + RECORD_CODE, address)


def _start(piece: tuple[int, int, Key]) -> int:
    return piece[0]


def _mode(module: ModuleData, config: Config) -> str:
    """How this module's memory 0 is accessed (``vm.tiers.threaded.derived.MODES``)."""
    if not module.memories or module.memories[0].address is ValType.I64:
        return "any"
    return "guard" if guarded(module.memories[0], config.memory_guard) else "checked"
