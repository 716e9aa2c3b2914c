"""What any bisection must cost, and what an ideal one costs that knows more than ours can.

``python -m benchmarks.platform.bisect_bound [--searches N] [--ahead]``: 128 commits, a shift of one sigma.

The bound is Fano's inequality: so many nats of the place as the stated confidence takes, over what one
measurement can tell where "before or after?" is open and both levels are known. The ideal searches know the
noise and that the machine does not change; of the two levels they know what ``--known`` measurements of each
side tell, or all. They measure what is expected to tell most of the place, or (``--ahead``, slow) what tells
most together with the measurement that follows it. ``regress bisect --simulate --known N`` is ours, which
must find out the noise, and whether today's machine is that of history.
"""

from __future__ import annotations

import argparse
import math
from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from regress.bisect import CONFIDENCE
from regress.bisect.information import information

Floats = NDArray[np.float64]

PLACES = 127
MOST = 500
"""Measurements after which an ideal search would give up."""

CANDIDATES = (0, 1, 2, 4, 7, 11, 16, 24)
"""Ranks of the commits that are looked at two measurements ahead."""

_PLACE = np.arange(PLACES)


def bound(confidence: float) -> float:
    """The fewest measurements on average, with both levels known."""
    rest = 1 - confidence
    unsure = -confidence * math.log(confidence) - rest * math.log(rest) + rest * math.log(PLACES - 1)
    told = float(information(np.array([0.5]), 1.0)[0])
    return (math.log(PLACES) - unsure) / told


class Belief:
    """What searches (rows) hold of the place of their step and, under each place, of baseline and shift."""

    def __init__(self, logs: Floats, precision: Sequence[Floats], pull: Sequence[Floats]) -> None:
        """``precision``: of baseline, of both, and of the shift; ``pull``: precision times mean."""
        self.logs, self.precision, self.pull = logs, tuple(precision), tuple(pull)
        weights = np.exp(logs - logs.max(axis=1, keepdims=True))
        self.places: Floats = weights / weights.sum(axis=1, keepdims=True)
        a, b, c = self.precision
        p, q = self.pull
        size = a * c - b * b
        base, shift = (c * p - b * q) / size, (a * q - b * p) / size
        self.mean = (base, base + shift)
        self.spread = (1 + c / size, 1 + (a + c - 2 * b) / size)

    def some(self, rows: NDArray[np.bool_]) -> Belief:
        """Of these searches only."""
        return Belief(self.logs[rows], [x[rows] for x in self.precision], [x[rows] for x in self.pull])

    def after(self, commits: NDArray[np.intp], values: Floats) -> Belief:
        """What they hold once each has measured a commit."""
        new = commits[:, None] >= _PLACE
        mean, spread = (np.where(new, told[1], told[0]) for told in (self.mean, self.spread))
        a, b, c = self.precision
        p, q = self.pull
        value = values[:, None]
        logs = self.logs - 0.5 * np.log(spread) - 0.5 * (value - mean) ** 2 / spread
        return Belief(logs, (a + 1, b + new, c + new), (p + value, q + new * value))

    def told(self) -> tuple[Floats, Floats, tuple[Floats, Floats]]:
        """Nats that measuring each commit is expected to tell; the chance that it is after the step; and the
        values that are expected before and after it.
        """
        sums = []
        for mean, spread in zip(self.mean, self.spread, strict=True):
            of_place = np.stack([np.ones_like(mean), mean, mean**2 + spread, np.log(spread)])
            sums.append(self.places * of_place)
        old = (sums[0].sum(axis=2, keepdims=True) - sums[0].cumsum(axis=2))[:, :, :-1]
        new = sums[1].cumsum(axis=2)[:, :, :-1]
        chance, rest = np.maximum(new[0], 1e-12), np.maximum(old[0], 1e-12)
        high, low = new[1] / chance, old[1] / rest
        _, _, squares, widths = old + new
        within = np.maximum(squares - high**2 * chance - low**2 * rest, 1e-300)
        levels = np.maximum(0.5 * (np.log(within) - widths), 0.0)
        return information(chance, (high - low) ** 2 / within) + levels, chance, (low, high)


def begun(searches: int, known: float, random: np.random.Generator) -> Belief:
    """What searches hold before they measure; ``known`` measurements of each side told of levels 0 and 1."""
    ones = np.ones((searches, PLACES))
    old, new = (level + random.standard_normal(searches)[:, None] / math.sqrt(known) for level in (0, 1))
    # The shift's own prior is one sigma wide.
    precision = (2 * known * ones, known * ones, (known + 1) * ones)
    return Belief(np.zeros_like(ones), precision, (known * (old + new) * ones, known * new * ones))


def two_ahead(belief: Belief) -> NDArray[np.intp]:
    """The commits of which a measurement, and the best one after it, are expected to tell most together."""
    nats, chance, levels = belief.told()
    rows = np.arange(len(nats))
    ranked = np.argsort(-nats, axis=1)[:, CANDIDATES]
    worth = []
    for commits in ranked.T:
        told = nats[rows, commits]
        for after, share in ((0, 1 - chance), (1, chance)):
            for error in (-1.0, 1.0):
                then = belief.after(commits, levels[after][rows, commits] + error).told()[0].max(axis=1)
                told = told + 0.5 * share[rows, commits] * then
        worth.append(told)
    chosen: NDArray[np.intp] = ranked[rows, np.argmax(worth, axis=0)]
    return chosen


def searched(searches: int, known: float, *, ahead: bool) -> tuple[Floats, float]:
    """The measurements that each ideal search takes, and the part that is right."""
    random = np.random.default_rng(7)
    culprits = random.integers(0, PLACES, searches)
    belief = begun(searches, known, random)
    noise = random.standard_normal((MOST, searches))
    runs, right = np.full(searches, float(MOST)), np.zeros(searches, dtype=bool)
    going = np.arange(searches)
    for turn in range(MOST):
        sure = belief.places.max(axis=1) >= CONFIDENCE
        runs[going[sure]] = turn
        right[going[sure]] = belief.places[sure].argmax(axis=1) == culprits[going[sure]]
        going, belief = going[~sure], belief.some(~sure)
        if not len(going):
            break
        commits = two_ahead(belief) if ahead else belief.told()[0].argmax(axis=1)
        belief = belief.after(commits, (commits >= culprits[going]) + noise[turn, going])
    return runs, float(right.mean())


def main(arguments: Sequence[str] | None = None) -> int:
    """Print the table."""
    parser = argparse.ArgumentParser(description="What any bisection must cost.")
    parser.add_argument("--searches", type=int, default=300, help="ideal searches of each sort (300)")
    parser.add_argument("--known", type=int, nargs="+", default=[10, 30, 100], help="known a side")
    parser.add_argument("--ahead", action="store_true", help="look two measurements ahead, too")
    told = parser.parse_args(arguments)
    print(f"no search takes less than {bound(CONFIDENCE):.1f} measurements on average")
    print(f"{'known a side':>13} {'ahead':>6} {'runs':>7} {'+-':>5} {'95 of 100':>10} {'right':>6}")
    for known in (*told.known, math.inf):
        for ahead in (False, True) if told.ahead else (False,):
            runs, right = searched(told.searches, min(known, 1e7), ahead=ahead)
            error = float(runs.std()) / math.sqrt(len(runs))
            print(
                f"{known:13} {1 + ahead:6} {runs.mean():7.1f} {error:5.1f} {np.percentile(runs, 95):10.0f} "
                f"{right:6.3f}",
                flush=True,
            )
    return 0


if __name__ == "__main__":
    raise SystemExit(main())
