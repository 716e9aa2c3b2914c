"""Bisection of a real repository with real tools, without any history, and without a change."""

from __future__ import annotations

import json
import re
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from regress.cli import main
from regress.config import Config
from regress.domain import BisectionPlan, Commit, Series
from regress.errors import RegressError
from regress.service.analyse import analyse
from regress.service.bisect import bisect, resume
from regress.service.bisect_company import companions, independence
from regress.service.bisect_price import price_of, refuse, told_price
from regress.service.project import Project
from regress.service.run import Selection, run
from regress.store import Store
from tests.regress.fixtures.counted import few_plugins, make_counted_repo
from tests.regress.fixtures.stores import KEY, START, commit, delivery, measured, sha

__all__ = ["few_plugins"]

pytestmark = pytest.mark.usefixtures("few_plugins")

BENCHMARK = "tests/test_speed.py::test_work"


def test_the_command_finds_both_culprits_without_any_history(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    repo = make_counted_repo(tmp_path, commits=4, slow_at=1, factor=1.6, slower_at=3)
    command = ["bisect", "--repo", str(repo.path), "-b", BENCHMARK, "--good", repo.shas[0], "--bad", "main"]
    with pytest.raises(SystemExit) as exit_:
        main([*command, "--json"])
    told = json.loads(capsys.readouterr().out)
    assert exit_.value.code == 0
    (further,) = told["further"]
    assert {told["culprit"], further["first"]} == {repo.culprit, repo.shas[3]}
    assert told["verified"]
    assert (told["ratio"], further["ratio"]) == (pytest.approx(1.6), pytest.approx(1.6))
    assert told["rest"]["explained"]
    assert told["suspicion"] == {"weight": 1.0, "files": ["tests/test_speed.py"]}


def test_companions_are_measured_with_it(tmp_path: Path) -> None:
    repo = make_counted_repo(tmp_path, commits=2, slow_at=1, factor=1.5, another=True)
    project, (good, bad) = Project.open(repo.path), repo.shas
    with project.open_store() as store:
        run(project, store, Selection(revisions=(good, bad)))
        own, other = sorted((one.key for one in store.series_list()), key=lambda key: "more" in key.benchmark)
        assert companions(store, store.series(1), good, bad) == (), "nothing was found to have changed"
        plan = BisectionPlan(own, good, bad, 0.9, 20, START, others=(other,))
        number = store.begun_bisections.begin(plan)
        found = resume(project, store, number)
        steps = store.searches.steps(number)
    assert found.culprit == bad
    (affected,) = found.others
    assert (affected.series, affected.ratio) == (other, pytest.approx(1.5))
    assert all(len(step.others) == 1 for step in steps)


def test_companions_changed_at_the_same_place(store: Store) -> None:
    """Strong shifts find their culprit alone, and with what their own benchmark measures besides."""
    random, keys = np.random.default_rng(2), [KEY, replace(KEY, parameters=(("n", "2"),))]
    keys += [replace(KEY, benchmark="other"), replace(KEY, benchmark="still")]
    store.record_commits("main", [commit(i) for i in range(80)], default=True)
    for key, shift in zip(keys, (0.04, 0.05, 0.08, 0.0), strict=True):
        values = np.exp(random.normal(0, 0.02, 80) + shift * (np.arange(80) >= 40))
        points = (measured(i, float(value), key) for i, value in enumerate(values))
        store.deliver(delivery(*points, digest=key.title))
    analyse(store, Config(root=Path()), "main")
    stored = {one.key: store.series(one.id) for one in store.series_list()}
    first, *rest = (stored[key] for key in keys)
    assert companions(store, first, sha(30), sha(50)) == (keys[2], keys[1])
    assert companions(store, first, sha(5), sha(10)) == ()
    assert companions(store, rest[-1], sha(30), sha(50)) == ()
    assert 0.6 < independence([first, *rest]) <= 1.0
    assert independence([first, first]) == pytest.approx(0.5)
    assert independence([first]) == 1.0


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


def test_what_a_search_costs_is_told_before_it_begins(store: Store) -> None:
    store.record_commits("main", [commit(i) for i in range(40)], default=True)
    noise = (0.01, -0.01, 0.005, 0.0, -0.005)
    values = [(1.0 + noise[i % 5]) * (1.05 if i >= 20 else 1.0) for i in range(40)]
    store.deliver(delivery(*(measured(i, value) for i, value in enumerate(values))))
    series, commits = store.series(store.series_list()[0].id), store.commits("main")[10:31]
    plan = BisectionPlan(series.key, sha(10), sha(30), 0.95, 60, START)

    def sentence(series: Series, commits: Sequence[Commit]) -> str:
        return told_price(store, series, commits, plan, price_of(series, commits, plan))

    assert re.fullmatch(
        r"a shift [3-9]\.\d times the noise among 20 commits: about ([5-9]|1\d) runs.* \(--budget 60\)",
        sentence(series, commits),
    )
    hopeless = store.commits("main")[5:16]
    said = sentence(series, hopeless)
    assert re.fullmatch(r"a shift 0\.\d times the noise among 10 commits: about [\d,]+ runs .*", said)
    with pytest.raises(RegressError, match="would most likely name nobody: a shift 0") as refused:
        refuse(said, price_of(series, hopeless, plan), plan.budget)
    assert "--budget" in refused.value.hint
    assert "--anyway" in refused.value.hint
    refuse(said, price_of(series, commits, plan), plan.budget)
    unknown = sentence(replace(series, points=series.points[:1]), commits)
    assert unknown == "what it costs is not known: too little was measured; 60 runs at most (--budget)"
