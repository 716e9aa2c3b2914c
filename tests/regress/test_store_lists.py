"""Lists read what stands with each series: it must be what the measurements say, whatever came when."""

from __future__ import annotations

import itertools
import random
from dataclasses import replace

import pytest

from regress.domain import Metric, SeriesKey
from regress.store import Store, described, summaries
from regress.store.matches import telling
from tests.regress.fixtures.stores import KEY, commit, delivery, measured, sha


def wrong(store: Store) -> int:
    with store._db.read() as session:
        return summaries.wrong(session.connection())


def key(name: str, version: str = "v1", **parameters: str) -> SeriesKey:
    return replace(KEY, benchmark=name, parameters=tuple(parameters.items()), version=version)


def test_counts_stay_right_whatever_comes_in_which_order(store: Store) -> None:
    rng = random.Random(3)
    keys = [replace(key(f"b{i}"), branch=branch) for i in range(4) for branch in ("main", "topic")]
    for step in range(25):
        told = [
            measured(rng.randrange(16), rng.random(), k, rng.randrange(5)) for k in keys if rng.random() < 0.6
        ]
        store.deliver(delivery(*told, digest=f"d{step}"))
        if rng.random() < 0.5:
            first = rng.randrange(12)
            store.record_commits(rng.choice(["main", "topic"]), [commit(i) for i in range(first, first + 4)])
        if rng.random() < 0.2:  # a rewritten branch: its last commits are others
            store.record_commits("main", [commit(i + 1, i) for i in range(6, 9)])
        assert wrong(store) == 0
    for branch in ("main", "topic"):
        for status in store.commit_statuses(branch):
            here = [m.series for _, m in store.measurements_at(status.commit.sha)]
            assert status.measured == sum(one.branch == branch for one in here)
    listed = {row.id: row for row in store.series_list()}
    assert {len(store.series(id_).points) for id_ in listed} != {0}
    for id_, row in listed.items():
        points = store.series(id_).points
        assert (row.points, row.latest) == (len(points), points[-1] if points else None)


def test_series_are_found_by_words_and_sorted_as_people_read(store: Store) -> None:
    sizes = ["1000", "9", "-5", "1e2", "many", "0.5"]
    found = [key("sort.time_sort", n=n, kind="'Ünder_score'") for n in sizes] + [key("sort.time")]
    store.deliver(delivery(*(measured(1, 1.0, one) for one in found)))
    rows = store.find_series("main")
    assert [row.key.title for row in rows[:1]] == ["sort.time"]
    assert [dict(row.key.parameters)["n"] for row in rows[1:]] == ["-5", "0.5", "9", "1e2", "1000", "many"]
    assert store.find_series("main", first=2, limit=3) == rows[2:5]
    for query, count in (
        ("SORT.time_ ünder", 6),
        ("n=9 box", 1),
        ("%", 0),
        ("_score", 6),
        ("wall", 7),
        ("'", 6),
    ):
        assert store.count_series("main", query) == count
        assert len(store.find_series("main", query)) == count
    assert (store.count_series(), store.count_series("other")) == (7, 0)


def test_a_rank_of_any_length_is_stored(store: Store) -> None:
    long = key("b" * 5_000, n="1" * 5_000)
    store.deliver(delivery(measured(1, 1.0, replace(long, metric=Metric("m", "1")))))
    assert [row.key.benchmark for row in store.find_series("main")] == [long.benchmark]


@pytest.mark.parametrize("value", ["nan", "inf", "-inf", "1e999", "0", "-0.0"])
def test_numbers_that_are_none_sort_with_the_words(value: str) -> None:
    ranks = [described.rank(key("b", n=n)) for n in ("-1e308", value, "zebra")]
    assert ranks == sorted(ranks)


def test_stale_series_are_those_left_behind_but_not_by_their_next_version(store: Store) -> None:
    told = [measured(i, 1.0, key("live")) for i in range(10)]
    told += [measured(i, 1.0, key("gone")) for i in range(3)] + [measured(0, 1.0, key("early"))]
    told += [measured(1, 1.0, key("moved", "v1")), measured(9, 1.0, key("moved", "v2"))]
    store.deliver(delivery(*told))
    stale = store.stale_series("main", 5, 10)
    assert [(row.key.benchmark, behind) for row, behind in stale] == [("early", 9), ("gone", 7)]
    assert len(store.stale_series("main", 5, 1)) == 1
    assert store.stale_series("nothing", 5, 10) == []
    newest = store.newest_measured("main")
    assert newest is not None
    assert newest.sha == sha(9)
    assert store.newest_measured("nothing") is None


def test_a_filter_finds_series_that_come_later(store: Store) -> None:
    for number, name in enumerate(("b.sort", "a.sort", "c.sort", "other")):
        store.deliver(delivery(measured(1, 1.0, key(name))))
        found = [row.key.benchmark for row in store.find_series("main", "SORT")]
        assert found == [["b.sort"], ["a.sort", "b.sort"], *[["a.sort", "b.sort", "c.sort"]] * 2][number]
        assert store.count_series(query="sort") == len(found) == store.columns.matching("sort").size


def test_words_that_say_nothing_new_are_not_looked_for(store: Store) -> None:
    assert telling("e TIME e im time_case time") == ("time_case",)
    assert telling(" b ab c ") == telling("c ab ab") == ("ab", "c")
    store.deliver(delivery(*(measured(1, 1.0, key(name)) for name in ("a.sort", "a.sorted", "b.100%"))))
    for query, many in (("sort a", 2), ("sorted o r t sort", 1), ("% b.1", 1), ("a_s", 0), ("sort z", 0)):
        assert store.count_series(query=query) == many


def test_ends_are_those_of_the_whole_line(store: Store) -> None:
    store.record_commits("main", [commit(i) for i in range(60)], default=True)
    steady, rare, gone = key("steady"), key("rare"), key("gone")
    places = {steady: range(60), rare: range(0, 50, 7), gone: [99]}  # of which the branch knows nothing
    store.deliver(delivery(*(measured(i, float(i), one) for one, at in places.items() for i in at)))
    ids = [row.id for row in store.series_list()]
    lines = store.lines(ids)
    assert len(ids) == 3
    assert len(lines) == 2
    for many, at in itertools.product((1, 4, 80), (None, 0, 7, 30, 59, 99)):
        expected = {}
        for id_, line in lines.items():
            before = [point for point in line if at in (None, 99) or point[1] < at]
            expected[id_] = before[-many:] + [point for point in line if point not in before][:many]
        assert store.ends(dict.fromkeys(ids, None if at is None else sha(at)), many) == expected
    mixed = {id_: sha(30) if i else None for i, id_ in enumerate(lines)}
    assert store.ends(mixed, 2) == {id_: store.ends({id_: mark}, 2)[id_] for id_, mark in mixed.items()}
