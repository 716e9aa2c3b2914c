"""The gate on made histories in a real store: what blocks, what does not, and since when."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from regress.config import Config, GateConfig
from regress.domain import (
    Commit,
    Delivery,
    Environment,
    Failure,
    FailureKind,
    Machine,
    Measurement,
    SeriesKey,
)
from regress.errors import RegressError, UnknownNameError
from regress.metrics import WALL_TIME
from regress.service.gate import gate
from regress.service.triage import triage, triage_steps
from regress.store import Store

EPOCH = datetime(2024, 1, 1, tzinfo=UTC)
COUNT, STEP = 40, 25


def sha(position: int) -> str:
    return f"{position:040x}"


def deliver(store: Store, ratio: float, *, failing: int | None = None) -> None:
    """A history of 40 commits whose one benchmark takes ``ratio`` times as long from commit 25 on."""
    commits = [
        Commit(sha(n), (sha(n - 1),) if n else (), "Ada", EPOCH + timedelta(hours=n), EPOCH, f"c{n}", n)
        for n in range(COUNT)
    ]
    store.record_commits("main", commits)
    key = SeriesKey("bench.time_it", (), WALL_TIME, "host", "py", "main")
    wobble = [1.0, 1.004, 0.997, 1.002, 0.995]
    for n, commit in enumerate(commits):
        value = 1e-3 * (ratio if n >= STEP else 1.0) * wobble[n % 5]
        failures = (
            (Failure(FailureKind.BENCHMARK, commit.sha, "no", "host", "py", "bench.time_else"),)
            if n == failing
            else ()
        )
        store.deliver(
            Delivery(
                source="test", origin="here", digest=f"{n} {ratio}",
                machine=Machine("host"), environment=Environment("py"),
                measurements=(Measurement(key, commit.sha, value),), failures=failures,
            )
        )  # fmt: skip


@pytest.fixture
def store(tmp_path: Path) -> Iterator[Store]:
    with Store.open(f"sqlite:///{tmp_path}/db") as opened:
        yield opened


@pytest.fixture
def config(tmp_path: Path) -> Config:
    return Config(root=tmp_path, gate=GateConfig(minimum_effect=0.05))


def test_a_regression_blocks_until_somebody_explains_it(store: Store, config: Config) -> None:
    deliver(store, 1.15)
    report = gate(store, config, "main")
    (event,) = report.blocking
    assert not report.passed
    assert event.first_after == sha(STEP)
    assert event.worst.change.ratio == pytest.approx(1.15, abs=0.01)
    triage(store, event.id, "expected")
    assert gate(store, config, "main").passed
    with pytest.raises(UnknownNameError, match="unknown state 'expcted'") as refused:
        triage(store, event.id, "expcted")
    assert refused.value.near[0] == "expected"
    with pytest.raises(UnknownNameError, match="unknown event '999'"):
        triage(store, 999, "fixed")


def test_triage_assigns_moves_and_fixes(store: Store, config: Config) -> None:
    deliver(store, 1.15)
    (event,) = gate(store, config, "main").blocking
    moved = triage(store, event.id, move="later", assignee=" ada ", who="grace")
    assert (moved.last_before, moved.first_after, moved.assignee) == (sha(STEP), sha(STEP + 1), "ada")
    assert triage(store, event.id, move="earlier").first_after == sha(STEP)
    fixed = triage(store, event.id, fixed_by=sha(STEP + 3), note="the cache was cold")
    assert (fixed.state.value, fixed.fixed_by) == ("fixed", sha(STEP + 3))
    assert triage(store, event.id, fixed_by="feed" * 10).fixed_by == "feed" * 10  # not measured yet
    assert triage_steps(store, event.id)[0].who == "grace"
    for wrong in ({"fixed_by": "the last one"}, {"move": "up"}, {"note": "x" * 2_001}, {"state": "open"}, {}):
        with pytest.raises(RegressError):
            triage(store, event.id, **wrong)


def test_only_commits_of_the_range_count(store: Store, config: Config) -> None:
    deliver(store, 1.15)
    assert not gate(store, config, "main", since=sha(STEP - 1)).passed
    assert gate(store, config, "main", since=sha(STEP)).passed
    with pytest.raises(UnknownNameError, match="unknown commit"):
        gate(store, config, "main", since="f" * 40)


def test_small_changes_and_improvements_pass(store: Store, config: Config) -> None:
    deliver(store, 1.15)
    assert gate(store, config, "main", threshold=0.2).passed
    with_limit = replace(config, gate=GateConfig(minimum_effect=0.16))
    assert gate(store, with_limit, "main").passed


def test_an_improvement_passes(store: Store, config: Config) -> None:
    deliver(store, 0.8)
    report = gate(store, config, "main")
    assert report.passed
    assert store.events("main"), "the improvement is known"


@pytest.mark.parametrize(("failing", "passes"), [(COUNT - 1, False), (5, True)])
def test_a_benchmark_that_stopped_working_blocks_where_wanted(
    store: Store, config: Config, failing: int, passes: bool
) -> None:
    deliver(store, 1.0, failing=failing)
    assert gate(store, config, "main").passed
    strict = replace(config, gate=GateConfig(fail_on_failures=True))
    report = gate(store, strict, "main")
    assert report.passed is passes
    assert [failure.benchmark for failure in report.failing] == ([] if passes else ["bench.time_else"])


def test_an_unmeasured_branch_is_no_pass(store: Store, config: Config) -> None:
    with pytest.raises(RegressError, match="nothing is measured yet"):
        gate(store, config, "main")
