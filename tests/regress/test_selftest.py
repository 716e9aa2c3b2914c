"""The verb *selftest*: slowdowns put into a copy of a history are found where noise lets them be."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from regress.cli import main
from regress.config import Config, with_settings
from regress.domain import ChangePoint, Measurement
from regress.errors import RegressError
from regress.service.selftest import SIZES, levels_of, selftest
from regress.store import Store
from tests.regress.fixtures.repos import GitRepo
from tests.regress.fixtures.stores import KEY, commit, delivery, sha

CONFIG = Config(root=Path("/nowhere"))
COMMITS = 60


def fill(store: Store, benchmarks: int = 6) -> None:
    """Benchmarks of 0.5 % noise on a quiet machine and 8 % on a loud one; all got slower at commit 25."""
    rng = np.random.default_rng(1)
    store.record_commits("main", [commit(i) for i in range(COMMITS)], default=True)
    told = []
    for machine, noise in (("box", 0.005), ("loud", 0.08)):
        for number in range(benchmarks):
            key = replace(KEY, benchmark=f"bench{number}", machine=machine)
            values = np.exp(noise * rng.standard_normal(COMMITS)) * np.where(np.arange(COMMITS) < 25, 1, 1.5)
            told += [Measurement(key, sha(i), float(values[i])) for i in range(COMMITS)]
    store.deliver(delivery(*told, digest="filled"))


def test_power_is_that_of_the_machine_and_is_kept(store: Store) -> None:
    fill(store)
    before = [series.points for series in store.all_series("main")]
    found = selftest(store, CONFIG, "main")
    quiet, loud = found.machines
    assert (quiet.machine, quiet.series, quiet.points, quiet.false_alarms) == ("box", 6, 6 * 35, 0)
    power = {one.size: one for one in quiet.powers}
    assert tuple(power) == SIZES
    assert power[0.01].found == 0  # below the change that matters
    assert power[0.2].found == power[0.1].found == 6
    assert power[0.2].delay is not None
    assert 1 <= power[0.2].delay <= 3
    assert sum(one.found for one in loud.powers) < sum(one.found for one in quiet.powers)
    assert store.latest_self_test("main") == found
    assert [series.points for series in store.all_series("main")] == before
    again = selftest(store, CONFIG, "main", seed=1)
    assert store.latest_self_test("main") == again
    assert replace(selftest(store, CONFIG, "main"), recorded_at=found.recorded_at) == found


def test_levels_are_those_between_changes_without_unsure_points() -> None:
    values = np.arange(120.0)
    changes = [ChangePoint(40, 1, 3, 2, 4, 1e-9, 38, 41), ChangePoint(60, 3, 2, 0.5, 0.7, 1e-9, 60, 64)]
    first, last = levels_of(values, changes)
    assert (first[0], first[-1], last[0], last[-1]) == (0, 37, 64, 119)  # 41 to 59 are too few
    assert levels_of(values[:30], []) == []


def test_what_the_project_would_not_tell_is_no_alarm(store: Store) -> None:
    fill(store)
    lax = replace(CONFIG, detection=with_settings(CONFIG.detection, ["false_alarms=0.9", "effect=0"]))
    strict = replace(lax, detection=with_settings(lax.detection, ["false_discoveries=1e-20"]))
    many, few = (selftest(store, config, "main") for config in (lax, strict))
    assert sum(one.false_alarms for one in few.machines) == 0
    found = [sum(power.found for one in test.machines for power in one.powers) for test in (many, few)]
    assert found[0] > found[1]


def test_short_histories_cannot_be_tested(store: Store) -> None:
    store.deliver(delivery(Measurement(KEY, sha(1), 1.0)))
    with pytest.raises(RegressError, match="no series has a level"):
        selftest(store, CONFIG, "main")
    assert store.latest_self_test("main") is None


def test_the_command_prints_a_table_or_json(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    repo = GitRepo(tmp_path / "repo")
    repo.commit("first")
    url = f"sqlite:///{tmp_path}/regress.db"
    with Store.open(url) as store:
        fill(store, benchmarks=1)
    base = ["selftest", "--repo", str(repo.path), "--db", url]
    with pytest.raises(SystemExit, match="0"):
        main(base)
    assert "Found within 15 commits" in capsys.readouterr().out
    with pytest.raises(SystemExit, match="0"):
        main([*base, "--json"])
    told = json.loads(capsys.readouterr().out)
    assert (told["machines"][0]["machine"], told["machines"][0]["rate"]) == ("box", 0.0)
