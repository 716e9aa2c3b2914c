"""Whom a search suspects before it measures: what a benchmark runs, and what commits touch."""

from __future__ import annotations

from pathlib import Path

import pytest

from regress.bisect.imports import files_run
from regress.bisect.prior import ELSEWHERE, HARMLESS, RUNS, suspicion
from regress.runner.history import History
from regress.service.bisect_suspects import suspicions, told_suspicions
from tests.regress.fixtures.repos import GitRepo

PATHS = [
    "benchmarks/__init__.py",
    "benchmarks/bench.py",
    "benchmarks/common.py",
    "conftest.py",
    "src/pkg/__init__.py",
    "src/pkg/parse.py",
    "src/pkg/parts/__init__.py",
    "src/pkg/parts/left.py",
    "src/pkg/types.py",
    "src/pkg/unused.py",
    "tests/conftest.py",
    "tests/test_speed.py",
]


@pytest.mark.parametrize(
    ("line", "found"),
    [
        ("import pkg.parse", {"src/pkg/__init__.py", "src/pkg/parse.py"}),
        ("import os, pkg.parts as p  # comment", {"src/pkg/__init__.py", "src/pkg/parts/__init__.py"}),
        ("    from pkg import parse as x", {"src/pkg/__init__.py", "src/pkg/parse.py"}),
        ("from .common import setup", {"benchmarks/__init__.py", "benchmarks/common.py"}),
        ("from . import common", {"benchmarks/__init__.py", "benchmarks/common.py"}),
        (
            "from pkg.parts import (",
            {f"src/pkg/{name}.py" for name in ("__init__", "parts/__init__", "parts/left")},
        ),
        ("import types", set()),  # the library's: pkg is a package, and no folder to import from
        ("import importlib", set()),
        ("from", set()),
        ("from .... import x", set()),
        ("import " + "a, " * 400, set()),
    ],
)
def test_a_line_imports_files(line: str, found: set[str]) -> None:
    own = {"benchmarks/bench.py", "conftest.py"}
    assert files_run("bench.Suite.time_it", PATHS, [("benchmarks/bench.py", line)]) - own == found - own


def test_a_benchmark_runs_what_its_imports_import() -> None:
    lines = [
        ("tests/test_speed.py", "from pkg import parse"),
        ("src/pkg/parse.py", "from .parts import left"),
        ("src/pkg/parts/left.py", "from ..types import Tree"),
        ("src/pkg/types.py", "from . import parse"),
    ]
    run = files_run("tests/test_speed.py::test_it[a.b::c]", PATHS, lines)
    assert run == {path for path in PATHS if not path.startswith("benchmarks") and "unused" not in path}
    assert files_run("nobody.knows", PATHS, lines) == set()


@pytest.mark.parametrize(
    ("touched", "weight"),
    [
        ((), HARMLESS),
        (("README.md", "docs/conf.py", "tests/test_other.py"), HARMLESS),
        (("README.md", "src/pkg/unused.py"), ELSEWHERE),
        (("src/fast.c",), RUNS),
        (("setup.py",), RUNS),
        (("requirements-dev.txt",), RUNS),
        (("tests/test_speed.py", "README.md"), RUNS),
    ],
)
def test_commits_weigh_what_they_touch(touched: tuple[str, ...], weight: float) -> None:
    told = suspicion(touched, {"tests/test_speed.py"})
    assert told.weight == weight
    assert told.files == tuple(path for path in touched if path == "tests/test_speed.py")


def test_suspicions_come_from_a_repository(tmp_path: Path) -> None:
    repo = GitRepo(tmp_path)
    for path, text in {
        "benchmarks/bench.py": "import work\n",
        "work.py": "",
        "other.py": "",
        "a b\n\u00e9.md": "x",
    }.items():
        repo.write(path, text)
    repo.commit("first")
    for path in ("work.py", "a b\n\u00e9.md", "other.py"):
        repo.write(path, "# changed\n")
        repo.commit(f"changes {path!r}")
    history = History(tmp_path)
    commits = history.commits(history.default_branch())
    told = suspicions(history, commits, "bench.time_work")
    assert [one.weight for one in told[1:]] == [RUNS, HARMLESS, ELSEWHERE]
    assert told[1].files == ("work.py",)
    assert told_suspicions(told).startswith(
        "of 3 commits, 1 touch files that the benchmark runs; 2 that only"
    )
    assert suspicions(history, commits, "unknown.time_work") == []
    assert told_suspicions([]) == ""
