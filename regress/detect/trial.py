"""A trial: a suite at two commits, measured in pairs until each benchmark is decided.

Three questions are asked of every case, and all of them may be asked after each pair (``betting``):

- *Is it slower (or faster) at all?* A wager on signs, which needs no more than that the coin was fair. Over
  the whole suite, the evidence must pass the bar of e-BH (Wang and Ramdas, "False discovery rate control with
  e-values", 2022): of two identical commits, the chance of any alarm is at most ``error``, whatever depends
  on what. What looks suspicious is measured anew: the pairs since then must convince by themselves.
- *Is it slower by the effect that matters?* When that is refuted, on both sides, the case is the same. This
  answer may be wrong once in twenty-five (``miss``); half of its evidence believes in normal noise, which
  lets quiet benchmarks go after three pairs.
- Else the next pair is measured, until the caller stops: then nobody can tell.

A case that repeats itself exactly on both sides is a counter: two pairs show that it is the same, six that
not.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from regress.detect import betting
from regress.detect.betting import Floats
from regress.domain import Verdict

ERROR = 0.01
"""The chance of any false alarm in a suite without a change."""

MISS = 0.04
"""The chance that a case which is slower by exactly the effect that matters is called the same."""

SUSPECT = math.log(10.0)
"""Log evidence from which a case is suspected, and only what is measured from then on can convict it."""

CONVINCING = math.log(20.0)
"""Log evidence that the pairs since the suspicion must give by themselves."""

SAME_PAIRS, OTHER_PAIRS = 2, 6
"""Pairs after which a counter is the same, or another."""

_WORSE, _BETTER = 0, 1


@dataclass(frozen=True, slots=True)
class Finding:
    """The answer on one case. ``shift`` (log ratio, positive is worse) has a 95 % interval that holds at any
    time; ``odds`` is the log evidence against "no change" in the shift's direction; ``pairs`` were measured,
    and ``more`` would settle an unclear one (None: nobody can tell, or too many).
    """

    verdict: Verdict
    shift: float
    low: float
    high: float
    odds: float
    pairs: int
    more: int | None = None


class Trial:
    """The running decision on ``len(effects)`` cases; ``effects`` are the log ratios that matter."""

    def __init__(self, effects: Floats, *, error: float = ERROR, miss: float = MISS) -> None:
        count = len(effects)
        self.effects = np.asarray(effects, dtype=np.float64)
        self.differences: Floats = np.empty((count, 0))
        self._error, self._bar = error, math.log(1.0 / miss)
        shares = np.log(betting.SHARES)[:, None]
        self._capitals = [np.repeat(shares, count, axis=1) for _ in (_WORSE, _BETTER)]
        self._odds = np.zeros((2, count))  # of these together: for worse, for better
        self._fresh = np.full((2, count), -np.inf)  # of pairs since the suspicion; -inf: no suspect
        self._less = np.zeros((2, count))  # against worse, better, by the effect that matters
        self._verdicts: list[Verdict | None] = [None] * count
        self._exact = np.ones(count, dtype=bool)

    @property
    def open(self) -> NDArray[np.int64]:
        """The cases that are not decided."""
        return np.array([at for at, verdict in enumerate(self._verdicts) if verdict is None], dtype=np.int64)

    @property
    def suspects(self) -> NDArray[np.int64]:
        """Open cases that are being measured anew because they look slower or faster."""
        suspected = np.any(self._fresh > -np.inf, axis=0)
        return np.array([at for at in self.open if suspected[at]], dtype=np.int64)

    def add(self, differences: Floats, exact: NDArray[np.bool_] | None = None) -> None:
        """Take each case's next log ratio (positive is worse; NaN: not measured), and decide what can be.

        ``exact`` tells which cases have, on both sides, repeated their first value to the last bit.
        """
        x = np.asarray(differences, dtype=np.float64)
        number, total, spread = betting.past_shape(self.differences)
        for side, sign in ((_WORSE, 1.0), (_BETTER, -1.0)):
            self._capitals[side] += self._wagers(sign * x, sign, number, sign * total, spread)
            grown = np.logaddexp.reduce(self._capitals[side]) - self._odds[side]
            self._odds[side] += grown
            self._fresh[side] += grown
            rest, rests = self.effects - sign * x, number * self.effects - sign * total
            self._less[side] += betting.growth(rest, number, rests, spread, self.effects / 4.0)
        self.differences = np.column_stack([self.differences, x])
        if exact is not None:
            self._exact = np.asarray(exact, dtype=bool)
        else:
            self._exact[:] = False
        self._decide()
        suspected = (self._odds >= SUSPECT) & (self._fresh == -np.inf)
        self._fresh[suspected] = 0.0

    def _wagers(self, x: Floats, sign: float, number: Floats, total: Floats, spread: Floats) -> Floats:
        """How the capitals grow with ``x`` being positive, a row for each of ``betting.SHARES``."""
        expected = betting.expected_shift(number, total, self.effects)
        shape = betting.shape_growth(x, sign * self.differences, expected, spread)
        return np.stack([betting.growth(x, number, total, spread, self.effects), shape])

    def finding(self, case: int) -> Finding:
        """The answer on a case, now."""
        x = self.differences[case]
        x = x[~np.isnan(x)]
        verdict = self._verdicts[case] or Verdict.UNCLEAR
        if not len(x):
            return Finding(verdict, 0.0, -math.inf, math.inf, 0.0, 0)
        shift = betting.centre(x)
        low, high = (shift, shift) if self._exact[case] else betting.interval(x, 0.05)
        odds = float(self._odds[_WORSE if shift >= 0 else _BETTER, case])
        more = self._more(case, len(x)) if verdict is Verdict.UNCLEAR else None
        return Finding(verdict, shift, low, high, odds, len(x), more)

    def _decide(self) -> None:
        proven = self._proven()
        shifts = np.nan_to_num(_medians(self.differences))
        pairs = (~np.isnan(self.differences)).sum(axis=1)
        less = self._refuted()
        for case in self.open:
            if self._exact[case]:
                self._verdicts[case] = self._counted(shifts[case], self.effects[case], pairs[case])
            elif less[:, case].all():
                self._verdicts[case] = Verdict.SAME
            elif proven[_WORSE, case] and shifts[case] >= self.effects[case] / 2:
                self._verdicts[case] = Verdict.SLOWER
            elif proven[_BETTER, case] and -shifts[case] >= self.effects[case] / 2:
                self._verdicts[case] = Verdict.FASTER

    @staticmethod
    def _counted(shift: float, effect: float, pairs: int) -> Verdict | None:
        if abs(shift) < effect:
            return Verdict.SAME if pairs >= SAME_PAIRS else None
        if pairs < OTHER_PAIRS:
            return None
        return Verdict.SLOWER if shift > 0 else Verdict.FASTER

    def _proven(self) -> NDArray[np.bool_]:
        """e-BH for each direction: the k largest pass when the k-th is at least cases / (error k)."""
        found = np.zeros(self._odds.shape, dtype=bool)
        count = self._odds.shape[1]
        bars = np.log(count / (self._error / 2.0 * np.arange(1, count + 1)))
        for side, odds in enumerate(self._odds):
            order = np.argsort(-odds)
            passing = np.flatnonzero(odds[order] >= bars)
            if len(passing):
                found[side, order[: passing[-1] + 1]] = True
        return found & (self._fresh >= CONVINCING)

    def _refuted(self) -> NDArray[np.bool_]:
        """Whether a shift as large as matters is refuted, for worse and for better."""
        number = (~np.isnan(self.differences)).sum(axis=1).astype(np.float64)
        filled = np.where(np.isnan(self.differences), 0.0, self.differences)
        mean = filled.sum(axis=1) / np.maximum(number, 1.0)
        squares = np.where(np.isnan(self.differences), 0.0, (self.differences - mean[:, None]) ** 2)
        deviation = np.sqrt(squares.sum(axis=1) / np.maximum(number - 1.0, 1.0))
        less = np.empty(self._less.shape)
        for side, sign in ((_WORSE, 1.0), (_BETTER, -1.0)):
            rest = self.effects - sign * mean
            student = np.where(rest > 0, betting.student_factor(number, rest, deviation), -np.inf)
            less[side] = np.logaddexp(self._less[side], student) - math.log(2.0)
        return less >= self._bar

    def _more(self, case: int, pairs: int) -> int | None:
        """Pairs until it would be decided, if evidence goes on growing as it did."""
        against = float(self._less[:, case].min())
        change = float(self._odds[:, case].max())
        bar = math.log(2.0 * len(self.effects) / self._error)
        left = [
            (goal - have) / (have / pairs)
            for have, goal in ((against, self._bar), (change, bar))
            if have > 0 and goal > have
        ]
        return max(1, math.ceil(min(left))) if left and min(left) <= MOST_PAIRS else None


MOST_PAIRS = 1000
"""Beyond this many further pairs, no count is given: nobody would do them."""


def _medians(differences: Floats) -> Floats:
    seen = ~np.isnan(differences)
    ordered = np.sort(differences, axis=1)
    count = seen.sum(axis=1)
    last, rows = np.maximum(count - 1, 0), np.arange(len(differences))
    middle: Floats = (ordered[rows, last // 2] + ordered[rows, (last + 1) // 2]) / 2.0
    return np.where(count > 0, middle, 0.0)
