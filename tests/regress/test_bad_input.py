"""What no tool should write, and tools do: taken from asv's files through the verb into every database."""

from __future__ import annotations

import json
import os
import tracemalloc
from pathlib import Path
from typing import Any

import pytest

from regress.config import Config
from regress.domain import FailureKind
from regress.errors import IngestError
from regress.service.analyse import analyse
from regress.service.browse import overview
from regress.service.ingest import ingest
from regress.store import Store, upkeep
from tests.regress.fixtures.stores import commit, sha

COLUMNS = ["result", "params", "version", "started_at", "stats_ci_99_a", "stats_ci_99_b", "samples"]
NOON = 1_767_268_800_000


def write(folder: Path, i: int, results: dict[str, list[Any]], date: int = NOON) -> Path:
    """asv's file of the commit ``i``."""
    told = {
        "version": 2,
        "commit_hash": sha(i),
        "env_name": "py",
        "date": date,
        "params": {"machine": "box"},
        "result_columns": COLUMNS,
        "results": results,
    }
    path = folder / f"{sha(i)[:8]}-py.json"
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(json.dumps(told))
    return path


def units(folder: Path, **told: str) -> None:
    """asv's ``benchmarks.json``, which names units."""
    rows = {f"b.{name}": {"type": "track", "unit": unit} for name, unit in told.items()}
    (folder.parent / "benchmarks.json").write_text(json.dumps(rows))


def test_a_file_of_two_gigabytes_is_refused_without_being_read(tmp_path: Path) -> None:
    path = tmp_path / "large.json"
    path.touch()
    os.truncate(path, 2 << 30)  # a hole: it takes no room
    tracemalloc.start()
    try:
        with (
            Store.open(f"sqlite:///{tmp_path}/x.db") as store,
            pytest.raises(IngestError, match="larger than"),
        ):
            ingest(store, [path])
        assert tracemalloc.get_traced_memory()[1] < 64 << 20
    finally:
        tracemalloc.stop()


@pytest.mark.slow
def test_a_hundred_thousand_combinations_are_as_many_series(tmp_path: Path) -> None:
    axis = [str(i) for i in range(100_000)]
    row = [[1e-3 + i * 1e-9 for i in range(len(axis))], [axis], "v", NOON, None, None, None]
    write(tmp_path / "box", 1, {"b.time_wide": row})
    with Store.open(f"sqlite:///{tmp_path}/x.db") as store:
        report = ingest(store, [tmp_path / "box"])
        assert (report.new, report.duplicates) == (100_000, 0)
        found = dict(store.measurements_at(sha(1)))
        assert {m.series.parameters[0][1] for m in found.values()} == set(axis)
        assert ingest(store, [tmp_path / "box"]).duplicates == 1


def test_names_that_are_no_text_are_replaced_and_merge(store: Store, url: str, tmp_path: Path) -> None:
    folder = Path(os.fsdecode(os.fsencode(tmp_path) + b"/box\xff"))
    odd = [chr(0xD800), chr(0xD801), chr(0)]  # halves of surrogate pairs, and NUL
    write(folder, 1, {f"b.time_{name}": [[float(i)], []] for i, name in enumerate(odd, 1)})
    assert ingest(store, [folder]).new == 1  # all three are the same name in a database
    ((_, kept),) = store.measurements_at(sha(1))
    assert (kept.series.benchmark, kept.value) == ("b.time_\ufffd", 3.0)
    assert store.runs()[0].origin.endswith("box\ufffd/00000001-py.json")
    assert ingest(store, [folder]).duplicates == 1
    assert upkeep.check(url).sound


def test_a_unit_that_changes_starts_another_series(store: Store, tmp_path: Path) -> None:
    folder = tmp_path / "box"
    for i, unit in ((1, "MB"), (2, "GB")):
        path = write(folder, i, {"b.track_size": [[4.0], []]})
        units(folder, track_size=unit)
        os.utime(folder.parent / "benchmarks.json", ns=(i, i))  # what makes the file another one
        ingest(store, [path])
    found = {series.key.metric.unit: [p.commit for p in series.points] for series in store.all_series("main")}
    assert found == {"MB": [sha(1)], "GB": [sha(2)]}


def test_renamed_parameters_start_another_series_and_the_old_one_is_stale(
    store: Store, tmp_path: Path
) -> None:
    store.record_commits("main", [commit(i) for i in range(40)], default=True)
    for i in range(40):
        told = {"b.time_x": {"type": "time", "param_names": ["n" if i < 20 else "size"], "unit": "seconds"}}
        path = write(tmp_path / "box", i, {"b.time_x": [[1.0, 2.0], [["10", "20"]]]})
        (tmp_path / "benchmarks.json").write_text(json.dumps(told))
        os.utime(tmp_path / "benchmarks.json", ns=(i, i))
        ingest(store, [path])
    found = {series.key.title: len(series.points) for series in store.all_series("main")}
    assert found == {f"b.time_x({name}={n})": 20 for name in ("n", "size") for n in (10, 20)}
    assert {row.summary.key.title: row.behind for row in overview(store).stale} == {
        "b.time_x(n=10)": 20,
        "b.time_x(n=20)": 20,
    }


