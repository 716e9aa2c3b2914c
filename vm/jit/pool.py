"""Workers that are processes: a thread of the program feeds them, and takes what they give.

Nothing is started before there is something to do that is not on disk. A worker without work for
``IDLE_SECONDS`` is ended. The program's end, however it comes, closes the sockets, whereupon workers end
themselves; a forked child knows nothing of them, and starts its own.
"""

from __future__ import annotations

import selectors
import socket
import threading
import time
import weakref
from collections.abc import Callable
from contextlib import suppress

from vm.errors import CompileError, VMError
from vm.events import Fact, note
from vm.jit import faults
from vm.jit.arrivals import Arrivals
from vm.jit.artefact import Artefact
from vm.jit.dispatch import ATTEMPTS, Dispatcher, Status
from vm.jit.forking import tell_of_forks
from vm.jit.library import find
from vm.jit.nursery import Nursery
from vm.jit.process import Process
from vm.jit.scheduler import Priority, Task
from vm.jit.statistics import Statistics
from vm.jit.ticket import Ticket
from vm.module.model import ModuleData
from vm.typed import Any

IDLE_SECONDS = 60.0
"""How long a worker without work stays."""

TASK_SECONDS = 300.0
"""How long a task may take. LLVM's time is bounded (``vm.tiers.llvm.effort``), to far less than this."""

START_SECONDS = 60.0
"""How long a worker's start may take."""

_LOOK_SECONDS = 1.0

_LEFT = 64
"""Tickets that a worker is left with, at most, when the program ends."""

_AT_ONCE = 64
"""Tickets that are looked for on disk before somebody looks at what workers say."""


