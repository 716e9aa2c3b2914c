"""Criterion's files below ``target/criterion``: ``<benchmark>/new/estimates.json`` with its two neighbours.

``benchmark.json`` names the benchmark, ``sample.json`` holds iteration counts and nanoseconds of each sample.
The value is the median with its confidence interval; ``base`` folders hold older results and are not read.
The format is Criterion's own and may change (https://bheisler.github.io/criterion.rs/book/).
"""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

from regress.domain import Delivery
from regress.ingest.draft import Draft, Pairs
from regress.ingest.reading import Context, Document, load
from regress.metrics import WALL_TIME

_NANO = 1e-9


class CriterionAdapter:
    """Reads Criterion's estimates with their neighbours."""

    name = "criterion"

    def is_result(self, path: Path) -> bool:
        """Whether a file of a folder may be a result: older ones (``base``, ``change``) are not."""
        return path.name == "estimates.json" and path.parent.name not in ("base", "change")

    def recognises(self, document: Document) -> bool:
        """Whether a document is ours."""
        median = document.data.get("median")
        return isinstance(median, dict) and {"point_estimate", "confidence_interval"} <= median.keys()

    def read(self, document: Document, context: Context) -> Delivery:
        """The one delivery that a benchmark's files are."""
        named = load(document.path.with_name("benchmark.json"))
        sampled = document.path.with_name("sample.json")
        sample = load(sampled) if sampled.is_file() else None
        parts = [document.digest, named.digest, sample.digest if sample else ""]
        whole = replace(document, digest=hashlib.sha256("".join(parts).encode()).hexdigest())
        draft = Draft(self.name, whole, context)
        centre = document.get(document.data, "median", dict, "$")
        around = document.get(centre, "confidence_interval", dict, "$.median")
        draft.add(
            draft.key(*_name(named)),
            centre.get("point_estimate"),
            "$.median.point_estimate",
            factor=_NANO,
            bounds=(around.get("lower_bound"), around.get("upper_bound")),
            samples=_samples(sample) if sample else (),
        )
        return draft.delivery()


def _name(named: Document) -> tuple[str, Any, Pairs]:
    """Benchmark, metric and parameter, as the benchmark's group, function and value."""
    told: Mapping[str, Any] = named.data
    parts = [named.get(told, "group_id", str, "$"), told.get("function_id")]
    value = told.get("value_str")
    parameters = () if value is None else (("value", str(value)),)
    return "/".join(str(part) for part in parts if part), WALL_TIME, parameters


def _samples(sample: Document) -> list[float]:
    """Nanoseconds an iteration, of each sample."""
    counts = [
        sample.number(n, f"$.iters[{i}]") for i, n in enumerate(sample.listed(sample.data, "iters", "$"))
    ]
    times = [
        sample.number(t, f"$.times[{i}]") for i, t in enumerate(sample.listed(sample.data, "times", "$"))
    ]
    if len(counts) != len(times):
        raise sample.error("$.times", f"has {len(times)} values for {len(counts)} samples")
    return [time / count for time, count in zip(times, counts, strict=True) if count > 0]
