"""Searches of made histories, by the hundred: what a search costs, how often it is right, whether it knows.

    simulate(Scenario(commits=128, shift=1.0), trials=300)

A scenario is a history of ``commits`` commits with one culprit (or more) drawn at random, measured with noise
of one sigma, of which the search is told only a guess. ``known`` measurements of each side of the range are
free evidence, as in a store with a history: who has few of them does not see a step of one sigma.
"""

from __future__ import annotations

import itertools
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass, replace
from multiprocessing import get_context

import numpy as np

from regress.bisect.costs import Costs
from regress.bisect.search import Search

KNOWN = 100
"""Measurements of each side that are known before a simulated search, unless said otherwise."""

NOISE = 0.01
"""One sigma, relative; the search never learns it but from what it measures."""

_GUESS = 0.2
"""How far off the prior guess of the noise is: the standard deviation of its logarithm."""

_BINS = (0.0, 0.9, 0.95, 0.96, 0.97, 0.98, 0.99, 1.0)
"""Limits of the stated confidences that are held against what was right."""


@dataclass(frozen=True, slots=True)
class Scenario:
    """A kind of history. ``shift`` in widths of its noise, of which the share ``sessions`` of the
    variance lies between sessions: each measurement of history was one, the search is one more, with an
    offset and the rest of the noise. ``drift``: the machine's random walk from one run to the next, in
    noise widths too; ``tails``: Student's t noise with 3 degrees of freedom; ``unbuilt``: the share of
    commits that do not build; ``build``: seconds of a build when a run takes one. ``after``: how many are
    known of the new level, where not as many as of the old one. ``workers`` measure at once.
    """

    commits: int = 128
    shift: float = 1.0
    culprits: int = 1
    known: int = KNOWN
    after: int | None = None
    sessions: float = 0.0
    drift: float = 0.0
    tails: bool = False
    unbuilt: float = 0.0
    build: float = 0.0
    confidence: float = 0.95
    budget: int = 1000
    workers: int = 1
    seed: int = 0


@dataclass(frozen=True, slots=True)
class Trial:
    """One search: its runs, the turns in which its workers took them, and their seconds; whether it named all
    culprits and nothing else, and for each that it named: the confidence stated, and whether it is one.
    """

    runs: int
    turns: int
    seconds: float
    right: bool
    claims: tuple[tuple[float, bool], ...]


@dataclass(frozen=True, slots=True)
class Bin:
    """Claims of like confidence: how many, their mean confidence, and the share that was right."""

    claims: int
    stated: float
    observed: float


@dataclass(frozen=True, slots=True)
class Simulation:
    """What the trials of a scenario came to. ``gap`` is the mean of stated minus observed."""

    scenario: Scenario
    trials: int
    mean_runs: float
    p95_runs: float
    mean_turns: float
    mean_seconds: float
    right: float
    undecided: float
    stated: float
    observed: float
    bins: tuple[Bin, ...]

    @property
    def gap(self) -> float:
        """Stated minus observed, over all claims."""
        return self.stated - self.observed


def simulate(
    scenario: Scenario, trials: int, jobs: int = 1, progress: Callable[[int], None] | None = None
) -> Simulation:
    """Search ``trials`` histories on ``jobs`` processes; a seed gives the same trials on any number."""
    told = []
    for trial in _trials(scenario, trials, jobs):
        told.append(trial)
        if progress:
            progress(len(told))
    claims = [claim for trial in told for claim in trial.claims]
    runs = np.array([trial.runs for trial in told], dtype=np.float64)
    return Simulation(
        scenario=scenario,
        trials=trials,
        mean_runs=float(runs.mean()),
        p95_runs=float(np.percentile(runs, 95)),
        mean_turns=float(np.mean([trial.turns for trial in told])),
        mean_seconds=float(np.mean([trial.seconds for trial in told])),
        right=float(np.mean([trial.right for trial in told])),
        undecided=float(np.mean([not trial.claims for trial in told])),
        stated=_mean([stated for stated, _ in claims]),
        observed=_mean([right for _, right in claims]),
        bins=tuple(_bins(claims)),
    )


def search_once(scenario: Scenario) -> Trial:
    """One trial, drawn from the scenario's own seed."""
    random = np.random.default_rng(scenario.seed)
    size = scenario.commits
    culprits = sorted(int(k) for k in random.choice(np.arange(1, size), scenario.culprits, replace=False))
    unbuilt = set(np.flatnonzero(random.random(size) < scenario.unbuilt).tolist()) - {0, size - 1}
    guess = NOISE * float(np.exp(random.normal(0, _GUESS)))
    costs = Costs(1.0, scenario.build)
    search = Search(
        size, [guess], confidence=scenario.confidence, budget=scenario.budget, signs=[1], costs=costs
    )
    machine = _Machine(scenario, culprits, random)
    after = scenario.known if scenario.after is None else scenario.after
    for end, known in ((0, scenario.known), (size - 1, after)):
        for _ in range(known):
            search.add(end, [machine.value(end)], free=True)
    machine.begin()
    turns, seconds = 0, 0.0
    while batch := search.turn(scenario.workers):
        turns += 1
        for index in batch:
            if index in unbuilt:
                search.skip(index)
                continue
            seconds += search.price(index)
            machine.move()
            search.add(index, [machine.value(index)])
    claims = [(one.confidence, any(one.first <= k <= one.last for k in culprits)) for one in search.found]
    right = len(claims) == len(culprits) and all(hit for _, hit in claims)
    return Trial(search.runs, turns, seconds, right, tuple(claims))


class _Machine:
    """Measures commits of a made history."""

    def __init__(self, scenario: Scenario, culprits: Sequence[int], random: np.random.Generator) -> None:
        self._scenario = scenario
        self._culprits = culprits
        self._random = random
        self._off, self._width = 0.0, 1.0

    def begin(self) -> None:
        """Let history end."""
        self._off = np.sqrt(self._scenario.sessions) * float(self._random.normal())
        self._width = np.sqrt(1 - self._scenario.sessions)

    def move(self) -> None:
        """Let time pass until the next measurement."""
        self._off += self._scenario.drift * float(self._random.normal())

    def value(self, index: int) -> float:
        """One measurement of a commit."""
        # Student's t with three degrees of freedom has a variance of three.
        noise = self._random.standard_t(3) / np.sqrt(3) if self._scenario.tails else self._random.normal()
        level = self._scenario.shift * sum(index >= culprit for culprit in self._culprits)
        return float(np.exp(NOISE * (level + self._off + self._width * noise)))


def _trials(scenario: Scenario, trials: int, jobs: int) -> Iterator[Trial]:
    seeds = np.random.SeedSequence(scenario.seed).generate_state(trials).tolist()
    scenarios = [replace(scenario, seed=seed) for seed in seeds]
    if jobs <= 1 or trials < 20:
        yield from map(search_once, scenarios)
        return
    with ProcessPoolExecutor(jobs, mp_context=get_context("spawn")) as pool:
        yield from pool.map(search_once, scenarios, chunksize=5)


def _bins(claims: Sequence[tuple[float, bool]]) -> Iterator[Bin]:
    for low, high in itertools.pairwise(_BINS):
        inside = [claim for claim in claims if low < claim[0] <= high]
        if inside:
            stated, right = zip(*inside, strict=True)
            yield Bin(len(inside), _mean(stated), _mean(right))


def _mean(values: Sequence[float]) -> float:
    return float(np.mean(values)) if values else 0.0
