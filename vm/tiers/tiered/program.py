"""One module's code of both kinds, and how a function goes from one to the other.

Threaded code counts how often functions and loops run; when a counter runs out, the function is compiled,
with those that it calls, and everybody who calls it from then on gets to the compiled code.
"""

from __future__ import annotations

import weakref
from collections.abc import Collection

from vm.config import Config
from vm.errors import Frame, VMError
from vm.isa.types import FuncType
from vm.jit.library import obtain
from vm.memory.native import Block, poke
from vm.module.model import ModuleData
from vm.native.code import Costs
from vm.native.glue import glue
from vm.runtime.instance import Instance
from vm.runtime.words import offsets
from vm.tiers.llvm.program import Program
from vm.tiers.llvm.thunks import Thunks
from vm.tiers.policy import NEVER, counting
from vm.tiers.threaded.library import library
from vm.tiers.threaded.program import COUNTER, ThreadedProgram


class TieredProgram:
    """Code of one module, shared by its instances (``vm.native.tier.NativeProgram``)."""

    def __init__(self, module: ModuleData, config: Config, thunks: Thunks, spent: Costs) -> None:
        self._module = weakref.ref(module)
        self._thunks = thunks
        self._costs = spent
        self.threaded = ThreadedProgram(module, config, spent, counting(config))
        self.native = Program(module, config, glue(), spent, self._compiled)
        self._entries: dict[int, Block] = {}
        self._loops: dict[tuple[int, int], Block] = {}

    def add(self, instance: Instance) -> None:
        """Let ``instance`` use what is there already, and what will be."""
        self.threaded.add(instance)
        self.native.add(instance)

    def compile(self, index: int) -> int:
        """The address of what the machine runs for function ``index``, translated now if there is nothing."""
        return self.threaded.compile(index)

    def locate(self, address: int) -> list[Frame]:
        """The frames at an address of a trace, innermost first, if it is in this module's code."""
        return self.threaded.locate(address) or self.native.locate(address)

    def hot(self, pc: int) -> int:
        """A counter at ``pc`` has run out; where the machine goes on."""
        index, loop = self.threaded.counted(pc)
        try:
            self.native.compile(index)
            entry = self._entries[index] if loop is None else self._loop_entry(index, loop)
        except VMError:  # more than compiled code is made for: it stays as it is
            poke(pc + COUNTER, NEVER)
            return pc
        return entry.address

    def _loop_entry(self, index: int, offset: int) -> Block:
        """The instruction that goes on with a function in the compiled code of its loop at an offset."""
        entry = self._loops.get((index, offset))
        if entry is None:
            module = self._running()
            request = self.native.loop_request(module, index, offset)
            code = self.native.install_loop(module, obtain(request, self._costs))
            entry = self._loops[index, offset] = self._instruction(index, self._thunks.loop(), code)
        return entry

    def _compiled(self, functions: Collection[int]) -> None:
        """There is compiled code for these functions."""
        for index in functions:
            thunk = self._thunks.relay(self._type(index))
            entry = self._instruction(index, thunk, self.native.addresses[index])
            self._entries[index] = entry
            self.threaded.enter_at(index, entry.address)

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
        for number, word in enumerate((library().handlers["native"], *words)):
            made.words[number] = word
        return made
