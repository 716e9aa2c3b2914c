"""From a request to object files: which functions are compiled together, their IR, LLVM.

Runs in any process: what comes out depends on the request alone. A small module is compiled as a whole, and
only functions that can be reached from outside, or are asked for, are visible. Of a big one a request names
functions, and may ask for callees too, breadth first, up to a number of bytes of bodies; everything stays
visible, since other requests' code will call it.
"""

from __future__ import annotations

import re
import time
from collections import deque
from collections.abc import Callable, Collection

from vm.errors import WasmError
from vm.isa.vectors.intrinsics import VECTOR_DECLARATIONS
from vm.jit.artefact import Artefact, Part
from vm.jit.counts import Counts
from vm.jit.request import Request
from vm.memory.bounds import guarded
from vm.module.model import ModuleData
from vm.module.validator import validate_function
from vm.native import tallying
from vm.native.code import compile_text
from vm.native.validation import kernel
from vm.runtime.layout import ContextLayout
from vm.tiers.llvm import debug, effort, profiled
from vm.tiers.llvm.abi import resume_symbol
from vm.tiers.llvm.handlers import HANDLERS
from vm.tiers.llvm.leaving import counting_points, resume_ir
from vm.tiers.llvm.metering import Metering
from vm.tiers.llvm.reach import Foreseen, exposed, likely
from vm.tiers.llvm.speculation import Speculation
from vm.tiers.llvm.text import HEAD, HIDDEN, memory_ranges, type_numbers
from vm.tiers.llvm.translate import Translator

Body = tuple[str, effort.Size, Translator]
"""A translated function, how big it is, and who has translated it."""


def make(request: Request) -> Artefact:
    """Compile what is asked for; raises what validating the first function, or translating, raises."""
    module = request.module
    if not module.validated:
        validate_function(module, request.functions[0], kernel(module.bodies.code_bytes))
    emission = Emission(request)
    if request.scope == "module":
        chosen = [i for i in range(module.imported_functions, len(module.functions)) if _usable(module, i)]
        visible = {*request.functions, *exposed(module)}
    else:
        exact = request.scope == "exact"
        chosen = [i for i in request.functions if _usable(module, i)] if exact else emission.reachable()
        visible = set(chosen)
    return emission.make(chosen, visible)


def _likely(module: ModuleData, index: int, foreseen: Foreseen, counts: Counts | None) -> list[int]:
    """The functions that function ``index`` calls; where calls were counted, those that ran, and those that
    indirect calls go to, by how often they ran.
    """
    found = likely(module, index, foreseen)
    if counts is None:
        return found
    start, end = module.bodies.extents[index - module.imported_functions]
    for at in counts.calling(start, end):
        found += [function for function, _ in counts.targets[at][1]]
    calls = counts.calls
    return sorted((f for f in dict.fromkeys(found) if calls.get(f)), key=lambda f: -calls[f])


