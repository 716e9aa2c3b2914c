"""History, deliveries and series, on every database."""

from __future__ import annotations

import os
from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from regress.domain import (
    Decision,
    Delivery,
    Direction,
    Environment,
    FailureKind,
    Machine,
    Measurement,
    Metric,
    Receipt,
    SeriesKey,
    State,
)
from regress.errors import UnknownNameError
from regress.store import Store
from tests.regress.fixtures.stores import (
    KEY,
    START,
    commit,
    delivery,
    failure,
    measured,
    sha,
)


def test_a_chart_reads_a_line_and_only_what_it_draws(store: Store) -> None:
    store.record_commits("main", [commit(i) for i in range(10)], default=True)
    told = [Measurement(KEY, sha(i), i + 0.5, i, i + 1, (i, i + 1.0)) for i in (1, 2, 5, 8)]
    store.deliver(Delivery("asv", "f", "d", Machine("box"), Environment("py"), tuple(told)))
    (id_,) = (row.id for row in store.series_list())
    whole = store.series(id_).points
    assert store.line(id_) == [(1, 1.5), (2, 2.5), (5, 5.5), (8, 8.5)]
    assert store.line(id_, 2, 5) == [(2, 2.5), (5, 5.5)]
    assert store.points_at(id_, [8, 2, 3]) == [whole[1], whole[3]]
    here = store.located("main", (point.commit for point in whole))
    assert store.figures(id_, [8, 2, 3]) == [
        (p.position, here[p.commit].committed_at.timestamp(), p.value, p.low, p.high) for p in whole[1::2]
    ]
    newest, total = store.newest_points(id_, 2)
    assert (newest.points, newest.key, total) == (whole[2:], store.series_key(id_), 4)
    with pytest.raises(UnknownNameError):
        store.newest_points(99, 2)


def test_commits_come_back_as_told_oldest_first(store: Store) -> None:
    assert store.commits("main") == [commit(i) for i in range(10)]
    assert store.commits("main", last=2) == [commit(8), commit(9)]
    assert store.commits("elsewhere") == []


def test_telling_history_again_changes_nothing(store: Store) -> None:
    store.record_commits("main", [commit(i) for i in range(4, 10)])
    assert store.commits("main") == [commit(i) for i in range(10)]


def test_a_rewritten_branch_loses_what_followed_the_first_contradiction(store: Store) -> None:
    store.deliver(delivery(*(measured(i, 1.0) for i in range(10))))
    told = [commit(7), commit(18, position=8)]
    store.record_commits("main", told)
    assert [c.sha for c in store.commits("main")] == [sha(i) for i in (*range(8), 18)]
    (series,) = store.all_series("main")
    assert [point.commit for point in series.points] == [sha(i) for i in range(8)]
    store.record_commits("main", [commit(i) for i in range(7, 10)])
    assert store.commits("main") == [commit(i) for i in range(10)]
    assert len(store.series(series.id).points) == 10


def test_commits_are_found_by_prefix_or_branch(store: Store) -> None:
    assert store.commit(sha(3)[:10]) == commit(3)
    assert store.commit(sha(3).upper()) == commit(3)
    assert store.commit("main") == commit(9)
    with pytest.raises(UnknownNameError, match="unknown commit '0000'"):
        store.commit("0000")  # ambiguous
    with pytest.raises(UnknownNameError) as caught:
        store.commit("mian")
    assert caught.value.near == ("main",)
    with pytest.raises(UnknownNameError):
        store.commit("%")


def test_the_default_branch_is_first(store: Store) -> None:
    store.record_commits("topic", [commit(0)])
    assert (store.branches(), store.default_branch()) == (["main", "topic"], "main")
    store.record_commits("topic", [], default=True)
    assert (store.branches(), store.default_branch()) == (["topic", "main"], "topic")


def test_an_empty_store_answers(url: str) -> None:
    with Store.open(url) as store:
        assert store.default_branch() is None
        assert [store.branches(), store.series_list(), store.events(), store.runs(), store.benchmarks()] == [
            []
        ] * 5
        assert store.failures(latest_only=True) == []


# -- deliveries ------------------------------------------------------------------------------------------


