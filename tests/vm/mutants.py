"""Damaged programs, run on every tier: ``python -m tests.vm.mutants --count 2000 --seed 1``.

Valid modules (``tests.vm.seeds``) are damaged at random (``tests.vm.mutation``). Whatever still passes
validation is instantiated and its exports are called, on each tier; the process must not crash, tiers must
agree, and nothing but the engine's own errors may come out. A program that runs on is stopped as a person
would stop it, by SIGINT, again and again: what is in a finaliser at that moment swallows one. Mutants run in
processes of their own, with limits (``tests.vm.campaign``); one that ends its process, hangs or is answered
wrongly is named, and ``--first N --count 1`` repeats it.
"""

from __future__ import annotations

import argparse
import contextlib
import os
import random
import resource
import signal
import sys
import threading
from collections.abc import Sequence
from pathlib import Path

from tests.vm.campaign import FINE, MEMORY, Campaign
from tests.vm.engines import binary, store
from tests.vm.mutation import mutate
from tests.vm.seeds import families
from vm.errors import Trap, TrapCode, VMError, WasmError
from vm.isa.types import DefType, ExternType, GlobalType, MemoryType, TableType, TagType, ValType
from vm.module.decoder import decode
from vm.module.instructions import read
from vm.module.model import ModuleData
from vm.module.validator import validate_module
from vm.runtime.functions import Function
from vm.runtime.instance import Extern
from vm.runtime.instantiate import instantiate
from vm.runtime.store import Store
from vm.tiers import TIERS

SEEDS = (
    """(module (import "e" "h" (func $h (param i32) (result i32))) (import "e" "g" (global $i i32))
      (memory (export "m") 1 3) (data (i32.const 8) "abcdefgh") (data $p "xyz")
      (global $g (mut i64) (i64.const 5))
      (func (export "a") (param i32 i32) (result i32) (local i32)
        (block (loop (br_if 1 (i32.ge_u (local.get 2) (i32.and (local.get 1) (i32.const 63))))
          (i32.store8 offset=3 (local.get 2) (call $h (local.get 0)))
          (local.set 2 (i32.add (local.get 2) (i32.const 1))) (br 0)))
        (i32.add (i32.load offset=2 (local.get 0)) (memory.grow (i32.const 1))))
      (func (export "b") (param i32) (memory.init $p (local.get 0) (i32.const 0) (i32.const 3)) (data.drop $p)
        (memory.copy (local.get 0) (i32.const 8) (i32.const 8))
        (memory.fill (i32.const 1) (i32.const 7) (local.get 0))
        (global.set $g (i64.add (global.get $g) (i64.extend_i32_u (memory.size))))))""",
    """(module (type $t (func (param i32) (result i32))) (table $t 4 9 funcref) (table $x 2 externref)
      (elem (i32.const 0) $p $q) (elem $e func $q $p)
      (func $p (type $t) (i32.mul (local.get 0) (i32.const 3)))
      (func $q (type $t) (if (result i32) (i32.gt_s (local.get 0) (i32.const 9))
        (then (i32.const 1)) (else (call $q (i32.add (local.get 0) (i32.const 1))))))
      (func (export "a") (param i32) (result i32)
        (call_indirect $t (type $t) (local.get 0) (i32.and (local.get 0) (i32.const 3))))
      (func (export "b") (param i32 i32) (result i32)
        (table.init $t $e (i32.const 2) (i32.const 0) (i32.const 2))
        (table.copy $t $t (local.get 0) (local.get 1) (i32.const 2)) (elem.drop $e)
        (table.set $x (i32.const 1) (table.get $x (i32.const 0)))
        (i32.add (table.size $t) (table.grow $t (ref.func $p) (i32.const 1))))
      (func (export "c") (param i32) (result i32) (block (block (block
        (br_table 0 1 2 (local.get 0))) (return (i32.const 10))) (return (i32.const 20))) (i32.const 30)))""",
    """(module (func (export "a") (param f64 f32 i64) (result f64)
        (f64.add (f64.sqrt (local.get 0))
          (f64.promote_f32 (f32.min (local.get 1) (f32.convert_i64_s (local.get 2))))))
      (func (export "b") (param i64 i64) (result i64) (i64.rotl (i64.div_s (local.get 0) (local.get 1))
        (i64.popcnt (i64.xor (local.get 0) (local.get 1)))))
      (func (export "c") (param f32 i32) (result i32 i32) (i32.trunc_sat_f32_u (local.get 0))
        (i32.shr_s (i32.clz (local.get 1)) (i32.rem_u (local.get 1) (i32.const 7))))
      (func (export "d") (param f64) (result f64)
        (f64.nearest (f64.neg (local.get 0)))))""",
)
"""Between them they use every section and every kind of instruction but vectors."""

