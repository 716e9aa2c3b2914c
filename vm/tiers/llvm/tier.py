"""The LLVM tier: compiles lazily, runs natively."""

from __future__ import annotations

import faulthandler
import functools
import platform
import sys
import threading
import weakref
from collections.abc import Sequence
from typing import ClassVar

from vm.config import Config
from vm.errors import ConfigError, Frame
from vm.memory.native import peek, poke
from vm.module.model import ModuleData
from vm.native.code import Costs
from vm.native.glue import glue
from vm.native.link import StoreLink
from vm.native.signals import signals
from vm.runtime.functions import Function
from vm.runtime.instance import Instance
from vm.runtime.layout import RECORD_CODE, RECORD_CONTEXT, RECORD_HANDLE
from vm.runtime.store import Store
from vm.tiers.llvm.objects import needs_heap
from vm.tiers.llvm.program import Program
from vm.tiers.llvm.thunks import Thunks


@functools.cache
def _thunks() -> Thunks:
    """The process's thunks: their cost is the process's, not an engine's."""
    return Thunks(glue(), Costs())


class LLVMTier:
    """Native code from LLVM (``vm.tiers.base.Tier``)."""

    name: ClassVar[str] = "llvm"
    shows_roots: ClassVar[bool] = True

    def __init__(self, config: Config) -> None:
        if (sys.platform, platform.machine()) != ("linux", "x86_64"):
            raise ConfigError("tier", "llvm makes code for Linux on x86-64; here, use reference")
        self._config = config
        self._costs = Costs()
        self._lock = threading.RLock()
        self._signals = signals(glue())
        self._programs: weakref.WeakKeyDictionary[ModuleData, Program] = weakref.WeakKeyDictionary()
        self._links: weakref.WeakKeyDictionary[Store, StoreLink] = weakref.WeakKeyDictionary()

    def attach(self, instance: Instance) -> None:
        """Connect the instance, and its store if it is new, to the module's code."""
        with self._lock:
            program = self._programs.get(instance.module)
            if program is None:
                program = Program(instance.module, self._config, glue(), self._costs)
                self._programs[instance.module] = program
            program.add(instance)
            instance.store.make_room_for_passing(program.passed_words)
            if needs_heap(instance.module.types):
                instance.store.heap.reserve()
            if instance.store not in self._links:
                self._handle_signals()
                budget = self._config.max_wasm_stack
                self._links[instance.store] = StoreLink(
                    instance.store, glue(), _thunks().invoke, self._compile, self._locate, budget
                )

    def call(self, function: Function, args: Sequence[int]) -> list[int]:
        """Run a defined function, compiling it first if need be."""
        instance = function.instance
        assert instance is not None
        if faulthandler.is_enabled() is not self._signals.faulthandler:
            self._signals.renew()
        code = peek(function.record + RECORD_CODE) or self._compile(instance.store, function)
        return self._links[instance.store].call(function, code, instance.context.address, args)

    def stats(self) -> dict[str, float]:
        """What compiling has cost: seconds, bytes of code, functions, images."""
        costs = self._costs
        return {
            "compile_seconds": costs.seconds,
            "code_bytes": costs.code_bytes,
            "functions": costs.functions,
            "images": costs.images,
        }

    def _handle_signals(self) -> None:
        """Get in front of the present handlers."""
        if self._config.memory_guard == "guard":
            self._signals.guard()
        self._signals.renew()

    def _compile(self, store: Store, function: Function) -> int:
        """The code of any function; fills in its record."""
        instance = function.instance
        if instance is None:
            return self._host_stub(store, function)
        with self._lock:
            return self._programs[instance.module].compile(function.index)

    def _locate(self, address: int) -> Frame | None:
        """The function that an address in a trace belongs to; None for glue."""
        with self._lock:
            found = (program.locate(address) for program in self._programs.values())
            return next((frame for frame in found if frame is not None), None)

    def _host_stub(self, store: Store, function: Function) -> int:
        """A host function's context is its store's state and its handle; its code packs the arguments."""
        context = store.allocate(16)
        poke(context, store.state.address)
        poke(context + 8, peek(function.record + RECORD_HANDLE))
        code = _thunks().host(function.type)
        poke(function.record + RECORD_CONTEXT, context)
        poke(function.record + RECORD_CODE, code)
        return code
