"""The border with Python, and starting up, against wasmtime-py: ``python -m benchmarks.border`` prints it.

Nanoseconds of a call of a WebAssembly function, and of a host function; milliseconds of a new process until
the first result of a small module, beyond those of a Python that does nothing; with ``--big FILE ARG...`` the
same for a WASI command of some size. All of it is processor time, and for processes the clock's, too, once
earlier ones have left on disk what they leave; measured in turns, and what is printed is the median of the
rounds, and of their ratios: quote the ratios.
"""

from __future__ import annotations

import argparse
import importlib
import os
import resource
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Sequence
from pathlib import Path
from types import ModuleType
from typing import IO, Any, NamedTuple

ENGINES = ("vm.api", "wasmtime")
"""Ours and theirs, by the module to import."""

WAT = """(module
  (import "" "host" (func $host (param i32) (result i32)))
  (func (export "add") (param i32 i32) (result i32) (i32.add (local.get 0) (local.get 1)))
  (func (export "callbacks") (param i32) (result i32) (local i32)
    (loop (local.set 1 (i32.add (local.get 1) (call $host (local.get 0))))
          (br_if 0 (local.tee 0 (i32.sub (local.get 0) (i32.const 1)))))
    (local.get 1)))"""

SMALL = '(module (func (export "add") (param i32 i32) (result i32) (i32.add (local.get 0) (local.get 1))))'

FIRST_RESULT = """
import sys
import {api} as w
config = w.Config()
{configure}
store = w.Store(w.Engine(config))
module = w.Module(store.engine, open(sys.argv[1], "rb").read())
assert w.Instance(store, module, []).exports(store)["add"](store, 2, 3) == 5
"""

COMMAND = """
import sys
import {api} as w
config = w.Config()
{configure}
store = w.Store(w.Engine(config))
linker = w.Linker(store.engine)
linker.define_wasi()
wasi = w.WasiConfig()
wasi.argv = sys.argv[1:]
wasi.stdout_file = wasi.stderr_file = {output!r}
store.set_wasi(wasi)
module = w.Module(store.engine, open(sys.argv[1], "rb").read())
try:
    linker.instantiate(store, module).exports(store)["_start"](store)
except w.ExitTrap:
    pass
"""


class Calls:
    """Calls across the border, in nanoseconds (asv); the tier is the parameter."""

    params = ("threaded", "llvm")
    param_names = ("tier",)
    timeout = 60.0

    def setup(self, tier: str) -> None:
        """Both ways, each called before."""
        self.inwards, self.outwards = border(importlib.import_module("vm.api"), tier)

    def track_call(self, tier: str) -> float:
        """``func(store, 1, 2)``, the loop around it included."""
        return self.inwards(100_000)

    def track_host_call(self, tier: str) -> float:
        """A call of ``lambda number: number``."""
        return self.outwards(100_000)


Calls.track_call.unit = "ns"  # type: ignore[attr-defined]
Calls.track_host_call.unit = "ns"  # type: ignore[attr-defined]


def border(api: ModuleType, tier: str | None) -> tuple[Callable[[int], float], Callable[[int], float]]:
    """What measures an engine's calls inwards and outwards: nanoseconds of one, on average over so many."""
    config = api.Config()
    if tier is not None:
        config.tier = tier
    store = api.Store(api.Engine(config))
    i32 = api.ValType.i32()
    host = api.Func(store, api.FuncType([i32], [i32]), lambda number: number)
    exports = api.Instance(store, api.Module(store.engine, WAT), [host]).exports(store)
    add, callbacks = exports["add"], exports["callbacks"]

    def inwards(count: int) -> float:
        started = time.thread_time()
        for _ in range(count):
            add(store, 1, 2)
        return (time.thread_time() - started) / count * 1e9

    def outwards(count: int) -> float:
        started = time.thread_time()
        callbacks(store, count)
        return (time.thread_time() - started) / count * 1e9

    if add(store, 40, 2) != 42 or callbacks(store, 4) != 10:
        raise AssertionError("wrong results: the figures would mean nothing")
    return inwards, outwards


class Spent(NamedTuple):
    """Seconds that a process, with its children that have ended, took: of processors, and by the clock."""

    processor: float
    clock: float


