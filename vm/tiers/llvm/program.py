"""One module's compiled code: which functions are compiled together, and what stays visible.

A small module is compiled as a whole, and only functions that can be reached from outside keep a record
entry. In a big one, the first call of a function compiles it together with callees that are not compiled
yet, breadth first, up to a number of bytes of bodies; everything stays visible, since other batches will
call it. A very big one is compiled for a quick start, not for speed.
"""

from __future__ import annotations

import bisect
import weakref
from collections import deque

from vm.config import Config
from vm.errors import Frame, WasmError
from vm.isa.emit import LLVM_TYPES
from vm.isa.types import FuncType, ValType
from vm.isa.vectors.intrinsics import VECTOR_DECLARATIONS
from vm.memory.bounds import guarded
from vm.memory.native import poke
from vm.module.instructions import read
from vm.module.model import ConstExpr, ModuleData
from vm.module.validator import validate_function
from vm.native import arena
from vm.native.code import Code, Costs, build
from vm.native.dwarf import Locations
from vm.native.glue import Glue
from vm.native.validation import kernel
from vm.runtime.backtrace import trace_frame
from vm.runtime.instance import Instance
from vm.runtime.layout import RECORD_CODE, ContextLayout
from vm.tiers.llvm import debug, effort
from vm.tiers.llvm.abi import passed_words
from vm.tiers.llvm.handlers import HANDLERS
from vm.tiers.llvm.metering import Metering
from vm.tiers.llvm.text import HEAD, memory_ranges
from vm.tiers.llvm.translate import Translator

Body = tuple[str, effort.Size]
"""A translated function, and how big it is."""


class Program:
    """Code of one module, shared by its instances."""

    def __init__(self, module: ModuleData, config: Config, glue: Glue, costs: Costs) -> None:
        self._module = weakref.ref(module)
        self._config = config
        self._glue = glue
        self._costs = costs
        self._layout = ContextLayout.of(module)
        signatures = [type.composite for type in module.types]
        self.passed_words = max(
            (passed_words(type) for type in signatures if isinstance(type, FuncType)), default=0
        )
        self._instances: weakref.WeakSet[Instance] = weakref.WeakSet()
        self._images: list[Code] = []
        self._locations: dict[int, Locations] = {}
        self.addresses: dict[int, int] = {}
        self._starts: list[tuple[int, int]] = []
        self._moves: dict[int, int] = {}
        self._moved = 0
        size = module.bodies.code_bytes
        self._whole = size <= config.whole_module_bytes
        self._level = config.opt_level if size <= config.quick_module_bytes else 0

    def add(self, instance: Instance) -> None:
        """Let ``instance`` use what is compiled already, and what will be."""
        self._instances.add(instance)
        self._publish(instance, self.addresses)

    def compile(self, index: int) -> int:
        """The address of function ``index``, compiled now (with others) if it is not yet."""
        if index not in self.addresses:
            module = self._module()
            assert module is not None  # an instance, which holds it, is asking
            if not module.validated:
                validate_function(module, index, kernel(module.bodies.code_bytes))
            batch = self._everything(module) if self._whole else self._batch(module, index)
            self._build(module, batch, {index, *exposed(module)} if self._whole else set(batch))
        return self.addresses[index]

    def _everything(self, module: ModuleData) -> list[int]:
        return [i for i in range(module.imported_functions, len(module.functions)) if _usable(module, i)]

    def _batch(self, module: ModuleData, index: int) -> list[int]:
        chosen: dict[int, None] = {}
        queue, room = deque([index]), self._config.batch_bytes
        while queue:
            function = queue.popleft()
            if function in chosen or function in self.addresses or function < module.imported_functions:
                continue
            body = module.bodies[function - module.imported_functions]
            size = body.end - body.start
            if chosen and (size > room or not _usable(module, function)):
                continue
            room -= size
            chosen[function] = None
            queue.extend(callees(module, function))
        return list(chosen)

    def _build(self, module: ModuleData, batch: list[int], visible: set[int]) -> None:
        bodies = self._translate(module, batch, visible)
        parts = effort.parts({index: size for index, (_, size) in bodies.items()})
        if len(parts) == 1:
            self._emit(module, bodies, visible)
            return
        for part in parts:  # what was one batch calls across images now, so all of it is translated anew
            self._emit(module, self._translate(module, part, set(part)), set(part))

    def _translate(self, module: ModuleData, batch: list[int], visible: set[int]) -> dict[int, Body]:
        members = frozenset(batch)
        guards = [guarded(memory, self._config.memory_guard) for memory in module.memories]
        bodies = {}
        for index in batch:
            translator = Translator(
                module,
                self._layout,
                index,
                members,
                handlers=HANDLERS,
                guarded=guards,
                metering=Metering.of(self._config, module, index),
                most_moves=effort.MOST_MOVES - self._moved + self._moves.get(index, 0),
                debug_info=self._config.debug_info,
            )
            text = translator.translate("" if index in visible else "internal")
            bodies[index] = text, translator.size()
            self._count_moves(index, translator.moves)
        return bodies

    def _count_moves(self, index: int, moves: int) -> None:
        """Take what a function moves off what the module may; only the last of its translations counts."""
        if moves > 0:
            self._moved += moves - self._moves.get(index, 0)
            self._moves[index] = moves

    def _emit(self, module: ModuleData, bodies: dict[int, Body], visible: set[int]) -> None:
        parts = [HEAD, memory_ranges(module.memories)]
        parts += [text for text, _ in bodies.values()]
        if any(LLVM_TYPES[ValType.V128] in part for part in parts):
            parts.append(VECTOR_DECLARATIONS)
        if self._config.debug_info:
            parts.append(debug.HEAD)
        level = effort.affordable(sum((size for _, size in bodies.values()), effort.NOTHING), self._level)
        code = build(
            "".join(parts),
            level,
            arena.bodies(),
            self._glue.externals,
            self._costs,
            keep=self._config.debug_info,
        )
        self._costs.functions += len(bodies)
        self._images.append(code)
        for index in bodies:
            if f"f{index}" in code.symbols:  # a function that was inlined everywhere has no code of its own
                bisect.insort(self._starts, (code.symbols[f"f{index}"], index))
        added = {index: code.symbols[f"f{index}"] for index in bodies if index in visible}
        self.addresses |= added
        for instance in self._instances:
            self._publish(instance, added)

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
        if not code.object:
            return [trace_frame(module, index, None)]
        locations = self._locations.get(code.image.address)
        if locations is None:
            locations = self._locations[code.image.address] = Locations(code.object, code.image.address)
        return [_at(module, offset, index) for offset in locations.lines(address - 1)]

    def _publish(self, instance: Instance, addresses: dict[int, int]) -> None:
        for index, address in addresses.items():
            poke(instance.context.address + self._layout.record(index) + RECORD_CODE, address)