def test_a_benchmark_whose_code_changed_is_another_series_and_no_regression(
    store: Store, tmp_path: Path
) -> None:
    store.record_commits("main", [commit(i) for i in range(40)], default=True)
    for i in range(40):
        value, version = (1.0, "old") if i < 20 else (2.0, "new")
        ingest(store, [write(tmp_path / "box", i, {"b.time_x": [[value], [], version]})])
    found = {series.key.version: len(series.points) for series in store.all_series("main")}
    assert found == {"old": 20, "new": 20}
    assert analyse(store, Config(root=tmp_path), "main").new == ()
    assert overview(store).stale == ()  # it has moved on


def test_commits_that_the_clone_lacks_are_named_and_appear_when_it_has_them(
    store: Store, tmp_path: Path
) -> None:
    for i in (3, 12):
        write(tmp_path / "box", i, {"b.time_x": [[1.0], []]})
    report = ingest(store, [tmp_path / "box"], history=[commit(i) for i in range(10)])
    assert report.unplaced == (sha(12),)
    (series,) = store.all_series("main")
    assert [point.commit for point in series.points] == [sha(3)]
    store.record_commits("main", [commit(i) for i in range(15)])
    (series,) = store.all_series("main")
    assert [point.commit for point in series.points] == [sha(3), sha(12)]


def test_a_clock_that_goes_back_keeps_the_later_result(store: Store, tmp_path: Path) -> None:
    for value, started in ((1.0, NOON), (2.0, NOON - 1000), (3.0, NOON + 1000)):
        ingest(store, [write(tmp_path / "box", 1, {"b.time_x": [[value], [], "v", started]})])
    ((_, kept),) = store.measurements_at(sha(1))
    assert kept.value == 3.0
    assert [(run.new, run.updated, run.unchanged) for run in store.runs()] == [
        (0, 1, 0),
        (0, 0, 1),
        (1, 0, 0),
    ]


def test_commits_dated_backwards_keep_the_order_that_the_repository_tells(
    store: Store, tmp_path: Path
) -> None:
    for i in range(3):
        write(tmp_path / "box", i, {"b.time_x": [[float(i + 1)], []]}, date=NOON - i * 86_400_000)
    ingest(store, [tmp_path / "box"], history=[commit(i) for i in range(10)])
    (series,) = store.all_series("main")
    assert [point.value for point in series.points] == [1.0, 2.0, 3.0]


def test_numbers_that_are_none(store: Store, url: str, tmp_path: Path) -> None:
    inf, nan = float("inf"), float("nan")
    rows = {
        "b.time_nan": [[nan], []],
        "b.time_inf": [[inf], []],
        "b.time_null": [[None], []],
        "b.time_back": [[-1e-3], []],
        "b.time_zero": [[0.0], []],
        "b.track_negative": [[-5], []],
        "b.time_kept": [[1.0], [], "v", NOON, [-inf], [nan], [[1.0, nan, inf, 2.0]]],
    }
    ingest(store, [write(tmp_path / "box", 1, rows)])
    found = {m.series.benchmark: m for _, m in store.measurements_at(sha(1))}
    assert {name: m.value for name, m in found.items()} == {
        "b.time_zero": 0.0, "b.track_negative": -5.0, "b.time_kept": 1.0,
    }  # fmt: skip
    kept = found["b.time_kept"]
    assert (kept.low, kept.high, kept.samples) == (None, None, (1.0, 2.0))
    failed = {f.benchmark: f for f in store.failures()}
    assert set(failed) == {"b.time_null", "b.time_back"}
    assert "a clock went back" in failed["b.time_back"].log
    assert failed["b.time_null"].kind is FailureKind.BENCHMARK
    assert upkeep.check(url).sound


def test_of_a_folder_with_a_damaged_file_what_stands_before_it_is_kept(store: Store, tmp_path: Path) -> None:
    for i in range(1, 5):
        write(tmp_path / "box", i, {"b.time_x": [[1.0], []]})
    damaged = tmp_path / "box" / f"{sha(3)[:8]}-py.json"
    whole = damaged.read_text()
    damaged.write_text(whole[:-20])
    with pytest.raises(IngestError, match=damaged.name):
        ingest(store, [tmp_path / "box"])
    assert {store.runs()[i].origin[-16:-8] for i in range(2)} == {sha(i)[:8] for i in (1, 2)}
    assert len(store.runs()) == 2
    damaged.write_text(whole)
    report = ingest(store, [tmp_path / "box"])
    assert (report.new, report.duplicates) == (2, 2)