def test_measurements_come_back_as_delivered(store: Store) -> None:
    other = replace(KEY, benchmark="other", parameters=(), metric=Metric("rate", "ops/s", Direction.HIGHER))
    bare = Measurement(other, sha(1), 5.0)
    receipt = store.deliver(delivery(measured(1, 2.0), bare))
    assert (receipt.new, receipt.updated, receipt.unchanged, receipt.duplicate) == (2, 0, 0, False)
    assert [m for _, m in store.measurements_at(sha(1))] == [measured(1, 2.0), bare]
    assert store.benchmarks() == ["bench", "other"]
    assert store.machines() == [Machine("box", (("cpu", "x86"),))]
    (run,) = store.runs()
    assert (run.id, run.source, run.machine, run.environment, run.new) == (
        receipt.run_id,
        "asv",
        "box",
        "py3.11",
        2,
    )


def test_the_same_delivery_twice_changes_nothing(store: Store) -> None:
    first = store.deliver(delivery(measured(1, 2.0), failures=(failure(2),)))
    again = store.deliver(delivery(measured(1, 2.0), failures=(failure(2),)))
    assert again == Receipt(first.run_id, unchanged=1, duplicate=True)
    assert len(store.runs()) == len(store.failures()) == 1


@pytest.mark.parametrize(
    ("second_hours", "expected", "count"),
    [(5, 3.0, "updated"), (3, 3.0, "updated"), (1, 2.0, "unchanged"), (None, 2.0, "unchanged")],
)
def test_the_newest_measurement_wins(
    store: Store, second_hours: int | None, expected: float, count: str
) -> None:
    store.deliver(delivery(measured(1, 2.0, hours=3)))
    receipt = store.deliver(delivery(measured(1, 3.0, hours=second_hours)))
    assert getattr(receipt, count) == 1
    assert [m.value for _, m in store.measurements_at(sha(1))] == [expected]


def test_overlapping_deliveries_count_what_is_the_same(store: Store) -> None:
    store.deliver(delivery(measured(1, 2.0), measured(2, 2.0)))
    receipt = store.deliver(delivery(measured(2, 2.0), measured(3, 2.0)))
    assert (receipt.new, receipt.updated, receipt.unchanged) == (1, 0, 1)


def test_a_large_delivery_meets_what_its_commit_measured_before(store: Store) -> None:
    keys = [replace(KEY, benchmark=f"b{i:03}") for i in range(600)]
    store.deliver(delivery(*(measured(1, 2.0, key) for key in keys[:400]), digest="a"))
    told = [measured(1, 2.0 if i < 300 else 3.0, key) for i, key in enumerate(keys)]
    receipt = store.deliver(delivery(*told, digest="b"))
    assert (receipt.new, receipt.updated, receipt.unchanged) == (200, 100, 300)
    assert [m for _, m in store.measurements_at(sha(1))] == told


def test_points_are_in_history_order_and_only_of_the_branch(store: Store) -> None:
    store.deliver(delivery(*(measured(i, float(i)) for i in (7, 2, 99, 5))))
    (summary,) = store.series_list("main")
    assert (summary.key, summary.points, summary.latest_at) == (KEY, 3, START)
    assert summary.latest is not None
    assert (summary.latest.commit, summary.latest.value) == (sha(7), 7.0)
    series = store.series(summary.id)
    assert [(p.position, p.value) for p in series.points] == [(2, 2.0), (5, 5.0), (7, 7.0)]
    assert series.points[0].samples == (2.0, 2.05)
    assert list(store.all_series("main")) == [series]
    store.record_commits("main", [commit(99, position=10)])  # later, history tells the missing one
    assert [p.value for p in store.series(summary.id).points] == [2.0, 5.0, 7.0, 99.0]


