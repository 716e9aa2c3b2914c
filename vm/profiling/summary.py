"""A recording as data, and as a table for people: functions by the time that they take."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Iterable

from vm.profiling.recording import DEEPER, Place, Recording
from vm.typed import Any, NamedTuple

Key = tuple[str, int, str]
"""What functions are told apart by: module's name, index, name."""


class Row(NamedTuple):
    """One function: samples in it, and in it or in what it called; the first by the tier that ran it."""

    name: str
    function: int
    module: str
    self: int
    total: int
    tiers: dict[str, int]


def rows(recording: Recording) -> list[Row]:
    """All functions seen, the busiest first."""
    own: dict[Key, Counter[str]] = defaultdict(Counter)
    total: Counter[Key] = Counter()
    for stack, count in zip(recording.stacks, recording.counts, strict=True):
        own[_key(stack[-1])][stack[-1].tier] += count
        for key in {_key(place) for place in stack if place is not DEEPER}:
            total[key] += count
    labels = {_key(place): place.label for stack in recording.stacks for place in stack}
    found = [
        Row(labels[key], key[1], key[0], own[key].total(), count, dict(own[key].most_common()))
        for key, count in total.items()
    ]
    return sorted(found, key=lambda row: (-row.self, -row.total, row.module, row.function, row.name))


def _key(place: Place) -> Key:
    return place.module, place.function, place.name if place.function < 0 else ""


def data(recording: Recording) -> dict[str, Any]:
    """All of it as JSON has it. Times of events are seconds since the profiler was started."""
    kinds = Counter(event.kind for event in recording.events)
    return {
        "version": 1,
        "rate": recording.rate,
        "seconds": round(recording.seconds, 6),
        "samples": recording.samples,
        "elsewhere": recording.elsewhere,
        "missed": recording.missed,
        "tiers": dict(tiers(recording).most_common()),
        "functions": [row._asdict() for row in rows(recording)],
        "stacks": [
            {"frames": [[place.label, place.tier] for place in stack], "samples": count}
            for stack, count in zip(recording.stacks, recording.counts, strict=True)
        ],
        "events": [
            {"at": round((event.at - recording.begun) / 1e9, 6), "kind": event.kind, **event.facts}
            for event in recording.events
        ],
        "event_counts": dict(sorted(kinds.items())),
        "stats": recording.stats,
    }


def tiers(recording: Recording) -> Counter[str]:
    """Samples by the tier whose code ran."""
    found: Counter[str] = Counter()
    for stack, count in zip(recording.stacks, recording.counts, strict=True):
        found[stack[-1].tier] += count
    return found


def table(recording: Recording, most: int = 20) -> str:
    """The busiest functions, and what was compiled, in lines for a terminal."""
    whole = recording.samples
    lines = [
        f"{whole:,} samples in {recording.seconds:.2f} s"
        + (f", {recording.elsewhere:,} outside of the program" if recording.elsewhere else "")
        + (f", {recording.missed:,} lost" if recording.missed else "")
    ]
    if whole:
        share = ", ".join(f"{name} {count / whole:.0%}" for name, count in tiers(recording).most_common())
        lines += [f"time by tier: {share}", "", "   self   total  function"]
    found = rows(recording)
    for row in found[:most]:
        where = (
            f"  (function {row.function})"
            if row.function >= 0 and row.name != f"function {row.function}"
            else ""
        )
        ran = f"  [{', '.join(row.tiers)}]" if row.function >= 0 and row.tiers else ""
        lines.append(f"{row.self / whole:7.1%} {row.total / whole:7.1%}  {printable(row.name)}{where}{ran}")
    if len(found) > most:
        lines.append(f"                 and {len(found) - most:,} more")
    return "\n".join([*lines, *_compiling(recording), *_leaving(recording)])


def _compiling(recording: Recording) -> Iterable[str]:
    """What was compiled, and how long the queue was."""
    events = recording.events
    made = [event for event in events if event.kind == "made"]
    found = sum(1 for event in events if event.kind == "found")
    longest = max((event.facts.get("waiting", 0) for event in events), default=0)
    if made or found:
        seconds = sum(event.facts["seconds"] for event in made)
        yield ""
        yield (
            f"compiling: {len(made)} requests made in {seconds:.2f} s of a processor, {found} found on disk; "
            f"at most {longest:.0f} waited"
        )


def _leaving(recording: Recording) -> Iterable[str]:
    """How often compiled code was left where an expectation was wrong, and where most often."""
    left = Counter(int(event.facts["function"]) for event in recording.events if event.kind == "deopt")
    if left:
        demoted = sum(1 for event in recording.events if event.kind == "demoted")
        function, times = left.most_common(1)[0]
        yield (
            f"deoptimised: {left.total()} times, {times} of them in function {function}; "
            f"code was made anew to expect less {demoted} times"
        )


def printable(name: str) -> str:
    """A name from a module, which may say anything, for a terminal or a page."""
    return "".join(c if c.isprintable() else "\N{REPLACEMENT CHARACTER}" for c in name)
