"""The pytest-benchmark runner on a real repository, with the real tools."""

from __future__ import annotations

from pathlib import Path

import pytest

from regress.domain import FailureKind
from regress.errors import RunnerError
from regress.runner import find_suites
from regress.runner.events import Event, Progress
from regress.runner.history import History
from regress.runner.pytest_benchmark import PytestBenchmarkRunner
from regress.service.project import Project
from regress.service.run import Selection, run
from tests.regress.fixtures.repos import GitRepo

SUITE = """\
import tally


def test_total(benchmark):
    assert benchmark.pedantic(tally.total, args=(2000,), rounds=8, iterations=3) > 0


def test_boom(benchmark):
    raise ValueError("kaboom")


def test_no_benchmark():
    assert True
"""


@pytest.fixture
def repo(tmp_path: Path) -> GitRepo:
    made = GitRepo(tmp_path / "repo")
    made.write("src/tally.py", "def total(size):\n    return sum(range(size))\n")
    made.commit("no tests yet")
    made.write("tests/test_speed.py", SUITE)
    made.write(".gitignore", "__pycache__/\n")
    made.commit("benchmarks")
    made.write("src/tally.py", "def total(size:\n")
    made.commit("broken")
    made.write("src/tally.py", "def total(size):\n    return sum(range(size * 4))\n")
    made.commit("slow")
    return made


def test_commits_are_measured_in_a_work_tree_of_their_own(repo: GitRepo) -> None:
    (suite,) = find_suites(repo.path)
    assert (suite.tool, suite.args) == ("pytest-benchmark", ("tests/test_speed.py",))
    project = Project.open(repo.path)
    events: list[Event] = []
    with project.open_store() as store:
        report = run(project, store, Selection(last=3), listen=events.append)
        statuses = store.commit_statuses("main", 3)
        values = {status.commit.subject: store.measurements_at(status.commit.sha) for status in statuses}
    assert [commit.subject for commit in report.unbuilt] == ["broken"]
    assert [status.measured for status in statuses] == [1, 0, 1]
    ((_, fast),) = values["benchmarks"]
    ((_, slow),) = values["slow"]
    assert fast.series.benchmark.endswith("test_total")
    assert fast.series.branch == "main"
    assert len(fast.samples) == 8
    assert slow.value > 2 * fast.value
    failed = {failure.benchmark: failure for status in statuses for failure in status.failures}
    assert "SyntaxError" in failed[""].log
    assert failed[""].kind is FailureKind.BUILD
    (boom,) = [failure for name, failure in failed.items() if name.endswith("test_boom")]
    assert "kaboom" in boom.log
    assert any(isinstance(event, Progress) and "test_total" in event.text for event in events)
    assert GitRepo.status(repo.path) == ""


def test_a_commit_without_benchmarks_and_a_wrong_argument(repo: GitRepo) -> None:
    project = Project.open(repo.path)
    (runner,) = project.runners
    commits = History(repo.path).commits("main")
    before = runner.measure(commits[0], branch="main", listen=lambda _event: None)
    assert not before.built
    assert "file or directory not found: tests/test_speed.py" in before.failures[0].log
    named = runner.measure(
        commits[1],
        branch="main",
        benchmarks=["tests/test_speed.py::test_total[a::b]"],
        listen=lambda _event: None,
    )
    assert len(named.measurements) == 1
    assert named.failures == ()
    assert named.deliveries[0].environment.name == before.failures[0].environment
    wrong = PytestBenchmarkRunner(repo.path, ["--no-such-option"], project.state / "logs")
    with pytest.raises(RunnerError, match="pytest: refused its arguments") as caught:
        wrong.measure(commits[1], branch="main", listen=lambda _event: None)
    assert "--no-such-option" in caught.value.log
