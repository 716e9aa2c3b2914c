"""Run time, peak memory and instructions of whole programs, compiled before the clock starts."""

from __future__ import annotations

import time

from benchmarks import counters
from benchmarks.corpus import EVERY, OWN, programs
from benchmarks.drivers import Work
from benchmarks.host import checked

TIERS = ("llvm", "tiered", "baseline", "threaded", "reference")
"""The tiers of ``vm.tiers.TIERS`` (a test compares): each commit has the same list."""


class Run:
    """One whole run of a program in a fresh instance; tiers without native code get a small case.

    Processor time: programs and VM run on one thread, and on a shared machine the clock on the wall measures
    the neighbours.
    """

    params = (EVERY, TIERS)
    param_names = ("program", "tier")
    number = 1
    repeat = (3, 7, 0.2)
    rounds = 1
    warmup_time = 0.0
    timeout = 60.0
    timer = time.process_time

    def setup(self, program: str, tier: str) -> None:
        """Compile and check once in the process; a fresh instance for each sample."""
        if programs()[program].big and tier == "reference":
            raise NotImplementedError("seconds a run, which the suite has not got")
        self.work: Work = checked(program, tier).fresh()

    def time_run(self, program: str, tier: str) -> None:
        """Seconds of processor time."""
        self.work()


class Instructions:
    """User-mode instructions that a run retires: nearly free of noise, where the machine counts them."""

    params = OWN
    param_names = ("program",)
    unit = "instructions"
    timeout = 60.0

    def setup(self, program: str) -> None:
        """Skip before compiling anything when there is no counter."""
        counters.require_instructions()
        self.work: Work = checked(program, "llvm").fresh()

    def track_instructions(self, program: str) -> int:
        """Instructions."""
        return counters.instructions(self.work)


class Memory:
    """Peak resident memory of a process that compiles a program and runs it."""

    params = ("sieve", "compress", "terminal")
    param_names = ("program",)
    timeout = 60.0

    def peakmem_run(self, program: str) -> None:
        """Bytes."""
        checked(program, "llvm")