class Emission:
    """One request on its way."""

    def __init__(self, request: Request) -> None:
        self.request = request
        self._module = request.module
        self._layout = ContextLayout.of(request.module)
        self._guards = [guarded(memory, request.config.memory_guard) for memory in request.module.memories]
        self._foreseen = Foreseen(request.module)
        self._uncounted = profiled.Uncounted(self._foreseen)
        self._speculation = Speculation.of(request)
        points = self._speculation is not None and self._speculation.points
        self._handlers = counting_points(HANDLERS) if points else HANDLERS
        self._moves: dict[int, int] = {}
        self._moved = 0
        self._seconds = 0.0

    def reachable(self) -> list[int]:
        """The functions asked for, and callees that have no code yet, as far as there is room."""
        module, request = self._module, self.request
        chosen: dict[int, None] = {}
        queue, room = deque(request.functions), request.room()
        while queue:
            function = queue.popleft()
            if function in chosen or function in request.compiled or function < module.imported_functions:
                continue
            body = module.bodies[function - module.imported_functions]
            size = body.end - body.start
            if chosen and (size > room or not _usable(module, function)):
                continue
            room -= size
            chosen[function] = None
            queue.extend(_likely(module, function, self._foreseen, request.counts))
        return list(chosen)

    def make(self, batch: list[int], visible: set[int]) -> Artefact:
        """Code for ``batch``, in as many objects as it takes to keep LLVM's time in bounds."""
        started = time.thread_time()
        bodies = self._translate(batch, visible)
        sizes = {index: size for index, (_, size, _) in bodies.items()}
        if sum(sizes.values(), effort.NOTHING).within(effort.ANY_LEVEL) or len(batch) == 1:
            parts = [self._emit(bodies, visible)]
        elif len(groups := effort.parts(sizes)) == 1:
            everything = set(batch)
            bodies = bodies if everything <= visible else self._translate(batch, everything)
            parts = [self._emit(bodies, everything)]
        else:  # what was one batch calls across objects now, so all of it is translated anew
            parts = [self._emit(self._translate(group, set(group)), set(group)) for group in groups]
        self._seconds += time.thread_time() - started
        return Artefact(tuple(parts), self._moves, self._seconds)

    def _translate(self, batch: list[int], visible: set[int]) -> dict[int, Body]:
        members = self.members(batch)
        config = self.request.config
        bodies = {}
        for index in batch:
            translator = self.translator(index)(
                self._module,
                self._layout,
                index,
                members,
                handlers=self._handlers,
                guarded=self._guards,
                metering=Metering.of(config, self._module, index),
                most_moves=self.request.most_moves - self._moved + self._moves.get(index, 0),
                debug_info=config.debug_info,
                profile=self._profile(index),
                speculation=self._speculation,
                versions=self.request.level > 1,
            )
            text = translator.translate("" if index in visible else "internal")
            bodies[index] = text, translator.size(), translator
            self._count_moves(index, translator.moves)
        return bodies

    def _profile(self, index: int) -> profiled.Blind:
        """What code of function ``index`` knows of how often it runs."""
        if self.request.config.profile_make:
            entry, _ = self._module.bodies.extents[index - self._module.imported_functions]
            return profiled.Counting(tallying.first_counted(self._module), entry)
        counts = self.request.counts
        return self._uncounted if counts is None else profiled.Informed(counts, index)

    def translator(self, index: int) -> Callable[..., Translator]:
        """What translates function ``index``."""
        return Translator

    def members(self, batch: Collection[int]) -> frozenset[int]:
        """The functions that call each other directly."""
        return frozenset(batch)

    def _count_moves(self, index: int, moves: int) -> None:
        """Take what a function moves off what the module may; only the last of its translations counts."""
        if moves > 0:
            self._moved += moves - self._moves.get(index, 0)
            self._moves[index] = moves

    def _emit(self, bodies: dict[int, Body], visible: set[int]) -> Part:
        types = set[int]().union(*(translator.types for _, _, translator in bodies.values()))
        texts = [text for text, _, _ in bodies.values()]
        left = (translator.type for _, _, translator in bodies.values() if translator.left)
        texts += {resume_symbol(type.results): resume_ir(type) for type in left}.values()
        texts += [*_head(texts), memory_ranges(self._module.memories), type_numbers(types)]
        if self.request.config.debug_info:
            texts.append(debug.HEAD)
        if self.request.config.profile_make:
            texts.append(profiled.COUNTERS_IR)
            if any("@count_target(" in text for text in texts):
                texts.append(tallying.TARGETS_IR)
        elif self.request.counts is not None:
            texts.append(profiled.summary(self.request.counts))
        sizes = [size for _, size, _ in bodies.values()]
        choices = [translator.choices for _, _, translator in bodies.values()]
        level = effort.wanted(choices, self.request.level, self.request.config.opt_level)
        level = effort.affordable(sizes, level)
        text, started = "".join(texts), time.thread_time()
        binary, seconds = compile_text(text, level, widen=True)
        self._seconds += seconds - (time.thread_time() - started)  # what another thread has spent
        seen = tuple(index for index in bodies if index in visible)
        return Part(binary, tuple(bodies), seen, tuple(sorted(types)))


_DECLARED = {
    line.partition("@")[2].partition("(")[0]: line
    for line in f"{HEAD}{VECTOR_DECLARATIONS}".splitlines(keepends=True)
    if line.startswith("declare ")
}
"""Declarations by the name that they declare."""

_FIXED_HEAD = "".join(line for line in HEAD.splitlines(keepends=True) if line not in set(_DECLARED.values()))
_CALLED = re.compile(r"@([\w.]+)\(")
_READ = re.compile(r"@(hidden\.[\w.]+)")


def _head(texts: list[str]) -> list[str]:
    """What a module with these functions needs beside them. Of a hundred declarations most have a handful,
    and to LLVM each is work.
    """
    called = {name for text in texts for name in _CALLED.findall(text)}
    hidden = {name for text in texts for name in _READ.findall(text)}
    declared = (line for name, line in _DECLARED.items() if name in called)
    return [_FIXED_HEAD, *declared, *(line for name, line in HIDDEN.items() if name in hidden)]


def _usable(module: ModuleData, index: int) -> bool:
    """Whether a body is valid; one that is not fails who calls it, and nobody else."""
    if module.validated:
        return True
    try:
        validate_function(module, index, kernel(module.bodies.code_bytes))
    except WasmError:
        return False
    return True
