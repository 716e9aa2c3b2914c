"""The learned policy: a model says what compiling each function is likely to take and to gain.

Everything else is as in the analytic policy, which takes both for the same everywhere, and stays the default:
eight programs, each with a model taught without it, take 0.996 (standard error 0.011) of its time, 1.016
(0.011) with what compiling takes (``benchmarks/policies.py``).
"""

from __future__ import annotations

from vm.config import Config
from vm.tiers.model import Model, model
from vm.tiers.policy import ASSUMED, Looks, Policy

_FURTHEST = 4.0
"""How many times more or fewer rounds than usual a function may have to run: models are wrong at times."""


class Learned(Policy):
    """Goes by ``taught``, or else by the model that comes with the package."""

    def __init__(self, config: Config, start: str, taught: Model | None = None) -> None:
        super().__init__(config, start)
        self._start = start
        self._model = taught or model()

    def _worth(self, looks: Looks) -> float:
        """Rounds have to save what compiling takes: both as this function looks, over what is usual."""
        features = looks()
        size = max(features[0], self._config.tier_batch_bytes)  # callees come along
        cost = self._model.cost(features, size) / self._model.usual("cost") / size
        saved = 1 - 1 / self._model.gain(self._start, features)
        usually = 1 - 1 / self._model.usual(self._start)
        return min(max(cost * usually / max(saved, 1e-3), 1 / _FURTHEST), _FURTHEST)

    def _usual_bytes(self, size: int, looks: Looks) -> float:
        return self._model.cost(looks(), size) / ASSUMED