def test_series_are_split_by_everything_in_their_key(store: Store) -> None:
    keys = [
        KEY,
        replace(KEY, version="v2"),
        replace(KEY, machine="other"),
        replace(KEY, environment="py3.12"),
        replace(KEY, branch="topic"),
        replace(KEY, parameters=(("n", "2"),)),
        replace(KEY, metric=Metric("peak memory", "bytes")),
        replace(KEY, benchmark="bench2"),
    ]
    store.deliver(delivery(*(measured(1, 1.0, key) for key in keys)))
    assert {s.key for s in store.series_list()} == set(keys)
    assert len(store.series_list(branch="main")) == 7
    assert len(store.series_list(branch="main", machine="other")) == 1
    assert {s.key.benchmark for s in store.series_list(benchmark="bench2")} == {"bench2"}


def test_unknown_series_and_events_say_so(store: Store) -> None:
    for ask in (store.series, store.event, lambda id_: store.decide(id_, Decision(state=State.FIXED))):
        with pytest.raises(UnknownNameError):
            ask(12345)


def test_a_delivery_is_stored_whole_or_not_at_all(store: Store) -> None:
    with pytest.raises(ValueError, match="no measurement"):
        store.deliver(delivery(measured(1, 1.0), measured(2, float("nan"))))
    assert (store.runs(), store.series_list(), store.benchmarks()) == ([], [], [])


def test_failures_are_replaced_and_cleared_by_measurements(store: Store) -> None:
    build = failure(4, FailureKind.BUILD, "")
    store.deliver(delivery(failures=(failure(3), failure(4), build)))
    store.deliver(delivery(failures=(replace(failure(3), log="again"),), digest="x"))
    assert {(f.commit, f.kind, f.log) for f in store.failures()} == {
        (sha(3), FailureKind.BENCHMARK, "again"),
        (sha(4), FailureKind.BENCHMARK, "Traceback ..."),
        (sha(4), FailureKind.BUILD, "Traceback ..."),
    }
    assert store.failures(sha(3)) == [replace(failure(3), log="again")]
    store.deliver(delivery(measured(4, 1.0)))
    assert [f.commit for f in store.failures()] == [sha(3)]


def test_latest_failures_are_those_of_the_newest_commit_tried(store: Store) -> None:
    store.deliver(delivery(measured(3, 1.0), failures=(failure(4),)))
    assert store.failures(latest_only=True) == [failure(4)]
    store.deliver(delivery(measured(5, 1.0)))
    assert store.failures(latest_only=True) == []


def test_commit_statuses_count_series_and_failures(store: Store) -> None:
    other = replace(KEY, benchmark="other")
    store.deliver(delivery(measured(8, 1.0), measured(8, 1.0, other), failures=(failure(9),)))
    statuses = store.commit_statuses("main", 3)
    assert [(s.commit.position, s.measured, s.failures) for s in statuses] == [
        (7, 0, ()),
        (8, 2, ()),
        (9, 0, (failure(9),)),
    ]


def test_text_that_databases_refuse_is_replaced(store: Store) -> None:
    key = replace(KEY, benchmark="a\x00b\ud800", parameters=(("n", "\udfff"),))
    store.deliver(delivery(measured(1, 1.0, key), failures=(replace(failure(2), log="\x00"),)))
    assert store.benchmarks() == ["a�b�"]
    assert store.series_list()[0].key.parameters == (("n", "�"),)
    assert store.deliver(delivery(measured(3, 1.0, key))).new == 1
    assert len(store.series_list()) == 1


def test_times_without_a_zone_are_refused(store: Store) -> None:
    with pytest.raises(Exception, match="naive datetime"):
        store.deliver(delivery(replace(measured(1, 1.0), measured_at=datetime(2026, 1, 1))))


TEXT = st.text(st.characters(exclude_categories=["Cs"], exclude_characters="\x00"), max_size=8)
FLOAT = st.floats(allow_nan=False, allow_infinity=False)
MEASUREMENT = st.builds(
    Measurement,
    series=st.builds(
        SeriesKey,
        benchmark=TEXT,
        parameters=st.lists(st.tuples(TEXT, TEXT), max_size=2).map(tuple),
        metric=st.builds(Metric, TEXT, TEXT, st.sampled_from(Direction)),
        machine=TEXT,
        environment=TEXT,
        branch=st.just("main"),
        version=TEXT,
    ),
    commit=st.integers(0, 9).map(sha),
    value=FLOAT,
    low=st.none() | FLOAT,
    high=st.none() | FLOAT,
    samples=st.lists(FLOAT, max_size=5).map(tuple),
    measured_at=st.none() | st.datetimes(datetime(1970, 1, 1), datetime(2100, 1, 1), timezones=st.just(UTC)),
)


