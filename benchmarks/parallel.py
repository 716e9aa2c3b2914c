"""The parallel compiler: throughput with more workers, a simulation of many, what one function costs.

``python -m benchmarks.parallel`` prints them. On a busy machine two workers may not get two processors, so
beside the wall clock's ratio there is one from processor time: how many workers were busy on average, times
how much more processor time a task took with them.
"""

from __future__ import annotations

import heapq
import itertools
import os
import random
import statistics
import time
from collections.abc import Callable, Iterator
from typing import Any

SMALL = """(func (export "f{i}") (param i32 i32) (result i32)
  (i32.add (i32.mul (local.get 0) (local.get 1))
    (i32.xor (i32.load (i32.and (local.get 0) (i32.const 1020))) (i32.const {i}))))"""
"""A function of ten instructions."""

KERNEL = """(func (export "f{i}") (param i32 i32) (result i32) (local i32 f64)
  (loop (local.set 2 (i32.add (i32.rotl (i32.xor (local.get 2) (i32.const {i})) (i32.const 7))
      (i32.mul (i32.load (i32.and (local.get 0) (i32.const 4092))) (local.get 1))))
    (local.set 3 (f64.add (f64.mul (local.get 3) (f64.const 0.5)) (f64.convert_i32_s (local.get 2))))
    (i32.store (i32.and (local.get 2) (i32.const 4092)) (local.get 0))
    (br_if 0 (local.tee 0 (i32.sub (local.get 0) (i32.const 1)))))
  (i32.add (local.get 2) (i32.trunc_sat_f64_s (local.get 3))))"""
"""A function that takes LLVM some milliseconds."""

TASKS = 64

START_SECONDS = 0.5
"""What starting a worker takes in the simulation."""

TRIP_SECONDS = 0.0003
"""From an answer to the next task, beside what the program's thread does: two messages."""


def module_of(function: str, count: int) -> Any:
    """A decoded module of so many functions that differ in a number."""
    from vm.module.decoder import decode
    from vm.text import wat2wasm

    bodies = "".join(function.format(i=i) for i in range(count))
    return decode(wat2wasm(f"(module (memory 1){bodies})"))


def requests(count: int, level: int) -> list[Any]:
    """So many functions of one module."""
    from vm.config import Config
    from vm.jit.request import Request

    module = module_of(KERNEL, count)
    return [Request(module, (i,), Config(cache_bytes=0), level) for i in range(count)]


def throughput(workers: int, wanted: list[Any]) -> tuple[float, float, float, float]:
    """Seconds for all; processor seconds in workers; how many workers were busy on average; the program's own
    processor seconds. Workers are warm.
    """
    from vm.jit.compiler import Compiler

    compiler = Compiler(workers)
    try:
        for ticket in [compiler.submit(request) for request in wanted * 2]:
            ticket.result()
        before = compiler.stats()
        started, spent = time.monotonic(), time.process_time()
        made = [ticket.result() for ticket in [compiler.submit(request) for request in wanted]]
        seconds, own = time.monotonic() - started, time.process_time() - spent
        busy = sum(
            after["busy"] - earlier["busy"]
            for after, earlier in zip(compiler.stats()["workers"], before["workers"], strict=True)
        )
    finally:
        compiler.close()
    return seconds, sum(artefact.seconds for artefact in made), busy / seconds, own


def scaling(rounds: int, level: int) -> Iterator[tuple[float, float, float, float]]:
    """Of two workers over one, in turns: by the clock, by processor time. The program's and one worker's
    processor seconds a task.
    """
    wanted = requests(TASKS, level)
    for _ in range(rounds):
        one, two = throughput(1, wanted), throughput(2, wanted)
        processor = two[2] / one[2] * one[1] / two[1]
        yield one[0] / two[0], processor, two[3] / TASKS, one[1] / TASKS


