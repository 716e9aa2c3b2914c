"""A recording over time, for https://ui.perfetto.dev and chrome://tracing: what ran, what was compiled.

The format is the Trace Event Format, as JSON: the program is a thread of slices, made of samples in a row
that have outer frames in common; each compiler is one with its tasks; how many tasks wait is a counter.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from vm.events import Event
from vm.profiling.recording import Place, Recording
from vm.profiling.summary import printable
from vm.typed import Any

_PROGRAM, _WORKERS = 1, 100
"""Numbers of threads: the program's, the first compiler's."""

Slice = dict[str, Any]


def trace(recording: Recording, name: str) -> dict[str, Any]:
    """The whole file."""
    return {
        "displayTimeUnit": "ms",
        "otherData": {"program": printable(name), "samples_a_second": recording.rate},
        "traceEvents": [
            _named("process_name", 0, printable(name)),
            _named("thread_name", _PROGRAM, "program"),
            *_running(recording),
            *_compiling(recording),
        ],
    }


def _named(what: str, thread: int, name: str) -> Slice:
    return {"ph": "M", "pid": 1, "tid": thread, "name": what, "args": {"name": name}}


def _running(recording: Recording) -> Iterator[Slice]:
    """What ran: a frame goes on while the samples have it, and all below it, in the same place. Behind a gap
    of more than a few samples the program was elsewhere.
    """
    usual = 1e6 / recording.rate
    longest = 8 * usual
    open_: list[tuple[Place, float]] = []
    last = 0.0
    for moment, number in zip(recording.moments, recording.seen, strict=True):
        at = (moment - recording.begun) / 1e3
        stack = recording.stacks[number]
        common = 0
        if at - last <= longest:
            while common < min(len(open_), len(stack)) and open_[common][0] == stack[common]:
                common += 1
            end = at
        else:
            end = last + usual
        yield from _closed(open_[common:], end)
        open_[common:] = [(place, at) for place in stack[common:]]
        last = at
    yield from _closed(open_, last + usual)


def _closed(ended: Iterable[tuple[Place, float]], end: float) -> Iterator[Slice]:
    for place, start in ended:
        yield _slice(printable(place.label), _PROGRAM, start, end - start, {"tier": place.tier})


def _slice(name: str, thread: int, start: float, length: float, facts: dict[str, Any]) -> Slice:
    return {
        "ph": "X",
        "pid": 1,
        "tid": thread,
        "name": name,
        "ts": round(start, 3),
        "dur": round(length, 3),
        "args": facts,
    }


def _compiling(recording: Recording) -> Iterator[Slice]:
    """What compilers had to do, how much waited, and moments of everything else."""
    busy: dict[int, Event] = {}
    seen: set[int] = set()
    for event in recording.events:
        at = (event.at - recording.begun) / 1e3
        worker = int(event.facts.get("worker", -2))
        thread = _WORKERS + worker if worker >= 0 else _PROGRAM
        if worker >= 0 and worker not in seen:
            seen.add(worker)
            yield _named("thread_name", thread, f"compiler {worker}")
        if event.kind == "started":
            busy[worker] = event
        elif event.kind in ("made", "failed") and worker in busy:
            began = busy.pop(worker)
            start = (began.at - recording.begun) / 1e3
            name = f"compile function {event.facts.get('function', -1):.0f}"
            yield _slice(name, thread, start, at - start, {"outcome": event.kind, **event.facts})
        else:
            facts = dict(event.facts)
            moment = {"ph": "i", "s": "t", "pid": 1, "tid": thread, "name": event.kind}
            yield {**moment, "ts": round(at, 3), "args": facts}
        if "waiting" in event.facts:
            counter = {"ph": "C", "pid": 1, "name": "tasks that wait", "ts": round(at, 3)}
            yield {**counter, "args": {"tasks": event.facts["waiting"]}}
