"""Whole commits as columns: packed without loss that matters, kept with deliveries, compared side by side."""

from __future__ import annotations

import math
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from regress.config import Config
from regress.domain import Verdict
from regress.precision import EXACT, within
from regress.service.analyse import analyse
from regress.service.browse import CompareFilter, commit_page, compare_page
from regress.service.compare import compare
from regress.service.side_by_side import Side, paired, side_by_side
from regress.store import Store
from regress.store.centres import pack, unpack
from regress.store.columns import Ids
from tests.regress.fixtures.stores import KEY, commit, delivery, measured, sha
from tests.regress.test_migrations import downgrade

CHOSEN = Config(root=Path(".")).detection
FINITE = st.floats(allow_nan=False, allow_infinity=False)
SPREAD = st.one_of(st.floats(0, 1e6), st.just(EXACT), st.just(math.nan))


@given(st.lists(st.tuples(st.integers(1, 2**40), FINITE, SPREAD), max_size=40))
def test_columns_come_back_as_exact_as_their_errors_allow(rows: list[tuple[int, float, float]]) -> None:
    series, values, spread = zip(*rows, strict=True) if rows else ((), (), ())
    ids, numbers, errors = unpack(pack(series, values, spread))
    assert tuple(ids.tolist()) == series
    for value, kept, told, error in zip(values, numbers.tolist(), spread, errors.tolist(), strict=True):
        assert kept == value if not told >= 0 else kept == pytest.approx(value, rel=1e-7, abs=1e-40)
        assert math.isnan(error) if math.isnan(told) else (error < 0) == (told < 0)
        if told > 1e-30:
            assert error == pytest.approx(told, rel=0.005)


@given(*[st.lists(st.integers(0, 12), max_size=16).map(lambda all_: np.array(all_, dtype=np.int64))] * 2)
def test_what_both_sides_have_is_paired(a: Ids, b: Ids) -> None:
    _, at_a, at_b = np.intersect1d(a, b, return_indices=True)
    found = paired(a, b, 13)
    assert [places.tolist() for places in found] == [at_a.tolist(), at_b.tolist()]


@pytest.mark.parametrize(
    "damaged", [b"", b"\x00" * 8, pack([1], [1.0], [0.1])[:-1], b"\x01\x05" + b"\x00" * 9]
)
def test_damage_is_told(damaged: bytes) -> None:
    import zlib

    with pytest.raises((ValueError, zlib.error)):
        unpack(damaged)


def test_the_newest_result_stands_whoever_delivers_it(store: Store) -> None:
    store.record_commits("main", [commit(i) for i in range(3)], default=True)
    store.deliver(delivery(measured(1, 1.0), measured(2, 2.0)))
    store.deliver(delivery(measured(1, 1.5, hours=2), digest="newer"))
    store.deliver(delivery(measured(1, 9.0, hours=1), digest="older, and too late"))
    told = store.columns.centres(sha(1))
    assert told.values.tolist() == [1.5]
    assert told.within[0] == pytest.approx(within(measured(1, 1.5)), rel=0.005)
    store.deliver(delivery(measured(1, 1.75, hours=3), digest="newest"))
    assert store.columns.centres(sha(1)).values.tolist() == [1.75]
    assert store.columns.centres(sha(0)).series.size == 0
    several = store.columns.all_centres([sha(2), "f" * 40, sha(0), sha(1)])
    assert [one.values.tolist() for one in several] == [[2.0], [], [], [1.75]]


def test_an_older_database_gets_its_columns(store: Store, url: str) -> None:
    store.deliver(delivery(measured(1, 1.0), measured(1, 2.0, replace(KEY, benchmark="other"))))
    store.deliver(delivery(measured(1, 1.5, hours=2), digest="newer"))
    before = store.columns.centres(sha(1))
    downgrade(store, "0011")
    with Store.open(url) as again:
        after = again.columns.centres(sha(1))
    for one, other in (
        (before.series, after.series),
        (before.values, after.values),
        (before.within, after.within),
    ):
        assert one.tolist() == other.tolist()