def nothing(request: Any) -> Any:
    """A maker (``vm.jit.makers``) of four kilobytes that take no time."""
    from vm.jit.artefact import Artefact, Part

    return Artefact((Part(bytes(4096), request.functions, request.functions),))


def messages(rounds: int, tasks: int = 2_000) -> float:
    """The program's processor seconds a task when there is nothing to wait for, as with many workers: four
    give back tasks at once. The median of so many rounds.
    """
    from vm.jit.compiler import Compiler
    from vm.records import replace

    request = replace(requests(1, 3)[0], kind="benchmarks.parallel:nothing")
    compiler = Compiler(4)
    spent = []
    try:
        for _ in range(rounds):
            started = time.process_time()
            for ticket in [compiler.submit(request) for _ in range(tasks)]:
                ticket.result()
            spent.append((time.process_time() - started) / tasks)
    finally:
        compiler.close()
    return statistics.median(spent)


def ending(_: Any) -> Any:
    """A maker that ends its worker, as an assertion of LLVM does."""
    os.abort()


def crash(others: int = 20) -> tuple[int, int, int, str]:
    """With one worker: how often a task is tried that ends it, how many others are made all the same, how
    often the worker was started, and what is said of the task.
    """
    from vm.errors import CompileError
    from vm.jit.compiler import Compiler
    from vm.records import replace

    (request,) = requests(1, 3)
    compiler = Compiler(1)
    try:
        fatal = compiler.submit(replace(request, kind="benchmarks.parallel:ending"))
        made = [ticket.result() for ticket in [compiler.submit(request) for _ in range(others)]]
        try:
            fatal.result()
        except CompileError as error:
            said = str(error)
        (worker,) = compiler.stats()["workers"]
    finally:
        compiler.close()
    return worker["crashes"], len(made), worker["starts"], said


class Simulation:
    """The compiler's own decisions (``vm.jit.dispatch``) on a simulated clock, with simulated workers.

    The program's thread does one thing at a time: ``own`` seconds a task go to messages, and what its
    decisions really take is added as they are made, if that is ``measured``.
    """

    def __init__(self, workers: int, durations: list[float], own: float, *, measured: bool) -> None:
        from vm.jit.dispatch import Dispatcher

        self.now = self.free = 0.0
        self.durations = durations
        self.own = own
        self.measured = measured
        self.finished = 0
        self._numbers = itertools.count()
        self._events: list[tuple[float, int, Callable[[], None]]] = []
        self._dispatcher: Dispatcher[int] = Dispatcher(workers, self, lambda: self.now)

    def start(self, worker: int) -> None:
        """A worker is there after a while."""
        self._later(self.free + START_SECONDS, lambda: self._dispatcher.ready(worker))

    def send(self, worker: int, work: int) -> None:
        """It has done it after a while."""
        self.free += self.own
        self._later(self.free + TRIP_SECONDS + self.durations[work], lambda: self._answered(worker))

    def give_up(self, work: int, why: str) -> None:
        """No simulated worker fails."""
        raise AssertionError(f"{work}: {why}")

    def _answered(self, worker: int) -> None:
        self._dispatcher.answered(worker)
        self.finished += 1

    def _later(self, when: float, what: Callable[[], None]) -> None:
        heapq.heappush(self._events, (when, next(self._numbers), what))

    def run(self) -> float:
        """The efficiency: the work over what all workers could have done from when the first was ready."""
        from vm.jit.scheduler import Priority

        for work in range(len(self.durations)):
            self._dispatcher.submit(work, Priority(work % len(Priority)))
        self._dispatcher.feed()
        self.free = 0.0
        while self._events:
            when, _, what = heapq.heappop(self._events)
            self.now = self.free = max(when, self.free)
            started = time.thread_time()
            what()
            self._dispatcher.feed()
            if self.measured:
                self.free += time.thread_time() - started
        assert self.finished == len(self.durations)
        return sum(self.durations) / len(self._dispatcher.workers) / (self.now - START_SECONDS)


