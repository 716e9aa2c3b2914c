"""What telling each point's own error is worth, by simulation.

``python -m benchmarks.platform.uneven [--series N]``: a series has 120 points of 0.4 % noise between
commits and 0.5 % of their own; of some points, their own is several times that, and is told. Printed are,
with the errors unused and used, the part of the series in which a step at point 80 was found (three off at
most), and false alarms per 1,000 points of series without one.
"""

from __future__ import annotations

import argparse
from collections.abc import Sequence

import numpy as np

from regress.detect import detect
from regress.detect.noise import Floats
from regress.detect.weighting import steadied

POINTS, AT, NEAR = 120, 80, 3
BETWEEN, OWN = 0.004, 0.005
EFFECT = 0.005


def series(seed: int, part: float, times: float, step: float) -> tuple[Floats, Floats]:
    """Values of which a ``part`` has ``times`` the error of the others, and the errors."""
    rng = np.random.default_rng(seed)
    errors = np.where(rng.random(POINTS) < part, OWN * times, OWN)
    level = BETWEEN * rng.standard_normal(POINTS) + errors * rng.standard_normal(POINTS)
    level[AT:] += np.log1p(step)
    return np.exp(level), errors


def tried(count: int, part: float, times: float, step: float, *, used: bool) -> tuple[float, float]:
    """Part of the series in which the step is found; other alarms per 1,000 points."""
    found = other = 0
    for seed in range(count):
        values, errors = series(seed, part, times, step)
        told = detect(steadied(values, errors) if used else values, minimum_effect=EFFECT)
        near = [change for change in told if step and abs(change.index - AT) <= NEAR]
        found += bool(near)
        other += len(told) - len(near)
    return found / count, 1000 * other / (count * POINTS)


def main(arguments: Sequence[str] | None = None) -> int:
    """Print the table."""
    parser = argparse.ArgumentParser(description="What telling each point's own error is worth.")
    parser.add_argument("--series", type=int, default=150, help="simulated series of each sort (150)")
    count = parser.parse_args(arguments).series
    print(f"{'points':>7} {'error':>6} {'step':>6} {'found':>7} {'with errors':>12} {'false':>7} {'with':>6}")
    for part in (0.3, 0.5):
        for times in (3.0, 6.0, 10.0):
            quiet = [tried(count, part, times, 0.0, used=used)[1] for used in (False, True)]
            for step in (0.01, 0.015, 0.02):
                power = [tried(count, part, times, step, used=used)[0] for used in (False, True)]
                print(
                    f"{part:7.0%} {f'x{times:g}':>6} {step:6.1%} {power[0]:7.2f} {power[1]:12.2f} "
                    f"{quiet[0]:7.3f} {quiet[1]:6.3f}"
                )
    return 0


if __name__ == "__main__":
    raise SystemExit(main())