def spent(
    command: Sequence[str],
    environment: dict[str, str],
    *,
    stdin: IO[bytes] | int | None = None,
    stdout: IO[bytes] | int = subprocess.DEVNULL,
) -> Spent:
    """Run a command to its end."""
    before, started = resource.getrusage(resource.RUSAGE_CHILDREN), time.monotonic()
    subprocess.run(command, env=environment, check=True, stdin=stdin, stdout=stdout)
    clock, after = time.monotonic() - started, resource.getrusage(resource.RUSAGE_CHILDREN)
    return Spent(after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime, clock)


def starts(template: str, arguments: Sequence[str], tier: str, folder: Path) -> dict[str, list[str]]:
    """The commands that start a process which gets to a first result, by engine."""
    commands = {}
    for api in ENGINES:
        configure = f"config.tier = {tier!r}" if api == "vm.api" else "pass"
        script = template.format(api=api, configure=configure, output=str(written(folder, api)))
        commands[api] = [sys.executable, "-c", script, *arguments]
    return commands


def written(folder: Path, api: str) -> Path:
    """Where a ``COMMAND`` puts what it prints: each engine's in a file of its own, to be looked at."""
    return folder / f"{api}.out"


def report(name: str, unit: str, rounds: list[tuple[float, float]]) -> None:
    """One line: our median, theirs, and the median of the ratios of each round."""
    ours, theirs = (statistics.median(side) for side in zip(*rounds, strict=True))
    ratio = statistics.median(ours / theirs for ours, theirs in rounds)
    print(f"{name:36}{ours:12,.1f}{theirs:14,.1f} {unit:4}{ratio:12.4f}", flush=True)


def compare_calls(tier: str, rounds: int) -> None:
    """Both directions."""
    mine = border(importlib.import_module("vm.api"), tier)
    other = border(importlib.import_module("wasmtime"), None)
    for name, ours, theirs in zip(
        ("Python to WebAssembly", "WebAssembly to Python"), mine, other, strict=True
    ):
        report(f"{name}, {tier}", "ns", [(ours(200_000), theirs(3_000)) for _ in range(rounds)])


STEADY = 3
"""Starts that do not count: the first learns what is worth compiling, the next ask for it, and later ones
find it on disk."""


def compare_starts(
    name: str, template: str, arguments: Sequence[str], tier: str, rounds: int, folder: Path
) -> None:
    """A process' first result, beyond a Python that does nothing: processor time, and time by the clock."""
    environment = {key: value for key, value in os.environ.items() if key != "PYTHONDONTWRITEBYTECODE"}
    environment["PYTHONPYCACHEPREFIX"] = str(folder / "bytecode")  # as an installed package has it
    commands = starts(template, arguments, tier, folder)
    bare = [sys.executable, "-c", "pass"]
    for _ in range(STEADY):
        for command in (bare, *commands.values()):
            spent(command, environment)
        time.sleep(1.0)  # for compilers that a run has left behind
    measured = []
    for _ in range(rounds):
        nothing = spent(bare, environment)
        measured.append([spent(commands[api], environment) for api in ENGINES] + [nothing])
    for what, side in (f"{name}, {tier}", 0), ("  by the clock", 1):
        times = [[1e3 * (each[side] - nothing[side]) for each in engines] for *engines, nothing in measured]
        report(what, "ms", [(ours, theirs) for ours, theirs in times])


def main(arguments: Sequence[str] | None = None) -> int:
    """Print the table."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").split("\n\n")[0])
    parser.add_argument("--rounds", type=int, default=7, help="how often each is measured (default: 7)")
    parser.add_argument("--tier", action="append", help="a tier of ours (default: tiered and llvm)")
    parser.add_argument("--big", nargs=argparse.REMAINDER, metavar="FILE ARG", help="a WASI command, too")
    options = parser.parse_args(arguments)
    print(f"{'processor time, median':36}{'ours':>12}{'wasmtime-py':>14}{'ours/theirs':>17}")
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        small = folder / "small.wasm"
        api: Any = importlib.import_module("vm.api")
        small.write_bytes(api.wat2wasm(SMALL))
        for tier in options.tier or ("tiered", "llvm"):
            compare_calls(tier, options.rounds)
            compare_starts("first result", FIRST_RESULT, [str(small)], tier, options.rounds, folder)
            if options.big:
                what = f"first result of {os.path.getsize(options.big[0]) / 1e6:.1f} MB"
                compare_starts(what, COMMAND, options.big, tier, max(1, options.rounds // 3), folder)
    return 0


if __name__ == "__main__":
    raise SystemExit(main())