def efficiency(workers: int, own: float, mean: float, tasks: int = 10_000, *, measured: bool = True) -> float:
    """Of so many workers, with tasks of a log-normal duration of ``mean`` seconds."""
    chosen = random.Random(workers)
    spread = 1.0
    durations = [chosen.lognormvariate(0, spread) for _ in range(tasks)]
    scale = mean * tasks / sum(durations)
    return Simulation(workers, [duration * scale for duration in durations], own, measured=measured).run()


def disturbance(rounds: int, waiting: int = 10_000) -> float:
    """What a program's own thread needs for its work while so many tasks wait, over what it needs without:
    the median of so many pairs, in processor time. Half of the work is Python, half compiled code.
    """
    from benchmarks.interpreting import prepared
    from vm.jit.compiler import Compiler
    from vm.jit.scheduler import Priority

    store, run = prepared("integers", "llvm")
    run(store, 1000)

    def work() -> float:
        started = time.thread_time()
        for _ in range(20):
            run(store, 2_000_000)
            sum(number * number for number in range(50_000))
        return time.thread_time() - started

    (request,) = requests(1, 3)
    compiler = Compiler(1)
    ratios = []
    try:
        compiler.submit(request).result()
        for _ in range(rounds):
            alone = work()
            tickets = [compiler.submit(request, Priority.LOW) for _ in range(waiting)]
            ratios.append(work() / alone)
            for ticket in tickets:
                ticket.cancel()
    finally:
        compiler.close()
    return statistics.median(ratios)


def small_function(level: int, together: int, rounds: int) -> float:
    """Processor seconds for a function of ten instructions, of so many compiled together: the median."""
    from vm.config import Config
    from vm.jit.makers import make
    from vm.jit.request import Request

    module = module_of(SMALL, together)
    request = Request(module, tuple(range(together)), Config(), level)
    return statistics.median(make(request).seconds for _ in range(rounds)) / together


class Parallel:
    """What deciding costs the program's thread."""

    timeout = 60.0

    def track_decision(self) -> float:
        """Microseconds of processor time to decide about a task, with 64 workers and 5,000 tasks."""
        count = 5_000
        simulation = Simulation(64, [0.02] * count, 0.0, measured=False)
        started = time.process_time()
        simulation.run()
        return 1e6 * (time.process_time() - started) / count


Parallel.track_decision.unit = "us"  # type: ignore[attr-defined]


def main() -> None:
    """Print the tables."""
    print(f"{os.cpu_count()} processors, load {os.getloadavg()[0]:.1f}; a function of ten instructions:")
    for level, name in ((0, "level 0 (tier 2)"), (1, "level 1"), (3, "level 3 (tier 3)")):
        costs = ", ".join(f"{n}: {1e6 * small_function(level, n, 31):.0f} us" for n in (1, 8, 64))
        print(f"  {name}, where so many are compiled together: {costs}")
    print(f"a program's own work while 10,000 tasks wait: {disturbance(7):.2f} times what it is without")
    tries, made, starts, said = crash()
    print(f"a task that ends its worker is tried {tries} times, then left ({said});")
    print(f"  the worker was started {starts} times, and {made} other tasks were made")
    found = list(scaling(5, 3))
    clock, processor, own, mean = (statistics.median(column) for column in zip(*found, strict=True))
    print(f"two workers over one: {clock:.2f} by the clock, {processor:.2f} by processor time")
    busy = messages(7)
    print(f"processor time a task: the worker's {1e3 * mean:.1f} ms, the program's own {1e6 * own:.0f} us,")
    print(f"  {1e6 * busy:.0f} us when it is always busy, as with many workers; with that:")
    for seconds in sorted((mean, 0.02, 0.05)):
        line = ", ".join(f"{n}: {efficiency(n, busy, seconds):.3f}" for n in (1, 2, 8, 16, 32, 64))
        print(f"efficiency of simulated workers, tasks of {1e3 * seconds:.1f} ms on average: {line}")


if __name__ == "__main__":
    main()
