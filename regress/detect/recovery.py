"""Changes that are over: a level that came back to where it was before.

A regression whose series are all back is none any more. One that was over within a few commits was nobody's
news, and neither was its end; one that lasted is news when it ends.
"""

from __future__ import annotations

import math
from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import replace

from regress.domain import BACK, SeriesChange

NEAR = 0.25
"""Part of a change that the level may be off where it was before, to be back: medians have noise, too."""


def with_recoveries(
    changes: Sequence[SeriesChange], position: Mapping[str, int], within: int
) -> list[SeriesChange]:
    """The changes, those that are over with a ``gone`` that says so.

    That is each change whose series came back to the level before; also the change that brought it back, if
    that was at most ``within`` commits later (else it has a ``note``). ``position`` has the commits' places.
    """
    series: defaultdict[int, list[int]] = defaultdict(list)
    for i in sorted(range(len(changes)), key=lambda i: position[changes[i].first_after]):
        series[changes[i].series_id].append(i)
    gone: dict[int, str] = {}
    notes: dict[int, str] = {}
    for members in series.values():
        for place, i in enumerate(members):
            end = next((j for j in members[place + 1 :] if _is_back(changes[i], changes[j])), None)
            if end is None:
                continue
            start, stop = changes[i].first_after, changes[end].first_after
            lasted = position[stop] - position[start]
            commits = f"{lasted} commit{'' if lasted == 1 else 's'}"
            gone[i] = f"{BACK} since {stop[:10]}, {commits} later"
            if lasted <= within and end == members[place + 1]:
                gone.setdefault(end, f"{BACK} {start[:10]}, {commits} earlier")
            else:
                notes[end] = f"takes back what {start[:10]} changed, {commits} earlier"
    return [
        replace(change, gone=gone.get(i, ""), note=change.note or notes.get(i, ""))
        for i, change in enumerate(changes)
    ]


def _is_back(change: SeriesChange, later: SeriesChange) -> bool:
    """Whether the level after ``later`` is the one before ``change``."""
    start, up, end = change.change.before, change.change.after, later.change.after
    if min(start, up, end) > 0:
        start, up, end = math.log(start), math.log(up), math.log(end)
    return abs(end - start) <= NEAR * abs(up - start)
