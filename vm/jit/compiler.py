"""The parallel compiler's face: submit a request, get a ticket.

compiler = compiler_of(config)
ticket = compiler.submit(Request(module, (3,), config, level=2), Priority.HIGH)
ticket.add_done_callback(lambda ticket: install(ticket.result()))
"""

from __future__ import annotations

import atexit
import os

from vm.config import Config
from vm.jit import library
from vm.jit.artefact import Artefact
from vm.jit.objects import objects
from vm.jit.pool import Pool
from vm.jit.request import Request
from vm.jit.scheduler import Priority
from vm.jit.ticket import Ticket
from vm.native.code import Costs
from vm.once import once
from vm.typed import Any


class Compiler:
    """Compiles in processes of its own, ``workers`` at most, started when there is work."""

    def __init__(self, workers: int) -> None:
        self._pool = Pool(workers)
        self.afterwards = 0
        """Seconds that workers may go on after the program's end, to keep what is wanted then."""
        atexit.register(self._at_exit)

    def submit(self, request: Request, priority: Priority = Priority.NORMAL, cost: float = 0.0) -> Ticket:
        """Have code made, which is expected to take ``cost`` seconds, or found on disk; returns at once."""
        ticket = Ticket(request, self._pool, cost)
        self._pool.submit(ticket, priority)
        return ticket

    def stats(self) -> dict[str, Any]:
        """What has been done so far (``vm.jit.statistics.Statistics.report``)."""
        return self._pool.stats()

    def close(self) -> None:
        """End the workers; what is not done fails. At the program's end this happens by itself."""
        atexit.unregister(self._at_exit)
        self._pool.close()

    def _at_exit(self) -> None:
        self._pool.close(self.afterwards)


def compile_now(request: Request, costs: Costs | None = None) -> Artefact:
    """The same in this process, which waits for it."""
    return library.obtain(request, costs or Costs())


def usable_processors() -> int:
    """How many processors this process may use."""
    return len(os.sched_getaffinity(0))


def compiler_of(config: Config) -> Compiler:
    """The process's compiler with as many workers as the configuration says."""
    compiler = _compiler(config.compile_workers or max(1, usable_processors() - 1))
    if objects(config).most:  # else nothing would be kept
        compiler.afterwards = config.compile_afterwards
    return compiler


@once
def _compiler(workers: int) -> Compiler:
    return Compiler(workers)
