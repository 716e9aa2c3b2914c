"""Which task is next: a queue for each worker, by rank; who has nothing to do takes from the others.

A task's rank is when it was submitted, plus ``AGING`` seconds for each step that its priority is below the
highest, plus ``PATIENCE`` times the seconds that it is expected to take: what takes as long as a hundred
others lets some of them go first. The lowest rank is next, so a task grows older and so more urgent without
anybody touching it. Tasks go to the shortest queue. A worker takes the first of its own, unless it has none,
or another queue's is more urgent by a step: then it steals that. Entries of tasks that were cancelled or
moved stay where they are until they come to the front. Knows no clock, no thread and no process: time comes
with the tasks.
"""

from __future__ import annotations

import enum
import heapq
import itertools

from vm.typed import Generic, TypeVar

AGING = 2.0
"""Seconds of waiting that make up for one step of priority."""


PATIENCE = 2.0
"""How many times as long as a task takes others may go before it."""


class Priority(enum.IntEnum):
    """How urgent a task is. The program waits for the first, and hardly notices the last."""

    HIGH = 0
    NORMAL = 1
    LOW = 2


T = TypeVar("T")


class Task(Generic[T]):
    """``work`` that waits to be done since ``submitted``, and is expected to take ``cost`` (both in seconds);
    ``attempts`` have ended a worker.
    """

    __slots__ = ("attempts", "cost", "entry", "home", "priority", "submitted", "work")

    def __init__(self, work: T, priority: Priority, submitted: float, cost: float = 0.0) -> None:
        self.work = work
        self.priority = priority
        self.submitted = submitted
        self.cost = cost
        self.attempts = 0
        self.home = 0
        self.entry = -1

    @property
    def rank(self) -> float:
        """The lower, the sooner."""
        return self.submitted + AGING * self.priority + PATIENCE * self.cost


Entry = tuple[float, int, Task[T]]
"""A task with its rank; the number, which no other entry has, says whether it is still the task's own."""


class Scheduler(Generic[T]):
    """The queues of so many ``workers``, and one of everything, which says what is most urgent anywhere."""

    def __init__(self, workers: int) -> None:
        self._queues: list[list[Entry[T]]] = [[] for _ in range(workers)]
        self._everything: list[Entry[T]] = []
        self._lengths = [0] * workers
        self._length = 0
        self._numbers = itertools.count()
        self.stolen = [0] * workers

    def __len__(self) -> int:
        return self._length

    def add(self, task: Task[T]) -> None:
        """Put a task into the shortest queue."""
        task.home = self._lengths.index(min(self._lengths))
        self._push(task)

    def _push(self, task: Task[T]) -> None:
        task.entry = next(self._numbers)
        entry = task.rank, task.entry, task
        heapq.heappush(self._queues[task.home], entry)
        heapq.heappush(self._everything, entry)
        self._lengths[task.home] += 1
        self._length += 1

    def remove(self, task: Task[T]) -> bool:
        """Take a task out, wherever it stands; False if it does not wait."""
        if task.entry < 0:
            return False
        task.entry = -1
        self._lengths[task.home] -= 1
        self._length -= 1
        return True

    def change(self, task: Task[T], priority: Priority) -> bool:
        """Give a task another priority; False if it does not wait."""
        if not self.remove(task):
            return False
        task.priority = priority
        self._push(task)
        return True

    def take(self, worker: int) -> Task[T] | None:
        """The task that a worker does next; None when there is none at all."""
        first = _first(self._everything)
        if first is None:
            return None
        own = _first(self._queues[worker])
        if own is None or first[0] < own[0] - AGING:
            task = first[2]
            self.stolen[worker] += task.home != worker
        else:
            task = own[2]
        self.remove(task)
        return task

    def drain(self) -> list[Task[T]]:
        """Take out everything, the most urgent first."""
        found = []
        while (first := _first(self._everything)) is not None:
            found.append(first[2])
            self.remove(first[2])
        return found


def _first(queue: list[Entry[T]]) -> Entry[T] | None:
    """A queue's first entry that counts."""
    while queue and queue[0][1] != queue[0][2].entry:
        heapq.heappop(queue)
    return queue[0] if queue else None
