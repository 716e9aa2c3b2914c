"""One module's compiled code in this process: what is asked for when, and where it lies.

A small module is asked for as a whole; of a big one, the first call of a function asks for it together with
callees that are not compiled yet. A very big one is compiled for a quick start, not for speed. What comes
back (``vm.tiers.llvm.emission`` makes it) may have been made by another process: it is linked here.
"""

from __future__ import annotations

import bisect
import weakref
from collections.abc import Callable, Collection, Iterable, Mapping

from vm.config import Config
from vm.errors import Frame, VMError
from vm.jit import library
from vm.jit.artefact import Artefact, Part
from vm.jit.request import MOST_MOVES, Named, Options, Request
from vm.memory.native import poke
from vm.module.model import ModuleData
from vm.native import arena
from vm.native.code import Code, Costs, place
from vm.native.glue import Glue
from vm.runtime.backtrace import trace_frame
from vm.runtime.instance import Instance
from vm.runtime.layout import RECORD_NATIVE, ContextLayout
from vm.tiers.llvm.abi import type_symbol
from vm.tiers.policy import compiled_whole
from vm.typed import TYPE_CHECKING

if TYPE_CHECKING:
    from vm.jit.counts import Counts
    from vm.native.dwarf import Locations
    from vm.tiers.llvm.counters import Counters

_HOT = 1
"""The level for what runs often in a big module, where not everything is compiled: Graphviz and QuickJS run
as fast as at level 3, in 0.6 of level 0's time; compiling takes 0.6 of level 3's time, 2.4 of level 0's."""

_RESUME = "resume_"
"""What the names of ways out of compiled code begin with (``vm.tiers.llvm.abi.resume_symbol``)."""

NOBODY = -1
"""The function that code belongs to that belongs to none: it has no frame in a trace."""


