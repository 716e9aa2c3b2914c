"""The benchmarks of detection run, and say so where the labelled data is not there."""

from __future__ import annotations

from pathlib import Path

import pytest

from benchmarks import detection


def test_the_timed_calls_find_the_steps_of_their_series() -> None:
    benchmark = detection.Detect()
    benchmark.setup(1000)
    benchmark.time_detect(1000)
    assert [change.index for change in benchmark.detect(benchmark.values)] == pytest.approx(
        [250, 500, 750], abs=10
    )


def test_points_can_be_appended() -> None:
    benchmark = detection.Append()
    benchmark.setup()
    benchmark.time_append()
    assert len(benchmark.values) == 1000


def test_scores_need_the_labelled_data(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("REGRESS_SHARED", str(tmp_path))
    monkeypatch.setattr("sys.argv", ["detection"])
    assert detection.main() == 2
    assert str(tmp_path) in capsys.readouterr().err
