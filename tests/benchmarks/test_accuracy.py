"""The harness that scores the detector by folds: relatives stay together, and choosing is honest."""

from __future__ import annotations

import math
from collections.abc import Sequence
from pathlib import Path
from types import ModuleType, SimpleNamespace
from typing import Any

import numpy as np
import pytest

from benchmarks import accuracy
from benchmarks.ceiling import ceiling
from benchmarks.detection import scorer
from benchmarks.mistakes import kinds_of_step, labelled, table
from benchmarks.tallies import Tally, folds, tally
from regress.detect import segments, sensitivity
from regress.detect.evidence import Evidence


@pytest.fixture(scope="module")
def score() -> ModuleType:
    try:
        return scorer()
    except FileNotFoundError as missing:
        pytest.skip(str(missing))


def case(step: float = 1.0, at: int = 30, length: int = 60, **more: Any) -> Any:
    """A series of ones (in logarithms, zeros) that rises by ``step`` sigma of 1 %."""
    levels = [1.0] * at + [math.exp(0.01 * step)] * (length - at)
    known = {"family": "gauss", "event": "single", "sigma": 0.01, "ignore": [], "name": "one"}
    sizes = {
        "cps": [at],
        "sizes": [math.expm1(0.01 * step)],
        "z": [step * math.sqrt(at * (length - at) / length)],
    }
    return SimpleNamespace(values=levels, **{**known, **sizes, **more})


def generated(hits: int, misses: int, group: str = "") -> Tally:
    return Tally("synth", group or f"{hits}-{misses}", case(), [], hits=hits, misses=misses)


def test_folds_keep_groups_together_and_even() -> None:
    tallies = [Tally("hand", project, None, []) for project in "aaabbccdef"]
    where = folds(tallies, 3)
    assert len({fold for one, fold in zip(tallies, where, strict=True) if one.group == "a"}) == 1
    assert sorted(where.count(fold) for fold in range(3)) == [3, 3, 4]


def test_a_setting_is_judged_on_series_that_did_not_choose_it() -> None:
    def tallies(hits: Sequence[int]) -> list[Tally]:
        others = [
            Tally(kind, f"g{i}", case(), [], f1=1.0) for kind in ("hand", "tcpd", "null") for i in (0, 1)
        ]
        return [generated(hit, 10 - hit, group=f"g{i}") for i, hit in enumerate(hits)] + others

    tried = {"lucky once": tallies([10, 0]), "steady": tallies([5, 6])}
    picked = accuracy.chosen(tried, 2)
    assert [name for name, _ in picked] == ["steady", "lucky once"]
    assert [values["F1 generated"] for _, values in picked] == [pytest.approx(2 / 3), 0.0]


def test_a_setting_reaches_every_module_that_holds_it_and_goes_back() -> None:
    original = segments.FLOOR
    with accuracy.setting("segments.FLOOR", 9.0):
        assert segments.FLOOR == 9.0
        assert sensitivity.__globals__["FLOOR"] == 9.0
    assert sensitivity.__globals__["FLOOR"] == original


def test_a_setting_reaches_what_is_made_of_it() -> None:
    """Where the whole series' variance counts for all, a segment's own counts for nothing."""
    values = np.array([0.0, 2.0, 0.0, 2.0, 5.0, 5.0])
    with accuracy.setting("evidence.PRIOR", 1e12):
        evidence = Evidence(values)
        evidence.weigh(0.25, correlation=1.0, free=4)
        (variance,) = evidence.steps(np.array([0, 4, 6])).variance
    assert variance == pytest.approx(0.25 / 4 + 0.25 / 2)


def test_kinds_of_a_step() -> None:
    kinds = kinds_of_step(case(step=3, at=5), 0, found=[14])
    assert {"noise gauss", "sigma 2-4", "standard errors 6-12", "near an end", "alarm 6-15 points away"} == {
        *kinds
    } - {"event single"}


def test_tallies_count_what_a_detector_does(score: ModuleType) -> None:
    data = {
        "synth": [case(), case(at=20)],
        "null": [case(step=0, cps=[], sizes=[], z=[])],
        "delay": [case(event="snr8")],
        "hand": [
            SimpleNamespace(name="p|x", values=[1.0] * 60, labels={"strict": [30], "lenient": [30, 50]})
        ],
    }
    tallies = tally(score, lambda values: [31], data)
    assert [(t.hits, t.misses, t.false) for t in tallies[:2]] == [(1, 0, 0), (0, 1, 1)]
    assert (tallies[2].false, tallies[2].live, tallies[3].delays) == (1, 1, {"snr8": 2})
    assert accuracy.scores(tallies)["F1 generated"] == 0.5
    assert ("noise gauss", 2, 1, 2) in table(score, tallies)
    assert labelled(score, tallies) == [f"{tallies[4].f1:.2f} p|x: false [], missed []"]


def test_the_oracle_finds_what_is_clear_and_not_what_is_hidden() -> None:
    assert ceiling([case(step=8)], margin=5) == 1.0
    assert ceiling([case(step=0.1)], margin=5) < 0.1


def test_without_the_labelled_data_it_says_where_it_looked(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("REGRESS_SHARED", str(tmp_path))
    monkeypatch.setattr("sys.argv", ["accuracy"])
    assert accuracy.main() == 2
    assert str(tmp_path) in capsys.readouterr().err


@pytest.mark.parametrize(
    ("asked", "says"),
    [
        ("nowhere.FLOOR=1", "regress.detect has no 'nowhere.FLOOR'"),
        ("segments.NOTHING=1", "has no 'segments.NOTHING'"),
        ("youth.YOUNG=many", "'many' are no values for it"),
    ],
)
def test_a_variation_that_cannot_be_is_one_line(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch, asked: str, says: str
) -> None:
    monkeypatch.setattr("sys.argv", ["accuracy", "--vary", asked])
    with pytest.raises(SystemExit) as end:
        accuracy.main()
    assert end.value.code == 2
    assert says in capsys.readouterr().err
