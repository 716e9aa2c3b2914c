"""What compiling a function is expected to take and to gain, from its looks: ``learned.json``, evaluated.

The file is what ``python -m vm.tiers.learn`` has found. A prediction is a power law: the exponential of a
weighted sum, of which the file has the weights, by name. It takes some microseconds, without any library.
"""

from __future__ import annotations

import json
import math
from pathlib import Path

from vm.once import once
from vm.tiers.features import NAMES
from vm.typed import Any, Mapping, Sequence

FILE = Path(__file__).with_name("learned.json")

TERMS = ("one", "size", *NAMES[1:])
"""What is weighted: 1, the logarithm of the bytes, and the bytes of each family per byte (its logarithm)."""

_RARE = 0.01
"""Of a body's bytes: added to each family's part, so that one that is missing has a logarithm."""


def terms(features: Sequence[float], size: float) -> tuple[float, ...]:
    """What is weighted, of a body with these features (``vm.tiers.features``); ``size`` is that of all the
    code that is compiled with it.
    """
    total = max(features[0], 1)
    parts = (math.log(_RARE + count / total) for count in features[1:])
    return 1.0, math.log(max(size, 1)), *parts


class Model:
    """The weights of predictions, by what they are of: ``cost``, and the gain over the tier of that name."""

    def __init__(self, weights: Mapping[str, Sequence[float]], usual: Mapping[str, float]) -> None:
        self._weights = weights
        self._usual = usual

    def usual(self, what: str) -> float:
        """What is measured most often: seconds of cost a byte, or the gain over a tier."""
        return self._usual[what]

    def cost(self, features: Sequence[float], size: float) -> float:
        """Seconds of a processor to compile ``size`` bytes, of which these are the root's features."""
        return self._predict("cost", features, size)

    def gain(self, start: str, features: Sequence[float]) -> float:
        """How many times as fast LLVM's code is as what the tier ``start`` makes."""
        return max(self._predict(start, features, features[0]), 1.0)

    def _predict(self, what: str, features: Sequence[float], size: float) -> float:
        weighted = zip(self._weights[what], terms(features, size), strict=True)
        return math.exp(sum(weight * term for weight, term in weighted))


@once
def model() -> Model:
    """The one that comes with the package."""
    return read(json.loads(FILE.read_text("utf-8")))


def read(content: Mapping[str, Any]) -> Model:
    """That of a file as ``vm.tiers.learn`` writes it."""
    weights = content["weights"].items()
    return Model({what: [found[name] for name in TERMS] for what, found in weights}, content["usual"])
