"""What bisections cost at least, and on several workers: the scripts run, and agree with theory."""

from __future__ import annotations

import pytest

from benchmarks.platform import bisect_bound, bisect_turns


def test_no_ideal_search_beats_the_bound_and_knowing_more_costs_less() -> None:
    least = bisect_bound.bound(0.95)
    assert 38 < least < 41
    told = [bisect_bound.searched(60, known, ahead=False) for known in (30, 10_000_000)]
    (unsure, right), (sure, also) = told
    assert least < sure.mean() < unsure.mean()
    assert min(right, also) >= 0.85
    (ahead, _) = bisect_bound.searched(2, 100, ahead=True)
    assert (ahead < bisect_bound.MOST).all()


def test_turns_are_printed_for_each_number_of_workers(capsys: pytest.CaptureFixture[str]) -> None:
    assert bisect_turns.main(["--searches", "1", "--known", "200"]) == 0
    rows = [line.split() for line in capsys.readouterr().out.splitlines()[1:]]
    assert [(row[0], int(row[2])) for row in rows] == [
        (f"{shift:g}", workers) for shift in bisect_turns.SHIFTS for workers in bisect_turns.WORKERS
    ]
    assert all(float(row[3]) * int(row[2]) >= float(row[4]) for row in rows)
