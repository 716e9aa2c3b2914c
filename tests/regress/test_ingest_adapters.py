"""Every adapter on its samples (see their README): what is read, who claims it, and what damage does."""

from __future__ import annotations

import json
import shutil
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
from asv.results import Results
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from regress.domain import Delivery, Direction, Measurement
from regress.errors import IngestError
from regress.ingest import ADAPTERS, Context, read, reading
from regress.service.ingest import ingest
from regress.store import Store

SAMPLES = Path(__file__).parent / "ingest_samples"
NEIGHBOURS = ("benchmark.json", "sample.json")  # of Criterion's estimates
FILES = sorted(path for path in SAMPLES.glob("*/**/*") if path.is_file() and path.name not in NEIGHBOURS)
TOLD = Context("d" * 40, "here")
NAMES = [str(path.relative_to(SAMPLES)) for path in FILES]
every_file = pytest.mark.parametrize("path", FILES, ids=NAMES)


def tool_of(path: Path) -> str:
    return path.relative_to(SAMPLES).parts[0]


def one(name: str) -> Delivery:
    (delivery,) = read(SAMPLES / name, None, TOLD)
    return delivery


def found(name: str) -> dict[tuple[str, str], Measurement]:
    """Measurements of a sample by title and metric."""
    return {(m.series.title, m.series.metric.name): m for m in one(name).measurements}


def test_every_adapter_has_a_sample() -> None:
    assert {tool_of(path) for path in FILES} == set(ADAPTERS)


@every_file
def test_a_sample_is_recognised_by_its_adapter_alone(path: Path) -> None:
    document = reading.load(path)
    assert [name for name, adapter in ADAPTERS.items() if adapter.recognises(document)] == [tool_of(path)]
    assert ADAPTERS[tool_of(path)].is_result(path), "it would be passed over in a folder"
    for other in set(ADAPTERS) - {tool_of(path)}:
        with pytest.raises(IngestError, match="holds no results"):
            read(path, other, TOLD)


COUNTS = {
    "asv/box/aaaaaaaa-py2.7-numpy.json": (4, 2, {"seconds", "bytes", "1"}),
    "benchmarkdotnet/Sums-report-full.json": (2, 1, {"seconds", "bytes"}),
    "bmf/out.json": (3, 0, {"seconds", "ops/s", "1"}),
    "callgrind/callgrind.out.1": (9, 0, {"1"}),
    "cargo-bench/out.txt": (3, 0, {"seconds", "MB/s"}),
    "catch2/out.xml": (2, 0, {"seconds"}),
    "criterion/sums_fold/10/new/estimates.json": (1, 0, {"seconds"}),
    "csv/out.csv": (2, 1, {"seconds", "bytes"}),
    "github-action/data.js": (5, 0, {"seconds", "ops/sec"}),
    "go-test/out.txt": (9, 1, {"seconds", "bytes", "1", "MB/s", "widgets/s"}),
    "google-benchmark/out.json": (10, 1, {"seconds", "items/s", "1"}),
    "hyperfine/out.json": (4, 0, {"seconds"}),
    "jmh/out.json": (3, 0, {"seconds", "bytes", "ops/us"}),
    "json-lines/out.jsonl": (4, 1, {"seconds", "bytes", "requests/s", "1"}),
    "k6/export.json": (7, 0, {"seconds", "1/s", "bytes/s", "1"}),
    "k6/summary.json": (8, 0, {"seconds", "1/s", "1"}),
    "perf-stat/counts.csv": (4, 0, {"seconds", "1"}),
    "perf-stat/lines.json": (4, 0, {"seconds", "1"}),
    "perf-stat/repeated.csv": (4, 0, {"seconds", "1"}),
    "pyperf/out.json": (2, 0, {"seconds"}),
    "pytest-benchmark/out.json": (2, 0, {"seconds"}),
    "vitest/out.json": (2, 0, {"seconds"}),
    "vitest/tinybench.json": (1, 1, {"seconds"}),
}


@every_file
def test_counts_and_units(path: Path) -> None:
    delivery = one(str(path.relative_to(SAMPLES)))
    units = {m.series.metric.unit for m in delivery.measurements}
    expected = COUNTS[str(path.relative_to(SAMPLES))]
    assert (len(delivery.measurements), len(delivery.failures), units) == expected
    assert delivery.source == tool_of(path)


