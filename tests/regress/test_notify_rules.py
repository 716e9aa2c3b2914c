"""Who is told what, and when: the rules by themselves."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from regress.config import ChannelConfig
from regress.config.notify import KINDS, NEWS
from regress.domain import ChangePoint, Event, EventKind, SeriesChange, State
from regress.service.notify import CHANNELS
from regress.service.notify.rules import Plan, plan, quiet_until
from regress.store.outbox import News, Notice
from tests.regress.fixtures.stores import KEY, START, sha

NOON = datetime(2026, 3, 2, 12, tzinfo=UTC)
TEAM = ChannelConfig(name="team")


def event(id_: int, ratio: float = 1.2, **told: Any) -> Event:
    key = replace(KEY, machine=told.pop("machine", "box"))
    point = ChangePoint(5, 1.0, ratio, ratio - 0.1, ratio + 0.1, 1e-6)
    kind = EventKind.REGRESSION if ratio > 1 else EventKind.IMPROVEMENT
    part = SeriesChange(1, key, sha(4), sha(5), point)
    return replace(Event(id_, kind, sha(4), sha(5), State.NEW, (part,), START), **told)


def notice(id_: int, event_id: int, news: News = News.NEW, *, told: bool = False, ago: int = 0) -> Notice:
    return Notice(id_, "team", event_id, "main", news, NOON - timedelta(minutes=ago), told)


def planned(chosen: ChannelConfig, notices: list[Notice], *events: Event, **told: Any) -> Plan:
    asked = {"watched": "main", "single": False, "last": None, "now": NOON, **told}
    return plan(chosen, notices, {one.id: one for one in events}, **asked)


def test_kinds_and_news_are_the_ones_that_exist() -> None:
    assert tuple(CHANNELS) == KINDS
    assert tuple(News) == NEWS


def test_what_is_due_goes_into_one_message_the_largest_first() -> None:
    found = planned(TEAM, [notice(1, 1), notice(2, 2)], event(1), event(2, 1.5))
    (parcel,) = found.parcels
    assert [item.event.id for item in parcel.items] == [2, 1]
    assert set(parcel.notices) == {1, 2}


@pytest.mark.parametrize(
    ("chosen", "told", "why"),
    [
        ({}, {"ratio": 0.5}, "no regression"),
        ({"branches": ("release-*",)}, {}, "another branch"),
        ({"machines": ("ci-*",)}, {}, "another machine"),
        ({"benchmarks": ("time_*",)}, {}, "another machine or benchmark"),
        ({"minimum": 0.25}, {}, "below 25 %"),
        ({}, {"state": State.WENT_AWAY}, "over before it was told"),
        ({"news": ("went away",)}, {}, "not among the news"),
    ],
)
def test_what_a_channel_does_not_want_is_skipped_with_a_reason(
    chosen: dict[str, Any], told: dict[str, Any], why: str
) -> None:
    found = planned(replace(TEAM, **chosen), [notice(1, 1)], event(1, **told))
    assert not found.parcels
    assert why in found.skipped[1]


def test_several_news_of_one_event_are_one() -> None:
    came = [notice(1, 1), notice(2, 1, News.WENT_AWAY), notice(3, 1, News.RETURNED)]
    (parcel,) = planned(TEAM, came, event(1)).parcels
    assert (parcel.items[0].news, parcel.notices) == (News.NEW, (1, 2, 3))
    back = [notice(2, 1, News.WENT_AWAY, told=True), notice(3, 1, News.RETURNED, told=True)]
    assert planned(TEAM, back, event(1)).skipped.keys() == {2, 3}
    alone = planned(TEAM, [notice(2, 1, News.WENT_AWAY)], event(1, state=State.WENT_AWAY))
    assert "its beginning was not told" in alone.skipped[2]


@pytest.mark.parametrize(
    ("hours", "zone", "now", "end"),
    [
        ("22:00-07:00", "UTC", "2026-03-02T23:30", "2026-03-03T07:00"),
        ("22:00-07:00", "UTC", "2026-03-03T06:59", "2026-03-03T07:00"),
        ("22:00-07:00", "UTC", "2026-03-03T07:00", "2026-03-03T07:00"),
        ("12:00-13:00", "Europe/Berlin", "2026-03-02T11:30", "2026-03-02T12:00"),
        ("22:00-07:00", "Europe/Berlin", "2026-03-28T22:00", "2026-03-29T05:00"),  # a night of an hour less
        ("", "UTC", "2026-03-02T23:30", "2026-03-02T23:30"),
    ],
)
def test_quiet_hours_end_by_the_clock_on_the_wall(hours: str, zone: str, now: str, end: str) -> None:
    chosen = replace(TEAM, quiet=hours, timezone=zone)
    at = datetime.fromisoformat(now).replace(tzinfo=UTC)
    assert quiet_until(chosen, at) == datetime.fromisoformat(end).replace(tzinfo=UTC)


def test_digests_and_bursts_hold_what_comes_until_their_end() -> None:
    digest = replace(TEAM, digest_minutes=60)
    early = planned(digest, [notice(1, 1, ago=59)], event(1))
    assert (early.held, early.until, early.parcels) == (1, NOON + timedelta(minutes=1), [])
    assert planned(digest, [notice(1, 1, ago=60)], event(1)).parcels
    burst = replace(TEAM, burst_minutes=30)
    soon = planned(burst, [notice(1, 1)], event(1), last=NOON - timedelta(minutes=10))
    assert (soon.held, soon.until) == (1, NOON + timedelta(minutes=20))
    assert planned(burst, [notice(1, 1)], event(1), last=NOON - timedelta(minutes=30)).parcels


def test_of_a_burst_only_the_largest_are_told_one_by_one() -> None:
    events = [event(i, 1 + i / 10) for i in range(1, 6)]
    came = [notice(i, i) for i in range(1, 6)]
    chosen = replace(TEAM, burst=2)
    (parcel,) = planned(chosen, came, *events).parcels
    assert ([item.event.id for item in parcel.items], parcel.more) == ([5, 4], 3)
    assert set(parcel.notices) == {1, 2, 3, 4, 5}
    single = planned(chosen, came, *events, single=True)
    assert [one.notices for one in single.parcels] == [(5,), (4,)]
    assert single.skipped.keys() == {1, 2, 3}
