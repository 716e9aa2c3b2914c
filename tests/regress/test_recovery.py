"""What is over closes by itself and says why; what was brief is no news; a person's word is kept."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from regress.config import Config, with_settings
from regress.detect.recovery import with_recoveries
from regress.domain import ChangePoint, EventKind, Measurement, SeriesChange, State
from regress.service.analyse import analyse
from regress.service.sight import sights
from regress.service.triage import triage
from regress.store import Store
from tests.regress.fixtures.stores import KEY, commit, delivery, sha

CONFIG = Config(root=Path("/nowhere"))


@pytest.fixture
def store(tmp_path: Path) -> Iterator[Store]:
    with Store.open(f"sqlite:///{tmp_path}/x.db") as opened:
        yield opened


def measure(store: Store, start: int, end: int, levels: dict[int, float], series: int = 1) -> None:
    """Commits ``start`` to ``end`` of series with 0.5 % noise, at levels that begin at some commits."""
    store.record_commits("main", [commit(i) for i in range(end)], default=True)
    told = []
    for number in range(series):
        rng = np.random.default_rng(number)
        noise = np.exp(0.005 * rng.standard_normal(end))
        for i in range(start, end):
            level = levels[max(begin for begin in levels if begin <= i)]
            told.append(Measurement(replace(KEY, benchmark=f"b{number}"), sha(i), level * float(noise[i])))
    store.deliver(delivery(*told, digest=f"{start}-{end}"))


def test_what_was_taken_back_soon_is_no_news_and_neither_is_its_end(store: Store) -> None:
    measure(store, 0, 60, {0: 1.0, 30: 1.3, 38: 1.0}, series=2)
    found = analyse(store, CONFIG, "main")
    assert (found.new, found.kept, found.went_away) == ((), (), ())
    end, start = sorted(found.brief, key=lambda event: event.kind)
    assert (start.kind, end.kind) == (EventKind.REGRESSION, EventKind.IMPROVEMENT)
    assert start.note == f"back at the level before since {sha(38)[:10]}, 8 commits later"
    assert end.note == f"back at the level before {sha(30)[:10]}, 8 commits earlier"
    assert {start.state, end.state} == {State.WENT_AWAY}
    again = analyse(store, CONFIG, "main")
    assert (again.new, again.kept, again.went_away, again.brief) == ((), (), (), ())
    noisy = next(sights(store, "main", CONFIG)).sees
    assert noisy is not None
    assert noisy.noise < 0.01  # the levels count, though nobody was told of them


def test_a_regression_that_was_seen_closes_when_its_level_is_back(store: Store) -> None:
    levels = {0: 1.0, 25: 1.3, 50: 1.0}
    measure(store, 0, 45, levels)
    (seen,) = analyse(store, CONFIG, "main").new
    triage(store, seen.id, "acknowledged")
    measure(store, 45, 70, levels)
    found = analyse(store, CONFIG, "main")
    (gone,) = found.went_away
    assert (gone.id, gone.note) == (
        seen.id,
        f"back at the level before since {sha(50)[:10]}, 25 commits later",
    )
    (end,) = found.new  # it lasted: that it is over is news
    assert (end.kind, end.note) == (
        EventKind.IMPROVEMENT,
        f"takes back what {sha(25)[:10]} changed, 25 commits earlier",
    )
    triage(store, seen.id, "investigating")
    assert store.event(seen.id).state is State.INVESTIGATING
    assert {event.id for event in analyse(store, CONFIG, "main").kept} == {seen.id, end.id}
    assert store.event(seen.id).state is State.INVESTIGATING


def test_what_is_not_all_back_stays(store: Store) -> None:
    measure(store, 0, 60, {0: 1.0, 30: 1.3, 38: 1.12})
    assert len(analyse(store, CONFIG, "main").new) == 2


def test_an_event_that_is_no_longer_found_says_so(store: Store) -> None:
    measure(store, 0, 60, {0: 1.0, 30: 1.3})
    (event,) = analyse(store, CONFIG, "main").new
    tolerant = replace(CONFIG, detection=with_settings(CONFIG.detection, ["effect=0.5"]))
    (gone,) = analyse(store, tolerant, "main").went_away
    assert (gone.id, gone.note) == (event.id, "later measurements no longer show it")
    assert analyse(store, CONFIG, "main").kept == (event,)


@pytest.mark.parametrize(("within", "ends"), [(8, 1), (7, 0), (0, 0)])
def test_brief_is_counted_in_commits(within: int, ends: int) -> None:
    def change(at: int, before: float, after: float) -> SeriesChange:
        point = ChangePoint(at, before, after, 0.0, 2.0, 1e-9)
        return SeriesChange(1, KEY, sha(at - 1), sha(at), point)

    position = {sha(i): i for i in range(40)}
    changes = [change(10, 1.0, 1.5), change(18, 1.5, 1.02), change(30, 1.02, 1.3)]
    first, second, third = with_recoveries(changes, position, within)
    assert first.gone.startswith("back at the level before since")
    assert (bool(second.gone), bool(second.note)) == (bool(ends), not ends)
    assert (third.gone, third.note) == ("", "")