LOW, HIGH = Direction
BDN, CRITERION, GO = (
    "benchmarkdotnet/Sums-report-full.json",
    "criterion/sums_fold/10/new/estimates.json",
    "go-test/out.txt",
)
VALUES: list[tuple[str, str, str, float, int, Direction]] = [
    (BDN, "Example.Sums.Loop(N=100)", "wall time", 61.75e-9, 4, LOW),
    ("bmf/out.json", "sort", "throughput", 11000, 0, HIGH),
    ("callgrind/callgrind.out.1", "true", "instructions", 128263, 0, LOW),
    ("cargo-bench/out.txt", "tests::adds", "wall time", 133.28e-9, 0, LOW),
    ("cargo-bench/out.txt", "tests::copies", "throughput", 85333, 0, HIGH),
    ("catch2/out.xml", "sums/inner/large", "wall time", 361.922e-9, 0, LOW),
    (CRITERION, "sums/fold(value=10)", "wall time", 101.5e-9, 3, LOW),
    ("csv/out.csv", "sort(n=1000)", "wall time", 1.25e-3, 3, LOW),
    ("csv/out.csv", "load, cold(n=10)", "peak memory", 3 * 2**20, 0, LOW),
    (GO, "example.org/sums.BenchmarkSum(n=10, gomaxprocs=2)", "wall time", 1.96e-9, 3, LOW),
    (GO, "example.org/sums.BenchmarkAppend(gomaxprocs=2)", "allocated memory", 24, 3, LOW),
    ("google-benchmark/out.json", "BM_Slow", "wall time", 0.31368999771075323e-6, 0, LOW),
    ("google-benchmark/out.json", "BM_Push(n=8)", "depth", 3, 3, LOW),
    ("hyperfine/out.json", "echo 1(n=1)", "wall time", 0.0011267085, 10, LOW),
    ("jmh/out.json", "org.example.Sums.loop(n=1000)", "wall time", 250.5e-9, 6, LOW),
    ("jmh/out.json", "org.example.Sums.stream(n=1000, threads=4)", "throughput", 3.5, 0, HIGH),
    ("json-lines/out.jsonl", "sort(n=1000)", "wall time", 1.3e-3, 2, LOW),
    ("json-lines/out.jsonl", "score", "accuracy", 0.5, 0, HIGH),
    ("k6/export.json", "http_req_duration", "p(95)", 0.36, 0, LOW),
    ("k6/summary.json", "checks", "rate", 0.99, 0, HIGH),
    ("perf-stat/repeated.csv", "repeated", "cpu time", 1.08e-3, 0, LOW),
    ("pyperf/out.json", "sum", "wall time", 6.167500004039539e-07, 9, LOW),
    ("vitest/out.json", "sum.bench.js > sums > loop", "wall time", 5.18e-7, 0, LOW),
    ("vitest/tinybench.json", "loop", "wall time", 1.1326499999995576e-05, 0, LOW),
]  # fmt: skip


@pytest.mark.parametrize(("name", "title", "metric", "value", "samples", "direction"), VALUES)
def test_values_samples_and_directions(
    name: str, title: str, metric: str, value: float, samples: int, direction: Direction
) -> None:
    told = found(name)[title, metric]
    assert told.value == pytest.approx(value, rel=1e-9)
    assert len(told.samples) == samples
    assert told.series.metric.direction is direction
    if told.low is not None and told.high is not None:
        assert told.low <= told.value <= told.high


def test_failures_say_what_the_tool_says() -> None:
    (failed,) = one("google-benchmark/out.json").failures
    assert (failed.benchmark, failed.log, failed.machine) == ("BM_Error", "no data", "box")
    (broken,) = one("csv/out.csv").failures
    assert (broken.benchmark, broken.parameters) == ("load, cold", (("n", "20"),))


def test_a_history_holds_many_commits_with_their_times() -> None:
    delivery = one("github-action/data.js")
    assert {m.commit for m in delivery.measurements} == {"a" * 40, "b" * 40}
    assert dict(delivery.commit_times)["a" * 40] == datetime(2026, 1, 1, 9, tzinfo=UTC)


def test_asv_version_1_reads_as_what_asv_makes_of_it(tmp_path: Path) -> None:
    old = SAMPLES / "asv/box/aaaaaaaa-py2.7-numpy.json"
    new = tmp_path / "box" / old.name
    new.parent.mkdir()
    converted = Results.update_to_2({**json.loads(old.read_text()), "env_name": "py2.7-numpy"})
    new.write_text(json.dumps({**converted, "version": 2}))
    (theirs,), (ours,) = read(new), read(old)
    assert sorted(map(repr, theirs.measurements)) == sorted(map(repr, ours.measurements))
    assert sorted(map(repr, theirs.failures)) == sorted(map(repr, ours.failures))
    assert (theirs.machine, theirs.environment.name) == (ours.machine, ours.environment.name)


NAMELESS = sorted(
    set(NAMES) - {n for n in NAMES if n.startswith(("asv", "pytest-benchmark", "github-action"))}
)


