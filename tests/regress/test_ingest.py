"""Adapters on files that the real tools wrote, and on damaged ones."""

from __future__ import annotations

import copy
import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from regress import ingest as package
from regress.config import IngestConfig
from regress.domain import Delivery, Direction, FailureKind, Measurement
from regress.errors import IngestError, UnknownNameError
from regress.ingest import ADAPTERS, Context, read, reading

ASV_SUITE = """
class Suite:
    params = ([10, 100], ["a", "b", "c"])
    param_names = ["n", "kind"]
    number, repeat, warmup_time = 1, 4, 0

    def setup(self, n, kind):
        if (n, kind) == (100, "b"):
            raise NotImplementedError

    def time_sum(self, n, kind):
        if kind == "c":
            raise ValueError("broken")
        sum(range(n))


def track_rate():
    return 42.5


track_rate.unit = "ops/s"


def track_count():
    return 7


def peakmem_list():
    return [0] * 1000


def time_broken():
    raise RuntimeError("no")
"""

PYTEST_SUITE = """
import pytest

@pytest.mark.parametrize("n", [1, 2])
def test_sum(benchmark, n):
    benchmark.pedantic(sum, (range(n),), rounds=7)

@pytest.mark.parametrize("thing", [object()])
def test_opaque(benchmark, thing):
    benchmark.pedantic(repr, (thing,), rounds=5)
"""


def run(*command: str, cwd: Path, **environment: str) -> None:
    """Run a tool that must not notice that tests run it: pytest-benchmark rests where xdist is at work."""
    outer = {name: value for name, value in os.environ.items() if not name.startswith("PYTEST_")}
    done = subprocess.run(command, cwd=cwd, env={**outer, **environment}, capture_output=True, text=True)
    assert done.returncode in (0, 2), done.stdout + done.stderr  # asv: 2 when a benchmark failed


def commit_all(folder: Path) -> str:
    identity = ("-c", "user.name=A", "-c", "user.email=a@example.org")
    run("git", "init", "--quiet", "-b", "main", cwd=folder)
    run("git", "add", ".", cwd=folder)
    run("git", *identity, "commit", "--quiet", "-m", "suite", cwd=folder)
    return subprocess.run(
        ("git", "rev-parse", "HEAD"), cwd=folder, capture_output=True, text=True, check=True
    ).stdout.strip()


