"""Bisection of a real repository with real tools, without any history, and without a change."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from regress.cli import main
from regress.service.bisect import bisect
from regress.service.project import Project
from tests.regress.fixtures.counted import few_plugins, make_counted_repo

__all__ = ["few_plugins"]

pytestmark = pytest.mark.usefixtures("few_plugins")

BENCHMARK = "tests/test_speed.py::test_work"


def test_the_command_finds_it_without_any_history(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    repo = make_counted_repo(tmp_path, commits=3, slow_at=2, factor=1.6)
    command = ["bisect", "--repo", str(repo.path), "-b", BENCHMARK, "--good", repo.shas[0], "--bad", "main"]
    with pytest.raises(SystemExit) as exit_:
        main([*command, "--json"])
    told = json.loads(capsys.readouterr().out)
    assert exit_.value.code == 0
    assert told["culprit"] == repo.culprit
    assert told["verified"]
    assert told["ratio"] == pytest.approx(1.6)


def test_without_a_change_no_culprit_is_named(tmp_path: Path) -> None:
    repo = make_counted_repo(tmp_path, commits=2, slow_at=99)
    project = Project.open(repo.path)
    with project.open_store() as store:
        found = bisect(
            project, store, benchmark=BENCHMARK, good=repo.shas[0], bad="main", budget=3
        )  # fmt: skip
    assert (found.culprit, found.first, found.verified) == ("", "", False)
    assert found.runs == 3


def test_simulated_searches_are_told_as_json(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit):
        main(["bisect", "--simulate", "--commits", "16", "--shift-sigma", "6", "--trials", "5", "--json"])
    told = json.loads(capsys.readouterr().out)
    assert told["right"] == 1.0
    assert told["mean_runs"] <= told["p95_runs"] <= 14
    assert [row["observed"] for row in told["bins"]] == [1.0]