PATIENCE = 0.5
"""Seconds that one mutant may take on one tier, and between one SIGINT and the next."""

_ENDS = {TrapCode.STACK_OVERFLOW, TrapCode.INTERRUPT}
"""Traps that depend on time and room, so that tiers need not agree on them."""

_NAN_BITS = {f"{type}.{name}" for type in ("f32", "f64") for name in ("copysign", "store")}
_NAN_BITS |= {"i32.reinterpret_f32", "i64.reinterpret_f64"}

_NAN_LANES = ("f32x4.", "f64x2.", "i32x4.relaxed", "i16x8.relaxed", "i8x16.relaxed", "i32x4.dot", "v128.")
"""Vectors go out as bits, and what relaxed instructions give is the machine's to choose."""

_VALUES = {
    ValType.I32: 3,
    ValType.I64: 1 << 40 | 7,
    ValType.F32: 0x40490FDB,
    ValType.F64: 0xC000_0000_0000_0001,
}


class Undetermined(Exception):
    """The mutant's end depends on time or room, so that tiers need not agree on it."""


def outcome(tier: str, module: ModuleData, knobs: dict[str, object]) -> list[object]:
    """What instantiation, then every exported function gave; Undetermined where tiers may differ."""
    runtime = store(tier, max_memory_pages=64, max_table_elements=1000, **knobs)
    try:
        instance = instantiate(runtime, module, [_import(runtime, entry.type) for entry in module.imports])
        found: list[object] = ["instance"]
        for name, extern in instance.exports().items():
            if isinstance(extern, Function):
                args = [_VALUES.get(type, 0) for type in extern.type.params]
                found.append((name, _attempt(runtime, extern, args)))
        if instance.memories:
            found.append(hash(bytes(instance.memories[0].view)))
    except VMError as error:
        return [_reason(error)]
    return found


def _attempt(runtime: Store, function: Function, args: list[int]) -> object:
    try:
        results = runtime.call(function, args)
    except VMError as error:
        return _reason(error)
    return [_canonical(type, bits) for type, bits in zip(function.type.results, results, strict=True)]


def _reason(error: VMError) -> object:
    if isinstance(error, Trap):
        if error.code in _ENDS:
            raise Undetermined
        return str(error.code)
    return f"{type(error).__name__}: {error}"


def _canonical(type: ValType, bits: int) -> object:
    """NaNs are all alike, and references only null or not: the specification leaves the rest open."""
    if type.is_ref:
        return bits != 0
    exponent, rest = {ValType.F32: (0xFF << 23, 0x7F_FFFF), ValType.F64: (0x7FF << 52, (1 << 52) - 1)}.get(
        type, (0, 0)
    )
    return "nan" if exponent and bits & exponent == exponent and bits & rest else bits


def _import(runtime: Store, type: ExternType) -> Extern:
    match type:
        case DefType():
            results = type.func.results
            return runtime.host_function(type, lambda args: [1] * len(results))
        case TableType():
            return runtime.table(type)
        case MemoryType():
            return runtime.memory(type)
        case GlobalType():
            return runtime.global_(type, 0)
        case TagType():
            return runtime.tag(type)


def judge(data: bytes, knobs: dict[str, object]) -> str:
    """Run one mutant everywhere; what became of it. AssertionError when tiers disagree."""
    try:
        module = decode(data, lazy=True)  # so that modules run of which only some bodies are valid
        validate_module(module)
    except WasmError:
        return "refused"
    outcomes = {}
    for tier in TIERS:
        over = threading.Event()
        watch = threading.Thread(target=_interrupt_until, args=(over,))
        _running[:] = [over]
        try:
            watch.start()
            outcomes[tier] = outcome(tier, module, knobs)
        except Undetermined:
            return "undetermined"
        finally:
            _stop(over, watch)
    if _shows_nan_bits(module):
        return "incomparable"
    assert len({repr(found) for found in outcomes.values()}) == 1, outcomes
    return "ran"


