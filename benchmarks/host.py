"""Running the corpus's programs through wasmtime-py's names, which are the VM's public API.

The API is a parameter, so that tests judge the same drivers and programs against wasmtime itself.
"""

from __future__ import annotations

import importlib
import os
import tempfile
from collections.abc import Mapping
from functools import cache
from types import MappingProxyType, ModuleType
from typing import Any

from benchmarks.corpus import Case, Program, programs
from benchmarks.drivers import Guest, Work

SIZES = {"reference": "small"}
"""The case a tier gets, where it is not "full"."""


class WrongAnswer(AssertionError):
    """A program printed something else than it must: its figures would mean nothing."""


class Compiled:
    """One program's module in one engine, from which any number of runs are made."""

    def __init__(
        self,
        program: Program,
        *,
        tier: str | None,
        size: str,
        api: ModuleType | None = None,
        knobs: Mapping[str, Any] = MappingProxyType({}),
    ) -> None:
        self.api = api or importlib.import_module("vm.api")
        self.program = program
        self.case: Case = program.cases[size]
        config = self.api.Config()
        if tier is not None:
            config.tier = tier
            if hasattr(config, "cache_bytes"):
                config.cache_bytes = 0  # what is measured as compiling compiles
        for knob, value in knobs.items():
            setattr(config, knob, value)
        self.engine = self.api.Engine(config)
        self.module = self.api.Module(self.engine, program.path().read_bytes())

    def fresh(self) -> Work:
        """A new instance, ready to work once; the work returns what the program put out."""
        stdout, path = tempfile.mkstemp()
        store, linker = self.api.Store(self.engine), self.api.Linker(self.engine)
        linker.define_wasi()
        store.set_wasi(self._wasi(path))
        os.unlink(path)  # both ends are open
        guest = Guest(store, linker.instantiate(store, self.module))
        work = self.program.driver(guest, self.case.args)

        def run() -> bytes:
            result = work()
            with open(stdout, "rb") as printed:
                return printed.read() + result

        return run

    def _wasi(self, stdout: str) -> Any:
        wasi = self.api.WasiConfig()
        wasi.argv = [self.program.name, *self.case.args]
        wasi.stdout_file = stdout
        if self.program.stdin is not None:
            wasi.stdin_file = str(self.program.stdin)
        return wasi

    def check(self) -> None:
        """Run once and compare with what must come out."""
        answer = self.fresh()()
        if answer != self.case.expected:
            raise WrongAnswer(
                f"{self.program.name}: expected {self.case.expected[:200]!r}, got {answer[:200]!r}"
            )


@cache
def checked(name: str, tier: str) -> Compiled:
    """The program compiled by the tier and its answer checked, once in this process.

    asv calls ``setup`` before every sample; compiling each time would cost more than measuring.
    """
    compiled = Compiled(programs()[name], tier=tier, size=SIZES.get(tier, "full"))
    compiled.check()
    return compiled
