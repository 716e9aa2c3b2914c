"""Which task is next: a queue for each worker, by rank; who has nothing to do takes from the others.

A task's rank is when it was submitted, plus ``AGING`` seconds for each step that its priority is below the
highest. The lowest rank is next, so a task grows older and so more urgent without anybody touching it. Tasks
go to the shortest queue. A worker takes the first of its own, unless it has none, or another queue's is more
urgent by a step: then it steals that. Entries of tasks that were cancelled or moved stay where they are until
they come to the front. Knows no clock, no thread and no process: time comes with the tasks.
"""

from __future__ import annotations

import enum
import heapq
import itertools
from typing import Generic, TypeVar

AGING = 2.0
"""Seconds of waiting that make up for one step of priority."""


class Priority(enum.IntEnum):
    """How urgent a task is. The program waits for the first, and hardly notices the last."""

    HIGH = 0
    NORMAL = 1
    LOW = 2


T = TypeVar("T")


class Task(Generic[T]):
    """``work`` that waits to be done since ``submitted`` (seconds); ``attempts`` have ended a worker."""

    __slots__ = ("attempts", "entry", "home", "priority", "submitted", "work")

    def __init__(self, work: T, priority: Priority, submitted: float) -> None:
        self.work = work
        self.priority = priority
        self.submitted = submitted
        self.attempts = 0
        self.home = 0
        self.entry = -1

    @property
    def rank(self) -> float:
        """The lower, the sooner."""
        return self.submitted + AGING * self.priority


class Scheduler(Generic[T]):
    """The queues of so many ``workers``."""

    def __init__(self, workers: int) -> None:
        self._queues: list[list[tuple[float, int, Task[T]]]] = [[] for _ in range(workers)]
        self._lengths = [0] * workers
        self._numbers = itertools.count()
        self.stolen = [0] * workers

    def __len__(self) -> int:
        return sum(self._lengths)

    def add(self, task: Task[T]) -> None:
        """Put a task into the shortest queue."""
        home = min(range(len(self._lengths)), key=self._lengths.__getitem__)
        task.home = home
        self._push(task)

    def _push(self, task: Task[T]) -> None:
        task.entry = next(self._numbers)
        heapq.heappush(self._queues[task.home], (task.rank, task.entry, task))
        self._lengths[task.home] += 1

    def remove(self, task: Task[T]) -> bool:
        """Take a task out, wherever it stands; False if it does not wait."""
        if task.entry < 0:
            return False
        task.entry = -1
        self._lengths[task.home] -= 1
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
        source, urgent = worker, self._first(worker)
        for other in range(len(self._queues)):
            rank = self._first(other) if other != worker else urgent
            if rank < (urgent - AGING if source == worker else urgent):
                source, urgent = other, rank
        if not self._lengths[source]:
            return None
        if source != worker:
            self.stolen[worker] += 1
        task = heapq.heappop(self._queues[source])[2]
        self.remove(task)
        return task

    def _first(self, worker: int) -> float:
        """The rank of a queue's first task; infinite when there is none."""
        queue = self._queues[worker]
        while queue and queue[0][1] != queue[0][2].entry:
            heapq.heappop(queue)
        return queue[0][0] if queue else float("inf")

    def drain(self) -> list[Task[T]]:
        """Take out everything, the most urgent first."""
        waiting = sorted(entry for queue in self._queues for entry in queue if entry[1] == entry[2].entry)
        for _, _, task in waiting:
            self.remove(task)
        return [task for _, _, task in waiting]
