"""Measures two commits in turns: pair after pair, until each series is decided or the budget is spent.

A coin says for each pair which commit goes first; the guarantee against false alarms rests on that coin
(``detect.betting``). From the second pair on, only what is not decided is measured. Every pair is a new
process on both sides, so that what one process keeps for its life, such as memory layout or hash seeds, is
noise between pairs and no difference between commits; for what an installation keeps, see ``places``.
"""

from __future__ import annotations

import math
import random
import time
from collections import defaultdict
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from statistics import median

import numpy as np

from regress.detect.trial import Trial
from regress.domain import Commit, Delivery, Direction, Failure, FailureKind, Measurement, SeriesKey
from regress.errors import RunnerError
from regress.runner import Outcome, Runner
from regress.runner.events import CommitFinished, CommitStarted, Listener, Note
from regress.service.ci.places import Places

MOST_ROUNDS = 60
"""Pairs after which a benchmark is given up: at 3 % noise, 5 % is found in 19 of 20 cases before."""

MOST_MISSES = 3
"""Pairs without a number after which a benchmark is measured no more."""

INTERRUPTED = "it was interrupted"

BASE, HEAD = 0, 1
SIDES = ("base", "head")


@dataclass
class Pairs:
    """What was measured. ``values`` are per series and side, pair by pair (None: no number);
    ``only`` one side's series in the first pair, ``recovered`` those of base that head gave later after all;
    ``cut`` says what stopped it before all was decided, ``said`` what the tool said then.
    """

    commits: tuple[Commit, Commit]
    values: dict[SeriesKey, tuple[list[float | None], list[float | None]]] = field(default_factory=dict)
    deliveries: tuple[dict[str, Delivery], dict[str, Delivery]] = field(default_factory=lambda: ({}, {}))
    failures: tuple[list[Failure], list[Failure]] = field(default_factory=lambda: ([], []))
    only: tuple[set[SeriesKey], set[SeriesKey]] = field(default_factory=lambda: (set(), set()))
    recovered: set[SeriesKey] = field(default_factory=set)
    series: tuple[SeriesKey, ...] = ()
    trial: Trial | None = None
    rounds: int = 0
    seconds: float = 0.0
    cut: str = ""
    said: str = ""

    def broken(self) -> dict[SeriesKey, Failure]:
        """Series with a number at base whose benchmark failed at head, each time it was tried."""
        before = {failure.benchmark for failure in self.failures[BASE]}
        failures = [f for f in self.failures[HEAD] if f.benchmark and f.benchmark not in before]
        found = {}
        for key in self.only[BASE] - self.recovered:
            failure = next((f for f in failures if _is_about(f.benchmark, key)), None)
            if failure is not None:
                found[key] = failure
        return found

    def unbuilt(self) -> tuple[tuple[str, str], ...]:
        """The sides that do not build, each with the end of its log."""
        return tuple(
            (side, next(f.log for f in failures if f.kind is FailureKind.BUILD))
            for side, failures in zip(SIDES, self.failures, strict=True)
            if any(f.kind is FailureKind.BUILD for f in failures)
        )


def _is_about(failed: str, key: SeriesKey) -> bool:
    """Whether a failure's benchmark is a series': pytest's failures are named with parameters."""
    return key.is_called(failed) or failed.partition("[")[0] == key.benchmark.partition("[")[0]


@dataclass(frozen=True)
class Budget:
    """When to stop though something is open: after so many pairs, or so many seconds."""

    rounds: int = MOST_ROUNDS
    seconds: float = math.inf


def measure_pairs(
    runners: Sequence[Runner],
    commits: tuple[Commit, Commit],
    *,
    effect_of: Callable[[SeriesKey], float],
    budget: Budget,
    seed: int,
    listen: Listener,
    benchmarks: Sequence[str] = (),
) -> Pairs:
    """Measure base and head in turns. ``effect_of`` gives the relative change of a series that matters.

    KeyboardInterrupt stops, as does a RunnerError after the first pair (in it, it passes); whole pairs are
    kept.
    """
    started, coin = time.monotonic(), random.Random(seed)  # noqa: S311 - fair and repeatable is all it must be
    pairs, places = Pairs(commits), Places(runners)
    wanted: dict[int, list[str]] = {at: list(benchmarks) for at in range(len(runners))}
    try:
        while wanted and pairs.rounds < budget.rounds:
            before = time.monotonic()
            order = (BASE, HEAD) if coin.random() < 0.5 else (HEAD, BASE)
            found = _one_pair(pairs, places, wanted, order, listen)
            if pairs.rounds == 0:
                _begin(pairs, found, effect_of)
                if pairs.unbuilt():
                    break
            trial = _take(pairs, found)
            places.measured(suspected=bool(len(trial.suspects)))
            wanted = _still_wanted(pairs, found)
            now = time.monotonic()
            next_one = now - before if pairs.rounds > 1 else 0.0  # the first one also builds
            if wanted and now - started + next_one > budget.seconds:
                pairs.cut = "its time was up"
                break
            _tell(pairs, wanted, listen)
    except KeyboardInterrupt:
        pairs.cut = INTERRUPTED
    except RunnerError as error:
        if not pairs.rounds:
            raise
        pairs.cut, pairs.said = "the tool failed", str(error)
    if wanted and not pairs.cut and pairs.rounds >= budget.rounds:
        pairs.cut = f"{budget.rounds} pairs were measured"
    pairs.seconds = time.monotonic() - started
    return pairs


