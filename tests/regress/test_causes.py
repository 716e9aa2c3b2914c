"""Changes that the code did not make are one event that says so; the project's false discoveries are few."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from regress.config import Config
from regress.detect.discoveries import discoveries
from regress.domain import Cause, Delivery, Environment, Machine, Measurement, SeriesKey
from regress.service.analyse import analyse
from regress.store import Store
from tests.regress.fixtures.stores import KEY, commit, sha

COMMITS, AT, SERIES = 60, 40, 10
CONFIG = Config(root=Path("/nowhere"))


def key(number: int, machine: str = "box") -> SeriesKey:
    return replace(KEY, benchmark=f"bench{number}", machine=machine)


def fill(
    store: Store,
    *,
    sizes: dict[int, float],
    cpu: tuple[str, str] = ("old", "old"),
    machine: str = "box",
    until: int = COMMITS,
) -> None:
    """One delivery a commit: series with 1 % noise, some of them changed from ``AT`` until ``until``."""
    rng = np.random.default_rng(len(machine))
    store.record_commits("main", [commit(i) for i in range(COMMITS)], default=True)
    for i in range(COMMITS):
        values = np.exp(0.01 * rng.standard_normal(SERIES))
        moved = {number: size for number, size in sizes.items() if AT <= i < until}
        told = [
            Measurement(key(n, machine), sha(i), float(values[n] * moved.get(n, 1))) for n in range(SERIES)
        ]
        host = Machine(machine, (("cpu", cpu[i >= AT]),))
        delivery = Delivery("asv", "f", f"{machine}{i}", host, Environment("py3.11"), tuple(told))
        store.deliver(delivery)


def test_a_new_cpu_is_one_event_though_some_got_faster(store: Store) -> None:
    fill(store, sizes={n: 1.2 if n % 2 else 0.8 for n in range(SERIES)}, cpu=("old", "new"))
    (event,) = analyse(store, CONFIG, "main").new
    assert (event.cause, event.note) == (Cause.ENVIRONMENT, "cpu: old -> new")
    assert (len(event.changes), event.first_after) == (SERIES, sha(AT))
    (fact,) = store.fact_changes("main")
    assert (fact.last_before, fact.first_after) == (sha(AT - 1), sha(AT))
    assert analyse(store, CONFIG, "main").kept == (event,)
    part = event.worst
    assert store.fact_differences(part.series_id, sha(AT - 1), sha(AT)) == (("cpu", "old", "new"),)
    assert store.series_fact_changes(part.series_id) == [(AT, (("cpu", "old", "new"),))]
    assert store.fact_differences(part.series_id, sha(AT), sha(AT + 1)) == ()
    assert store.fact_differences(part.series_id, sha(AT), sha(COMMITS)) == ()


def test_a_machine_on_which_everything_moved_alike_had_a_bad_run(store: Store) -> None:
    fill(store, sizes=dict.fromkeys(range(SERIES), 1.3))
    (event,) = analyse(store, CONFIG, "main").new
    assert (event.cause, len(event.changes)) == (Cause.MACHINE, SERIES)
    assert event.note == f"{SERIES} of {SERIES} series on box moved by about +30 %"


@pytest.mark.parametrize(
    "sizes",
    [
        dict.fromkeys(range(4), 1.3),  # not most
        {n: 1.1 + 0.3 * n for n in range(SERIES)},  # not alike
    ],
)
def test_what_is_not_all_or_not_alike_is_the_code(store: Store, sizes: dict[int, float]) -> None:
    fill(store, sizes=sizes)
    (event,) = analyse(store, CONFIG, "main").new
    assert (event.cause, event.note, len(event.changes)) == (Cause.CODE, "", len(sizes))


def test_what_all_machines_see_is_the_code(store: Store) -> None:
    for machine in ("box", "other"):
        fill(store, sizes=dict.fromkeys(range(SERIES), 1.3), machine=machine)
    (event,) = analyse(store, CONFIG, "main").new
    assert (event.cause, len(event.changes)) == (Cause.CODE, 2 * SERIES)


def test_other_facts_excuse_no_change_elsewhere(store: Store) -> None:
    fill(store, sizes={1: 1.3}, cpu=("old", "new"))
    fill(store, sizes={1: 1.3}, machine="other")
    causes = {part.series.machine: event.cause for event in store.events() for part in event.changes}
    assert causes == {}
    for event in analyse(store, CONFIG, "main").new:
        causes |= {part.series.machine: event.cause for part in event.changes}
    assert causes == {"box": Cause.ENVIRONMENT, "other": Cause.CODE}


def test_a_bad_run_that_is_over_raises_nothing_that_stays(store: Store) -> None:
    fill(store, sizes=dict.fromkeys(range(SERIES), 1.3), until=AT + 3)
    assert analyse(store, CONFIG, "main").new == ()


def test_discoveries_are_those_of_benjamini_and_hochberg() -> None:
    assert discoveries([0.001, 0.011, 0.04, 0.9], 4) == [True, True, False, False]
    assert discoveries([0.03, 0.02], 2) == [True, True]  # the second carries the first
    assert discoveries([1e-6], 1_000_000) == [False]
    assert discoveries([], 10) == []


def test_of_uniform_chances_hardly_any_is_a_discovery() -> None:
    found = sum(any(discoveries(np.random.default_rng(i).random(100).tolist(), 100)) for i in range(400))
    assert found <= 32  # 20 are expected
