"""The verbs *ingest* and *analyse*: from result files to events."""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from regress.config import Config, parse
from regress.domain import Commit, Decision, EventKind, Failure, FailureKind, State
from regress.errors import IngestError, UnknownNameError
from regress.service.analyse import analyse
from regress.service.ingest import ingest
from regress.store import Store

START = datetime(2026, 1, 1, tzinfo=UTC)
COLUMNS = ["result", "params", "version", "started_at", "duration", "stats_ci_99_a", "stats_ci_99_b"]


def sha(i: int) -> str:
    return f"{i:08x}" + "0" * 32


def stamp(hours: int) -> int:
    return int((START + timedelta(hours=hours)).timestamp() * 1000)


def asv_tree(folder: Path, commits: int = 40, slow_at: int = 27, factor: float = 1.15) -> Path:
    """Result files as asv writes them: three benchmarks with noise, one of them slower from a commit on."""
    rng = np.random.default_rng(1)
    (folder / "box").mkdir(parents=True)
    for i in range(commits):
        slow = factor if i >= slow_at else 1.0
        noise = 1 + 0.01 * rng.standard_normal(3)
        values: dict[str, Any] = {
            "time_sort": 1e-3 * slow * noise[0],
            "time_parse": 2e-3 * noise[1],
            "peakmem_load": 5e7,
            "track_rate": 100 / slow * noise[2],
        }
        units = {"track_rate": "ops/s"}
        write_result(folder, i, values)
    told = {"track_rate": {"type": "track", "unit": units["track_rate"], "param_names": []}}
    (folder / "benchmarks.json").write_text(json.dumps({**told, "version": 2}))
    return folder


def write_result(folder: Path, i: int, values: dict[str, Any]) -> None:
    results = {name: [[value], [], "v1", stamp(100 + i), 0.1] for name, value in values.items()}
    document = {
        "commit_hash": sha(i), "env_name": "py3.11", "date": stamp(i), "params": {"machine": "box"},
        "python": "3.11", "requirements": {}, "env_vars": {}, "result_columns": COLUMNS, "results": results,
        "version": 2,
    }  # fmt: skip
    (folder / "box" / f"{sha(i)[:8]}-py3.11.json").write_text(json.dumps(document))


@pytest.fixture
def store(tmp_path: Path) -> Iterator[Store]:
    with Store.open(f"sqlite:///{tmp_path}/x.db") as opened:
        yield opened


@pytest.fixture
def config(tmp_path: Path) -> Config:
    return Config(root=tmp_path)


def test_forty_commits_with_one_slow_one_give_one_regression(
    store: Store, config: Config, tmp_path: Path
) -> None:
    report = ingest(store, [asv_tree(tmp_path / "results")])
    assert (len(report.receipts), report.new, report.unplaced) == (40, 160, ())
    found = analyse(store, config, "main")
    assert (found.series, found.points) == (4, 160)
    (event,) = found.new
    assert found.regressions == (event,)
    assert (event.kind, event.last_before, event.first_after) == (EventKind.REGRESSION, sha(26), sha(27))
    assert {c.series.benchmark for c in event.changes} == {
        "time_sort",
        "track_rate",
    }  # a rate that falls is worse
    (slower,) = [c for c in event.changes if c.series.benchmark == "time_sort"]
    assert slower.change.low < 1.15 < slower.change.high
    assert store.events() == [event]


def test_analysing_again_finds_nothing_new(store: Store, config: Config, tmp_path: Path) -> None:
    ingest(store, [asv_tree(tmp_path / "results")])
    (event,) = analyse(store, config, "main").new
    store.decide(event.id, Decision(state=State.EXPECTED))
    again = analyse(store, config, "main")
    assert (again.new, again.kept, again.went_away) == ((), (replace(event, state=State.EXPECTED),), ())


def test_getting_faster_is_an_improvement(store: Store, config: Config, tmp_path: Path) -> None:
    ingest(store, [asv_tree(tmp_path / "results", factor=0.8)])
    (event,) = analyse(store, config, "main").improvements
    assert event.first_after == sha(27)


def test_a_larger_configured_effect_silences_it(store: Store, config: Config, tmp_path: Path) -> None:
    ingest(store, [asv_tree(tmp_path / "results")])
    tolerant = parse("[[detection.effect]]\nminimum = 0.3", tmp_path / "regress.toml")
    assert analyse(store, tolerant, "main").new == ()
    (event,) = analyse(store, config, "main").new
    assert analyse(store, tolerant, "main").went_away[0].id == event.id


def test_failures_are_kept_apart_from_data(store: Store, config: Config, tmp_path: Path) -> None:
    folder = asv_tree(tmp_path / "results")
    for i in (10, 30):
        write_result(folder, i, {"time_sort": None, "time_parse": float("nan")})
    ingest(store, [folder])
    assert [f.commit for f in store.failures()] == [sha(30), sha(10)]
    expected = Failure(FailureKind.BENCHMARK, sha(30), store.failures()[0].log, "box", "py3.11", "time_sort")
    assert store.failures()[0] == expected
    (series,) = [s for s in store.all_series("main") if s.key.benchmark == "time_sort"]
    assert len(series.points) == 38
    (event,) = analyse(store, config, "main").new
    assert event.first_after == sha(27)


def test_ingesting_again_changes_nothing(store: Store, tmp_path: Path) -> None:
    folder = asv_tree(tmp_path / "results", commits=5)
    ingest(store, [folder])
    again = ingest(store, [folder])
    assert (again.new, again.updated, again.duplicates) == (0, 0, 5)
    elsewhere = ingest(store, [folder], branch="topic")
    assert (elsewhere.new, elsewhere.duplicates) == (20, 0)


def test_a_damaged_file_stays_out_whole_and_ingest_goes_on_once_it_is_repaired(
    store: Store, tmp_path: Path
) -> None:
    folder = asv_tree(tmp_path / "results", commits=5)
    path = folder / "box" / f"{sha(3)[:8]}-py3.11.json"
    whole = path.read_text()
    path.write_text(whole[:-20])
    with pytest.raises(IngestError, match="line 1, column"):
        ingest(store, [folder])
    assert (len(store.runs()), {commit.sha for commit in store.commits("main")}) == (
        3,
        {sha(0), sha(1), sha(2)},
    )
    path.write_text(whole)
    again = ingest(store, [folder])
    assert (again.duplicates, again.new, again.unplaced) == (3, 8, ())


def test_a_told_history_places_commits_and_leaves_strangers_out(store: Store, tmp_path: Path) -> None:
    told = [Commit(sha(i), (), "Ann", START, START, "change", i) for i in (3, 1, 2, 0)]
    history = [replace(commit, position=position) for position, commit in enumerate(told)]
    report = ingest(store, [asv_tree(tmp_path / "results", commits=5)], history=history)
    assert report.unplaced == (sha(4),)
    series = next(store.all_series("main"))
    assert [point.commit for point in series.points] == [sha(3), sha(1), sha(2), sha(0)]
    assert ingest(store, [tmp_path / "results"]).unplaced == (sha(4),)  # times do not overrule a told history


def test_unknown_branches_and_detectors_are_named(store: Store, config: Config, tmp_path: Path) -> None:
    ingest(store, [asv_tree(tmp_path / "results", commits=5)])
    with pytest.raises(UnknownNameError, match="unknown branch 'mian'"):
        analyse(store, config, "mian")
    odd = parse("[detection]\ndetector = 'segment'", tmp_path / "regress.toml")
    with pytest.raises(UnknownNameError, match="unknown detector"):
        analyse(store, odd, "main")
