"""What ``regress ci`` found, as records."""

from __future__ import annotations

import enum
import math
from collections.abc import Mapping
from dataclasses import dataclass, field

from regress.detect.trial import Finding
from regress.domain import Commit, Direction, Failure, SeriesKey, Verdict


class Decision(enum.StrEnum):
    """The one word that everything else explains, the worst first."""

    NO_ANSWER = "no answer"
    SLOWER = "slower"
    BROKEN = "broken"
    UNCLEAR = "can't tell"
    FASTER = "faster"
    SAME = "same"


@dataclass(frozen=True, slots=True)
class Row:
    """One series at both commits: medians of its rounds, and what the trial says. ``effect`` is the relative
    change that matters; ``path`` and ``line`` say where the benchmark stands (empty and 0: unknown).
    """

    series: SeriesKey
    base: float
    head: float
    effect: float
    finding: Finding
    base_values: tuple[float, ...] = ()
    head_values: tuple[float, ...] = ()
    path: str = ""
    line: int = 0

    @property
    def title(self) -> str:
        """The benchmark as people call it, with its metric where that is not the time."""
        metric = self.series.metric.name
        return self.series.title + ("" if metric == "wall time" else f" [{metric}]")

    @property
    def ratio(self) -> float:
        """Head over base, by the centre of the pairs' own ratios."""
        return math.exp(self._signed(self.finding.shift))

    @property
    def bounds(self) -> tuple[float, float]:
        """The ratio's 95 % interval; 0 and infinity where too few pairs bound it."""
        ends = [self._signed(end) for end in (self.finding.low, self.finding.high)]
        return math.exp(min(ends)), math.exp(min(max(ends), 700.0)) if max(ends) < math.inf else math.inf

    def _signed(self, shift: float) -> float:
        return -shift if self.series.metric.direction is Direction.HIGHER else shift


@dataclass(frozen=True, slots=True)
class CiReport:
    """The whole answer. ``broken`` worked at base and fails at head; ``added`` and ``removed`` have no
    counterpart; ``unbuilt`` names the sides ("base", "head") that could not be measured at all. ``cut`` says
    what stopped it before all was decided (empty: nothing did), ``said`` what the tool said
    then; ``seed`` repeats the order of the pairs. ``places`` tell path and line of what is broken, by name;
    ``suite`` is the file that stands for a benchmark whose own is not known.
    """

    name: str
    base: Commit
    head: Commit
    effect: float
    rows: tuple[Row, ...]
    broken: tuple[Failure, ...] = ()
    added: tuple[str, ...] = ()
    removed: tuple[str, ...] = ()
    unbuilt: tuple[tuple[str, str], ...] = ()
    rounds: int = 0
    seconds: float = 0.0
    cut: str = ""
    said: str = ""
    seed: int = 0
    places: Mapping[str, tuple[str, int]] = field(default_factory=dict)
    suite: str = "regress.toml"

    def place(self, benchmark: str) -> tuple[str, int]:
        """Path and line of a broken benchmark; empty and 0 where they are not known."""
        return self.places.get(benchmark, ("", 0))

    def of(self, verdict: Verdict) -> list[Row]:
        """The rows with a verdict, the largest change first."""
        rows = [row for row in self.rows if row.finding.verdict is verdict]
        return sorted(rows, key=lambda row: (-abs(row.finding.shift), row.title))

    @property
    def decision(self) -> Decision:
        """The worst that is so: what the first line says."""
        if self.unbuilt or not (self.rows or self.broken):
            return Decision.NO_ANSWER
        if self.of(Verdict.SLOWER):
            return Decision.SLOWER
        if self.broken:
            return Decision.BROKEN
        if self.of(Verdict.UNCLEAR):
            return Decision.UNCLEAR
        return Decision.FASTER if self.of(Verdict.FASTER) else Decision.SAME

    @property
    def measured(self) -> int:
        """Pairs measured, over all benchmarks."""
        return sum(row.finding.pairs for row in self.rows)
