"""The verb *backtest*: history replayed under other settings, against what triage said of its alerts."""

from __future__ import annotations

import json
import pickle
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from regress.cli import main
from regress.config import Config, DetectionConfig, with_settings
from regress.detect import Options, detector_of, replay
from regress.domain import Cause, Decision, Measurement, State
from regress.errors import ConfigError, RegressError, UnknownNameError
from regress.service import backtest as service
from regress.service.analyse import analyse
from regress.service.backtest import Judgement, Outcome, backtest
from regress.service.spreading import How
from regress.store import Store
from tests.regress.fixtures.repos import GitRepo
from tests.regress.fixtures.stores import KEY, commit, delivery, sha
from tests.regress.test_causes import SERIES
from tests.regress.test_causes import fill as fill_alike

COMMITS = 60
CONFIG = Config(root=Path("/nowhere"))
SEGMENTS = detector_of("segments")


def fill(store: Store) -> None:
    """Two benchmarks: one becomes 30 % slower at commit 20, the other 5 % at commit 40."""
    rng = np.random.default_rng(1)
    store.record_commits("main", [commit(i) for i in range(COMMITS)], default=True)
    told = []
    for name, size, at in (("large", 1.3, 20), ("small", 1.05, 40)):
        key = replace(KEY, benchmark=name)
        noise = 1 + 0.004 * rng.standard_normal(COMMITS)
        told += [Measurement(key, sha(i), float(noise[i] * (size if i >= at else 1))) for i in range(COMMITS)]
    store.deliver(delivery(*told, digest="filled"))


def test_a_step_is_replayed_with_its_delay_and_a_burst_is_not_kept() -> None:
    rng = np.random.default_rng(2)
    values = 1 + 0.01 * rng.standard_normal(80)
    values[50:] *= 1.2
    (alert,) = replay(values, SEGMENTS, Options())
    assert alert.change.index == 50
    assert 1 <= alert.delay <= 3
    assert alert.stands
    values[50:] /= 1.2
    values[50:55] *= 1.2
    assert not any(alert.stands for alert in replay(values, SEGMENTS, Options()))


def test_what_comes_stays_and_goes(store: Store) -> None:
    fill(store)
    analyse(store, CONFIG, "main")
    small, large = store.events("main")
    store.decide(small.id, Decision(state=State.INVALID))
    store.decide(large.id, Decision(state=State.EXPECTED))
    found = backtest(store, CONFIG, "main", with_settings(CONFIG.detection, ["effect=0.1"]))
    goes, stays = found.rows
    assert (goes.outcome, goes.judged, goes.event) == (Outcome.GOES, Judgement.FALSE, small.id)
    assert (stays.outcome, stays.judged, stays.event) == (Outcome.STAYS, Judgement.REAL, large.id)
    assert stays.now is not None
    assert stays.now.lead.first_after == sha(20)
    assert 1 <= stays.now.delay <= 4
    assert (found.series, found.points) == (2, 2 * COMMITS)
    strict = Config(root=Path("/nowhere"), detection=with_settings(CONFIG.detection, ["effect=0.1"]))
    back = backtest(store, strict, "main", CONFIG.detection)
    assert (back.count(Outcome.COMES), back.count(Outcome.COMES, Judgement.FALSE)) == (1, 1)
    assert store.events("main")[0].state is State.INVALID  # nothing is stored


class Posted(How):
    """Work whose job and parts go through what goes between processes."""

    def parts(self, store: Store, work: Any, job: Any, stretches: Any) -> Iterator[tuple[int, Any]]:
        for sent in reversed(list(super().parts(store, work, *_posted((job, stretches))))):
            yield _posted(sent)


def _posted(what: Any) -> Any:
    return pickle.loads(pickle.dumps(what))


def test_it_is_the_same_whoever_does_it(store: Store, monkeypatch: pytest.MonkeyPatch) -> None:
    fill(store)
    other = with_settings(CONFIG.detection, ["effect=0.1"])
    here = backtest(store, CONFIG, "main", other)
    monkeypatch.setattr(service, "STRETCH", 1)
    assert backtest(store, CONFIG, "main", other, how=Posted()) == here


def test_since_leaves_out_what_was_raised_before(store: Store) -> None:
    fill(store)
    found = backtest(store, CONFIG, "main", CONFIG.detection, since=sha(35))
    assert [row.shown.lead.series.benchmark for row in found.rows] == ["small"]
    with pytest.raises(UnknownNameError, match="unknown commit") as caught:
        backtest(store, CONFIG, "main", CONFIG.detection, since="f" * 40)
    assert caught.value.hint == "The store knows none such on branch 'main'."


def test_false_discoveries_are_limited_as_by_an_analysis(store: Store) -> None:
    fill(store)
    strict = with_settings(CONFIG.detection, ["false_discoveries=1e-60"])
    found = backtest(store, CONFIG, "main", strict)
    kept = analyse(store, replace(CONFIG, detection=strict), "main").new
    assert [row.outcome for row in found.rows] == [Outcome.GOES, Outcome.STAYS]
    assert [event.first_after for event in kept] == [sha(20)]  # 30 % are beyond doubt, 5 % are not


def test_a_bad_run_is_one_alert_that_says_so(store: Store) -> None:
    fill_alike(store, sizes=dict.fromkeys(range(SERIES), 1.3))
    (row,) = backtest(store, CONFIG, "main", CONFIG.detection).rows
    assert (row.shown.lead.cause, row.shown.series) == (Cause.MACHINE, SERIES)


def test_without_results_there_is_nothing_to_replay(store: Store) -> None:
    with pytest.raises(RegressError, match="nothing is measured"):
        backtest(store, CONFIG, "main", CONFIG.detection)


@pytest.mark.parametrize(
    ("setting", "said"),
    [
        ("false_alarms", "expected KEY=VALUE"),
        ("false_alarms=2", "a number between 0 and 1"),
        ("false_alarms=few", "expected a number, found 'few'"),
        ("flase_alarms=0.1", "unknown key"),
        ("effect=-1", "a number from 0"),
        ("brief=2.5", "a whole number"),
        ("pooling=11", "a number from 0 to below 10"),
    ],
)
def test_a_wrong_setting_is_named(setting: str, said: str) -> None:
    with pytest.raises(ConfigError, match=said):
        with_settings(DetectionConfig(), [setting])


def test_settings_are_numbers_whole_where_they_must_be() -> None:
    chosen = with_settings(DetectionConfig(), ["brief=5", "false_discoveries=0.01", "drift_budget=1"])
    assert (chosen.brief, chosen.false_discoveries, chosen.drift_budget) == (5, 0.01, 1.0)


def test_the_command_prints_a_table_or_json(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    repo = GitRepo(tmp_path / "repo")
    repo.commit("first")
    url = f"sqlite:///{tmp_path}/regress.db"
    with Store.open(url) as store:
        fill(store)
    base = ["backtest", "--repo", str(repo.path), "--db", url, "--set", "effect=0.1"]
    with pytest.raises(SystemExit, match="0"):
        main(base)
    said = capsys.readouterr().out
    assert "1 stay (1 not judged), 0 come, 1 go (1 not judged)" in said
    with pytest.raises(SystemExit, match="0"):
        main([*base, "--json"])
    told = json.loads(capsys.readouterr().out)
    assert [(row["outcome"], row["benchmark"]) for row in told["alerts"]] == [
        ("goes", "small(n=1)"),
        ("stays", "large(n=1)"),
    ]
    with pytest.raises(SystemExit, match="2"):
        main([*base, "--detector", "segment"])
    assert "Did you mean 'segments'?" in capsys.readouterr().err
