"""More labelled series out of those there are: steps of some on noise of others, unchanged ones backwards.

    python -m benchmarks.mixtures
    python -m benchmarks.mixtures --vary newest.PART=1.0,0.1       # each value, with what it gains or costs

The labelled data has some dozens of steps that are hard to see and a handful of live alarms, which is too few
to judge a constant by. A step keeps its height in sigma. What is printed is no score of the labelled data:
compare rows with each other. The gain is that of F1, with its error by drawing series again (bootstrap).
"""

from __future__ import annotations

import argparse
import importlib
import math
import sys
from collections.abc import Sequence
from types import SimpleNamespace
from typing import Any

from benchmarks.accuracy import Run, scores, setting, variation
from benchmarks.detection import scorer
from benchmarks.tallies import Tally, tally

FEWEST = 60
"""Points of a generated series from which its noise is used."""

HIGHEST = 1.5
"""Of a step's logarithm: a rise to four and a half times, where steps in sigma of coarse noise end."""

DRAWS = 300
"""Of the bootstrap."""


def steady(case: Any) -> Any:
    """The noise of a generated series: its values without its steps."""
    import numpy as np

    level = np.zeros(len(case.values))
    for place, size in zip(case.cps, case.sizes, strict=True):
        level[place:] += math.log1p(size)
    return np.asarray(case.values) * np.exp(-level)


def backwards(cases: Sequence[Any]) -> list[Any]:
    """Unchanged series read from their end: as unchanged as they were."""
    return [SimpleNamespace(**{**vars(case), "values": case.values[::-1]}) for case in cases]


def mixtures(generated: Sequence[Any], unchanged: Sequence[Any], count: int, seed: int = 2) -> list[Any]:
    """``count`` series: all steps of a generated one upon the noise of another series as long."""
    import numpy as np

    rng = np.random.default_rng(seed)
    noises = [(case.name, case.family, np.asarray(case.values)) for case in unchanged]
    # Where the spread itself has a step, or the level a ramp, the noise is not what is left without steps;
    # nor is that of a coarse clock, whose ticks the steps have stretched.
    fit = (case for case in generated if case.event not in ("ramp", "varchange") and case.family != "quant")
    noises += [(case.name, case.family, steady(case)) for case in fit if len(case.values) >= FEWEST]
    stepped = [case for case in generated if case.cps and case.event != "ramp"]
    made = []
    for i in range(count):
        case = stepped[i % len(stepped)]
        length = len(case.values)
        long = [noise for noise in noises if noise[2].size >= length and noise[0] != case.name]
        _, family, values = long[rng.integers(len(long))]
        made.append(_mixed(case, family, values[:length] if rng.random() < 0.5 else values[-length:], i))
    return made


def _mixed(case: Any, family: str, noise: Any, number: int) -> Any:
    import numpy as np

    away = np.log(noise)
    sigma = 1.4826 * float(np.median(np.abs(away - np.median(away))))
    steps = [max(-HIGHEST, min(HIGHEST, math.log1p(size) * sigma / case.sigma)) for size in case.sizes]
    level = np.zeros(noise.size)
    for place, step in zip(case.cps, steps, strict=True):
        level[place:] += step
    lengths = np.diff([0, *case.cps, noise.size])
    sure = np.sqrt(lengths[:-1] * lengths[1:] / (lengths[:-1] + lengths[1:]))
    z = (np.abs(steps) * sure / max(sigma, 1e-9)).tolist()
    known = {"name": f"{number}", "family": family, "event": case.event, "ignore": [], "sigma": sigma}
    return SimpleNamespace(values=noise * np.exp(level), cps=case.cps, sizes=np.expm1(steps), z=z, **known)


def gain(base: Sequence[Tally], other: Sequence[Tally]) -> tuple[float, float]:
    """By how much F1 of stepped series grows, and the standard deviation of that over draws of series."""
    import numpy as np

    before, after = (
        np.array([(t.hits, t.misses, t.false) for t in tallies if t.kind == "synth"])
        for tallies in (base, other)
    )

    def grown(which: Any) -> float:
        hits, misses, false = np.stack([before[which].sum(axis=0), after[which].sum(axis=0)], axis=1)
        f1 = 2 * hits / np.maximum(1, 2 * hits + misses + false)
        return float(f1[1] - f1[0])

    rng = np.random.default_rng(0)
    draws = [grown(rng.integers(len(before), size=len(before))) for _ in range(DRAWS)]
    return grown(np.arange(len(before))), float(np.std(draws))


def _row(name: str, tallies: Sequence[Tally]) -> str:
    told = {"F1 generated": "F1", "recall 6-12": "recall 6-12", "live / 1000": "live / 1000"}
    values = scores(tallies)
    alarms = sum(one.live for one in tallies)
    return f"{name:24s}" + "".join(f"{short} {values[m]:.4f}   " for m, short in told.items()) + f"({alarms})"


def main() -> int:
    """Print the scores."""
    parser = argparse.ArgumentParser(
        prog="python -m benchmarks.mixtures",
        description=__doc__,
        formatter_class=argparse.RawTextHelpFormatter,
    )
    parser.add_argument("--series", type=int, default=900, help="with steps (900)")
    parser.add_argument(
        "--vary", action="append", default=[], type=variation, metavar="MODULE.NAME=VALUE,..."
    )
    asked = parser.parse_args()
    try:
        score = scorer()
    except FileNotFoundError as missing:
        print(missing, file=sys.stderr)
        return 2
    data, detect = score.datasets(), importlib.import_module("regress.detect").detect
    made = mixtures(data["synth"], data["null"], asked.series)
    cases = {"synth": made, "null": data["null"] + backwards(data["null"])}

    def run() -> list[Tally]:
        return tally(score, detect, cases)

    _print(run, asked.vary)
    return 0


def _print(run: Run, variations: Sequence[tuple[str, Sequence[float]]]) -> None:
    base = run()
    print(_row("as it is", base))
    for name, values in variations:
        for value in values:
            with setting(name, value):
                other = run()
            grown, error = gain(base, other)
            print(
                _row(f"{name}={value}"[-24:], other) + f"   gain of F1 {grown:+.4f} +- {error:.4f}",
                flush=True,
            )


if __name__ == "__main__":
    sys.exit(main())
