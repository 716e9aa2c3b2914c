"""What every detector is."""

from __future__ import annotations

from typing import Protocol

import numpy as np
from numpy.typing import NDArray

from regress.detect.noise import Signal
from regress.detect.options import Options
from regress.domain import ChangePoint


class Detector(Protocol):
    """Finds change points in one series."""

    name: str

    def detect(
        self, values: NDArray[np.float64], options: Options, signal: Signal | None = None
    ) -> list[ChangePoint]:
        """The change points of a 1-d array, oldest value first, in order.

        ``index`` is that of the first value of a new level. NaN and infinities are points that were not
        measured. ``signal`` is what ``prepare`` makes of the values, from who knows it already. Never raises
        for any array of floats.
        """
        ...
