"""The asv runner on a real repository with the real asv."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from regress.domain import FailureKind
from regress.errors import RunnerError
from regress.runner import find_suites, make_runner
from regress.runner.events import Event, Progress
from regress.runner.history import History
from tests.regress.fixtures.asv import MakeRepo, asv_environments, asv_home, make_asv_repo

__all__ = ["asv_environments", "asv_home", "make_asv_repo"]

BOOM = "\n\ndef time_boom():\n    raise ValueError('kaboom')\n"


def test_commits_are_measured_and_failures_explained(make_asv_repo: MakeRepo, tmp_path: Path) -> None:
    repo = make_asv_repo(commits=4, slow_at=2, factor=2.0, broken={1})
    with (repo.path / "bench/speed.py").open("a") as suite:
        suite.write(BOOM)  # asv takes the suite from the checkout, also for older commits
    (suite_config,) = find_suites(repo.path)
    runner = make_runner(repo.path, suite_config, tmp_path / "logs")
    commits = History(repo.path).commits("main")
    events: list[Event] = []

    good = runner.measure(commits[0], branch="main", listen=events.append)
    assert good.built
    by_title = {m.series.title: m for m in good.measurements}
    assert set(by_title) == {
        "speed.Checksum.time_checksum(size=2000)",
        "speed.Checksum.time_checksum(size=6000)",
        "speed.Others.time_primes",
        "speed.Others.time_words",
        "speed.track_checksum_steps",
        "speed.track_distinct_words",
    }
    assert all(m.series.branch == "main" and m.commit == commits[0].sha for m in good.measurements)
    assert all(m.series.machine == runner.machine() for m in good.measurements)
    assert by_title["speed.track_distinct_words"].value == 101
    assert len(by_title["speed.Others.time_words"].samples) == 18
    (boom,) = good.failures
    assert (boom.kind, boom.benchmark) == (FailureKind.BENCHMARK, "speed.time_boom")
    assert "ValueError: kaboom" in boom.log
    fractions = [e.fraction for e in events if isinstance(e, Progress) and e.fraction is not None]
    assert fractions == sorted(fractions)
    assert fractions[-1] == 1.0

    broken = runner.measure(commits[1], branch="main", listen=events.append)
    assert not broken.built
    (failure,) = broken.failures
    assert (failure.kind, failure.commit) == (FailureKind.BUILD, commits[1].sha)
    assert "SyntaxError" in failure.log
    assert failure.environment == good.deliveries[0].environment.name

    name = "speed.Checksum.time_checksum"
    slow = runner.measure(commits[3], branch="main", benchmarks=[name], listen=events.append)
    assert {m.series.benchmark for m in slow.measurements} == {name}
    for m in slow.measurements:
        assert m.value / by_title[m.series.title].value > 1.3  # 2.0 was planted; neighbours make noise


def test_the_newest_commit_may_be_the_broken_one(make_asv_repo: MakeRepo, tmp_path: Path) -> None:
    repo = make_asv_repo(commits=2, slow_at=9, broken={1})
    runner = make_runner(repo.path, find_suites(repo.path)[0], tmp_path / "logs")
    outcome = runner.measure(History(repo.path).commits("main")[1], branch="main", listen=lambda _event: None)
    assert not outcome.built
    assert "SyntaxError" in outcome.failures[0].log
    assert outcome.failures[0].environment.startswith("virtualenv")


@pytest.mark.slow
def test_a_suite_asv_cannot_run_stops_everything(make_asv_repo: MakeRepo, tmp_path: Path) -> None:
    repo = make_asv_repo(commits=1, slow_at=9)
    path = repo.path / "asv.conf.json"
    settings = json.loads(path.read_text())
    runner = make_runner(repo.path, find_suites(repo.path)[0], tmp_path / "logs")
    commit = History(repo.path).commits("main")[0]
    with pytest.raises(RunnerError, match="No benchmarks selected") as caught:
        runner.measure(commit, branch="main", benchmarks=["no.such"], listen=lambda _event: None)
    assert "its whole output" in caught.value.hint.lower()
    path.write_text(json.dumps({**settings, "environment_type": "existing"}))
    with pytest.raises(RunnerError, match="existing environment measures no commits"):
        make_runner(repo.path, find_suites(repo.path)[0], tmp_path / "logs")
