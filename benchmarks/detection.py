"""Detection: time under asv; scores by ``python -m benchmarks.detection [--detector NAME]``.

The scores need the labelled data with its scorer (``shared/data/detection`` beside the checkout, or below the
folder that REGRESS_SHARED names); without it the script says so and ends with 2. Under asv the
benchmarks are skipped in environments without numpy.
"""

from __future__ import annotations

import argparse
import importlib
import importlib.util
import os
import platform
import sys
import time
from importlib.metadata import version
from pathlib import Path
from types import ModuleType
from typing import Any

LENGTHS = (100, 1000, 10_000, 100_000)


def _detection() -> ModuleType:
    """``regress.detect``, or a skip where what it needs is not installed."""
    try:
        return importlib.import_module("regress.detect")
    except ModuleNotFoundError as missing:
        raise NotImplementedError(f"{missing.name} is not installed here") from missing


def series(n: int) -> Any:
    """A series as commits make it: a step each 250 points, skewed noise of 1 %."""
    import numpy as np

    rng = np.random.default_rng(5)
    level = np.repeat(np.cumsum(rng.normal(0, 0.05, n // 250 + 1)), 250)[:n]
    return np.exp(level + 0.01 * (rng.exponential(1, n) + rng.standard_normal(n)))


class Detect:
    """Processor time for one series at once, by its length."""

    params = LENGTHS
    param_names = ("points",)
    timeout = 60.0
    timer = time.process_time

    def setup(self, points: int) -> None:
        """Make the series."""
        self.detect = _detection().detect
        self.values = series(points)

    def time_detect(self, points: int) -> None:
        """Seconds."""
        self.detect(self.values)


class Append:
    """Processor time for 1,000 points that come one by one: microseconds a point are milliseconds here."""

    timeout = 60.0
    timer = time.process_time

    def setup(self) -> None:
        """Make the series."""
        self.incremental = _detection().Incremental
        self.values = series(1000).tolist()

    def time_append(self) -> None:
        """Seconds for all of them."""
        state = self.incremental()
        for value in self.values:
            state.append(value)


def scorer() -> ModuleType:
    """The scorer that lies with the labelled data; FileNotFoundError with the place that was tried."""
    root = Path(os.environ.get("REGRESS_SHARED", Path(__file__).resolve().parents[2] / "shared"))
    path = root / "data" / "detection" / "score.py"
    if not path.is_file():
        raise FileNotFoundError(f"no scorer at {path}: set REGRESS_SHARED to the folder that holds data/")
    sys.dont_write_bytecode = True  # the data may lie where nothing can be written
    spec = importlib.util.spec_from_file_location("score", path)
    if spec is None or spec.loader is None:
        raise FileNotFoundError(f"{path} is no Python module")
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def main() -> int:
    """Print the versions and a row of scores per detector."""
    detection, errors = (importlib.import_module(f"regress.{name}") for name in ("detect", "errors"))
    parser = argparse.ArgumentParser(prog="python -m benchmarks.detection", description="Score detectors.")
    parser.add_argument(
        "--detector", choices=list(detection.DETECTORS), action="append", help="all, if not given"
    )
    chosen = parser.parse_args().detector or list(detection.DETECTORS)
    try:
        score = scorer()
    except FileNotFoundError as missing:
        print(missing, file=sys.stderr)
        return 2
    print(f"regress {version('regress')}, numpy {version('numpy')}, Python {platform.python_version()}")
    data = score.datasets()
    for name in chosen:

        def indices(values: Any, name: str = name) -> list[int]:
            return [change.index for change in detection.detect(values, detector=name)]

        try:
            print(score.line(name, score.evaluate(indices, data)))
        except errors.RegressError as missing:  # its library; the others' rows are still wanted
            print(f"{missing}; {missing.hint}", file=sys.stderr)
    return 0


if __name__ == "__main__":
    sys.exit(main())
