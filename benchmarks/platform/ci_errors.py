"""How often `regress ci` is wrong, and what it measures, by simulation of its very decision code.

``python -m benchmarks.platform.ci_errors [--suites N] [--json]``: suites of 100 benchmarks, each value with
3 % noise, at two commits. Printed are: of suites without a change, how many raise any alarm; of suites in
which one benchmark is slower by 5 %, how often it is found; and the pairs measured, beside the smallest
fixed number of pairs at which a t test with the same chances (1 % of any alarm over the suite, the same
part found) would do.
"""

from __future__ import annotations

import argparse
import json
import math
from collections.abc import Callable
from dataclasses import asdict, dataclass
from functools import cache

import numpy as np
from numpy.random import Generator
from numpy.typing import NDArray

from regress.detect.trial import ERROR, Trial
from regress.domain import Verdict
from regress.service.ci.pairs import MOST_ROUNDS

Floats = NDArray[np.float64]
Noise = Callable[[Generator, int], Floats]

BENCHMARKS, SIGMA, SLOWER, EFFECT = 100, 0.03, 0.05, 0.05


def normal(random: Generator, count: int) -> Floats:
    """Noise that everybody assumes."""
    return SIGMA * random.standard_normal(count)


def heavy(random: Generator, count: int) -> Floats:
    """Student's with three degrees of freedom, of the same standard deviation: spikes now and then."""
    return SIGMA * random.standard_t(3, count) / math.sqrt(3.0)


def modes(random: Generator, count: int) -> Floats:
    """Two levels 6 % apart that a process falls into, and a little noise: of the same standard deviation."""
    return 0.06 * (random.random(count) < 0.5) - 0.03 + 0.001 * random.standard_normal(count)


NOISES: dict[str, Noise] = {"normal": normal, "heavy": heavy, "modes": modes}


@dataclass(frozen=True)
class Ended:
    """A simulated run: what was said of the benchmarks, and the pairs that it took."""

    verdicts: tuple[Verdict, ...]
    pairs: Floats


def simulate(random: Generator, noise: Noise, shifts: Floats, most: int) -> Ended:
    """One run of `regress ci` on a suite whose benchmarks are slower by ``shifts`` (log ratios)."""
    trial = Trial(np.full(len(shifts), math.log1p(EFFECT)))
    for _ in range(most):
        still = trial.open
        if not len(still):
            break
        x = np.full(len(shifts), np.nan)
        x[still] = shifts[still] + noise(random, len(still)) - noise(random, len(still))
        trial.add(x)
    verdicts = tuple(v or Verdict.UNCLEAR for v in trial._verdicts)
    return Ended(verdicts, (~np.isnan(trial.differences)).sum(axis=1).astype(np.float64))


@dataclass(frozen=True)
class Row:
    """One kind of noise: any alarm without a change; planted ones found; pairs a benchmark took."""

    noise: str
    suites: int
    any_alarm: float
    found: float
    unclear: float
    pairs_unchanged: float
    pairs_planted: float
    pairs_suite: float


def row(name: str, suites: int, most: int) -> Row:
    """Simulate ``suites`` without, and as many with one slow benchmark."""
    random = np.random.default_rng([2026, *name.encode()])
    still, planted = np.zeros(BENCHMARKS), np.zeros(BENCHMARKS)
    planted[0] = math.log1p(SLOWER)
    same = [simulate(random, NOISES[name], still, most) for _ in range(suites)]
    slow = [simulate(random, NOISES[name], planted, most) for _ in range(suites)]
    alarms = {Verdict.SLOWER, Verdict.FASTER}
    return Row(
        noise=name,
        suites=suites,
        any_alarm=float(np.mean([bool(alarms & set(e.verdicts)) for e in same])),
        found=float(np.mean([e.verdicts[0] is Verdict.SLOWER for e in slow])),
        unclear=float(np.mean([v is Verdict.UNCLEAR for e in same for v in e.verdicts])),
        pairs_unchanged=float(np.mean([e.pairs.mean() for e in same])),
        pairs_planted=float(np.mean([e.pairs[0] for e in slow])),
        pairs_suite=float(np.mean([e.pairs.sum() for e in slow])),
    )


@cache
def fixed_pairs(found: float, trials: int = 20_000) -> int:
    """The fewest pairs at which a two-sided paired t test at 1 % / 100 finds this part of the slow ones.

    Its critical value and its power are simulated alike: the value from Student's t by 2,000 bisection steps
    of its exact tail would need a library.
    """
    random = np.random.default_rng(7)
    for pairs in range(6, 200):
        x = math.log1p(SLOWER) + math.sqrt(2.0) * SIGMA * random.standard_normal((trials, pairs))
        t = x.mean(axis=1) / (x.std(axis=1, ddof=1) / math.sqrt(pairs))
        if np.mean(t >= student_quantile(1.0 - ERROR / BENCHMARKS / 2.0, pairs - 1)) >= found:
            return pairs
    return 200


def student_quantile(chance: float, freedom: int) -> float:
    """The quantile of Student's t, by bisection of its distribution's numeric integral."""
    grid = np.linspace(0.0, 200.0, 400_001)
    log_scale = math.lgamma((freedom + 1) / 2) - math.lgamma(freedom / 2) - math.log(freedom * math.pi) / 2
    density = np.exp(log_scale - (freedom + 1) / 2 * np.log1p(grid**2 / freedom))
    below = 0.5 + np.concatenate([[0.0], np.cumsum((density[1:] + density[:-1]) / 2 * (grid[1] - grid[0]))])
    return float(grid[np.searchsorted(below, chance)])


def main() -> None:
    """Print the table, or JSON."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawTextHelpFormatter)
    parser.add_argument("--suites", type=int, default=300)
    parser.add_argument("--most", type=int, default=MOST_ROUNDS, help="pairs after which a run stops")
    parser.add_argument("--noise", choices=list(NOISES), action="append")
    parser.add_argument("--json", action="store_true")
    given = parser.parse_args()
    rows = [row(name, given.suites, given.most) for name in given.noise or NOISES]
    fixed = fixed_pairs(rows[0].found)
    if given.json:
        print(json.dumps({"fixed_pairs": fixed, "rows": [asdict(r) for r in rows]}, indent=2))
        return
    print(f"a t test with as many pairs for all needs {fixed} pairs each, {fixed * BENCHMARKS} in all")
    for r in rows:
        print(
            f"{r.noise:7} any alarm {r.any_alarm:.4f}  found {r.found:.3f}  unclear {r.unclear:.4f}  "
            f"pairs: unchanged {r.pairs_unchanged:.1f}, planted {r.pairs_planted:.1f}, "
            f"all {r.pairs_suite:.0f} ({r.pairs_suite / fixed / BENCHMARKS:.2f} of the t test's)"
        )


if __name__ == "__main__":
    main()
