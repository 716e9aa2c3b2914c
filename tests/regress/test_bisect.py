"""Bisection of a real repository with the real asv, and of what is known already."""

from __future__ import annotations

import json

import pytest

from regress.cli import main
from regress.domain import FailureKind
from regress.errors import RegressError, UnknownNameError
from regress.runner.events import CommitStarted, Event
from regress.service.bisect import bisect, find_target, noise_of
from regress.service.project import Project
from regress.service.run import Selection, is_known, run
from tests.regress.fixtures.asv import MakeRepo, asv_environments, asv_home, make_asv_repo

__all__ = ["asv_environments", "asv_home", "make_asv_repo"]

COUNTER = "speed.track_checksum_steps"


def test_the_culprit_is_found_verified_and_recorded(make_asv_repo: MakeRepo) -> None:
    """Only the ends are measured before; three commits around the middle do not build."""
    repo = make_asv_repo(commits=16, slow_at=9, factor=1.5, broken={6, 7, 12})
    project = Project.open(repo.path)
    events: list[Event] = []
    with project.open_store() as store:
        run(project, store, Selection(revisions=(repo.shas[0], repo.shas[-1])))
        found = bisect(
            project, store, benchmark="speed.Checksum.time_checksum(size=6000)",
            good=repo.shas[0], bad="main", listen=events.append,
        )  # fmt: skip
        assert found.culprit == repo.culprit
        assert found.verified
        assert found.confidence >= 0.95
        assert 1.2 < found.ratio < 2.0
        assert found.low <= found.ratio <= found.high
        assert set(found.skipped) <= {repo.shas[n] for n in (6, 7, 12)}
        assert found.skipped
        assert found.runs == sum(isinstance(event, CommitStarted) for event in events)
        assert found.runs <= 24
        assert store.bisections() == [found]
        unbuilt = {failure.commit for failure in store.failures() if failure.kind is FailureKind.BUILD}
        assert unbuilt == set(found.skipped), "what does not build is remembered"
        assert not is_known(store, repo.culprit, project.runners), (
            "one benchmark's numbers are no measured commit"
        )


def test_the_command_takes_the_latest_regression(make_asv_repo: MakeRepo, capsys) -> None:
    """The history is measured whole, so the search itself is free and only the check costs runs."""
    repo = make_asv_repo(commits=12, slow_at=8, factor=1.6)
    project = Project.open(repo.path)
    with project.open_store() as store:
        report = run(project, store, Selection(last=12))
        assert report.analysis is not None
        (event,) = report.analysis.regressions
        assert event.first_after == repo.culprit
        target = find_target(project, store, "", "", "")
        assert repo.shas.index(target.good) < 8 <= repo.shas.index(target.bad)
        assert 0 < noise_of(target.series) < 0.3
        with pytest.raises(UnknownNameError) as unknown:
            find_target(project, store, "speed.Checksum.time_chexum", "", "")
        assert "time_checksum" in unknown.value.hint
        with pytest.raises(RegressError, match="no commit to suspect"):
            bisect(project, store, benchmark=COUNTER, good="main", bad="main")
    with pytest.raises(SystemExit) as exit_:
        main(["bisect", "--repo", str(repo.path), "--benchmark", COUNTER, "--json"])
    told = json.loads(capsys.readouterr().out)
    assert exit_.value.code == 0
    assert told["culprit"] == repo.culprit
    assert told["verified"]
    assert told["ratio"] == pytest.approx(1.6, abs=0.01)
    assert told["runs"] == 6
    with pytest.raises(SystemExit):
        main(["bisect", "--repo", str(repo.path), "--benchmark", COUNTER])
    out = capsys.readouterr().out
    assert f"culprit {repo.culprit[:10]}" in out
    assert "verified against its parent" in out

    suite = repo.path / "bench/speed.py"
    suite.write_text(suite.read_text().replace("tally.checksum(1000)", "tally.checksum(900)"))
    with pytest.raises(SystemExit) as exit_:
        main(["bisect", "--repo", str(repo.path), "--benchmark", COUNTER])
    assert exit_.value.code == 2
    assert "its code or environment changed since it was measured" in capsys.readouterr().err


def test_without_a_change_no_culprit_is_named(make_asv_repo: MakeRepo) -> None:
    repo = make_asv_repo(commits=4, slow_at=99)
    project = Project.open(repo.path)
    with project.open_store() as store:
        run(project, store, Selection(revisions=(repo.shas[0], repo.shas[-1])))
        found = bisect(project, store, benchmark=COUNTER, good=repo.shas[0], bad="main")
    assert (found.culprit, found.first, found.verified) == ("", "", False)
    assert found.runs <= 12
