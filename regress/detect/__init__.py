"""Where a series' level shifted, and whether two results differ. Pure: arrays in, records out.

    from regress.detect import detect

    for change in detect(values):
        print(change.index, change.ratio)

``DETECTORS`` lists the detectors by name; the configuration chooses one. ``Incremental`` keeps the
answer of a series that grows.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from regress.detect.compare import compare_samples
from regress.detect.incremental import Incremental
from regress.detect.noise import noise_floor
from regress.detect.options import Options
from regress.detect.peers import PEERS
from regress.detect.protocol import Detector
from regress.detect.replay import Alert, replay
from regress.detect.segments import SegmentsDetector
from regress.detect.sensitivity import Mode, Sensitivity, sensitivity
from regress.domain import ChangePoint
from regress.errors import UnknownNameError

__all__ = [
    "DETECTORS",
    "Alert",
    "ChangePoint",
    "Detector",
    "Incremental",
    "Mode",
    "Options",
    "Sensitivity",
    "compare_samples",
    "detect",
    "detector_of",
    "noise_floor",
    "replay",
    "sensitivity",
]


DETECTORS: dict[str, Detector] = {detector.name: detector for detector in (SegmentsDetector(), *PEERS)}


def detect(
    values: Sequence[float] | NDArray[np.float64],
    *,
    detector: str = SegmentsDetector.name,
    false_alarms: float = Options.false_alarms,
    minimum_effect: float = Options.minimum_effect,
) -> list[ChangePoint]:
    """The change points of a series of numbers, by the named detector; see ``Detector`` and ``Options``.

    UnknownNameError (kind "detector") when there is none of that name.
    """
    array = np.asarray(values, dtype=np.float64)
    return detector_of(detector).detect(array, Options(false_alarms, minimum_effect))


def detector_of(name: str) -> Detector:
    """The detector of that name; UnknownNameError (kind "detector") when there is none."""
    if name not in DETECTORS:
        raise UnknownNameError("detector", name, DETECTORS)
    return DETECTORS[name]
