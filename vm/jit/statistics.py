"""What a compiler has done: in all, by worker, by level."""

from __future__ import annotations

from vm.jit.dispatch import Dispatcher
from vm.jit.request import Request
from vm.records import Record, fields
from vm.typed import Any


class Level(Record):
    """What was made at one level: requests and bytes of artefacts, processor seconds, failures."""

    made: int = 0
    failed: int = 0
    seconds: float = 0.0
    bytes: int = 0


class Statistics:
    """Counts; the pool holds its lock while it changes or reads them."""

    def __init__(self, dispatcher: Dispatcher[Any]) -> None:
        self._dispatcher = dispatcher
        self._levels: dict[int, Level] = {}
        self.cancelled = 0

    def made(self, request: Request, seconds: float, size: int) -> None:
        """A request was fulfilled."""
        level = self._levels.setdefault(request.level, Level())
        level.made += 1
        level.seconds += seconds
        level.bytes += size

    def failed(self, request: Request) -> None:
        """A request was not."""
        self._levels.setdefault(request.level, Level()).failed += 1

    def report(self) -> dict[str, Any]:
        """``queued``, ``cancelled``, ``retried``; ``waited`` (seconds that tasks stood in queues, in all);
        ``workers`` (status, tasks, busy seconds, crashes, starts, stolen tasks) and ``levels``.
        """
        dispatcher = self._dispatcher
        workers = [
            {
                "status": worker.status.value,
                "tasks": worker.tasks,
                "busy": worker.busy,
                "crashes": worker.crashes,
                "starts": worker.starts,
                "stolen": stolen,
            }
            for worker, stolen in zip(dispatcher.workers, dispatcher.queue.stolen, strict=True)
        ]
        return {
            "queued": len(dispatcher.queue),
            "cancelled": self.cancelled,
            "retried": dispatcher.retried,
            "waited": dispatcher.waited,
            "workers": workers,
            "levels": {
                number: {count.name: getattr(level, count.name) for count in fields(level)}
                for number, level in sorted(self._levels.items())
            },
        }