@pytest.fixture(scope="session")
def asv_results(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A results tree that asv itself wrote, in the interpreter at hand."""
    folder = tmp_path_factory.mktemp("asv")
    conf = {"version": 1, "project": "tiny", "repo": ".", "branches": ["HEAD"], "benchmark_dir": "suite"}
    (folder / "asv.conf.json").write_text(json.dumps({**conf, "environment_type": "existing"}))
    (folder / "suite").mkdir()
    (folder / "suite" / "__init__.py").write_text("")
    (folder / "suite" / "bench.py").write_text(ASV_SUITE)
    sha = commit_all(folder)
    home, asv = str(folder), (sys.executable, "-m", "asv")
    run(*asv, "machine", "--yes", "--machine", "box", "--cpu", "fast one", cwd=folder, HOME=home)
    run(*asv, "run", "--environment", "existing:python", "--set-commit-hash", sha, "--record-samples",
        "--launch-method", "spawn", cwd=folder, HOME=home)  # fmt: skip
    return folder / "results"


@pytest.fixture(scope="session")
def pytest_results(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A file that pytest-benchmark itself wrote."""
    folder = tmp_path_factory.mktemp("pytest-benchmark")
    (folder / "test_suite.py").write_text(PYTEST_SUITE)
    commit_all(folder)
    run(
        sys.executable,
        "-m",
        "pytest",
        "-q",
        "-p",
        "no:cacheprovider",
        "--benchmark-json=out.json",
        cwd=folder,
    )
    return folder / "out.json"


def by_title(delivery: Delivery) -> dict[str, Measurement]:
    return {m.series.title: m for m in delivery.measurements}


def result_file(tree: Path) -> Path:
    return next(tree.glob("box/*-*.json"))


def test_asv_measurements_carry_parameters_units_samples_and_times(asv_results: Path) -> None:
    (delivery,) = read(asv_results)
    found = by_title(delivery)
    assert set(found) == {
        "bench.Suite.time_sum(n=10, kind='a')",
        "bench.Suite.time_sum(n=10, kind='b')",
        "bench.Suite.time_sum(n=100, kind='a')",
        "bench.peakmem_list",
        "bench.track_count",
        "bench.track_rate",
    }
    timed = found["bench.Suite.time_sum(n=10, kind='a')"]
    assert timed.series.metric == package.asv.WALL_TIME
    assert len(timed.samples) >= 4
    assert min(timed.samples) <= timed.value <= max(timed.samples)
    assert timed.low is not None
    assert timed.low <= timed.value
    assert len(timed.series.version) == 64
    assert timed.measured_at is not None
    assert timed.measured_at >= delivery.commit_times[0][1]
    assert found["bench.track_rate"].series.metric.direction is Direction.HIGHER
    assert found["bench.track_rate"].series.metric.unit == "ops/s"
    assert (found["bench.track_count"].value, found["bench.track_count"].series.metric.unit) == (7, "1")
    assert found["bench.peakmem_list"].value > 1e6
    assert delivery.machine.name == "box"
    assert ("cpu", "fast one") in delivery.machine.facts


def test_asv_null_is_a_failure_and_nan_is_nothing(asv_results: Path) -> None:
    (delivery,) = read(asv_results)
    failed = {(f.benchmark, f.parameters) for f in delivery.failures}
    assert failed == {
        ("bench.time_broken", ()),
        ("bench.Suite.time_sum", (("n", "10"), ("kind", "'c'"))),
        ("bench.Suite.time_sum", (("n", "100"), ("kind", "'c'"))),
    }
    assert {f.kind for f in delivery.failures} == {FailureKind.BENCHMARK}


def test_a_single_asv_file_reads_like_its_tree(asv_results: Path) -> None:
    assert read(result_file(asv_results)) == read(asv_results)


def test_asv_units_follow_from_names_where_benchmarks_json_is_missing(
    asv_results: Path, tmp_path: Path
) -> None:
    lone = tmp_path / "box" / "file.json"
    lone.parent.mkdir()
    lone.write_bytes(result_file(asv_results).read_bytes())
    found = by_title(read(lone)[0])
    assert found["bench.Suite.time_sum(param1=10, param2='a')"].series.metric.unit == "seconds"
    assert found["bench.peakmem_list"].series.metric.unit == "bytes"


def test_pytest_benchmark_gives_medians_with_rounds(pytest_results: Path) -> None:
    (delivery,) = read(pytest_results)
    found = by_title(delivery)
    assert set(found) == {
        "test_suite.py::test_sum(n=1)",
        "test_suite.py::test_sum(n=2)",
        "test_suite.py::test_opaque(param=thing0)",
    }
    timed = found["test_suite.py::test_sum(n=2)"]
    assert timed.value == sorted(timed.samples)[3]
    assert timed.low is not None
    assert timed.high is not None
    assert timed.low <= timed.value <= timed.high
    assert timed.series.branch == "main"
    assert len(timed.commit) == 40


HELPERS = {"--init--", "reading", "draft", "rows", "asv-v1"}


def test_every_file_of_the_folder_is_registered() -> None:
    folder = Path(package.__file__).parent
    files = {path.stem.replace("_", "-") for path in folder.glob("*.py")} - HELPERS
    assert files == set(ADAPTERS)


def test_what_two_tools_claim_needs_a_name(tmp_path: Path) -> None:
    both = {"commit_hash": "a", "results": {}, "benchmarks": [], "machine_info": {}}
    (tmp_path / "x.json").write_text(json.dumps(both))
    with pytest.raises(IngestError, match="looks like asv and pytest-benchmark") as caught:
        read(tmp_path / "x.json")
    assert "--tool" in caught.value.hint


def test_unknown_tools_and_files_are_refused(tmp_path: Path) -> None:
    with pytest.raises(UnknownNameError, match="unknown tool 'asw'") as caught:
        read(tmp_path, "asw")
    assert caught.value.near == ("asv",)
    with pytest.raises(UnknownNameError) as caught:
        read(tmp_path, "zzz")
    assert caught.value.hint.startswith("Choose one of these: asv, ")
    with pytest.raises(IngestError, match="holds no results"):
        read(tmp_path)
    with pytest.raises(IngestError, match="cannot be read: No such file"):
        read(tmp_path / "missing.json")


DAMAGED = [
    (b"", "line 1, column 1", "empty file"),
    (b'{"a": 1', "line 1, column 8", "not JSON"),
    (b'{\n "a": nope}', "line 2, column 7", "not JSON"),
    (
        b'{"benchmark": "b", "value": 1, "commit": "c", "machine": "m"}\n{"benchmark":',
        "line 2, column 14",
        "not JSON",
    ),
    (b'{"benchmark": " ", "value": 1}', "line 1.benchmark", "is empty"),
    (b"[1]", "", "holds no results"),
    (b'{"a": "\xff"}', "byte 7", "not UTF-8"),
    (b"[" * 100_000, "", "recursion"),
    (b'{"a": ' + b"9" * 5000 + b"}", "", "digits"),
]


@pytest.mark.parametrize(("content", "where", "message"), DAMAGED)
def test_damaged_files_are_named_with_the_place(
    tmp_path: Path, content: bytes, where: str, message: str
) -> None:
    path = tmp_path / "x.json"
    path.write_bytes(content)
    with pytest.raises(IngestError) as caught:
        read(path)
    assert caught.value.where == where
    assert message in str(caught.value)
    assert caught.value.hint


def test_files_beyond_the_limit_are_refused(tmp_path: Path) -> None:
    (tmp_path / "x.json").write_text('{"a": "' + 1_000_000 * "x" + '"}')
    context = Context(limits=IngestConfig(largest_mb=1))
    with pytest.raises(IngestError, match="larger than 1 MB") as caught:
        read(tmp_path / "x.json", context=context)
    assert "ingest.largest_mb" in caught.value.hint


def test_combinations_beyond_the_limit_are_refused(tmp_path: Path) -> None:
    (tmp_path / "box").mkdir()
    told: dict[str, Any] = {"commit_hash": "a" * 40, "env_name": "e", "params": {"machine": "box"}}
    axes = [[str(i) for i in range(10)]] * 3
    told |= {"version": 2, "result_columns": ["result", "params"], "results": {"b": [[1.0] * 1000, axes]}}
    (tmp_path / "box" / "x.json").write_text(json.dumps(told))
    with pytest.raises(IngestError, match="more than 999 parameter combinations") as caught:
        read(tmp_path, context=Context(limits=IngestConfig(combinations=999)))
    assert "ingest.combinations" in caught.value.hint
    (whole,) = read(tmp_path, context=Context(limits=IngestConfig(combinations=1000)))
    assert len(whole.measurements) == 1000


WRONG_ASV = [
    (("version",), 3, "$.version"),
    (("commit_hash",), 5, "$.commit_hash"),
    (("params", "machine"), None, "$.params.machine"),
    (("results", "bench.track_count", 0), [1, 2], "$.results['bench.track_count'].result"),
    (("results", "bench.track_count", 0), ["x"], "$.results['bench.track_count'].result[0]"),
    (("results", "bench.track_count", 0), [10**400], "$.results['bench.track_count'].result[0]"),
    (("results", "bench.track_count", 1), [["1"] * 1000] * 3, "$.results['bench.track_count'].params"),
    (("results", "bench.track_count", 3), 1e300, "$.results['bench.track_count'].started_at"),
]


@pytest.mark.parametrize(("keys", "value", "where"), WRONG_ASV)
def test_wrong_values_are_named_by_their_json_path(
    asv_results: Path, tmp_path: Path, keys: tuple[Any, ...], value: object, where: str
) -> None:
    document = json.loads(result_file(asv_results).read_text())
    place = document
    for key in keys[:-1]:
        place = place[key]
    place[keys[-1]] = value
    path = tmp_path / "x.json"
    path.write_text(json.dumps(document))
    with pytest.raises(IngestError) as caught:
        read(path)
    assert caught.value.where == where


def test_pytest_results_without_a_commit_are_refused(pytest_results: Path, tmp_path: Path) -> None:
    document = json.loads(pytest_results.read_text())
    document["commit_info"]["id"] = "unknown"
    (tmp_path / "x.json").write_text(json.dumps(document))
    with pytest.raises(IngestError, match=r"\$\.commit_info\.id: 'unknown' is no commit"):
        read(tmp_path / "x.json")


def test_cut_off_files_are_refused_at_every_length(asv_results: Path, tmp_path: Path) -> None:
    whole = result_file(asv_results).read_bytes()
    path = tmp_path / "x.json"
    for length in range(0, len(whole), max(1, len(whole) // 40)):
        path.write_bytes(whole[:length])
        with pytest.raises(IngestError, match="line 1, column"):
            read(path)


def test_reading_does_not_change_what_it_reads(asv_results: Path) -> None:
    document = reading.load(result_file(asv_results))
    before = copy.deepcopy(document.data)
    ADAPTERS["asv"].read(document, Context())
    assert document.data == before
