"""What a measurement costs, as the ones so far tell: a build, where the last one is gone, and the run."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from statistics import median

KEPT = 2
"""Builds that a tool keeps at hand, the newest (asv's build cache): other commits are built again."""

WORTH_COUNTING = 0.5
"""A build of less than this share of a run is no build: first runs are slower by themselves."""


@dataclass(frozen=True, slots=True)
class Costs:
    """Seconds of one measurement, and of building a commit that is not at hand."""

    run: float = 1.0
    build: float = 0.0


def at_hand(places: Iterable[int]) -> tuple[int, ...]:
    """Of the commits measured so far, in order: those whose build is still there, the newest first."""
    kept: list[int] = []
    for place in places:
        kept = [place, *(other for other in kept if other != place)][:KEPT]
    return tuple(kept)


def costs_of(taken: Iterable[tuple[int, float]]) -> Costs:
    """The costs that measurements (place, seconds), in order, came to; a run only, until some were repeated.

    Medians: what else the machine did meanwhile is no cost of a commit. Until a commit was measured twice in
    a row, or nearly, nobody can tell a build from a run.
    """
    fresh: list[float] = []
    again: list[float] = []
    places: list[int] = []
    for place, seconds in taken:
        (again if place in at_hand(places) else fresh).append(seconds)
        places.append(place)
    if not again or not fresh:
        return Costs()
    run = max(median(again), 1e-6)
    build = median(fresh) - run
    return Costs(run, build if build >= WORTH_COUNTING * run else 0.0)