def _shows_nan_bits(module: ModuleData) -> bool:
    """Whether code can show a NaN's sign and payload, which the specification leaves open."""
    for number in range(len(module.bodies)):
        with contextlib.suppress(WasmError):  # what is malformed does not run
            body = module.bodies[number]
            at = body.start
            while at < body.end:
                opcode, _, at = read(module.binary, at)
                if opcode.name in _NAN_BITS or opcode.name.startswith(_NAN_LANES):
                    return True
    return False


_running: list[threading.Event] = []
"""The event of the mutant that may be interrupted; a watch that nobody could stop ends itself by it."""


def _interrupt_until(over: threading.Event) -> None:
    while not over.wait(PATIENCE) and _running == [over]:
        os.kill(os.getpid(), signal.SIGINT)


def _stop(over: threading.Event, watch: threading.Thread) -> None:
    """No signal comes behind this; one that comes now is as good as none."""
    while watch.is_alive():
        with contextlib.suppress(KeyboardInterrupt):
            over.set()
            watch.join()


def mutant(seed: int, number: int, sources: Sequence[str]) -> tuple[bytes, dict[str, object]]:
    """Mutant ``number`` of ``seed``, and the knobs it is run with: always the same for the same arguments."""
    rng = random.Random(f"{seed}/{number}")
    knobs: dict[str, object] = {
        "memory_guard": rng.choice(("guard", "checked")),
        "opt_level": rng.choice((0, 0, 0, 2, 3)),
    }
    return mutate(rng.choice(rng.choice(families(SEEDS, sources))), rng), knobs


def work(seed: int, numbers: range, sources: Sequence[str]) -> None:
    """Judge mutants in a process of their own; says which one begins, how it ended, and the peak in MiB."""
    resource.setrlimit(resource.RLIMIT_DATA, (MEMORY, MEMORY))
    signal.signal(signal.SIGINT, signal.default_int_handler)  # a shell's background job would ignore it
    for tier in TIERS:  # what a process makes once, and would never finish between two interrupts
        for guard in ("guard", "checked"):
            for text in SEEDS:
                outcome(tier, decode(binary(text)), {"memory_guard": guard})
    for number in numbers:
        data, knobs = mutant(seed, number, sources)
        print(f"begin {number}", flush=True)
        try:
            end = judge(data, knobs)
        except KeyboardInterrupt:
            end = "stopped"
        except BaseException as error:
            end = "WRONG " + " ".join(f"{type(error).__name__}: {error}".split())[:2000]
        _running.clear()
        print(f"end {resource.getrusage(resource.RUSAGE_SELF).ru_maxrss >> 10} {end}", flush=True)


def main(argv: Sequence[str] | None = None) -> int:
    """The command: 1 when a mutant crashed, hung, or was answered wrongly."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--count", type=int, default=2000)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--first", type=int, default=0, help="the first mutant's number (to repeat one)")
    parser.add_argument("--from", dest="sources", default="own,suite", help="of own, suite, real")
    parser.add_argument("--jobs", type=int, default=1)
    parser.add_argument("--minutes", type=float, default=1e6, help="begin no mutant after so long")
    parser.add_argument("--save", type=Path, help="a folder for the modules that went wrong")
    parser.add_argument("--worker", help=argparse.SUPPRESS)
    options = parser.parse_args(argv)
    sources = tuple(options.sources.split(","))
    if options.worker:
        work(options.seed, range(*map(int, options.worker.split(","))), sources)
        return 0
    numbers = range(options.first, options.first + options.count)
    campaign = Campaign(options.seed, numbers, options.sources, options.jobs, options.minutes)
    for number, end in campaign.wrong():
        data, knobs = mutant(options.seed, number, sources)
        print(f"mutant {number} of seed {options.seed}, {knobs}: {end}", flush=True)
        if options.save:
            options.save.mkdir(parents=True, exist_ok=True)
            (options.save / f"{options.seed}-{number}.wasm").write_bytes(data)
    for end, count in campaign.ends.most_common():
        print(f"{count:8}  {end}")
    print(f"peak resident memory: {campaign.peak} MiB")
    return int(any(end not in FINE for end in campaign.ends))


if __name__ == "__main__":
    sys.exit(main())
