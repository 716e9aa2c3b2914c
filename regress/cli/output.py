"""How results are said in a terminal: values with their unit, sizes with their interval, events as lines."""

from __future__ import annotations

import json
import sys
from collections.abc import Iterable, Sequence
from datetime import datetime
from typing import TYPE_CHECKING, Any

from rich.console import Console
from rich.markup import escape

from regress.cli.terminal import Terminal
from regress.domain import Cause, Event, EventKind, SeriesChange
from regress.words import change, count, interval

if TYPE_CHECKING:
    from regress.store import Store

_WORDS = {EventKind.REGRESSION: ("red", "worse"), EventKind.IMPROVEMENT: ("green", "better")}
_PLAIN_WIDTH = 250
"""Columns of tables that go to a file or another program: enough to cut nothing."""


def console() -> Console:
    """Standard output."""
    return Terminal(highlight=False, soft_wrap=True, width=None if sys.stdout.isatty() else _PLAIN_WIDTH)


def progress_console() -> Console:
    """Standard error, where progress goes."""
    return Terminal(stderr=True, highlight=False, soft_wrap=True)


def print_json(value: Any) -> None:
    """One JSON document on standard output, in ASCII whatever the locale; times in ISO 8601."""
    print(json.dumps(value, indent=2, default=_plain))


def print_changes(out: Console, store: Store, branch: str) -> None:
    """The open events of a branch, worst kind first; one line when there are none."""
    events = _open_events(store, branch)
    if not events:
        out.print("no change found")
    for kind in EventKind:
        of_kind = [event for event in events if event.kind is kind]
        if of_kind:
            out.print(f"\n[bold]{count(len(of_kind), kind.value)}[/]")
            print_events(out, of_kind, store)


def changes_json(store: Store, branch: str) -> list[dict[str, Any]]:
    """The open events of a branch, for scripts."""
    return [event_json(event) for event in _open_events(store, branch)]


def _open_events(store: Store, branch: str) -> list[Event]:
    return [event for event in store.events(branch) if event.is_open]


def event_json(event: Event) -> dict[str, Any]:
    """What scripts get to know of an event."""
    return {
        "id": event.id,
        "kind": event.kind.value,
        "state": event.state.value,
        "cause": event.cause.value,
        "note": event.note,
        "last_before": event.last_before,
        "first_after": event.first_after,
        "first_seen": event.first_seen,
        "assignee": event.assignee,
        "fixed_by": event.fixed_by,
        "moved": event.moved,
        "changes": [_change_json(change) for change in event.changes],
    }


def _change_json(change: SeriesChange) -> dict[str, Any]:
    point = change.change
    return {
        "benchmark": change.series.title,
        "metric": change.series.metric.name,
        "unit": change.series.metric.unit,
        "machine": change.series.machine,
        "environment": change.series.environment,
        "before": point.before,
        "after": point.after,
        "ratio": point.ratio,
        "low": point.low,
        "high": point.high,
        "p_value": point.p_value,
        "first_after": change.first_after,
    }


def print_events(out: Console, events: Sequence[Event], store: Store) -> None:
    """Events, two lines each: size and what it is about; the commit."""
    for event in events:
        worst, commit = event.worst.change, store.commit(event.first_after)
        colour, word = _WORDS[event.kind]
        size = f"[{colour}]{change(worst.ratio):>9}[/] [dim]{interval(worst.low, worst.high)}[/]"
        out.print(f"{size} {word}  {escape(_affected(event))}")
        if event.note:
            cause = "" if event.cause is Cause.CODE else f"{event.cause.value}: "
            out.print(f"{'':>9} [yellow]{cause}[/]{escape(event.note)}")
        out.print(
            f"{f'#{event.id}':>9} [bold]{commit.sha[:10]}[/]  {escape(f'{commit.subject} ({commit.author})')}"
        )


def joined(names: Iterable[str], limit: int = 3) -> str:
    """A short list of names."""
    listed = list(names)
    rest = len(listed) - limit
    return ", ".join(listed[:limit]) + (f" and {rest} more" if rest > 0 else "")


def _affected(event: Event) -> str:
    others = len(event.changes) - 1
    metric = event.worst.series.metric.name
    shown = event.worst.series.title + (f" ({metric})" if metric != "wall time" else "")
    return shown + (f" and {others} more" if others else "")


def _plain(item: Any) -> Any:
    if isinstance(item, datetime):
        return item.isoformat()
    raise TypeError(f"{type(item).__name__} has no JSON form")