@pytest.mark.parametrize("name", NAMELESS)
def test_the_commit_comes_from_the_caller_and_belongs_to_the_digest(name: str) -> None:
    with pytest.raises(IngestError, match="names no commit") as caught:
        read(SAMPLES / name, None, Context(machine="here"))
    assert "--commit" in caught.value.hint
    (other,) = read(SAMPLES / name, None, Context("e" * 40, "here"))
    assert other.digest != one(name).digest
    assert "e" * 40 in {m.commit for m in other.measurements}


def test_a_missing_machine_is_asked_for() -> None:
    with pytest.raises(IngestError, match="names no machine") as caught:
        read(SAMPLES / "hyperfine/out.json", None, Context("e" * 40))
    assert "--machine" in caught.value.hint


WRONG = [
    ("hyperfine", '{"results": [{"command": "x", "mean": 1, "times": ["a"]}]}', "$.results[0].times"),
    ("hyperfine", '{"results": [{"command": "x", "mean": 1}, 5]}', "$.results[1]"),
    ("go-test", "BenchmarkX-2 10 5 ns/op\nBenchmarkX-2 10 many ns/op\n", "line 2"),
    ("go-test", "BenchmarkX-2 10 5 ns/op 7\n", "line 1"),
    ("cargo-bench", "\ntest a ... bench: lots\n", "line 2"),
    ("csv", "benchmark,value\na,1\nb\n", "line 3"),
    ("csv", "benchmark,value\na,fast\n", "line 2.value"),
    ("csv", "benchmark,value,value\na,1,1\n", "line 1"),
    ("csv", "benchmark,value,direction\na,1,up\n", "line 2.direction"),
    ("json-lines", '{"benchmark": "a", "value": 1}\n{"benchmark": "a"}\n', "line 2"),
    ("json-lines", '{"benchmark": "a", "value": 1}\n{"benchmark"\n', "line 2, column 13"),
    ("json-lines", '{"benchmark": "a", "value": "x"}\n', "line 1.value"),
    ("catch2", "<Catch name='x'>\n<TestCase>\n", "line 3, column 1"),
    ("catch2", "<!DOCTYPE x [<!ENTITY a 'b'>]>\n<Catch name='x'/>", "line 1"),
    ("callgrind", "# callgrind format\nevents: Ir\n", ""),
    ("callgrind", "# callgrind format\nevents: Ir\ntotals: 1 2\n", "line 3"),
    ("perf-stat", "1.5,msec,task-clock,1,100,,\noops\n", "line 2"),
    ("perf-stat", "CPU0,1.5,msec,task-clock,1,100,,\n", "line 1"),
    ("github-action", "window.BENCHMARK_DATA = {", "character 25"),
    ("k6", '{"root_group": {}, "metrics": {"m": {"med": "x"}}}', "$.metrics['m'].med"),
    ("bmf", '{"a": {"latency": {"value": "x"}}}', "$['a']['latency'].value"),
]  # fmt: skip


@pytest.mark.parametrize(("tool", "content", "where"), WRONG)
def test_what_is_wrong_is_named_with_its_place(tmp_path: Path, tool: str, content: str, where: str) -> None:
    path = tmp_path / "file"
    path.write_text(content)
    with pytest.raises(IngestError) as caught:
        read(path, tool, TOLD)
    assert caught.value.where == where, str(caught.value)
    assert caught.value.hint


ODD = [
    ("0", [0.0], 0),
    ("-1", [], 1),
    ("null", [], 1),
    ("NaN", [], 0),
    ("Infinity", [], 0),
    ("-Infinity", [], 0),
    ("1e-320", [1e-320], 0),
]


@pytest.mark.parametrize(("value", "kept", "failed"), ODD)
def test_odd_times_have_one_outcome(tmp_path: Path, value: str, kept: list[float], failed: int) -> None:
    path = tmp_path / "x.jsonl"
    path.write_text(f'{{"benchmark": "a", "value": {value}, "unit": "s"}}\n')
    (delivery,) = read(path, None, TOLD)
    assert ([m.value for m in delivery.measurements], len(delivery.failures)) == (kept, failed)


@pytest.mark.parametrize(("value", "kept", "failed"), ODD)
def test_odd_times_from_asv_have_the_same_outcome(
    tmp_path: Path, value: str, kept: list[float], failed: int
) -> None:
    path = tmp_path / "x-py3.json"
    columns = '"result_columns": ["result", "params"]'
    head = '"version": 2, "commit_hash": "aa", "env_name": "py3", "params": {"machine": "box"}'
    path.write_text(f'{{{head}, {columns}, "results": {{"time_a": [[{value}], []]}}}}')
    (delivery,) = read(path)
    assert ([m.value for m in delivery.measurements], len(delivery.failures)) == (kept, failed)


