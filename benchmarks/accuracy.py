"""How good the default detector is, honestly: scores by folds, mistakes by kind, settings chosen elsewhere.

    python -m benchmarks.accuracy                                   # scores and their spread over folds
    python -m benchmarks.accuracy --mistakes                        # and what is missed or false
    python -m benchmarks.accuracy --vary segments.FLOOR=0.4,0.6     # each value; what choosing would bring

A setting is a constant of a module of ``regress.detect``. With ``--vary``, the best value (``tallies.goal``)
on all folds but one is scored on that one: "chosen" is what to expect of a choice made that way, on series
that it has not seen. A value whose "gain" (mean over folds, against the present one) is within its error is
no better. The labelled data is found as in ``benchmarks.detection``.
"""

from __future__ import annotations

import argparse
import contextlib
import importlib
import statistics
import sys
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Any

from benchmarks.ceiling import ceiling
from benchmarks.detection import scorer
from benchmarks.mistakes import labelled, table
from benchmarks.tallies import METRICS, Tally, folds, goal, tally

Run = Callable[[], list[Tally]]


def scores(tallies: Sequence[Tally]) -> dict[str, float]:
    """All metrics of some tallies; those that nothing in them speaks of are left out."""
    answers: dict[str, float] = {}
    for name, metric in METRICS.items():
        with contextlib.suppress(statistics.StatisticsError):
            answers[name] = metric(tallies)
    return answers


def spread(tallies: Sequence[Tally], count: int) -> dict[str, float]:
    """The standard deviation of each metric over the folds."""
    parts = [scores(part) for part in _parts(tallies, count)]
    return {name: statistics.stdev(part[name] for part in parts if name in part) for name in scores(tallies)}


def _parts(tallies: Sequence[Tally], count: int) -> list[list[Tally]]:
    where = folds(tallies, count)
    return [[one for one, fold in zip(tallies, where, strict=True) if fold == i] for i in range(count)]


@contextlib.contextmanager
def setting(name: str, value: Any) -> Iterator[None]:
    """A constant of ``regress.detect`` with another value, wherever it has been imported to."""
    room, _, constant = name.partition(".")
    original = getattr(importlib.import_module(f"regress.detect.{room}"), constant)
    holders = [
        module
        for path, module in list(sys.modules.items())
        if path.startswith("regress.detect") and getattr(module, constant, None) is original
    ]
    for module in holders:
        setattr(module, constant, value)
    try:
        yield
    finally:
        for module in holders:
            setattr(module, constant, original)


def chosen(tried: Mapping[str, Sequence[Tally]], count: int) -> list[tuple[str, dict[str, float]]]:
    """For each fold, the setting that is best on the others, and its scores on this one."""
    parts = {name: _parts(tallies, count) for name, tallies in tried.items()}
    picked = []
    for i in range(count):
        others = {name: [t for j, part in enumerate(p) if j != i for t in part] for name, p in parts.items()}
        best = max(others, key=lambda name: goal(scores(others[name])))
        picked.append((best, scores(parts[best][i])))
    return picked


def gains(base: Sequence[Tally], other: Sequence[Tally], count: int) -> tuple[float, float]:
    """By how much the goal grows, over folds: mean and standard error."""
    pairs = zip(_parts(base, count), _parts(other, count), strict=True)
    grown = [goal(scores(b)) - goal(scores(a)) for a, b in pairs]
    return statistics.mean(grown), statistics.stdev(grown) / len(grown) ** 0.5


def _row(name: str, values: Mapping[str, float]) -> str:
    return f"{name:24s}" + "".join(f"{values[m]:>15.3f}" if m in values else f"{'-':>15s}" for m in METRICS)


def variation(text: str) -> tuple[str, list[float]]:
    """A constant and values for it, from ``MODULE.NAME=VALUE,...``."""
    name, _, listed = text.partition("=")
    room, _, constant = name.partition(".")
    try:
        now = getattr(importlib.import_module(f"regress.detect.{room}"), constant)
    except (ImportError, AttributeError):
        raise argparse.ArgumentTypeError(f"regress.detect has no {name!r}; try segments.FLOOR=0.4") from None
    try:
        return name, [type(now)(value) for value in listed.split(",")]
    except (TypeError, ValueError):
        raise argparse.ArgumentTypeError(f"{name} is {now!r}: {listed!r} are no values for it") from None


def _print_variants(run: Run, base: list[Tally], name: str, values: Sequence[float], count: int) -> None:
    tried: dict[str, list[Tally]] = {"as it is": base}
    for number in values:
        value = str(number)
        with setting(name, number):
            tried[value] = run()
        mean, error = gains(base, tried[value], count)
        print(_row(f"{name}={value}"[-24:], scores(tried[value])) + f"   gain {mean:+.4f} +- {error:.4f}")
    picked = chosen(tried, count)
    means = {m: statistics.mean(s[m] for _, s in picked if m in s) for m in METRICS if m in picked[0][1]}
    print(_row("chosen", means) + "   " + ", ".join(pick for pick, _ in picked))


def main() -> int:
    """Print scores and what was asked for."""
    parser = argparse.ArgumentParser(
        prog="python -m benchmarks.accuracy",
        description=__doc__,
        formatter_class=argparse.RawTextHelpFormatter,
    )
    parser.add_argument("--folds", type=int, default=5)
    parser.add_argument("--mistakes", action="store_true", help="missed steps and false alarms by kind")
    parser.add_argument(
        "--ceiling", action="store_true", help="what an oracle reaches on the generated series"
    )
    parser.add_argument(
        "--vary", action="append", default=[], type=variation, metavar="MODULE.NAME=VALUE,..."
    )
    parser.add_argument(
        "--no-live", action="store_true", help="leave out what takes longest: commit by commit"
    )
    asked = parser.parse_args()
    try:
        score = scorer()
    except FileNotFoundError as missing:
        print(missing, file=sys.stderr)
        return 2
    data, detect = score.datasets(), importlib.import_module("regress.detect").detect

    def run() -> list[Tally]:
        return tally(score, detect, data, not asked.no_live)

    began = time.perf_counter()
    tallies = run()
    print(f"{len(tallies)} series in {time.perf_counter() - began:.1f} s, {asked.folds} folds")
    print(f"{'':24s}" + "".join(f"{name:>15s}" for name in METRICS))
    print(_row("all", scores(tallies)))
    print(_row("deviation over folds", spread(tallies, asked.folds)))
    for name, values in asked.vary:
        _print_variants(run, tallies, name, values, asked.folds)
    if asked.ceiling:
        print(f"an oracle's F1 of generated series: {ceiling(data['synth'], score.MARGIN):.3f}")
    if asked.mistakes:
        print(f"\n{'kind':28s}{'steps':>7s}{'missed':>8s}{'false':>7s}")
        for kind, steps, missed, false in table(score, tallies):
            print(f"{kind:28s}{steps:>7d}{missed:>8d}{false:>7d}")
        print("\n" + "\n".join(labelled(score, tallies)))
    return 0


if __name__ == "__main__":
    sys.exit(main())
