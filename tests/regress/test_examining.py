"""Series examined on several cores or on Dask: the same answers, only what changed, and triage stays."""

from __future__ import annotations

import re
import warnings
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from regress.config import Config
from regress.domain import Decision, Event, Measurement, SeriesKey, State
from regress.errors import RegressError
from regress.service import examining
from regress.service.analyse import AnalysisReport, analyse
from regress.service.cluster import dial
from regress.service.spreading import How
from regress.store import Store
from tests.regress.fixtures.stores import KEY, commit, delivery, measured

SERIES, COMMITS = 30, 50


def key(n: int) -> SeriesKey:
    return replace(KEY, benchmark=f"module{n % 3}.time_{n}")


def value(n: int, i: int) -> Measurement:
    """Noise of half a per cent; a third of the series is a fifth slower from commit 30 on."""
    noise = 0.005 * ((7919 * (n + 3) * (i + 11)) % 1000 / 500 - 1)
    return measured(i, (1.0 + noise) * (1.2 if n % 3 == 0 and i >= 30 else 1.0), key(n))


@pytest.fixture
def long(store: Store) -> Store:
    """A store with a regression in ten of thirty series."""
    store.record_commits("main", [commit(i) for i in range(COMMITS)], default=True)
    store.deliver(delivery(*(value(n, i) for n in range(SERIES) for i in range(COMMITS)), digest="all"))
    return store


@pytest.fixture(autouse=True)
def _short_stretches(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(examining, "STRETCH", 7)
    monkeypatch.setattr(examining, "KEPT", 10)


def look(store: Store, how: How = How(), *, afresh: bool = False) -> AnalysisReport:  # noqa: B008 - a constant
    return analyse(store, Config(root=Path(".")), "main", how, afresh=afresh)


def told(store: Store) -> list[Event]:
    return store.events("main")


def test_only_what_a_new_commit_touches_is_asked_again(long: Store) -> None:
    assert look(long).asked == SERIES
    before = told(long)
    assert look(long).asked == 0
    long.record_commits("main", [commit(COMMITS)])
    assert look(long).asked == 0  # a commit without results changes no series
    touched = [replace(measured(COMMITS, 1.0), series=key(n)) for n in (1, 4)]
    long.deliver(delivery(*touched, digest="new"))
    assert look(long).asked == 2
    long.deliver(delivery(replace(value(2, 3), value=1.01, measured_at=None), digest="older"))
    assert look(long).asked == 0  # the older result changed nothing
    assert told(long) == before
    assert look(long, afresh=True).asked == SERIES
    assert told(long) == before


def test_other_settings_are_another_question(long: Store) -> None:
    look(long)
    chosen = replace(Config(root=Path(".")).detection, false_alarms=0.02)
    assert analyse(long, Config(root=Path("."), detection=chosen), "main").asked == SERIES


def test_several_processes_say_the_same_and_triage_stays(long: Store) -> None:
    report = look(long)
    (event,) = report.new
    assert len(event.changes) == 10
    long.decide(event.id, Decision(state=State.ACKNOWLEDGED))
    again = look(long, How(jobs=2), afresh=True)
    assert (again.asked, again.new, [one.id for one in again.kept]) == (SERIES, (), [event.id])
    (after,) = told(long)
    assert after == replace(event, state=State.ACKNOWLEDGED)


def test_what_is_cut_off_goes_on_where_it_was(long: Store) -> None:
    class CutError(Exception):
        """Somebody pulled the plug."""

    def cut(step: str, done: int, total: int) -> None:
        if done == 2:
            raise CutError

    with pytest.raises(CutError):
        analyse(long, Config(root=Path(".")), "main", How(), cut)
    assert told(long) == []
    assert look(long).asked == SERIES - 2 * 7


@pytest.fixture(scope="module")
def cluster() -> Iterator[Any]:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # Dask's own business with ports and asyncio
        from distributed import LocalCluster

        with LocalCluster(
            n_workers=2, threads_per_worker=1, processes=True, dashboard_address=None, silence_logs=50
        ) as made:
            yield made


@pytest.mark.filterwarnings("ignore")
def test_dask_workers_say_the_same(long: Store, cluster: Any) -> None:
    report = look(long)
    before = told(long)
    again = look(long, How(scheduler=cluster.scheduler_address), afresh=True)
    assert (again.asked, again.points) == (SERIES, report.points)
    assert told(long) == before


@pytest.mark.filterwarnings("ignore")
def test_a_scheduler_that_is_not_there_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(dial, "PATIENCE", "0.2s")
    for address in ("tcp://127.0.0.1:1", "garbage", "tcp://127.0.0.1:", "carrier://pigeon:1"):
        with pytest.raises(RegressError, match=f"no Dask scheduler at {re.escape(address)}: "):
            dial.dial(address)