def test_other_encodings(tmp_path: Path) -> None:
    """What PowerShell redirects is UTF-16; what is neither UTF is refused, at its first wrong byte."""
    line = "BenchmarkÄ-2 10 5.0 ns/op\n"
    (tmp_path / "utf16.txt").write_bytes(line.encode("utf-16"))
    (tmp_path / "latin.txt").write_bytes(line.encode("latin-1"))
    (delivery,) = read(tmp_path / "utf16.txt", None, TOLD)
    assert delivery.measurements[0].series.benchmark == "BenchmarkÄ"
    with pytest.raises(IngestError) as caught:
        read(tmp_path / "latin.txt", None, TOLD)
    assert caught.value.where == "byte 9"


def test_google_benchmark_medians_stand_in_for_repetitions(tmp_path: Path) -> None:
    told = json.loads((SAMPLES / "google-benchmark/out.json").read_text())
    told["benchmarks"] = [row for row in told["benchmarks"] if row["run_type"] == "aggregate"]
    path = tmp_path / "x.json"
    path.write_text(json.dumps(told))
    (delivery,) = read(path, None, TOLD)
    assert {m.series.title for m in delivery.measurements} == {"BM_Push(n=8)", "BM_Push(n=64)"}
    assert all(not m.samples for m in delivery.measurements)


# -- damage ------------------------------------------------------------------------------------------------


def _copy(path: Path, folder: Path) -> Path:
    """The sample with its neighbours, where it may be damaged."""
    target = folder / path.parent.name / path.name
    shutil.copytree(path.parent, target.parent, dirs_exist_ok=True)
    return target


def _outcome(path: Path, tool: str | None) -> str:
    """The adapter's name, or the error, which must name the file or its neighbour."""
    try:
        (delivery,) = read(path, tool, TOLD)
    except IngestError as error:
        message = str(error)
        if not message.startswith(str(path.parent)):
            raise
        return message
    for told in delivery.measurements:
        assert told.value == told.value
    return delivery.source


@every_file
def test_files_cut_off_anywhere_are_read_or_refused(path: Path, tmp_path: Path) -> None:
    whole, cut = path.read_bytes(), _copy(path, tmp_path)
    refused = 0
    for length in range(0, len(whole), max(1, len(whole) // 60)):
        cut.write_bytes(whole[:length])
        refused += _outcome(cut, None) not in ADAPTERS
    assert refused


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=5),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=5), inner, max_size=3),
    max_leaves=6,
)
WHOLE_JSON = [path for path in FILES if reading.load(path).json is not None]
TEXT = [path for path in FILES if path not in WHOLE_JSON]


@pytest.mark.parametrize("path", WHOLE_JSON, ids=lambda path: tool_of(path))
@settings(max_examples=120, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(data=st.data())
def test_any_mutation_of_json_is_read_or_refused(path: Path, tmp_path: Path, data: st.DataObject) -> None:
    """One value somewhere becomes any other: a delivery or an IngestError, nothing else."""
    document = json.loads(path.read_text())
    place, key = _somewhere(document, data)
    place[key] = data.draw(JSON)
    changed = _copy(path, tmp_path)
    changed.write_text(json.dumps(document))
    _outcome(changed, tool_of(path))
    _outcome(changed, None)


def _somewhere(document: Any, data: st.DataObject) -> tuple[Any, Any]:
    """A container of the document and one of its keys, drawn by walking down."""
    place: Any = document
    while True:
        keys = list(place) if isinstance(place, dict) else list(range(len(place)))
        key = data.draw(st.sampled_from(keys))
        inner = place[key]
        if not isinstance(inner, dict | list) or not inner or not data.draw(st.booleans()):
            return place, key
        place = inner


@pytest.mark.parametrize("path", TEXT, ids=lambda path: tool_of(path))
@settings(max_examples=120, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(data=st.data())
def test_any_mutation_of_text_is_read_or_refused(path: Path, tmp_path: Path, data: st.DataObject) -> None:
    """A few bytes somewhere become others."""
    content = bytearray(path.read_bytes())
    start = data.draw(st.integers(0, len(content)))
    content[start : start + data.draw(st.integers(0, 8))] = data.draw(st.binary(max_size=8))
    changed = _copy(path, tmp_path)
    changed.write_bytes(content)
    _outcome(changed, tool_of(path))
    _outcome(changed, None)


# -- into the store ------------------------------------------------------------------------------------------


def test_all_samples_go_in_once(tmp_path: Path) -> None:
    """A folder of everything is stored whole; the same folder again changes nothing."""
    with Store.open(f"sqlite:///{tmp_path}/x.db") as store:
        first = ingest(store, [SAMPLES], branch="main", context=TOLD)
        again = ingest(store, [SAMPLES], branch="main", context=TOLD)
    assert len(first.receipts) == len(FILES)
    assert (
        first.new == sum(count for count, _, _ in COUNTS.values()) - 6
    )  # that two samples tell: k6 in two ways, and "sort"
    assert (again.new, again.updated, again.duplicates) == (0, 0, len(FILES))
