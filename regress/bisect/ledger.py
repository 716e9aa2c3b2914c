"""What a search has measured, was told, and cannot measure, in the order in which it came."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from regress.bisect.costs import at_hand
from regress.bisect.evidence import Evidence, Floats, logarithms


class Ledger:
    """The measurements of a search over ``size`` commits: of each the place, a value for each series (nan:
    none), its turn (0: history, which was free), and for how many independent ones it counts.
    """

    def __init__(self, size: int, noises: Sequence[float]) -> None:
        self.size = size
        self.noises = tuple(noises)
        self.runs = 0
        self.unbuilt: set[int] = set()
        """Places that cannot be measured."""
        self.built: tuple[int, ...] = ()
        """Places whose build is at hand, the newest first."""
        self._places: list[int] = []
        self._turns: list[int] = []
        self._rows: list[tuple[float, ...]] = []
        self._worth: list[float] = []

    def add(self, place: int, values: Sequence[float], *, free: bool, worth: float) -> None:
        """Enter a measurement; a ``free`` one is no run but history."""
        if not free:
            self.runs += 1
            self.built = at_hand((*reversed(self.built), place))
        self._places.append(place)
        self._turns.append(0 if free else self.runs)
        self._rows.append(tuple(values))
        self._worth.append(worth)

    @property
    def buildable(self) -> list[int]:
        """The places that can be measured, as far as anybody knows."""
        return [place for place in range(self.size) if place not in self.unbuilt]

    def entries(self, place: int) -> int:
        """How much is known of a commit, history included."""
        return self._places.count(place)

    def count(self, place: int) -> int:
        """How often the search itself measured a commit."""
        return sum(one == place and turn > 0 for one, turn in zip(self._places, self._turns, strict=True))

    def evidence(self, series: int) -> Evidence:
        """All that is known of one series."""
        values = np.array([row[series] for row in self._rows], dtype=np.float64)
        there = np.isfinite(values)
        return Evidence(
            np.array(self._places, dtype=np.intp)[there],
            logarithms(values[there]) if there.any() else values[there],
            np.array(self._turns, dtype=np.intp)[there],
            self.noises[series],
            np.array(self._worth, dtype=np.float64)[there],
        )

    def positive(self, series: int) -> bool:
        """Whether anything is known of one series, and all of it is positive, so that levels have a ratio."""
        values = [row[series] for row in self._rows if np.isfinite(row[series])]
        return bool(values) and min(values) > 0

    def measured(self, series: int, place: int) -> Floats:
        """The logarithms of what the search itself measured of one series at a commit."""
        known = self.evidence(series)
        measured: Floats = known.values[(known.places == place) & (known.turns > 0)]
        return measured

    def sides(self, places: tuple[int, int], series: int) -> tuple[list[float], list[float]]:
        """The values of one series at two commits: those of the search itself, else those of history."""
        told: list[list[float]] = []
        for place in places:
            known = [
                (turn > 0, row[series])
                for at, turn, row in zip(self._places, self._turns, self._rows, strict=True)
                if at == place and np.isfinite(row[series])
            ]
            own = [value for measured, value in known if measured]
            told.append(own or [value for _, value in known])
        return told[0], told[1]

    def groups(self) -> list[tuple[int, int]]:
        """Runs of places that no measurement can tell apart: those with only unbuilt commits between.

        Without those on one side of which nothing was or can be measured: a step there is as good as none.
        """
        groups: list[tuple[int, int]] = []
        for place in range(1, self.size):
            if groups and place - 1 in self.unbuilt and groups[-1][1] == place - 1:
                groups[-1] = (groups[-1][0], place)
            else:
                groups.append((place, place))
        told = {*self._places, *self.buildable}
        low, high = min(told, default=self.size), max(told, default=0)
        return [(first, last) for first, last in groups if last > low and first <= high]
