"""What a caller may ask of any detector."""

from __future__ import annotations

from dataclasses import dataclass

from regress.config import FALSE_ALARMS


@dataclass(frozen=True)
class Options:
    """``false_alarms`` is the chance, from 0 to 1, of any false report from one series without changes.

    ``minimum_effect`` is the smallest relative change worth reporting: 0.03 is 3 %, 0 is any.
    """

    false_alarms: float = FALSE_ALARMS
    minimum_effect: float = 0.0