@pytest.fixture
def two_machines(store: Store) -> Store:
    """Twelve series on two machines at ten commits; on the second all is twice as slow; one got slower."""
    store.record_commits("main", [commit(i) for i in range(10)], default=True)
    told = []
    for box, speed in (("box", 1.0), ("other box", 2.0)):
        for n in range(12):
            for i in range(10):
                noise = 1 + 0.002 * ((7919 * (n + 3) * (i + 11)) % 1000 / 500 - 1)
                slower = 1.3 if n == 5 and i == 9 else 1.0
                one = measured(
                    i, speed * noise * slower, replace(KEY, benchmark=f"suite{n % 2}.time_{n}", machine=box)
                )
                told.append(replace(one, low=None, high=None, samples=()))
    store.deliver(delivery(*told, digest="all"))
    return store


def test_noise_of_an_analysis_serves_as_that_of_the_history(two_machines: Store) -> None:
    fresh = compare(two_machines, sha(8), sha(9))
    assert sum(row.verdict is Verdict.SLOWER for row in fresh) == 2
    assert np.isnan(two_machines.columns.noises().of(np.array([1]))).all()
    analyse(two_machines, Config(root=Path(".")), "main")
    assert two_machines.columns.noises().of(np.array([1]))[0] > 0
    assert compare(two_machines, sha(8), sha(9)) == fresh


def test_machines_compare_at_one_commit(two_machines: Store) -> None:
    table = side_by_side(two_machines, Side(sha(3), machine="box"), Side(sha(3), machine="other box"), CHOSEN)
    assert table.size == 12
    assert np.allclose(table.answers.ratio, 2)
    assert set(table.part("machine").tolist()) == {two_machines.columns.catalogue().parts["machine"].max()}
    one = side_by_side(two_machines, Side(sha(8), machine="box"), Side(sha(9), machine="box"), CHOSEN)
    assert (one.size, one.only_a, one.only_b.size) == (12, 0, 0)


def test_a_comparison_is_filtered_grouped_and_paged(two_machines: Store) -> None:
    def ask(first: int = 0, **chosen: object) -> list[tuple[str, str, list[str]]]:
        page = compare_page(two_machines, sha(8), sha(9), CompareFilter(**chosen), first=first, limit=8)
        return [
            (group.metric.name, group.name, [row.comparison.series.benchmark for row in group.rows])
            for group in page.groups
        ]

    (everything,) = ask()
    assert everything[2][:2] == ["suite1.time_5"] * 2
    pages = [row for first in (0, 8, 16, 24) for group in ask(first) for row in group[2]]
    assert sorted(pages) == sorted(2 * [f"suite{n % 2}.time_{n}" for n in range(12)])
    assert ask(least=0.2) == [("wall time", "", ["suite1.time_5"] * 2)]
    assert ask(query="TIME_5 other") == [("wall time", "", ["suite1.time_5"])]
    assert [name for _, name, _ in ask(group="suite", verdicts=frozenset({Verdict.SLOWER}))] == ["suite1"]
    assert ask(metric="instructions") == []
    page = compare_page(two_machines, sha(8), sha(9), CompareFilter(group="machine"))
    assert [(group.name, group.total, group.settled) for group in page.groups] == [
        ("box", 12, 1),
        ("other box", 12, 1),
    ]
    assert page.groups[0].geomean == pytest.approx(1.3 ** (1 / 12), rel=0.002)
    (row,) = (
        compare_page(two_machines, sha(8), sha(9), CompareFilter(query="time_5", machines=("box", "box")))
        .groups[0]
        .rows
    )
    assert row.factor == pytest.approx(math.log(row.comparison.ratio) / math.log1p(row.threshold))
    assert row.factor > 1


def test_a_commit_shows_what_is_loud_first_and_what_is_new_last(two_machines: Store) -> None:
    two_machines.deliver(delivery(measured(9, 1.0, replace(KEY, benchmark="fresh")), digest="new"))
    page = commit_page(two_machines, sha(9), limit=3)
    assert (page.measured, page.passed, len(page.rows)) == (25, 25, 3)
    assert [row.key.benchmark for row in page.rows[:2]] == ["suite1.time_5"] * 2
    assert page.counts[Verdict.SLOWER] == 2
    (last,) = commit_page(two_machines, sha(9), first=24).rows
    assert (last.key.benchmark, last.comparison) == ("fresh", None)
    assert commit_page(two_machines, sha(9), frozenset({Verdict.SLOWER})).passed == 2
    assert commit_page(two_machines, sha(9), query="fresh").passed == 1
    assert commit_page(two_machines, sha(0)).passed == 24
