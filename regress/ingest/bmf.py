"""Bencher Metric Format: benchmarks, their measures, each with a value and maybe bounds.

    {"sort": {"latency": {"value": 88.0, "lower_value": 87.4, "upper_value": 88.9}}}

Of Bencher's built-in measures the units are known (latency is nanoseconds); other measures are plain
numbers, of which less is better (https://bencher.dev/docs/reference/bencher-metric-format/). No commit is
named.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

from regress.domain import Delivery, Direction, Metric
from regress.ingest.draft import Draft
from regress.ingest.reading import Context, Document
from regress.metrics import INSTRUCTIONS, WALL_TIME

_MEASURES = {
    "latency": (WALL_TIME, 1e-9),
    "throughput": (Metric("throughput", "ops/s", Direction.HIGHER), 1.0),
    "build-time": (Metric("build time", "seconds"), 1.0),
    "file-size": (Metric("file size", "bytes"), 1.0),
    "instructions": (INSTRUCTIONS, 1.0),
}


class BmfAdapter:
    """Reads Bencher Metric Format."""

    name = "bmf"

    def is_result(self, path: Path) -> bool:
        """Whether a file of a folder may be a result."""
        return path.suffix == ".json"

    def recognises(self, document: Document) -> bool:
        """Whether a document is ours: objects of objects, each with a value."""
        measures = [inner for told in document.data.values() for inner in _inner(told)]
        return bool(measures) and all(isinstance(inner, dict) and "value" in inner for inner in measures)

    def read(self, document: Document, context: Context) -> Delivery:
        """The one delivery that a file is."""
        doc = document
        draft = Draft(self.name, doc, context)
        for benchmark, measures in doc.data.items():
            where = f"$[{benchmark!r}]"
            for measure, told in doc.expect(measures, dict, where).items():
                place = f"{where}[{measure!r}]"
                metric, factor = _MEASURES.get(measure, (Metric(measure, "1"), 1.0))
                row = doc.expect(told, dict, place)
                bounds = (row.get("lower_value"), row.get("upper_value"))
                key = draft.key(benchmark, metric)
                draft.add(key, row.get("value"), f"{place}.value", factor=factor, bounds=bounds)
        return draft.delivery()


def _inner(told: Any) -> list[Any]:
    return list(told.values()) if isinstance(told, dict) and told else [None]
