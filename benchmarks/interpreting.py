"""Instructions per second of each tier on small kernels. ``python -m benchmarks.interpreting`` prints them.

No kernel has an ``if``, so its fuel is the number of instructions that run (``vm.module.fuel``).
"""

from __future__ import annotations

import statistics
import sys
import time
from collections.abc import Sequence
from typing import Any

from benchmarks.execution import TIERS

KERNELS = {
    "calls": """(module (func $leaf (param i32) (result i32)
        (i32.rotl (i32.xor (local.get 0) (i32.const 77)) (i32.const 5)))
      (func (export "run") (param i32) (result i32) (local i32)
        (loop (local.set 1 (call $leaf (local.get 1)))
          (br_if 0 (local.tee 0 (i32.sub (local.get 0) (i32.const 1)))))
        (local.get 1)))""",
    "integers": """(module (func (export "run") (param i32) (result i32) (local i32)
        (loop (local.set 1 (i32.add (i32.rotl (i32.xor (local.get 1) (local.get 0)) (i32.const 7))
              (i32.mul (local.get 0) (i32.const 0x9e3779b1))))
          (br_if 0 (local.tee 0 (i32.sub (local.get 0) (i32.const 1)))))
        (local.get 1)))""",
    "memory": """(module (memory 1) (func (export "run") (param i32) (result i32) (local i32)
        (loop (local.set 1 (i32.and (i32.add (local.get 1) (i32.const 52)) (i32.const 0xfffc)))
          (i32.store (local.get 1) (i32.add (i32.load (local.get 1)) (local.get 0)))
          (br_if 0 (local.tee 0 (i32.sub (local.get 0) (i32.const 1)))))
        (i32.load (i32.const 52))))""",
    "floats": """(module (func (export "run") (param i32) (result i32) (local f64)
        (loop (local.set 1 (f64.add (f64.mul (local.get 1) (f64.const 0.5))
              (f64.convert_i32_s (local.get 0))))
          (br_if 0 (local.tee 0 (i32.sub (local.get 0) (i32.const 1)))))
        (i32.trunc_f64_s (local.get 1))))""",
}
"""Modules whose export "run" takes a number of rounds."""

ROUNDS = {"reference": 2_000}
"""Rounds of a tier that is slow; others get ``MANY``."""

MANY = 2_000_000


def prepared(kernel: str, tier: str, *, counted: bool = False) -> tuple[Any, Any]:
    """A store and the function "run" in it; ``counted`` makes the store count fuel."""
    from vm.api import Config, Engine, Instance, Module, Store

    config = Config()
    config.tier = tier
    config.consume_fuel = counted
    engine = Engine(config)
    store = Store(engine)
    if counted:
        store.set_fuel(1 << 40)
    return store, Instance(store, Module(engine, KERNELS[kernel]), []).exports(store)["run"]


def instructions(kernel: str, rounds: int) -> int:
    """How many instructions so many rounds run: few are counted, the others are alike."""
    store, run = prepared(kernel, "reference", counted=True)
    spent = []
    for few in (100, 200):
        before = store.get_fuel()
        run(store, few)
        spent.append(before - store.get_fuel())
    once = (spent[1] - spent[0]) // 100
    return int(spent[0] + once * (rounds - 100))


def rate(kernel: str, tier: str) -> float:
    """Instructions per second of processor time, the median of five runs behind a first one."""
    rounds = ROUNDS.get(tier, MANY)
    store, run = prepared(kernel, tier)
    other_store, other = prepared(kernel, "reference")
    if run(store, 500) != other(other_store, 500):
        raise AssertionError(f"{kernel} on {tier}: wrong answer")
    times = []
    for _ in range(6):
        started = time.process_time()
        run(store, rounds)
        times.append(time.process_time() - started)
    return instructions(kernel, rounds) / statistics.median(times[1:])


class Interpreting:
    """Millions of instructions per second."""

    params = (tuple(KERNELS), TIERS)
    param_names = ("kernel", "tier")
    timeout = 60.0

    def track_rate(self, kernel: str, tier: str) -> float:
        """Millions of instructions per second of processor time."""
        return rate(kernel, tier) / 1e6


Interpreting.track_rate.unit = "M/s"  # type: ignore[attr-defined]


def main(tiers: Sequence[str]) -> None:
    """Print the table."""
    print(f"{'M instructions/s':16}" + "".join(f"{tier:>12}" for tier in tiers))
    for kernel in KERNELS:
        print(f"{kernel:16}" + "".join(f"{rate(kernel, tier) / 1e6:12,.1f}" for tier in tiers), flush=True)


if __name__ == "__main__":
    main(sys.argv[1:] or TIERS)