class Program:
    """Code of one module, shared by its instances.

    ``entered`` is told which functions have got code; with it, other tiers' code calls into this one, so
    every function that is compiled stays visible. ``options`` says what else requests depend on,
    ``externals`` what code may go to beside the glue.
    """

    def __init__(
        self,
        module: ModuleData,
        config: Config,
        glue: Glue,
        costs: Costs,
        entered: Callable[[Collection[int]], None] | None = None,
        *,
        options: Callable[[int, int | None], Options] = lambda *_: (),
        externals: Mapping[str, int] = {},
    ) -> None:
        self._module = weakref.ref(module)
        self._config = config
        self._entered = entered
        self._options = options
        self._externals = {**glue.externals, **externals}
        self._costs = costs
        self._layout = ContextLayout.of(module)
        self._instances: weakref.WeakSet[Instance] = weakref.WeakSet()
        self._images: list[Code] = []
        self._locations: dict[int, Locations] = {}
        self._counters: Counters | None = None
        if config.profile_make:
            from vm.tiers.llvm import counters

            self._counters = counters.Counters(module)
        self.addresses: dict[int, int] = {}
        self._starts: list[tuple[int, int]] = []
        self._moved = 0
        self._whole = compiled_whole(module, config)
        quick = module.bodies.code_bytes > config.quick_module_bytes
        self._level = min(config.opt_level, _HOT if entered else 0) if quick else config.opt_level

    def add(self, instance: Instance) -> None:
        """Let ``instance`` use what is compiled already, and what will be."""
        self._instances.add(instance)
        self._publish(instance, self.addresses)

    def compile(self, index: int) -> int:
        """The address of function ``index``, compiled now (with others) if it is not yet."""
        if index not in self.addresses:
            module = self._module()
            assert module is not None  # an instance, which holds it, is asking
            self.install(module, library.obtain(self.request(module, index), self._costs))
        if index not in self.addresses:
            raise VMError(f"compiled code lacks function {index}, which it is for; compile the module again")
        return self.addresses[index]

    def request(
        self,
        module: ModuleData,
        index: int,
        level: int | None = None,
        observed: Counts | Named | None = None,
    ) -> Request:
        """What to ask for when function ``index`` is wanted: at once, or of the parallel compiler."""
        others: Iterable[int] = ()  # with ``entered``, the same whatever is compiled: it is found on disk
        if self._whole and self._entered:
            others = (i for i in range(module.imported_functions, len(module.functions)) if i != index)
        if level is None:  # what was made ahead of time is what was wanted
            level = self._wanted(module, index) if module.prepared is None else module.prepared.level
        return Request(
            module,
            (index, *others),
            self._config,
            level,
            scope="module" if self._whole else "near" if self._entered else "reachable",
            options=self._options(index, None),
            compiled=frozenset() if self._whole or self._entered else frozenset(self.addresses),
            most_moves=MOST_MOVES - self._moved,
            observed=observed,
        )

    def _wanted(self, module: ModuleData, index: int) -> int:
        """How hard LLVM should try: all it can where a big module is known to spend its time."""
        if module.counts is not None and index in module.counts.hot(module):
            return self._config.opt_level
        return self._level

    def counts(self, module: ModuleData) -> Counts:
        """What its code has counted."""
        assert self._counters is not None  # the knob says so
        return self._counters.read(module)

    def loop_request(
        self, module: ModuleData, index: int, offset: int, observed: Counts | Named | None = None
    ) -> Request:
        """What to ask for when function ``index`` is to go on in its loop whose code begins at ``offset``."""
        return Request(
            module,
            (index,),
            self._config,
            self._wanted(module, index),
            scope="near",
            kind="loop",
            options=(("loop", offset), *self._options(index, offset)),
            most_moves=MOST_MOVES - self._moved,
            observed=observed,
        )

    def install_loop(self, module: ModuleData, artefact: Artefact) -> int:
        """Put a loop's code in place; gives its address (``vm.tiers.llvm.loops`` says what it is)."""
        (part,) = artefact.parts
        self._moved += sum(artefact.moves.values())
        return self._place(module, part).symbols[f"f{part.visible[0]}"]

    def install(self, module: ModuleData, artefact: Artefact) -> None:
        """Put code in place, and let every instance use it. Under the tier's lock, on any thread."""
        for part in artefact.parts:
            self._link(module, part)
        self._moved += sum(artefact.moves.values())

    def _link(self, module: ModuleData, part: Part) -> None:
        code = self._place(module, part)
        added = {index: code.symbols[f"f{index}"] for index in part.visible if f"f{index}" in code.symbols}
        self.addresses |= added
        for instance in self._instances:
            self._publish(instance, added)
        if self._entered:
            self._entered(added)

    def _place(self, module: ModuleData, part: Part) -> Code:
        defined = range(module.imported_functions, len(module.functions))
        known = all(index in defined for index in (*part.functions, *part.visible))
        if not known or any(index >= len(module.types) for index in part.types):
            raise VMError("compiled code is of another module; compile the module again")
        numbers = {type_symbol(index): module.types[index].id for index in part.types}
        keep = self._config.debug_info
        if self._counters is not None:
            numbers |= self._counters.symbols
        code = place(part.binary, arena.bodies(), {**self._externals, **numbers}, self._costs, keep=keep)
        self._costs.functions += len(part.functions)
        self._images.append(code)
        if self._config.profiler != "none":
            _show(self._config.profiler, module, part, code)
        for index in part.functions:
            if f"f{index}" in code.symbols:  # a function that was inlined everywhere has no code of its own
                bisect.insort(self._starts, (code.symbols[f"f{index}"], index))
        for name, address in code.symbols.items():
            if name.startswith(_RESUME):
                bisect.insort(self._starts, (address, NOBODY))
        return code

    def locate(self, address: int) -> list[Frame]:
        """The frames at the instruction that ends at ``address``, innermost first; none if it is not ours.

        With debug information there is one for each inlined call, and all have offsets.
        """
        module = self._module()
        held = (code for code in self._images if 0 < address - code.image.address <= code.image.size)
        code = next(held, None)
        if code is None or module is None:
            return []
        index = self._starts[bisect.bisect(self._starts, (address - 1, len(module.functions))) - 1][1]
        if index == NOBODY:
            return []
        if not code.object:
            return [trace_frame(module, index, None)]
        locations = self._locations.get(code.image.address)
        if locations is None:
            from vm.native.dwarf import Locations

            locations = self._locations[code.image.address] = Locations(code.object, code.image.address)
        return [_at(module, offset, index) for offset in locations.lines(address - 1)]

    def form(self, address: int) -> str:
        """The tier whose code this is."""
        return "llvm"

    def _publish(self, instance: Instance, addresses: dict[int, int]) -> None:
        for index, address in addresses.items():
            poke(instance.context.address + self._layout.record(index) + RECORD_NATIVE, address)


def _show(form: str, module: ModuleData, part: Part, code: Code) -> None:
    """Let perf know the functions of an image, and the ways out of them; one ends where the next begins."""
    from vm.native import perf

    found = {code.symbols[f"f{i}"]: i for i in part.functions if f"f{i}" in code.symbols}
    names = {address: perf.symbol(module, index, "llvm") for address, index in found.items()}
    names |= {address: f"{name} [llvm]" for name, address in code.symbols.items() if name.startswith(_RESUME)}
    starts = sorted(names)
    ends = [*starts[1:], code.image.address + code.size]
    perf.tell(form, ((start, end - start, names[start]) for start, end in zip(starts, ends, strict=True)))


def _at(module: ModuleData, offset: int, index: int) -> Frame:
    """The frame at an offset of the binary, which says whose it is; 0 is somewhere in function ``index``."""
    if offset == 0:
        return trace_frame(module, index, None)
    number = bisect.bisect(module.bodies.extents, (offset, offset)) - 1
    return trace_frame(module, module.imported_functions + number, offset)
