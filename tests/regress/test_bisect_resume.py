"""Bisection of a real repository with real tools: what it finds, and that a search which is killed, and then
stopped by Ctrl-C, goes on as if nothing had been.
"""

from __future__ import annotations

import json
import os
import shutil
import signal
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

import regress.cli.progress
from regress.cli import main
from regress.domain import Bisection, FailureKind
from regress.errors import RegressError, UnknownNameError
from regress.runner.events import CommitStarted, Event, Listener, Note
from regress.service.bisect import bisect
from regress.service.bisect_target import find_target
from regress.service.project import Project
from regress.service.run import Selection, is_known, run
from tests.regress.fixtures.counted import few_plugins, make_counted_repo
from tests.regress.fixtures.repos import PlantedRepo

__all__ = ["few_plugins"]

pytestmark = pytest.mark.usefixtures("few_plugins")

BENCHMARK = "tests/test_speed.py::test_work"

KILLED = """
import os, signal, sys
from pathlib import Path
from regress.runner.events import CommitStarted
from regress.service.bisect import bisect
from regress.service.project import Project

def listen(event):
    if isinstance(event, CommitStarted) and event.index == 2:
        os.kill(os.getpid(), signal.SIGKILL)

project = Project.open(Path(sys.argv[1]))
with project.open_store() as store:
    bisect(project, store, benchmark=sys.argv[2], good=sys.argv[3], bad="main", listen=listen)
"""


def test_the_culprit_is_found_and_a_search_that_is_cut_off_goes_on(
    tmp_path: Path, root: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """Only the ends are measured before; commits around the middle do not build."""
    repo = make_counted_repo(tmp_path / "repo", commits=5, slow_at=3, broken={2})
    project, good = Project.open(repo.path), repo.shas[0]
    with project.open_store() as store:
        run(project, store, Selection(revisions=(good, "main")))
    file = tmp_path / "whole.db"
    shutil.copy(next(repo.path.glob(".regress/*.db")), file)
    found, asked = _found(repo, Project.open(repo.path, database=f"sqlite:///{file}"))

    command = [sys.executable, "-c", KILLED, str(repo.path), BENCHMARK, good]
    assert subprocess.run(command, cwd=root, check=False).returncode == -signal.SIGKILL
    with project.open_store() as store:
        (begun,) = store.begun_bisections.all()
        known = store.searches.one(begun.id).posterior
    assert [step.commit for step in begun.steps] == asked[:2], "each measurement was stored as it came"
    assert known is not None
    assert [commit for commit, _ in known.chances] == list(repo.shas[1:])
    assert sum(chance for _, chance in known.chances) + known.none == pytest.approx(1.0)

    options = ["bisect", "--repo", str(repo.path), "--resume"]
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(regress.cli.progress, "shown", _ctrl_c_at(4))
        with pytest.raises(SystemExit) as stopped:
            main(options)
    assert stopped.value.code == 130
    told = f"4 measurements of search {begun.id} stored; to go on: regress bisect --resume {begun.id}"
    assert told in capsys.readouterr().err
    with pytest.raises(SystemExit) as ended:
        main([*options, str(begun.id), "--json"])
    again = json.loads(capsys.readouterr().out)
    assert ended.value.code == 0
    assert (again["first"], again["last"]) == (found.first, found.last)
    assert again["verified"]
    with project.open_store() as store:
        assert [record.runs for record in store.bisections()] == [again["runs"]]
        assert store.begun_bisections.all() == []
        unbuilt = {failure.commit for failure in store.failures() if failure.kind is FailureKind.BUILD}
        assert unbuilt == {repo.shas[2]}, "what does not build is remembered"


def _found(repo: PlantedRepo, project: Project) -> tuple[Bisection, list[str]]:
    """What a search that nobody stops finds, and the commits that it measures, in order."""
    asked: list[str] = []
    told: list[str] = []

    def listen(event: Event) -> None:
        if isinstance(event, CommitStarted):
            asked.append(event.commit.sha)
        elif isinstance(event, Note):
            told.append(event.text)

    with project.open_store() as store:
        found = bisect(project, store, benchmark=BENCHMARK, good=repo.shas[0], bad="main", listen=listen)
        assert (found.first, found.last) == (repo.shas[2], repo.shas[3])
        assert found.culprit == ""
        assert found.verified
        assert found.confidence >= 0.95
        assert found.ratio == pytest.approx(1.5)
        assert found.skipped == (repo.shas[2],)
        assert len(asked) == found.runs
        assert "150 runs at most" in told[0], "two measurements do not tell the price, but the most it can be"
        assert 4 < found.runs <= 9
        assert store.bisections() == [found]
        assert not is_known(store, repo.culprit, project.runners), (
            "one benchmark's numbers are no measured commit"
        )
        with pytest.raises(UnknownNameError) as unknown:
            find_target(project, store, BENCHMARK + "s", "", "")
        assert "test_work" in unknown.value.hint
        with pytest.raises(RegressError, match="no commit to suspect"):
            bisect(project, store, benchmark=BENCHMARK, good="main", bad="main")
    return found, asked


def _ctrl_c_at(index: int) -> object:
    """In place of the progress display: a Ctrl-C when the measurement ``index`` starts."""

    @contextmanager
    def shown(_console: object) -> Iterator[Listener]:
        def listen(event: Event) -> None:
            if isinstance(event, CommitStarted) and event.index == index:
                os.kill(os.getpid(), signal.SIGINT)

        yield listen

    return shown


@pytest.mark.parametrize(
    ("options", "message"),
    [
        (["3"], "named with --resume"),
        (["--resume", "-b", "x"], "goes on with what it was begun with"),
        (["--resume", "3"], "there is no unfinished search"),
    ],
)
def test_what_cannot_be_resumed_is_said(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], options: list[str], message: str
) -> None:
    make_counted_repo(tmp_path, commits=1, slow_at=9)
    with pytest.raises(SystemExit) as exit_:
        main(["bisect", "--repo", str(tmp_path), *options])
    assert exit_.value.code == 2
    assert message in capsys.readouterr().err
