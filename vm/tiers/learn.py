"""Teaches the learned policy: ``python -m vm.tiers.learn TRACES.json ...`` writes ``vm/tiers/learned.json``.

Traces are what ``python -m benchmarks.traces`` has measured: what compiling has taken, and how long functions
ran in either tier. Weights (``vm.tiers.model``) are found by ridge regression of logarithms, in which every
program counts the same. How wrong they are is told for programs that they were not learnt from: each in turn
is left out. Beside it stands what the analytic policy assumes: that cost grows with size alone, and that
everything gains the same.
"""

from __future__ import annotations

import argparse
import json
import math
import statistics
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np

from vm.tiers.model import FILE, TERMS, terms

_SEEN = 20
"""Samples of a function in either tier, below which its gain is not known well enough to learn from."""

_SIZE = TERMS.index("size")

_STIFFNESS = tuple(10.0**power for power in range(-2, 7))
"""Ridge penalties that are tried, against programs' weights of 1 each; the last say that it is always the
same, whatever a function looks like."""

_DIGITS = 4
"""Of weights, which are of logarithms."""

_LIKELY = 0.2, 50.0
"""Gains outside are errors of measurement: samples of what was put in line fall on others."""


@dataclass(frozen=True)
class Row:
    """One measured fact: what was seen, the terms that it may follow from, and in which program."""

    program: str
    terms: tuple[float, ...]
    value: float


def costs(traces: Iterable[Any]) -> Iterator[Row]:
    """What compiling has taken."""
    for trace in traces:
        for index, _, seconds, _, _, size in trace["places"]:
            features = trace["features"][str(index)]
            yield Row(trace["program"], terms(features, size), math.log(seconds))


def gains(traces: Iterable[Any], start: str) -> Iterator[Row]:
    """How many times as fast LLVM's code was as that of the tier ``start``."""
    for trace in traces:
        if trace["start"] != start:
            continue
        samples = Counter(trace["samples"])
        for name, (seconds, seen) in trace["compiled"].items():
            times = samples[int(name)]
            if name in trace["features"] and min(times, seen) >= _SEEN:
                before = times / len(trace["samples"]) * trace["seconds"] / trace["runs"]
                features = trace["features"][name]
                gain = min(max(before / seconds, _LIKELY[0]), _LIKELY[1])
                yield Row(trace["program"], terms(features, features[0]), math.log(gain))


def fit(rows: Sequence[Row], stiffness: float) -> list[float]:
    """Weights of the terms; the first, of 1, is not held back."""
    shares = Counter(row.program for row in rows)
    weight = np.array([1 / shares[row.program] for row in rows])
    matrix = np.array([row.terms for row in rows])
    values = np.array([row.value for row in rows])
    centre = weight @ matrix / weight.sum()
    spread = np.sqrt(weight @ (matrix - centre) ** 2 / weight.sum()) + 1e-9
    spread[0] = 1.0
    scaled = (matrix - centre) / spread
    mean = weight @ values / weight.sum()
    penalty = stiffness * np.eye(len(TERMS))
    found = np.linalg.solve(
        scaled.T @ (scaled * weight[:, None]) + penalty, scaled.T @ (weight * (values - mean))
    )
    slopes = found / spread
    slopes[0] = mean - slopes[1:] @ centre[1:]
    return [float(slope) for slope in slopes]


Predictor = Callable[[Row], float]


def held_out(rows: Sequence[Row], teach: Callable[[Sequence[Row]], Predictor]) -> float:
    """How far predictions are off in programs that are left out, as a factor: the median over programs of
    their rows' median.
    """
    errors = []
    for program in sorted({row.program for row in rows}):
        predict = teach([row for row in rows if row.program != program])
        errors.append(statistics.median(abs(predict(r) - r.value) for r in rows if r.program == program))
    return math.exp(statistics.median(errors))


def fitted(rows: Sequence[Row], stiffness: float) -> Predictor:
    """What the weights say that are found in these rows."""
    weights = fit(rows, stiffness)
    return lambda row: sum(weight * term for weight, term in zip(weights, row.terms, strict=True))


def assumed(rows: Sequence[Row], slope: float) -> Predictor:
    """What the analytic policy takes for granted: a power of the size (``slope`` 0: always the same)."""
    usual = statistics.median(row.value - slope * row.terms[_SIZE] for row in rows)
    return lambda row: usual + slope * row.terms[_SIZE]


def learn(traces: Sequence[Any]) -> dict[str, Any]:
    """What the file has."""
    programs = sorted({trace["program"] for trace in traces})
    starts = sorted({trace["start"] for trace in traces})
    weights, usual, errors = {}, {}, {}
    tables = {"cost": list(costs(traces)), **{start: list(gains(traces, start)) for start in starts}}
    for what, rows in tables.items():
        stiffness = min(_STIFFNESS, key=lambda each: held_out(rows, partial(fitted, stiffness=each)))
        weights[what] = {n: round(w, _DIGITS) for n, w in zip(TERMS, fit(rows, stiffness), strict=True)}
        slope = float(what == "cost")
        usual[what] = math.exp(statistics.median(row.value - slope * row.terms[_SIZE] for row in rows))
        errors[what] = {
            "rows": len(rows),
            "stiffness": stiffness,
            "learned": held_out(rows, partial(fitted, stiffness=stiffness)),
            "assumed": held_out(rows, partial(assumed, slope=slope)),
        }
    return {"programs": programs, "held_out": errors, "usual": usual, "weights": weights}


def main(arguments: Sequence[str] | None = None) -> int:
    """Write the weights, and tell how wrong they are."""
    parser = argparse.ArgumentParser(
        prog="python -m vm.tiers.learn", description=(__doc__ or "").split(".")[0] + "."
    )
    parser.add_argument("traces", type=Path, nargs="+", metavar="TRACES.json")
    parser.add_argument("--without", action="append", default=[], metavar="PROGRAM", help="leave it out")
    parser.add_argument("--out", type=Path, default=FILE, help="where to (default: the package's own file)")
    options = parser.parse_args(arguments)
    try:
        traces = [trace for path in options.traces for trace in json.loads(path.read_text("utf-8"))]
        found = learn([trace for trace in traces if trace["program"] not in options.without])
    except (OSError, ValueError, KeyError, TypeError) as error:
        parser.error(
            f"expected files that python -m benchmarks.traces writes, of two programs or more: {error!r}"
        )
    options.out.write_text(json.dumps(found, indent=1) + "\n", "utf-8")
    for what, off in found["held_out"].items():
        of = "seconds of compiling" if what == "cost" else f"gain over {what}"
        print(f"{of}: off by a factor of {off['learned']:.2f} in programs left out", end="")
        print(f" ({off['assumed']:.2f} as the analytic policy assumes); {off['rows']} measured")
    return 0


if __name__ == "__main__":
    raise SystemExit(main())