Found = dict[int, tuple[dict[SeriesKey, Measurement], dict[SeriesKey, Measurement]]]
"""By runner: what one pair gave, base and head, by series."""


def _one_pair(
    pairs: Pairs, places: Places, wanted: Mapping[int, list[str]], order: tuple[int, int],
    listen: Listener,
) -> Found:  # fmt: skip
    found: Found = {at: ({}, {}) for at in wanted}
    for step, side in enumerate(order):
        listen(CommitStarted(pairs.commits[side], 2 * pairs.rounds + step, 0))
        began = time.monotonic()
        for at, names in wanted.items():
            outcome = places.runner(at, side).measure(
                pairs.commits[side], branch="", benchmarks=names, listen=listen
            )
            found[at][side].update({_plain(m.series): m for m in outcome.measurements})
            _keep(pairs, side, outcome)
        measured = sum(len(of_runner[side]) for of_runner in found.values())
        failed = len(pairs.failures[side]) if pairs.rounds == 0 else 0
        listen(
            CommitFinished(pairs.commits[side], measured, failed, True, time.monotonic() - began, left=0.0)
        )
    return found


def _plain(series: SeriesKey) -> SeriesKey:
    """A series without what may differ between the two sides without making it another."""
    return replace(series, branch="", version="")


def _keep(pairs: Pairs, side: int, outcome: Outcome) -> None:
    if pairs.rounds == 0:
        pairs.failures[side].extend(outcome.failures)
    for delivery in outcome.deliveries:
        pairs.deliveries[side].setdefault(f"{delivery.source} {delivery.environment.name}", delivery)


def _begin(pairs: Pairs, found: Found, effect_of: Callable[[SeriesKey], float]) -> None:
    """The first pair tells which series there are to compare."""
    sides = [{key for of_runner in found.values() for key in of_runner[side]} for side in (BASE, HEAD)]
    pairs.series = tuple(sorted(sides[BASE] & sides[HEAD], key=lambda key: (key.title, repr(key))))
    pairs.only[BASE].update(sides[BASE] - sides[HEAD])
    pairs.only[HEAD].update(sides[HEAD] - sides[BASE])
    pairs.values = {key: ([], []) for key in pairs.series}
    pairs.trial = Trial(np.array([math.log1p(effect_of(key)) for key in pairs.series], dtype=np.float64))


def _take(pairs: Pairs, found: Found) -> Trial:
    """Give the trial one pair of every series that was measured."""
    assert pairs.trial is not None
    told: tuple[dict[SeriesKey, float], dict[SeriesKey, float]] = ({}, {})
    for of_runner in found.values():
        for side in (BASE, HEAD):
            told[side].update({key: m.value for key, m in of_runner[side].items()})
    differences, exact = [], []
    for key in pairs.series:
        base, head = told[BASE].get(key), told[HEAD].get(key)
        for side, value in ((BASE, base), (HEAD, head)):
            pairs.values[key][side].append(value)
        differences.append(math.nan if base is None or head is None else worsening(key, base, head))
        exact.append(_repeats(key, pairs.values[key]))
    pairs.recovered |= pairs.only[BASE] & told[HEAD].keys()
    pairs.trial.add(np.array(differences, dtype=np.float64), np.array(exact, dtype=bool))
    pairs.rounds += 1
    return pairs.trial


def _repeats(series: SeriesKey, values: tuple[list[float | None], list[float | None]]) -> bool:
    """Whether both sides gave one value only so far: a counter. Times that agree are a coarse clock's."""
    return series.metric.unit != "seconds" and all(len(set(side) - {None}) <= 1 for side in values)


def worsening(series: SeriesKey, base: float, head: float) -> float:
    """How much worse head is: the log ratio, or for values that have none, the part of the larger one.

    It changes its sign where base and head change places: all that the wager on signs asks.
    """
    if base > 0 and head > 0:
        size = math.log(head / base)
    else:
        size = (head - base) / (max(abs(base), abs(head)) or 1.0)
    return -size if series.metric.direction is Direction.HIGHER else size


def _still_wanted(pairs: Pairs, found: Found) -> dict[int, list[str]]:
    """By runner, the benchmarks that have an undecided series, or one that seems to be broken."""
    assert pairs.trial is not None
    undecided = {pairs.series[case] for case in pairs.trial.open}
    undecided -= {key for key in undecided if _misses(pairs, key) >= MOST_MISSES}
    if pairs.rounds < MOST_MISSES:
        undecided |= pairs.broken().keys()
    names: defaultdict[int, set[str]] = defaultdict(set)
    for at, of_runner in found.items():
        known = of_runner[BASE].keys() | of_runner[HEAD].keys()
        for key in undecided & known:
            names[at].add(key.benchmark)
    return {at: sorted(of_runner) for at, of_runner in names.items()}


def _misses(pairs: Pairs, key: SeriesKey) -> int:
    return sum(a is None or b is None for a, b in zip(*pairs.values[key], strict=True))


def _tell(pairs: Pairs, wanted: Mapping[int, list[str]], listen: Listener) -> None:
    if not wanted or pairs.trial is None:
        return
    still, suspects = len(pairs.trial.open), len(pairs.trial.suspects)
    suspected = f", {suspects} of them suspected" if suspects else ""
    listen(Note(f"pair {pairs.rounds}: {still} of {len(pairs.series)} not decided{suspected}"))


def middle(values: Sequence[float | None]) -> float:
    """The median of the numbers among them."""
    return float(median(value for value in values if value is not None))
