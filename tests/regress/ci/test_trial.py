"""The decision: what a fair coin guarantees, by counting all its outcomes; power and samples, by
simulation.
"""

from __future__ import annotations

import itertools
import math

import numpy as np
import pytest

from benchmarks.platform import ci_errors
from regress.detect import betting
from regress.detect.trial import Trial
from regress.domain import Verdict

EFFECT = math.log1p(0.05)


def capital(x: np.ndarray, least: float, *, by_shape: bool = False) -> np.ndarray:
    """The capital after each row's pairs, staked on positive values (or on the shape of those before)."""
    log = np.zeros(len(x))
    for pair in range(x.shape[1]):
        number, total, spread = betting.past_shape(x[:, :pair])
        expected = betting.expected_shift(number, total, least)
        log += (
            betting.shape_growth(x[:, pair], x[:, :pair], expected, spread)
            if by_shape
            else betting.growth(x[:, pair], number, total, spread, least)
        )
    return np.exp(log)


@pytest.mark.parametrize("seed", range(3))
def test_the_wager_is_a_fair_game_whatever_the_noise(seed: int) -> None:
    """Over all outcomes of ten coins, the mean capital is what it was at the start: exactly one."""
    sizes = np.abs(np.random.default_rng(seed).standard_cauchy(10)) * 0.03
    signs = np.array(list(itertools.product((-1.0, 1.0), repeat=10)))
    for by_shape in (False, True):
        assert capital(signs * sizes, EFFECT, by_shape=by_shape).mean() == pytest.approx(1.0, rel=1e-6)
    assert capital(signs * sizes - 0.02, EFFECT).mean() < 1.0 + 1e-9 or seed  # towards faster: a loss


def test_the_shape_of_two_modes_tells_a_shift_from_its_mirror_image() -> None:
    """Modes 6 % apart make a pair of two that are alike differ by -6, 0 or 6 %, of a slowdown of 5 % by -1, 5
    or 11 %: each size comes with one sign, and no normal noise explains which.
    """
    shifted = np.array([[-0.011, 0.049, 0.109, 0.049] * 5])
    assert capital(shifted, EFFECT, by_shape=True)[0] > 10 * capital(shifted, EFFECT)[0]
    alike = np.array([[-0.06, 0.0, 0.06, 0.0] * 5])
    assert capital(alike, EFFECT, by_shape=True)[0] < 1.0


def one(values: list[float], cases: int = 1) -> Trial:
    """A trial of ``cases`` whose first case gives ``values``, and the others nothing new."""
    trial = Trial(np.full(cases, EFFECT))
    for value in values:
        if 0 not in trial.open:
            break
        trial.add(np.array([value] + [0.0001] * (cases - 1)))
    return trial


def test_quiet_benchmarks_go_after_three_pairs_and_an_alarm_takes_fourteen() -> None:
    quiet = one([0.001, -0.002, 0.0005] * 5)
    assert (quiet.finding(0).verdict, quiet.finding(0).pairs) == (Verdict.SAME, 3)
    slow = one([0.2, 0.21, 0.19, 0.205] * 6, cases=100).finding(0)
    assert slow.verdict is Verdict.SLOWER
    assert 14 <= slow.pairs <= 16  # 2**14 > 100 benchmarks / (1 % / 2 directions)
    assert slow.low < 0.2 < slow.high
    fast = one([-0.2, -0.21, -0.19, -0.205] * 6, cases=4).finding(0)
    assert fast.verdict is Verdict.FASTER
    assert fast.shift == pytest.approx(-0.2, abs=0.01)


def test_a_suspect_is_measured_anew() -> None:
    """A start that looks like a slowdown, and then nothing: the suspicion is dropped."""
    noise = np.random.default_rng(1).normal(0, 0.01, 40)
    trial = Trial(np.array([EFFECT, EFFECT]))
    for value in (0.2, 0.21, 0.22, 0.2):
        trial.add(np.array([value, 0.0]))
    assert list(trial.suspects) == [0]
    for value in noise:
        trial.add(np.array([value, 0.0]))
    assert trial.finding(0).verdict is not Verdict.SLOWER


def test_counters_are_decided_by_their_own_repetition() -> None:
    trial = Trial(np.full(3, EFFECT))
    exact = np.array([True, True, False])
    for _ in range(2):
        trial.add(np.array([0.0, 0.1, 0.1]), exact)
    assert list(trial.open) == [1, 2]
    for _ in range(4):
        trial.add(np.array([math.nan, 0.1, 0.1]), exact)
    found = trial.finding(1)
    assert (found.verdict, found.low, found.high) == (Verdict.SLOWER, found.shift, found.shift)
    assert trial.finding(0).pairs == 2


def test_what_is_not_decided_says_how_much_more_it_takes() -> None:
    noise = np.random.default_rng(5).normal(0.02, 0.3, 12)
    found = one(list(noise)).finding(0)
    assert found.verdict is Verdict.UNCLEAR
    assert found.more is None or found.more > 0
    assert Trial(np.array([EFFECT])).finding(0).verdict is Verdict.UNCLEAR


def test_intervals_hold_whenever_one_looks() -> None:
    random = np.random.default_rng(11)
    missed = 0
    for _ in range(40):
        values = random.normal(0.03, 0.03, 16)
        low, high = betting.interval(values, 0.05)
        missed += not low <= 0.03 <= high
    assert missed <= 3


@pytest.mark.parametrize("noise", list(ci_errors.NOISES))
def test_errors_and_samples_in_simulated_suites(noise: str) -> None:
    """Few suites here; ``python -m benchmarks.platform.ci_errors`` runs thousands of the very same."""
    row = ci_errors.row(noise, 12, 60)
    assert row.any_alarm == 0
    assert row.found >= 0.9
    assert row.pairs_suite < 0.6 * 100 * ci_errors.fixed_pairs(0.95, 2000)
