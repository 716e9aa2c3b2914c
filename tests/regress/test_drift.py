"""Many steps too small to be told add up in the ledger, each at its commit; chance and told changes not."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from regress.cli import main
from regress.config import Config, DetectionConfig, with_settings
from regress.detect.drift import drift
from regress.domain import Direction, Measurement, Metric
from regress.service.analyse import analyse
from regress.store import Store
from tests.regress.fixtures.repos import GitRepo
from tests.regress.fixtures.stores import KEY, commit, delivery, sha

COMMITS, STEPS = 200, (40, 80, 120, 160)
TOLERANT = with_settings(DetectionConfig(), ["effect=0.1"])  # else two steps together are told as one
CONFIG = Config(root=Path("/nowhere"), detection=TOLERANT)
RATE = replace(KEY, benchmark="rate", metric=Metric("throughput", "1/s", Direction.HIGHER))


def creeping(seed: int, size: float = 0.015) -> np.ndarray[tuple[int], np.dtype[np.float64]]:
    """1 % noise, four small steps."""
    level = 0.01 * np.random.default_rng(seed).standard_normal(COMMITS)
    for at in STEPS:
        level[at:] += size
    return np.exp(level)


def fill(store: Store) -> None:
    """A time and a rate that get worse in small steps, a time that gets better, one that stands."""
    store.record_commits("main", [commit(i) for i in range(COMMITS)], default=True)
    better, still = (replace(KEY, benchmark=name) for name in ("better", "still"))
    told = []
    for key, values in (
        (KEY, creeping(1)),
        (RATE, 1 / creeping(2)),
        (better, 1 / creeping(3)),
        (still, creeping(4, 0.0)),
    ):
        told += [Measurement(key, sha(i), float(values[i])) for i in range(COMMITS)]
    store.deliver(delivery(*told, digest="filled"))


def test_small_steps_add_up_at_their_places() -> None:
    found = drift(creeping(0))
    assert found is not None
    assert found.sure
    assert found.low < 1.015**4 - 1 < found.high
    assert [step.index for step in found.steps] == pytest.approx(STEPS, abs=5)
    product = np.prod([1 + step.size for step in found.steps]) * (1 + found.rest)
    assert product - 1 == pytest.approx(found.total)


def test_steps_of_several_series_that_may_be_one_commit_s_are_together(store: Store) -> None:
    store.record_commits("main", [commit(i) for i in range(COMMITS)], default=True)
    keys = [KEY, RATE, replace(KEY, benchmark="b3")]
    told = [
        Measurement(key, sha(i), float(1 / value if key == RATE else value))
        for number, key in enumerate(keys)
        for i, value in enumerate(creeping(number, 0.02))
    ]
    store.deliver(delivery(*told, digest="filled"))
    analyse(store, CONFIG, "main")
    found = store.ledger("main")
    assert found is not None
    assert [row.series for row in found.commits] == [3, 3, 3, 3]
    assert [row.size for row in found.commits] == pytest.approx([0.02] * 4, abs=0.005)
    assert sorted(int(row.first_after[:8], 16) for row in found.commits) == pytest.approx(STEPS, abs=2)


def test_told_changes_are_taken_out() -> None:
    values = creeping(5, 0.0)
    values[100:] *= 1.5
    found = drift(values, [100])
    assert found is not None
    assert not found.sure
    both = creeping(5)
    both[100:] *= 1.5
    found = drift(both, [100])
    assert found is not None
    assert found.low < 1.015**4 - 1 < found.high


def test_chance_is_no_drift() -> None:
    flat = [drift(np.exp(0.02 * np.random.default_rng(i).standard_normal(COMMITS))) for i in range(60)]
    assert sum(one is not None and one.sure for one in flat) <= 2


@pytest.mark.parametrize("values", [np.ones(29), np.full(50, -1.0), np.full(50, np.nan), np.zeros(50)])
def test_what_cannot_be_judged_is_not(values: np.ndarray[tuple[int], np.dtype[np.float64]]) -> None:
    assert drift(values) is None


def test_an_analysis_keeps_the_ledger_of_what_got_worse(store: Store) -> None:
    fill(store)
    assert store.ledger("main") is None
    assert analyse(store, CONFIG, "main").new == ()
    found = store.ledger("main")
    assert found is not None
    assert {entry.series for entry in found.entries} == {KEY, RATE}
    (rate,) = (entry for entry in found.entries if entry.series == RATE)
    assert rate.total == pytest.approx(1.015**-4 - 1, abs=0.02)
    assert sum(row.series for row in found.commits) == sum(len(entry.steps) for entry in found.entries)
    generous = replace(CONFIG, detection=with_settings(CONFIG.detection, ["drift_budget=0.2"]))
    analyse(store, generous, "main")
    kept = store.ledger("main")
    assert kept is not None
    assert kept.entries == ()


def test_the_command_prints_the_ledger_or_json(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    repo = GitRepo(tmp_path / "repo")
    repo.commit("first")
    url = f"sqlite:///{tmp_path}/regress.db"
    base = ["drift", "--repo", str(repo.path), "--db", url]
    with Store.open(url) as store:
        fill(store)
        with pytest.raises(SystemExit, match="2"):
            main(base)
        assert "Run `regress analyse` first" in capsys.readouterr().err
        analyse(store, CONFIG, "main")
    with pytest.raises(SystemExit, match="0"):
        main(base)
    said = capsys.readouterr().out
    assert "2 series beyond 5 %" in said
    assert "bench(n=1) (wall time, box)" in said
    with pytest.raises(SystemExit, match="0"):
        main([*base, "--json"])
    told = json.loads(capsys.readouterr().out)
    assert {row["benchmark"] for row in told["series"]} == {"bench(n=1)", "rate(n=1)"}
    assert all(len(row["steps"]) >= 3 for row in told["series"])
