"""Which commits a run takes, in what order, and how they are told from known ones. No tool is run."""

from __future__ import annotations

import itertools
import subprocess
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

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
from regress.errors import RegressError, UnknownRevisionError
from regress.metrics import WALL_TIME
from regress.runner import RUNNERS, find_suites
from regress.service.project import Project
from regress.service.run import DEFAULT_LAST, Selection, is_known, record_history, select_commits, spread
from regress.store import Store
from tests.regress.fixtures.asv import asv_home
from tests.regress.fixtures.repos import make_repo

__all__ = ["asv_home"]

WHEN = datetime(2024, 1, 1, tzinfo=UTC)


@given(st.integers(0, 200))
def test_every_commit_comes_once_the_newest_first(size: int) -> None:
    commits = [Commit(str(n), (), "", WHEN, WHEN, "", n) for n in range(size)]
    order = [commit.position for commit in spread(commits)]
    assert sorted(order) == list(range(size))
    assert order[:2] == [size - 1, 0][: min(size, 2)] or size == 1


@given(st.integers(2, 200), st.data())
def test_an_early_stop_leaves_no_wide_gap(size: int, data: st.DataObject) -> None:
    """After n commits the widest unmeasured gap is at most twice what an even spacing would leave."""
    commits = [Commit(str(n), (), "", WHEN, WHEN, "", n) for n in range(size)]
    taken = data.draw(st.integers(2, size))
    done = sorted(commit.position for commit in list(spread(commits))[:taken])
    widest = max(b - a for a, b in itertools.pairwise(done))
    assert widest <= 2 * -(-(size - 1) // (taken - 1))


@pytest.fixture
def project(tmp_path: Path, asv_home: Path) -> Project:
    make_repo(tmp_path / "repo", commits=14)
    return Project.open(tmp_path / "repo")


@pytest.fixture
def store(project: Project) -> Iterator[Store]:
    with project.open_store() as opened:
        yield opened


def deliver(project: Project, store: Store, commit: Commit, *, machine: str, built: bool = True) -> None:
    key = SeriesKey("bench.time_it", (), WALL_TIME, machine, "py", project.branch)
    failure = Failure(FailureKind.BUILD, commit.sha, "no", machine, "py")
    store.deliver(
        Delivery(
            source="test", origin="here", digest=commit.sha + machine,
            machine=Machine(machine), environment=Environment("py"),
            measurements=(Measurement(key, commit.sha, 1.0),) if built else (),
            failures=() if built else (failure,),
        )
    )  # fmt: skip


def test_what_is_selected(project: Project, store: Store) -> None:
    commits = project.history.commits("main")
    assert select_commits(project, store, Selection()) == commits[-DEFAULT_LAST:]
    assert select_commits(project, store, Selection(last=3)) == commits[-3:]
    chosen = select_commits(project, store, Selection(revisions=("HEAD", "HEAD~9..HEAD~7", "HEAD~8")))
    assert chosen == [commits[5], commits[6], commits[13]]
    with pytest.raises(RegressError, match=r"no commits in HEAD\.\.HEAD~1"):
        select_commits(project, store, Selection(revisions=("HEAD..HEAD~1",)))


def test_since_last_starts_after_the_newest_measured_commit(project: Project, store: Store) -> None:
    commits = project.history.commits("main")
    since_last = Selection(since_last=True)
    assert select_commits(project, store, since_last) == commits[-DEFAULT_LAST:]
    record_history(project, store, commits[:1])
    deliver(project, store, commits[11], machine="elsewhere")
    assert select_commits(project, store, since_last) == commits[12:]
    deliver(project, store, commits[13], machine="elsewhere")
    assert select_commits(project, store, since_last) == []


def test_a_commit_is_known_by_its_results_or_its_failed_build_on_this_machine(
    project: Project, store: Store
) -> None:
    commits = project.history.commits("main")
    here = project.runners[0].machine()
    deliver(project, store, commits[0], machine="elsewhere")
    deliver(project, store, commits[1], machine=here)
    deliver(project, store, commits[2], machine=here, built=False)
    assert [is_known(store, c.sha, project.runners) for c in commits[:4]] == [False, True, True, False]


def test_history_is_recorded_from_the_oldest_needed_commit_on(project: Project, store: Store) -> None:
    commits = project.history.commits("main")
    record_history(project, store, commits[10:])
    assert store.commits("main") == commits[10:]
    record_history(project, store, commits[4:5])
    assert store.commits("main") == commits[4:]
    assert store.default_branch() == "main"


def test_another_branch_than_the_watched_one(project: Project, store: Store) -> None:
    commits = project.history.commits("main")
    record_history(project, store, commits[-1:])
    repo = project.history.root
    subprocess.run(["git", "branch", "topic", commits[2].sha], cwd=repo, check=True)
    topic = Project.open(repo, branch="topic")
    assert select_commits(topic, store, Selection()) == commits[:3]
    record_history(topic, store, commits[:3])
    assert (store.branches(), store.default_branch()) == (["main", "topic"], "main")
    with pytest.raises(UnknownRevisionError) as caught:
        select_commits(Project.open(repo, branch="topik"), store, Selection())
    assert "topic" in caught.value.hint


def test_runners_are_what_the_configuration_may_name(tmp_path: Path) -> None:
    from regress.config import TOOLS

    assert set(RUNNERS) == set(TOOLS)
    for name, runner in RUNNERS.items():
        assert runner.__self__.tool == name  # type: ignore[attr-defined]
    with pytest.raises(RegressError, match=r"no asv\.conf\.json and no pytest-benchmark tests"):
        find_suites(tmp_path)
