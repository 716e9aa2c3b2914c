"""What the engine does, and when, for whoever wants to see it. Nothing is noted until somebody listens.

with listening() as log:
    run()
for event in log.events: print(event.at, event.kind, event.facts)
"""

from __future__ import annotations

import time

from vm.primitives import deque
from vm.typed import Mapping, NamedTuple

KINDS: dict[str, str] = {
    "queued": "code was asked of the parallel compiler, and is not on disk",
    "starting": "a process that compiles is being started",
    "started": "such a process has got something to do",
    "made": "code was compiled",
    "failed": "code that was asked for could not be made",
    "cancelled": "code that was asked for is not wanted any more",
    "found": "code was on disk, or came with the module",
    "hot": "something ran often enough for its code to be wanted",
    "observed": "what was hot has run for a while in code that counts where it goes",
    "installed": "compiled code took the place of what ran before",
    "demoted": "code is made anew without an expectation that was wrong too often",
    "deopt": "compiled code left a function in the middle, for the machine to go on",
}
"""By kind, what has happened. Facts are among: ``function`` (the first of those that it is about) and
``functions`` (how many), ``level``, ``loop`` (the offset of the loop that it is for, else -1), ``worker``
(-1: the program itself), ``offset`` (the instruction in front of which), ``root`` (the function that the
code was asked for), ``seconds`` (of a processor, spent), ``waiting`` (tasks in the queue behind it)."""

MOST = 100_000
"""Events that a log keeps: the latest."""

Fact = int | float


class Event(NamedTuple):
    """Something that happened ``at`` so many nanoseconds of the monotonic clock."""

    at: int
    kind: str
    facts: Mapping[str, Fact]


class Log:
    """The events since somebody has begun to listen; ``MOST`` of them."""

    def __init__(self) -> None:
        self.events: deque[Event] = deque(maxlen=MOST)

    def counts(self) -> dict[str, int]:
        """How many there are of each kind: figures that a benchmark can track."""
        counts = dict.fromkeys(KINDS, 0)
        for event in tuple(self.events):  # others may note more meanwhile
            counts[event.kind] += 1
        return counts


_logs: list[Log] = []


def note(kind: str, **facts: Fact) -> None:
    """Tell who listens. Any thread may call this, with any locks held: it takes none."""
    if _logs:
        event = Event(time.monotonic_ns(), kind, facts)
        for log in tuple(_logs):
            log.events.append(event)


class listening:
    """A log of what happens in the process, in all its threads, meanwhile."""

    def __enter__(self) -> Log:
        self._log = Log()
        _logs.append(self._log)
        return self._log

    def __exit__(self, *_: object) -> None:
        _logs.remove(self._log)
