"""What instances cost while they wait: memory of a process that holds a thousand of them."""

from __future__ import annotations

import os
import subprocess
import sys

from benchmarks.execution import TIERS

INSTANCES = 1_000

TEXT = """(module (memory (export "memory") 1) (table 10 funcref) (global (mut i32) (i32.const 0))
  (data (i32.const 1024) "five") (elem (i32.const 0) $f)
  (func $f (export "f") (result i32) (i32.load8_u (i32.const 1024))))"""
"""A module with a memory of 64 KiB, as small programs have."""


class Idle:
    """A thousand instances of one module, each in a store of its own, each called once."""

    params = TIERS
    param_names = ("tier",)
    timeout = 60.0

    def track_resident(self, tier: str) -> float:
        """Bytes of memory that the whole process has, the engine and Python included."""
        command = [sys.executable, "-m", "benchmarks.instances", tier]
        folder = os.path.dirname(os.path.dirname(os.path.abspath(__file__)))
        printed = subprocess.run(command, cwd=folder, capture_output=True, text=True, check=True).stdout
        return float(printed)


Idle.track_resident.unit = "bytes"  # type: ignore[attr-defined]


def main(tier: str) -> None:
    """Make the instances, and print the process's resident bytes."""
    from vm.api import Config, Engine, Instance, Module, Store

    config = Config()
    config.tier = tier
    engine = Engine(config)
    module = Module(engine, TEXT)
    kept = []
    for _ in range(INSTANCES):
        store = Store(engine)
        instance = Instance(store, module, [])
        function = instance.exports(store)["f"]
        if function(store) != ord("f"):  # type: ignore[operator]
            raise AssertionError("an instance gave a wrong answer")
        kept.append((store, instance))
    with open("/proc/self/statm") as file:
        resident = int(file.read().split()[1])
    print(resident * os.sysconf("SC_PAGE_SIZE"))


if __name__ == "__main__":
    main(sys.argv[1])