class Pool:
    """So many ``workers`` (``vm.jit.dispatch.Hands``). Everything here may be called by any thread."""

    def __init__(self, workers: int) -> None:
        self._size = workers
        self._reset()
        tell_of_forks(self)

    def _reset(self) -> None:
        """Begin anew, without processes."""
        self._lock = threading.RLock()  # a finalizer or a signal's handler may withdraw what it has submitted
        self._settling = threading.RLock()
        self._dispatcher: Dispatcher[Ticket] = Dispatcher(self._size, self, time.monotonic)
        self.statistics = Statistics(self._dispatcher)
        self._arrived = Arrivals()
        self._tasks: dict[Ticket, Task[Ticket]] = {}
        self._settled: list[tuple[Ticket, Artefact | VMError]] = []
        self._processes: dict[int, Process] = {}
        self._nursery: Nursery | None = None
        self._numbers: weakref.WeakKeyDictionary[ModuleData, int] = weakref.WeakKeyDictionary()
        self._next_number = 0
        self._selector = selectors.DefaultSelector()
        self._wake, self._woken = socket.socketpair()
        self._woken.setblocking(False)
        self._selector.register(self._woken, selectors.EVENT_READ)
        self._awake = self._closing = False
        self._afterwards = 0
        self._thread: threading.Thread | None = None

    def submit(self, ticket: Ticket, priority: Priority) -> None:
        """Take a ticket: it is settled later, by the pool's thread."""
        with self._lock:
            if self._closing:
                raise CompileError("the compiler has been closed")
            if self._thread is None:
                self._thread = _started(self._run)
            self._arrived.add(ticket, priority)
            self._rouse()

    def _rouse(self) -> None:
        if not self._awake:
            self._awake = True
            self._wake.send(b"!")

    def withdraw(self, ticket: Ticket) -> bool:
        """Take a ticket back that nobody works on yet; whether that was possible."""
        with self._lock:
            if self._arrived.remove(ticket) is None:
                task = self._tasks.get(ticket)
                if task is None or not self._dispatcher.queue.remove(task):
                    return False
                del self._tasks[ticket]
            self.statistics.cancelled += 1
            self._note("cancelled", ticket)
            return True

    def _note(self, kind: str, ticket: Ticket, **facts: Fact) -> None:
        """Tell who listens, with the lock held."""
        note(kind, waiting=len(self._dispatcher.queue), **ticket.request.facts(), **facts)

    def change(self, ticket: Ticket, priority: Priority) -> bool:
        """Give a ticket another priority; False if it is being worked on, or settled."""
        with self._lock:
            if self._arrived.remove(ticket) is not None:
                self._arrived.add(ticket, priority)
                return True
            task = self._tasks.get(ticket)
            return task is not None and self._dispatcher.queue.change(task, priority)

    def stats(self) -> dict[str, Any]:
        """See ``vm.jit.statistics.Statistics.report``; workers have a ``process``, all a ``parent``."""
        with self._lock:
            report = self.statistics.report()
            report["parent"] = self._nursery.number if self._nursery is not None else None
            for number, process in self._processes.items():
                if process.number:
                    report["workers"][number]["process"] = process.number
            return report

    def close(self, afterwards: int = 0) -> None:
        """End the workers; tickets that are not settled fail. ``afterwards`` is for how many seconds of a
        processor workers may go on without the program, and keep what they make: for its end, since nobody
        waits for them.
        """
        with self._lock:
            if self._closing:
                return
            self._closing, self._afterwards = True, afterwards
            thread = self._thread
            if thread is None:
                self._end()
            else:
                self._rouse()
        if thread is not None and thread is not threading.current_thread():
            thread.join()

    # the pool's thread

    def _run(self) -> None:
        try:
            while not self._closing:
                self._turn()
            if self._afterwards:  # what was submitted just before the end has its worker, too
                self._look_up()
                with self._lock:
                    self._dispatcher.feed()
        finally:
            with self._lock:
                self._closing = True
                self._end()
            self._settle()

    def _turn(self) -> None:
        """Wait until something happens, and see to it."""
        for key, _ in self._selector.select(self._patience()):
            if key.fileobj is self._woken:
                self._receive_tickets()
            else:
                self._receive(key.data)
        with self._lock:
            self._look_after_workers()
            self._dispatcher.feed()
        self._settle()

    def _patience(self) -> float | None:
        return _LOOK_SECONDS if self._processes else None

    def _receive_tickets(self) -> None:
        """Take what was submitted."""
        self._woken.recv(64)
        with self._lock:
            self._awake = False
        self._look_up()

    def _look_up(self) -> None:
        """What is on disk needs no worker."""
        for _ in range(_AT_ONCE):
            with self._lock:
                ticket = self._arrived.first()
            if ticket is None:
                return
            found = _found(ticket)
            with self._lock:
                priority = self._arrived.remove(ticket)
                if priority is None:
                    continue  # it was withdrawn meanwhile
                if found is None:
                    self._tasks[ticket] = self._dispatcher.submit(ticket, priority, ticket.cost)
                    self._note("queued", ticket)
                else:
                    self._settled.append((ticket, found))
            self._settle()
        with self._lock:
            self._rouse()

    def _receive(self, number: int) -> None:
        process = self._processes[number]
        alive = process.reader.receive()
        messages = list(process.reader.messages())
        with self._lock:
            for head, body in messages:
                self._answered(number, head, body)
            if not alive:
                self._lost(number)

    def _answered(self, number: int, head: dict[str, Any], body: bytes) -> None:
        if head["did"] == "start":
            self._processes[number].number = head["process"]
            self._dispatcher.ready(number)
            return
        ticket = self._dispatcher.answered(number)
        outcome: Artefact | VMError
        if head["did"] == "fail":
            outcome = faults.from_data(head["fault"])
            self.statistics.failed(ticket.request)
            self._note("failed", ticket, worker=number)
        else:
            outcome = _read(body)
            self.statistics.made(ticket.request, head["seconds"], len(body))
            self._note("made", ticket, worker=number, seconds=head["seconds"])
        self._finish(ticket, outcome)

    def _lost(self, number: int) -> None:
        process = self._processes.pop(number)
        self._selector.unregister(process.channel)
        began, why = process.number, process.why()
        process.leave()
        first = process.nursery is self._nursery
        if not began and first:
            self._drop_nursery()
        self._dispatcher.lost(number, why, counts=first)

    def _look_after_workers(self) -> None:
        """End workers that nobody needs, and one that does not come to an end itself."""
        now, busy = time.monotonic(), len(self._dispatcher.queue) > 0
        for number, process in list(self._processes.items()):
            worker = self._dispatcher.workers[number]
            spent = now - worker.since
            if worker.task is not None and spent > TASK_SECONDS:
                worker.task.attempts = ATTEMPTS
                process.kill()
            elif worker.status is Status.STARTING and spent > START_SECONDS and self._nursery is not None:
                self._nursery.kill()
            elif worker.status is Status.IDLE and spent > IDLE_SECONDS and not busy:
                del self._processes[number]
                self._selector.unregister(process.channel)
                process.leave()
                self._dispatcher.retire(number)

    def start(self, number: int) -> None:
        """Start a worker."""
        note("starting", worker=number)
        try:
            process = Process(self._living_nursery())
        except OSError as error:
            self._drop_nursery()
            self._dispatcher.lost(number, f"no process for a compiler: {error.strerror}")
            self._rouse()
            return
        self._processes[number] = process
        self._selector.register(process.channel, selectors.EVENT_READ, number)

    def _drop_nursery(self) -> None:
        """It is dying, or unable: the next worker comes from another."""
        if self._nursery is not None:
            self._nursery.leave()
            self._nursery = None

    def _living_nursery(self) -> Nursery:
        """Where workers come from; another one, if something has ended the last."""
        if self._nursery is not None and not self._nursery.alive:
            self._drop_nursery()
        if self._nursery is None:
            self._nursery = Nursery()
        return self._nursery

    def send(self, number: int, ticket: Ticket) -> None:
        """Give a worker a ticket. If it is gone, its socket says so soon."""
        self._note("started", ticket, worker=number)
        if not ticket.running():  # else it is tried again
            ticket.set_running_or_notify_cancel()
        try:
            self._processes[number].send(ticket.request, self._number(ticket.request.module))
        except OSError:
            self._processes[number].kill()

    def _number(self, module: ModuleData) -> int:
        """What workers know a module by."""
        known = self._numbers.get(module)
        if known is None:
            known = self._numbers[module] = self._next_number
            self._next_number += 1
        return known

    def give_up(self, ticket: Ticket, why: str) -> None:
        """Let a ticket fail."""
        self.statistics.failed(ticket.request)
        self._note("failed", ticket)
        self._finish(ticket, CompileError(f"function {ticket.request.functions[0]}: {why}"))

    def _finish(self, ticket: Ticket, outcome: Artefact | VMError) -> None:
        self._tasks.pop(ticket, None)
        self._settled.append((ticket, outcome))

    def _settle(self) -> None:
        """Tell those who wait. Without the lock, for callbacks may submit."""
        with self._settling:
            while self._settled:
                ticket, outcome = self._settled.pop(0)
                ticket.settle(outcome)

    def _end(self) -> None:
        for ticket in [*self._arrived, *self._tasks]:
            self._settled.append((ticket, CompileError("the compiler was closed before this was done")))
        waiting = [task.work for task in self._dispatcher.queue.drain()]
        self._arrived = Arrivals()
        if self._afterwards and self._nursery is not None and self._tasks:
            self._leave_alone(waiting, self._nursery)
        self._tasks.clear()
        for process in self._processes.values():
            process.channel.close()
        for process in self._processes.values():
            process.leave()
        self._processes.clear()
        self._drop_nursery()
        self._selector.close()
        self._wake.close()
        self._woken.close()

    def _leave_alone(self, waiting: list[Ticket], nursery: Nursery) -> None:
        """Let workers, also those that are just starting, go on without us: with what they have, and with a
        share of what waits.
        """
        workers = list(enumerate(self._processes.values()))
        for first, process in workers:
            mine = waiting[first :: len(workers)][:_LEFT]
            with suppress(OSError):  # it is gone, or takes no more: what it has not got is not made
                process.release(self._afterwards)
                for ticket in mine:
                    process.send(ticket.request, self._number(ticket.request.module))
            process.forget()
        self._processes.clear()
        nursery.release()
        self._nursery = None

    # forks

    def before_fork(self) -> None:
        """Come to a point where nothing is half done."""
        self._settling.acquire()
        self._lock.acquire()

    def in_parent(self) -> None:
        """Go on."""
        self._lock.release()
        self._settling.release()

    def in_child(self) -> None:
        """The workers are the parent's, and so are the tickets that wait for them: here they fail."""
        left = [*self._arrived, *self._tasks]
        for process in self._processes.values():
            process.forget()
        if self._nursery is not None:
            self._nursery.forget()
        self._selector.close()
        self._wake.close()
        self._woken.close()
        self._reset()
        for ticket in left:
            ticket.settle(CompileError("the process was forked while this was being compiled"))


def _started(run: Callable[[], None]) -> threading.Thread:
    """A thread that does not keep the program from ending."""
    thread = threading.Thread(target=run, name="wasm-compiler", daemon=True)
    try:
        thread.start()
    except RuntimeError as error:  # there are too many, or Python is about to end
        raise CompileError(f"no thread for the compiler: {error}") from None
    return thread


def _read(content: bytes) -> Artefact | VMError:
    try:
        return Artefact.from_bytes(content)
    except VMError as error:
        return error


def _found(ticket: Ticket) -> Artefact | None:
    """The code if it is on disk; whatever goes wrong there, a worker will find out."""
    request = ticket.request
    if not request.config.cache_bytes and request.module.prepared is None:
        return None
    try:
        return find(request)
    except (VMError, OSError):
        return None
