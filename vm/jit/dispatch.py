"""Who does what: tasks to workers, workers started when there is work, tasks of a lost worker tried again.

All decisions, and nothing else: what happens comes in as calls, what is to be done goes out through
``Hands``, and time through a clock. So the same code drives processes (``vm.jit.pool``) and a simulation
with a clock of its own (``benchmarks/parallel.py``).
"""

from __future__ import annotations

import enum
from collections.abc import Callable

from vm.jit.scheduler import Priority, Scheduler, Task
from vm.records import Record
from vm.typed import Generic, Protocol, TypeVar

ATTEMPTS = 2
"""How often a task is given to a worker that it may end."""

STARTS = 3
"""How often in a row workers may end before they are ready, until nobody starts another."""

T_contra = TypeVar("T_contra", contravariant=True)
T = TypeVar("T")


class Hands(Protocol[T_contra]):
    """What carries the decisions out."""

    def start(self, worker: int) -> None:
        """Start a worker; ``Dispatcher.ready`` or ``lost`` follows."""

    def send(self, worker: int, work: T_contra) -> None:
        """Give it something to do; ``Dispatcher.answered`` or ``lost`` follows."""

    def give_up(self, work: T_contra, why: str) -> None:
        """Say that something will not be done."""


class Status(enum.Enum):
    """What a worker is doing."""

    OFF = "off"
    STARTING = "starting"
    IDLE = "idle"
    BUSY = "busy"


class Worker(Record, Generic[T]):
    """One worker, and what it has done: ``crashes`` are ends that nobody asked for; ``busy`` in seconds.

    ``since`` is when it got its task, or has had none, or was started.
    """

    status: Status = Status.OFF
    task: Task[T] | None = None
    since: float = 0.0
    tasks: int = 0
    crashes: int = 0
    starts: int = 0
    busy: float = 0.0


class Dispatcher(Generic[T]):
    """Decides for so many ``workers``."""

    def __init__(self, workers: int, hands: Hands[T], clock: Callable[[], float]) -> None:
        self.workers: list[Worker[T]] = [Worker() for _ in range(workers)]
        self.queue: Scheduler[T] = Scheduler(workers)
        self._hands = hands
        self._clock = clock
        self._idle: dict[int, None] = {}
        self._off: dict[int, None] = dict.fromkeys(range(workers))
        self._starting = self._failed_starts = 0
        self._why = ""
        self.retried = 0
        self.waited = 0.0

    def submit(self, work: T, priority: Priority, cost: float = 0.0) -> Task[T]:
        """Take something to do, expected to take ``cost`` seconds; ``feed`` gets it going."""
        task = Task(work, priority, self._clock(), cost)
        self.queue.add(task)
        return task

    def feed(self) -> None:
        """Give idle workers what waits, and start more if that is not enough."""
        if self._failed_starts >= STARTS and len(self._off) == len(self.workers):
            for waiting in self.queue.drain():
                self._hands.give_up(waiting.work, f"no compiler can be started: {self._why}")
            self._failed_starts = STARTS - 1  # what is submitted later is worth one try
            return
        while self._idle:
            number = next(iter(self._idle))
            task = self.queue.take(number)
            if task is None:
                return
            self._give(number, task)
        if self._failed_starts >= STARTS:  # those that there are will have to do
            return
        wanted = min(len(self.queue) - self._starting, len(self._off))
        for number in sorted(self._off)[: max(wanted, 0)]:
            self._set(number, Status.STARTING)
            self.workers[number].starts += 1
            self.workers[number].since = self._clock()
            self._hands.start(number)

    def _set(self, number: int, status: Status) -> None:
        """Note what a worker does."""
        before, self.workers[number].status = self.workers[number].status, status
        self._starting += (status is Status.STARTING) - (before is Status.STARTING)
        for group, kind in ((self._idle, Status.IDLE), (self._off, Status.OFF)):
            group.pop(number, None)
            if status is kind:
                group[number] = None

    def _give(self, number: int, task: Task[T]) -> None:
        worker, now = self.workers[number], self._clock()
        self._set(number, Status.BUSY)
        worker.task, worker.since = task, now
        self.waited += now - task.submitted
        self._hands.send(number, task.work)

    def ready(self, number: int) -> None:
        """A worker has started."""
        self._failed_starts = 0
        self._set(number, Status.IDLE)
        self.workers[number].since = self._clock()

    def answered(self, number: int) -> T:
        """A worker has done what it had to do; gives that."""
        worker = self.workers[number]
        task = worker.task
        assert task is not None  # who has nothing to do has no answer
        self._set(number, Status.IDLE)
        worker.task = None
        worker.tasks += 1
        now = self._clock()
        worker.busy += now - worker.since
        worker.since = now
        return task.work

    def lost(self, number: int, why: str, *, counts: bool = True) -> None:
        """A worker has ended: what it was doing is tried once more, then left. ``counts`` says whether one
        that ended before it was ready says anything about the next.
        """
        worker = self.workers[number]
        if worker.status is Status.STARTING:
            self._failed_starts += counts
            self._why = why
        self._set(number, Status.OFF)
        task, worker.task = worker.task, None
        worker.crashes += 1
        if task is None:
            return
        worker.busy += self._clock() - worker.since
        task.attempts += 1
        if task.attempts < ATTEMPTS:
            self.retried += 1
            self.queue.add(task)
        else:
            self._hands.give_up(task.work, why)

    def retire(self, number: int) -> None:
        """An idle worker has been ended on purpose."""
        self._set(number, Status.OFF)
