"""What a self-test found out about detection."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime


@dataclass(frozen=True, slots=True)
class Power:
    """Of ``tried`` slowdowns of one size, how many were found; after how many commits (the median)."""

    size: float
    tried: int
    found: int
    delay: float | None


@dataclass(frozen=True, slots=True)
class MachineTest:
    """What a self-test says of the series of one machine: false alarms among points, power by size."""

    machine: str
    series: int
    points: int
    false_alarms: int
    powers: tuple[Power, ...]

    @property
    def rate(self) -> float:
        """False alarms per 1,000 points."""
        return 1000 * self.false_alarms / self.points if self.points else 0.0


@dataclass(frozen=True, slots=True)
class SelfTest:
    """How the detection of a branch did on a copy of its own history, with slowdowns of known size put in."""

    branch: str
    detector: str
    false_alarms: float
    seed: int
    recorded_at: datetime
    machines: tuple[MachineTest, ...]
