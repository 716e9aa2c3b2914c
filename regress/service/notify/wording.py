"""What messages say: a payload that is settled when a message is made, and its words for people.

Names, subjects and notes come from repositories and result files: each channel makes them harmless in its own
language (``forge.markdown`` and ``slack.text``), and ``foreign.one_line`` takes out what no language wants.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

from regress.domain import Event, EventKind, SeriesChange
from regress.errors import UnknownNameError
from regress.foreign import one_line
from regress.service.notify.channel import Payload
from regress.service.triage import LONGEST_NOTE
from regress.store import Store
from regress.store.outbox import News
from regress.words import interval as bounds

VERSION = 1
"""Of the payload; it grows by new keys only."""

SERIES = 20
"""Series of an event that are told, the largest change first."""

_SAID = {
    News.NEW: "",
    News.RETURNED: "is back: ",
    News.WENT_AWAY: "is over: ",
    News.TRIAGED: "was decided: ",
}
_SHORT = 10  # characters of a commit's hash
_LINES = 5  # series in a text for people


@dataclass(frozen=True, slots=True)
class Item:
    """An event with its news, and the branch it is on."""

    news: News
    branch: str
    event: Event


def payload(store: Store, project: str, pages: str, items: Sequence[Item], more: int = 0) -> Payload:
    """What a message about some events says; ``more`` events are only counted."""
    return {
        "version": VERSION,
        "project": project,
        "events": [_event(store, pages, item) for item in items],
        "more": more,
    }


def test_payload(project: str, pages: str) -> Payload:
    """What a message says that only tries a channel."""
    return {"version": VERSION, "project": project, "test": True, "events": [], "more": 0, "page": pages}


def _event(store: Store, pages: str, item: Item) -> Payload:
    event = item.event
    parts = sorted(event.changes, key=lambda part: -abs(part.change.ratio - 1))
    return {
        "news": item.news.value,
        "id": event.id,
        "branch": item.branch,
        "kind": event.kind.value,
        "state": event.state.value,
        "cause": event.cause.value,
        "note": event.note,
        "assignee": event.assignee,
        "first_seen": event.first_seen.isoformat(),
        "last_before": event.last_before,
        "first_after": event.first_after,
        "commit": _commit(store, event.first_after),
        "series": len(parts),
        "changes": [_change(part) for part in parts[:SERIES]],
        "page": f"{pages.rstrip('/')}/event/{event.id}" if pages else "",
    }


def _commit(store: Store, sha: str) -> Payload:
    try:
        commit = store.commit(sha)
    except UnknownNameError:
        return {"sha": sha, "subject": "", "author": ""}
    return {"sha": sha, "subject": commit.subject, "author": commit.author}


def _change(part: SeriesChange) -> Payload:
    point, key = part.change, part.series
    return {
        "benchmark": key.title,
        "metric": key.metric.name,
        "unit": key.metric.unit,
        "machine": key.machine,
        "environment": key.environment,
        "before": point.before,
        "after": point.after,
        "ratio": _finite(point.ratio),
        "low": _finite(point.low),
        "high": _finite(point.high),
    }


def _finite(number: float) -> float | None:
    """JSON has no infinity: a level of zero gives one."""
    return number if math.isfinite(number) else None


def title(told: Payload) -> str:
    """A message in one line: "numpy: 12.3 % slower: bench.sort and 3 more"."""
    project = one_line(told["project"])
    if told.get("test"):
        return f"{project}: a test message; this channel works"
    events = told["events"]
    if len(events) == 1 and not told["more"]:
        return f"{project}: {headline(events[0])}"
    number = len(events) + told["more"]
    worse = sum(event["kind"] == EventKind.REGRESSION for event in events)
    return f"{project}: {number} changes" + (f", {worse} for the worse" if worse else "")


def headline(event: Payload) -> str:
    """An event in one line."""
    changes = event["changes"]
    said = _SAID[News(event["news"])]
    if not changes:
        return one_line(f"{said}{event['kind']} #{event['id']}")
    rest = event["series"] - 1
    more = f" and {rest} more" if rest else ""
    return one_line(f"{said}{size(changes[0], event['kind'])}: {changes[0]['benchmark']}{more}")


def size(change: Payload, kind: str) -> str:
    """A change's size with its direction: "12.3 % worse"; of times "slower"."""
    words = ("slower", "faster") if change["unit"] == "seconds" else ("worse", "better")
    word = words[0] if kind == EventKind.REGRESSION else words[1]
    return f"{100 * abs(change['ratio'] - 1):.1f} % {word}" if change["ratio"] is not None else word


def interval(change: Payload) -> str:
    """The bounds of a change: "+10.1 to +14.8 %"."""
    low, high = change["low"], change["high"]
    return "no bounds" if low is None or high is None else bounds(low, high)


def lines(told: Payload) -> list[str]:
    """A message's body for people, a line each, without any markup."""
    if told.get("test"):
        return ["Whoever reads this will be told what `regress notify send` has to tell.", *_link(told)]
    found = []
    for event in told["events"]:
        if len(told["events"]) > 1 or told["more"]:
            found.append(headline(event))
        found += [f"  {line}" for line in _about(event)]
    if told["more"]:
        found.append(f"and {told['more']} more, smaller ones")
    return found


def _about(event: Payload) -> list[str]:
    commit = event["commit"]
    found = [
        one_line(f"{commit['sha'][:_SHORT]} {commit['subject']} ({commit['author']}), on {event['branch']}")
    ]
    for change in event["changes"][:_LINES]:
        where = f"{change['benchmark']} on {change['machine']}"
        found.append(one_line(f"{size(change, event['kind'])} ({interval(change)}) {where}"))
    if event["series"] > _LINES:
        found.append(f"and {event['series'] - _LINES} more series")
    cause = "" if event["cause"] == "code" else f"{event['cause']}: "
    if event["note"] or cause:
        found.append((cause + one_line(event["note"], LONGEST_NOTE)).strip())
    if event["state"] != "new":
        assignee = f", {one_line(event['assignee'])}" if event["assignee"] else ""
        found.append(f"state: {event['state']}{assignee}")
    return [*found, *_link(event)]


def _link(told: Payload) -> list[str]:
    return [told["page"]] if told.get("page") else []
