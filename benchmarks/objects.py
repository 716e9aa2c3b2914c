"""Managed objects: making them and collecting, under asv; figures by ``python -m benchmarks.objects``.

    trees        binary trees built and walked: nodes a second, collections included
    collection   one collection against the bytes that are alive, in nodes of two references

Times are of the thread's processor, so that a busy machine counts little.
"""

from __future__ import annotations

import argparse
import sys
import time
from typing import Any

TREES = """(module
  (type $node (struct (field (mut (ref null $node))) (field (mut (ref null $node)))))
  (global $kept (mut (ref null $node)) (ref.null $node))
  (func $make (param $depth i32) (result (ref $node))
    (if (result (ref $node)) (i32.eqz (local.get $depth))
      (then (struct.new_default $node))
      (else (struct.new $node
        (call $make (i32.sub (local.get $depth) (i32.const 1)))
        (call $make (i32.sub (local.get $depth) (i32.const 1)))))))
  (func $check (param $tree (ref null $node)) (result i32)
    (if (result i32) (ref.is_null (local.get $tree))
      (then (i32.const 0))
      (else (i32.add (i32.const 1) (i32.add
        (call $check (struct.get $node 0 (local.get $tree)))
        (call $check (struct.get $node 1 (local.get $tree))))))))
  (func (export "keep") (param i32) (global.set $kept (call $make (local.get 0))))
  (func (export "churn") (param $times i32) (param $depth i32) (result i32) (local $sum i32)
    (loop $again
      (local.set $sum (i32.add (local.get $sum) (call $check (call $make (local.get $depth)))))
      (br_if $again (local.tee $times (i32.sub (local.get $times) (i32.const 1)))))
    (local.get $sum)))"""

NODE_BYTES = 16
DEPTH = 9
LIVE_DEPTHS = (15, 18, 20, 22)
"""Depths of a whole tree that is alive: 1, 8, 34 and 134 MB."""


class Program:
    """The module above in a store of its own."""

    def __init__(self) -> None:
        try:
            from vm import api

            config = api.Config()
            config.max_heap_bytes = 1 << 31
            self.store = api.Store(api.Engine(config))
            module = api.Module(self.store.engine, TREES)
        except Exception as missing:  # an older commit, of which nothing else is known
            raise NotImplementedError(f"no managed objects here: {missing}") from missing
        self.functions = api.Instance(self.store, module, []).exports(self.store)

    def churn(self, times: int, depth: int) -> int:
        """Build and walk ``times`` trees; the nodes, which are counted right or it is an error."""
        nodes: int = times * ((2 << depth) - 1)
        found = self.functions["churn"](self.store, times, depth)
        assert found == nodes, f"{found} nodes instead of {nodes}"
        return nodes

    def keep(self, depth: int) -> None:
        """Keep a tree alive."""
        self.functions["keep"](self.store, depth)


class Allocate:
    """Processor time for 200,000 nodes in trees of 1,023, with nothing else alive."""

    timer = time.process_time

    def setup(self) -> None:
        """Compile, and check the answer."""
        self.program = Program()
        self.program.churn(10, DEPTH)

    def time_trees(self) -> None:
        """Seconds."""
        self.program.churn(200, DEPTH)


class Collect:
    """Processor time for one collection of a heap with 1 MB alive."""

    timer = time.process_time

    def setup(self) -> None:
        """Make what is alive."""
        self.program = Program()
        self.program.keep(LIVE_DEPTHS[0])
        self.program.store.gc()

    def time_collection(self) -> None:
        """Seconds."""
        self.program.store.gc()


def _seconds(work: Any) -> float:
    started = time.thread_time()
    work()
    return time.thread_time() - started


def main() -> int:
    """Print the figures."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--rounds", type=int, default=5, help="the best of so many is printed")
    rounds = parser.parse_args().rounds
    program = Program()
    program.churn(10, DEPTH)
    for times, depth in ((2_000, DEPTH), (8, 17)):
        seconds = min(_seconds(lambda t=times, d=depth: program.churn(t, d)) for _ in range(rounds))
        nodes = times * ((2 << depth) - 1)
        rate, each = nodes / seconds / 1e6, 1e9 * seconds / nodes
        print(f"trees of depth {depth:2}: {rate:6.1f} M nodes/s, {each:5.1f} ns each")
    for depth in LIVE_DEPTHS:
        program.keep(depth)
        program.store.gc()
        seconds = min(_seconds(program.store.gc) for _ in range(rounds))
        alive = program.store.heap_stats()["live_objects"]
        print(
            f"collection, {alive * NODE_BYTES / 1e6:6.1f} MB alive: {1e3 * seconds:7.2f} ms, "
            f"{1e9 * seconds / alive:5.1f} ns an object"
        )
    return 0


if __name__ == "__main__":
    sys.exit(main())
