"""Runs mutants in processes that may die: watches them, notes what they died of, and goes on behind it.

A worker says ``begin N`` before mutant N and ``end MIB OUTCOME`` after it. One that says nothing for longer
than ``PATIENCE`` is stopped and the mutant counts as hanging; one that is gone took its mutant's fault along.
"""

from __future__ import annotations

import os
import selectors
import signal
import subprocess
import sys
import time
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass

from rich.console import Console
from rich.progress import Progress

from tests.conftest import ROOT

MEMORY = 3 << 30
"""Bytes of private memory that a worker may have."""

PATIENCE = 180.0
"""Seconds without a word after which a worker counts as hanging; a mutant has half a second on each tier,
and reading the seeds takes ten seconds or, on a busy machine, a minute."""

FINE = {"refused", "ran", "undetermined", "incomparable", "stopped"}
"""Ends that need no attention."""


@dataclass
class _Worker:
    process: subprocess.Popen[bytes]
    numbers: range
    now: int
    heard: float
    rest: bytes = b""


class Campaign:
    """Mutants ``numbers`` of ``seed``; ``ends`` counts their ends, ``peak`` is the largest worker in MiB."""

    def __init__(self, seed: int, numbers: range, sources: str, jobs: int, minutes: float) -> None:
        self.ends: Counter[str] = Counter()
        self.peak = 0
        self._seed, self._sources = seed, sources
        self._parts = [numbers[first::jobs] for first in range(jobs) if numbers[first::jobs]]
        self._total = len(numbers)
        self._over = time.monotonic() + minutes * 60
        self._selector = selectors.DefaultSelector()

    def wrong(self) -> Iterator[tuple[int, str]]:
        """Run them all; yields number and end of each that needs attention, as it comes."""
        workers = [self._start(part) for part in self._parts]
        console = Console(stderr=True)
        with Progress(console=console, disable=not console.is_terminal) as progress:
            task = progress.add_task("mutants", total=self._total)
            try:
                while workers and time.monotonic() < self._over:
                    for worker in self._ready(workers):
                        yield from self._hear(worker, workers)
                    progress.update(task, completed=self.ends.total())
            finally:
                for worker in workers:
                    self._stop(worker)

    def _start(self, numbers: range) -> _Worker:
        span = f"{numbers.start},{numbers.stop},{numbers.step}"
        command = [sys.executable, "-m", "tests.vm.mutants", "--seed", str(self._seed), "--worker", span]
        process = subprocess.Popen(
            [*command, "--from", self._sources], cwd=ROOT, stdout=subprocess.PIPE, stderr=subprocess.PIPE
        )
        assert process.stdout is not None
        worker = _Worker(process, numbers, numbers.start, time.monotonic())
        self._selector.register(process.stdout, selectors.EVENT_READ, worker)
        return worker

    def _stop(self, worker: _Worker) -> bytes:
        """End a worker; what it wrote to stderr."""
        assert worker.process.stdout is not None
        self._selector.unregister(worker.process.stdout)
        worker.process.kill()
        return worker.process.communicate()[1]

    def _ready(self, workers: list[_Worker]) -> list[_Worker]:
        heard = [key.data for key, _ in self._selector.select(timeout=1)]
        return heard + [w for w in workers if w not in heard and time.monotonic() - w.heard > PATIENCE]

    def _hear(self, worker: _Worker, workers: list[_Worker]) -> Iterator[tuple[int, str]]:
        assert worker.process.stdout is not None
        if time.monotonic() - worker.heard > PATIENCE:
            yield from self._lost(worker, workers, "HANGING")
            return
        data = os.read(worker.process.stdout.fileno(), 1 << 16)
        worker.heard = time.monotonic()
        if not data:
            code = worker.process.wait()
            if code == 0:
                workers.remove(worker)
                self._stop(worker)
            else:
                name = signal.Signals(-code).name if code < 0 else f"exit {code}"
                yield from self._lost(worker, workers, f"CRASH {name}")
            return
        *lines, worker.rest = (worker.rest + data).split(b"\n")
        for line in lines:
            word, _, rest = line.decode(errors="replace").partition(" ")
            if word == "begin":
                worker.now = int(rest)
            elif word == "end":
                memory, _, end = rest.partition(" ")
                self.peak = max(self.peak, int(memory))
                self.ends[end.partition(" ")[0]] += 1
                if end not in FINE:
                    yield worker.now, end

    def _lost(self, worker: _Worker, workers: list[_Worker], end: str) -> Iterator[tuple[int, str]]:
        """A worker is no good any more: blame its mutant, go on behind it."""
        said = self._stop(worker).decode(errors="replace").strip()[-1500:]
        workers.remove(worker)
        self.ends[end.partition(" ")[0]] += 1
        rest = range(worker.now + worker.numbers.step, worker.numbers.stop, worker.numbers.step)
        if rest:
            workers.append(self._start(rest))
        yield worker.now, f"{end}: {said}"
