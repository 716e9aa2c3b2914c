"""Which notices become messages now, which wait, and which are never told. Pure: no store, no clock.

For each channel: what it does not want to hear is left out; several news of one event are one; in quiet
hours, before a digest is due and after a message (``burst_minutes``) all waits; of a burst only the largest
events are told one by one.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from fnmatch import fnmatchcase

from regress.config.notify import ChannelConfig, span, zone
from regress.domain import Event
from regress.service.notify.wording import Item
from regress.store.outbox import News, Notice


@dataclass(frozen=True, slots=True)
class Parcel:
    """What goes into one message: events, how many more are only counted, and the notices that it tells."""

    items: tuple[Item, ...]
    more: int
    notices: tuple[int, ...]


@dataclass
class Plan:
    """What is to be done with a channel's notices; ``until`` is when to look again at those ``held``."""

    parcels: list[Parcel] = field(default_factory=list)
    skipped: dict[int, str] = field(default_factory=dict)
    held: int = 0
    until: datetime | None = None
    why: str = ""


def plan(
    chosen: ChannelConfig,
    notices: Sequence[Notice],
    events: Mapping[int, Event],
    *,
    watched: str,
    single: bool,
    last: datetime | None,
    now: datetime,
) -> Plan:
    """What to do with the ``notices`` of one channel, oldest first, about ``events`` (by id).

    ``single``: a message is about one event, and kept up to date. ``last``: when the channel's newest message
    was made.
    """
    found = Plan()
    wanted = []
    for event_id, news in _by_event(notices).items():
        event = events[event_id]
        reason = unwanted(chosen, news[0].branch, event, watched) or _stale(news, event, single)
        said = _news(news, chosen, single)
        if not reason and said is None:
            reason = "not among the news that this channel wants"
        if reason or said is None:
            found.skipped.update((notice.id, reason) for notice in news)
        else:
            wanted.append((Item(said, news[0].branch, event), news))
    if not wanted:
        return found
    oldest = min(news[0].at for _, news in wanted)
    found.until, found.why = _held_until(chosen, oldest, last, now)
    if found.until is not None:
        found.held = sum(len(news) for _, news in wanted)
        return found
    wanted.sort(key=lambda pair: -_size(pair[0].event))
    _wrap(found, wanted, chosen.burst, single=single)
    return found


def _by_event(notices: Iterable[Notice]) -> dict[int, list[Notice]]:
    found: dict[int, list[Notice]] = {}
    for notice in notices:
        found.setdefault(notice.event_id, []).append(notice)
    return found


def unwanted(chosen: ChannelConfig, branch: str, event: Event, watched: str) -> str:
    """Why a channel does not want to hear of an event; empty when it does."""
    if event.kind.value not in chosen.kinds:
        return f"it is no {' or '.join(chosen.kinds)}"
    if not any(fnmatchcase(branch, pattern) for pattern in chosen.branches or (watched,)):
        return "another branch"
    here = [
        part
        for part in event.changes
        if any(fnmatchcase(part.series.machine, pattern) for pattern in chosen.machines)
        and any(fnmatchcase(part.series.benchmark, pattern) for pattern in chosen.benchmarks)
    ]
    if not here:
        return "another machine or benchmark"
    if max(abs(part.change.ratio - 1) for part in here) < chosen.minimum:
        return f"below {100 * chosen.minimum:g} %"
    return ""


def _stale(news: Sequence[Notice], event: Event, single: bool) -> str:
    """Why several news of an event add up to nothing."""
    kinds = [notice.news for notice in news]
    if News.NEW in kinds:
        return "" if event.is_open else "over before it was told"
    if not news[0].told and kinds[-1] is not News.RETURNED:
        return "its beginning was not told either"
    if kinds[-1] is News.RETURNED and News.WENT_AWAY in kinds and not single:
        return "over and back again before it was told"
    return ""


def _news(news: Sequence[Notice], chosen: ChannelConfig, single: bool) -> News | None:
    """What several news of an event are together; None when the channel wants none of them.

    Who keeps one place up to date needs all of them.
    """
    kinds = [notice.news for notice in news]
    if News.NEW in kinds:
        kinds = [News.NEW]
    wanted = [kind for kind in kinds if single or kind.value in chosen.news]
    return wanted[-1] if wanted else None


def _held_until(
    chosen: ChannelConfig, oldest: datetime, last: datetime | None, now: datetime
) -> tuple[datetime | None, str]:
    """Until when nothing may be sent, and why; None when now is a good time."""
    waits = [
        (quiet_until(chosen, now), "quiet hours"),
        (oldest + timedelta(minutes=chosen.digest_minutes), "gathered for a digest"),
    ]
    if last is not None:
        waits.append((last + timedelta(minutes=chosen.burst_minutes), "soon after another message"))
    until, why = max(waits)
    return (until, why) if until > now else (None, "")


def quiet_until(chosen: ChannelConfig, now: datetime) -> datetime:
    """The end of the quiet hours that ``now`` is in; ``now`` when it is in none."""
    hours = span(chosen.quiet)
    if hours is None:
        return now
    local = now.astimezone(zone(chosen.timezone))
    minute, (start, end) = 60 * local.hour + local.minute, hours
    inside = start <= minute < end if start <= end else minute >= start or minute < end
    if not inside:
        return now
    left = (end - minute) % (24 * 60)
    # Wall-clock arithmetic: quiet hours end by the clock on the wall, also in a night that is an hour longer.
    ends = local.replace(second=0, microsecond=0) + timedelta(minutes=left)
    return ends.astimezone(now.tzinfo)


def _wrap(found: Plan, wanted: Sequence[tuple[Item, list[Notice]]], burst: int, *, single: bool) -> None:
    """Put what may go now into messages."""
    told, rest = wanted[:burst], wanted[burst:]
    if not single:
        ids = [notice.id for _, news in wanted for notice in news]
        found.parcels.append(Parcel(tuple(item for item, _ in told), len(rest), tuple(ids)))
        return
    for item, news in told:
        found.parcels.append(Parcel((item,), 0, tuple(notice.id for notice in news)))
    for _, news in rest:
        found.skipped.update((notice.id, f"beyond the {burst} largest of a burst") for notice in news)


def _size(event: Event) -> float:
    return abs(event.worst.change.ratio - 1) if event.changes else 0.0
