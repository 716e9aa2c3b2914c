"""What making code costs in each tier, by size of function. ``python -m benchmarks.compiling`` prints it.

Functions are drawn at random, the same ones each time; tiers take turns, and figures are medians of processor
time. Tier ``baseline`` is timed without the translation to threaded code, which is a row of its own, both as
Python and, where ``wasmvm build`` has made that, as machine code.
"""

from __future__ import annotations

import functools
import random
import statistics
import time
from array import array
from collections.abc import Callable

from vm.api import wat2wasm
from vm.config import Config
from vm.module.decoder import decode
from vm.module.instructions import read
from vm.module.model import ModuleData
from vm.module.validator import validate_function
from vm.native.code import Costs
from vm.native.glue import glue
from vm.runtime.layout import ContextLayout
from vm.tiers.baseline import native
from vm.tiers.baseline.compiler import Compiler, slot_types
from vm.tiers.baseline.library import library
from vm.tiers.baseline.room import Room
from vm.tiers.llvm.program import Program
from vm.tiers.threaded.library import library as threaded
from vm.tiers.threaded.translate import Metering, Translator

SIZES = (10, 50, 500, 5000)
ROUNDS = 7

_ENOUGH = 1000
"""Small functions are compiled so often that it makes so many instructions, as a program's start does."""

_STATEMENTS = (
    "(local.set {a} (i32.add (local.get {b}) (i32.mul (local.get {c}) (i32.const {k}))))",
    "(i32.store offset={k} (i32.and (local.get {a}) (i32.const 255)) (i32.load (i32.const {k})))",
    "(if (i32.lt_u (local.get {a}) (i32.const {k}))"
    " (then (local.set {b} (i32.xor (local.get {b}) (i32.const 1)))))",
    "(local.set 6 (f64.add (f64.mul (local.get 6) (local.get 7)) (f64.convert_i32_s (local.get {a}))))",
)


def function(size: int, seed: int = 1) -> ModuleData:
    """A module with one function of about so many instructions."""
    rng, body, count = random.Random(seed), "", 0
    while count < size:
        a, b, c, k = (rng.randrange(6) for _ in range(4))
        body += rng.choice(_STATEMENTS).format(a=a, b=b, c=c, k=k + 1)
        count += 6
    text = f"(module (memory 1) (func (param i32 i32 i32) (local i32 i32 i32 f64 f64) {body}))"
    module = decode(wat2wasm(text))
    validate_function(module, 0)
    return module


def instructions(module: ModuleData) -> int:
    """How many there are in its function."""
    body, count = module.bodies[0], 0
    at = body.start
    while at < body.end:
        at = read(module.binary, at)[2]
        count += 1
    return count


def ways(module: ModuleData) -> dict[str, Callable[[], object]]:
    """What is timed, by name."""
    layout, table = ContextLayout.of(module), threaded().table("guard")

    def translate() -> Translator:
        translator = Translator(module, layout, 0, table, [], Metering({}, False))
        translator.code = translator.run()
        return translator

    made = translate()
    words, types = array("Q", made.code), slot_types(made.types)

    def with_compiler(compiler: Compiler) -> Callable[[], object]:
        return lambda: compiler.compile(words, made.kept_slots.stop, types, made.labels, [])

    found: dict[str, Callable[[], object]] = {"threaded": translate}
    found["baseline, as Python"] = with_compiler(Compiler(library(), Room()))
    if native.is_built():
        found["baseline, as machine code"] = with_compiler(native.compiler(library(), Room()))
    for level in (0, 3):
        found[f"llvm, level {level}"] = functools.partial(_llvm, module, level)
    return found


def _llvm(module: ModuleData, level: int) -> None:
    """To IR and to an object file, in this process, without the cache of objects."""
    config = Config(opt_level=level, cache_bytes=0)
    Program(module, config, glue(), Costs()).compile(0)


def measure(size: int) -> tuple[int, dict[str, float]]:
    """The instructions of a function of about that size, and seconds that each way takes with it."""
    module = function(size)
    runs = ways(module)
    times: dict[str, list[float]] = {name: [] for name in runs}
    for _ in range(ROUNDS):
        for name, run in runs.items():
            again = 1 if name.startswith("llvm") else max(1, _ENOUGH // size)
            started = time.process_time()
            for _ in range(again):
                run()
            times[name].append((time.process_time() - started) / again)
    return instructions(module), {name: statistics.median(found) for name, found in times.items()}


def main() -> None:
    """Print the table: microseconds, and nanoseconds an instruction, then what one more instruction takes."""
    measured = []
    for size in SIZES:
        count, found = measure(size)
        measured.append((count, found))
        print(f"{count} instructions")
        for name, seconds in found.items():
            each = f"{seconds * 1e9 / count:12,.0f} ns an instruction"
            print(f"  {name:26}{seconds * 1e6:12,.0f} us{each}", flush=True)
    (few, least), (many, most) = measured[1], measured[-1]
    print(f"one instruction more, from {few} to {many}")
    for name in most:
        print(f"  {name:26}{(most[name] - least[name]) * 1e9 / (many - few):12,.0f} ns")


if __name__ == "__main__":
    main()