@settings(max_examples=30, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.lists(MEASUREMENT, max_size=6, unique_by=lambda m: (m.series, m.commit)))
def test_any_delivery_comes_back(store: Store, measurements: list[Measurement]) -> None:
    # Examples share the database: only a digest of its own makes a delivery new, and earlier ones stay.
    told = {(m.series, m.commit): replace(m, measured_at=START + timedelta(days=36500)) for m in measurements}
    store.deliver(delivery(*told.values(), digest=os.urandom(8).hex()))
    stored = {(m.series, m.commit): m for i in range(10) for _, m in store.measurements_at(sha(i))}
    assert {key: stored[key] for key in told} == told


def test_a_stretch_of_a_branch_and_commits_by_hash(store: Store) -> None:
    commits = store.commits("main")
    assert store.commits("main", span=(1, 2)) == commits[1:3]
    assert store.commits("main", span=(1, 2), last=1) == commits[2:3]
    assert store.commits("main", span=(-5, 0)) == commits[:1]
    assert [s.commit for s in store.commit_statuses("main", span=(1, 1))] == commits[1:2]
    assert store.commit_statuses("main", span=(900, 950)) == []
    wanted = [commits[2].sha, "f" * 40]
    assert store.located("main", wanted) == {commits[2].sha: commits[2]}
    assert store.located("other", wanted) == {}


def test_deliveries_together_do_what_they_do_one_by_one(store: Store, url: str) -> None:
    """Merging by rule, duplicates, failures made good and machines' facts, within one transaction."""
    other = replace(KEY, machine="second")
    told = [
        delivery(measured(1, 1.0, hours=1), measured(2, 2.0), failures=(failure(3),)),
        delivery(measured(1, 9.0, hours=0), measured(2, 3.0, hours=5), digest="overlaps"),
        delivery(measured(1, 9.0, hours=0), measured(2, 3.0, hours=5), digest="overlaps"),
        delivery(measured(3, 3.0), measured(3, 4.0, other), digest="mends"),
        replace(delivery(failures=(failure(4),), digest="moved"), machine=Machine("box", (("cpu", "arm"),))),
    ]
    together = store.deliver_all(told)
    with Store.open(url, project="elsewhere") as apart:  # another project's branch: other series, same rules
        single = [apart.deliver(replace(each, digest=each.digest + "'")) for each in told]
        assert [replace(receipt, run_id=0) for receipt in together] == [
            replace(receipt, run_id=0) for receipt in single
        ]
    assert [r.new for r in together] == [2, 0, 0, 2, 0]
    assert [r.updated for r in together] == [0, 1, 0, 0, 0]
    assert [r.duplicate for r in together] == [False, False, True, False, False]
    values = {commit: m.value for commit in (1, 2, 3) for _, m in store.measurements_at(sha(commit))
              if m.series.branch == "main" and m.series.machine == "box"}  # fmt: skip
    assert values == {1: 1.0, 2: 3.0, 3: 3.0}
    assert {f.commit for f in store.failures()} == {sha(4)}
    assert store.machines() == [Machine("box", (("cpu", "arm"),)), Machine("second")]


def test_a_machine_that_a_series_only_names_keeps_its_facts(store: Store) -> None:
    store.deliver(delivery(measured(1, 1.0)))
    elsewhere = Machine("second", (("cpu", "arm"),))
    store.deliver(replace(delivery(measured(2, 1.0), digest="second"), machine=elsewhere))
    assert store.machines() == [Machine("box", (("cpu", "x86"),)), elsewhere]


def test_a_mistake_in_one_delivery_stores_none_of_those_with_it(store: Store) -> None:
    wrong = replace(measured(2, 1.0), value=float("nan"))
    with pytest.raises(ValueError, match="is no measurement"):
        store.deliver_all([delivery(measured(1, 1.0)), delivery(wrong)])
    assert store.runs() == []