def _at(module: ModuleData, offset: int, index: int) -> Frame:
    """The frame at an offset of the binary, which says whose it is; 0 is somewhere in function ``index``."""
    if offset == 0:
        return trace_frame(module, index, None)
    number = bisect.bisect(module.bodies.extents, (offset, offset)) - 1
    return trace_frame(module, module.imported_functions + number, offset)


def _usable(module: ModuleData, index: int) -> bool:
    """Whether a body is valid; one that is not fails who calls it, and nobody else."""
    if module.validated:
        return True
    try:
        validate_function(module, index, kernel(module.bodies.code_bytes))
    except WasmError:
        return False
    return True


def callees(module: ModuleData, index: int) -> list[int]:
    """The functions that function ``index`` calls directly, in order of appearance."""
    body = module.bodies[index - module.imported_functions]
    found: dict[int, None] = {}
    at = body.start
    while at < body.end:
        opcode, immediates, at = read(module.binary, at)
        if opcode.name in ("call", "return_call"):
            found[immediates[0]] = None
    return list(found)


def exposed(module: ModuleData) -> set[int]:
    """The functions that anything but the module's own direct calls can reach: its declared references."""
    found = {export.index for export in module.exports if export.kind == "func"}
    if module.start is not None:
        found.add(module.start)
    expressions = [definition.init for definition in module.global_defs]
    for segment in module.elements:
        for item in segment.items:
            if isinstance(item, ConstExpr):
                expressions.append(item)
            else:
                found.add(item)
    for expression in expressions:
        found |= _referred(module, expression)
    return {index for index in found if index >= module.imported_functions}


def _referred(module: ModuleData, expression: ConstExpr) -> set[int]:
    found, at = set(), expression.start
    while at < expression.end:
        opcode, immediates, at = read(module.binary, at)
        if opcode.name == "ref.func":
            found.add(immediates[0])
    return found
