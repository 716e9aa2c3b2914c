"""``regress bisect --scheduler``: two workers of one machine measure for a search of a real repository."""

from __future__ import annotations

import json
import platform
import warnings
from contextlib import nullcontext
from pathlib import Path

import pytest

import regress.cli.progress
from regress.cli import main
from regress.runner.events import CommitStarted, Event
from regress.service.project import Project
from tests.regress.fixtures.counted import few_plugins, make_counted_repo

__all__ = ["few_plugins"]

pytestmark = [
    pytest.mark.filterwarnings("ignore"),  # Dask's own business with ports and asyncio
    pytest.mark.usefixtures("few_plugins"),
]

BENCHMARK = "tests/test_speed.py::test_work"


def test_the_posterior_picks_a_commit_for_each_worker(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    for variable in ("XDG_CACHE_HOME", "TMPDIR"):  # where workers keep their clone, and the host its lock
        (tmp_path / variable).mkdir()
        monkeypatch.setenv(variable, str(tmp_path / variable))
    repo = make_counted_repo(tmp_path / "repo", commits=4, slow_at=2)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        from distributed import LocalCluster

        here = {f"machine-{platform.node()}": 1}
        cluster = LocalCluster(
            n_workers=2, threads_per_worker=1, processes=False, dashboard_address=None, resources=here
        )
    events: list[Event] = []
    monkeypatch.setattr(regress.cli.progress, "shown", lambda _console: nullcontext(events.append))
    with cluster:
        address = cluster.scheduler_address
        asked = ["-b", BENCHMARK, "--good", repo.shas[0], "--bad", "main", "--scheduler", address, "--json"]
        with pytest.raises(SystemExit) as ended:
            main(["bisect", "--repo", str(repo.path), *asked])
        assert ended.value.code == 0
        found = json.loads(capsys.readouterr().out)
        assert (found["culprit"], found["verified"]) == (repo.culprit, True)
    with Project.open(repo.path).open_store() as store:
        assert len(store.searches.steps(1)) == found["runs"]
        assert {run.machine for run in store.runs()} == {platform.node()}
    asked_for = [event.commit.sha for event in events if isinstance(event, CommitStarted)]
    assert len(asked_for) == found["runs"]
    assert set(asked_for[:2]) == {repo.shas[0], repo.shas[-1]}, "both ends at once"
