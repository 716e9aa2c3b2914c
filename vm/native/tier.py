"""What tiers have in common whose bodies run as native code: programs, links to stores, signals."""

from __future__ import annotations

import faulthandler
import os
import sys
import weakref
from abc import ABC, abstractmethod

from vm.config import Config
from vm.errors import ConfigError, Frame
from vm.memory.native import peek, poke
from vm.module.model import ModuleData
from vm.native.callables import Way
from vm.native.code import Costs
from vm.native.glue import glue
from vm.native.hosts import host_context
from vm.native.link import StoreLink
from vm.native.signals import signals
from vm.primitives import RLock
from vm.runtime.functions import Function
from vm.runtime.instance import Instance
from vm.runtime.layout import RECORD_CODE, RECORD_CONTEXT
from vm.runtime.store import Store
from vm.typed import ClassVar, Protocol, Sequence

_MOST_HELD = 1_000
"""Instances made while code is held (``NativeTier.holding``) that are kept with it: they have memories."""


class NativeProgram(Protocol):
    """One module's code, shared by its instances."""

    def add(self, instance: Instance) -> None:
        """Let ``instance`` use what is compiled already, and what will be."""

    def compile(self, index: int) -> int:
        """The address of function ``index``'s code, made now if there is none yet."""

    def locate(self, address: int) -> list[Frame]:
        """The frames at an address of a trace, innermost first, if it is in this module's code."""

    def form(self, address: int) -> str:
        """The tier whose code it is that ``locate`` has found frames at."""


Held = list["Instance | ModuleData | Store"]


class Holding:
    """``NativeTier.holding`` as a context."""

    def __init__(self, tier: NativeTier) -> None:
        self._tier = tier
        self._held: Held = []

    def __enter__(self) -> None:
        self._tier.hold(self._held)

    def __exit__(self, *_: object) -> None:
        self._tier.release(self._held)


class NativeTier(ABC):
    """The part of ``vm.tiers.base.Tier`` that does not depend on what the code looks like."""

    name: ClassVar[str]
    shows_roots: ClassVar[bool] = False
    native: ClassVar[bool] = True
    entry: ClassVar[int] = RECORD_CODE
    """The field of a function's record through which this tier's code is called."""

    def __init__(self, config: Config) -> None:
        if sys.platform != "linux" or os.uname().machine != "x86_64":
            raise ConfigError("tier", f"{self.name} makes code for Linux on x86-64; here, use reference")
        self._config = config
        self._costs = Costs()
        self._lock = RLock()
        self._signals = signals(glue())
        self._programs: weakref.WeakKeyDictionary[ModuleData, NativeProgram] = weakref.WeakKeyDictionary()
        self._links: weakref.WeakKeyDictionary[Store, StoreLink] = weakref.WeakKeyDictionary()
        self._held: list[Held] = []

    @abstractmethod
    def _program(self, module: ModuleData) -> NativeProgram:
        """The code-to-be of a module."""

    @abstractmethod
    def _link(self, store: Store) -> StoreLink:
        """What ties a store to code."""

    @abstractmethod
    def _host_code(self, function: Function) -> int:
        """The code of a host function, which depends on its type alone."""

    def attach(self, instance: Instance) -> None:
        """Connect the instance, and its store if it is new, to the module's code."""
        with self._lock:
            program = self._programs.get(instance.module)
            if program is None:
                program = self._programs[instance.module] = self._program(instance.module)
            program.add(instance)
            for held in self._held:
                held.append(instance if len(held) < _MOST_HELD else instance.module)
            if instance.store not in self._links:
                self._handle_signals()
                self._links[instance.store] = self._link(instance.store)

    def call(self, function: Function, args: Sequence[int]) -> list[int]:
        """Run a defined function, compiling it first if need be."""
        instance = function.instance
        assert instance is not None
        if faulthandler.is_enabled() is not self._signals.faulthandler:
            self._signals.renew()
        code = peek(function.record + self.entry) or self._compile(instance.store, function)
        return self._links[instance.store].call(function, code, instance.context.address, args)

    def way(self, function: Function) -> Way:
        """How a defined function is entered without Python's help."""
        assert isinstance(function.owner, Store)
        return self._links[function.owner].way(function, function.record + self.entry)

    def stats(self) -> dict[str, float]:
        """What compiling has cost: seconds, bytes of code, functions (and how many of them
        were found compiled), images.
        """
        costs = self._costs
        return {
            "compile_seconds": costs.seconds,
            "code_bytes": costs.code_bytes,
            "functions": costs.functions,
            "images": costs.images,
            "cached_functions": costs.cached,
        }

    def stores(self) -> list[Store]:
        """The stores that are alive."""
        return list(self._links)

    def holding(self) -> Holding:
        """Meanwhile no code ends, so that addresses that were seen can still be told, nor do stores, unless a
        program makes many: they only tell what host functions are called.
        """
        return Holding(self)

    def hold(self, held: Held) -> None:
        """Keep what is there in ``held``, and what is made until ``release``."""
        held.extend(self.stores())
        with self._lock:
            self._held = [*self._held, held]

    def release(self, held: Held) -> None:
        """No longer keep it."""
        with self._lock:  # who began later may end later
            self._held = [other for other in self._held if other is not held]

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

    def _locate(self, address: int) -> list[Frame]:
        """The frames at an address of a trace, innermost first; none for glue."""
        return self.place(address)[0]

    def place(self, address: int) -> tuple[list[Frame], str]:
        """The same, and the tier whose code it is."""
        with self._lock:
            programs = list(self._programs.values())  # an iterator that is left swallows Ctrl-C
        for program in programs:
            frames = program.locate(address)
            if frames:
                return frames, program.form(address)
        return [], ""

    def _host_stub(self, store: Store, function: Function) -> int:
        """Give a host function its context, if it has none, and its code."""
        if not peek(function.record + RECORD_CONTEXT):
            poke(function.record + RECORD_CONTEXT, host_context(store, function))
        code = self._host_code(function)
        poke(function.record + self.entry, code)
        return code
