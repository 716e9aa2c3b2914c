"""k6's summary: ``--summary-export``, or what ``handleSummary`` is given.

Each k6 metric is a benchmark. A trend gives its median and each percentile that the summary holds; a rate, a
counter and a gauge one number. Its mean, minimum and maximum are not kept
(https://grafana.com/docs/k6/latest/results-output/end-of-test/custom-summary/). No commit is named.
"""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from regress.domain import Delivery, Direction, Metric
from regress.ingest.draft import Draft
from regress.ingest.reading import Context, Document
from regress.metrics import WALL_TIME

_LOAD = ("vus", "vus_max")  # what the script asked for, not what was measured
_GOOD_RATES = ("checks",)


class K6Adapter:
    """Reads k6's summaries."""

    name = "k6"

    def is_result(self, path: Path) -> bool:
        """Whether a file of a folder may be a result."""
        return path.suffix == ".json"

    def recognises(self, document: Document) -> bool:
        """Whether a document is ours."""
        data = document.data
        return isinstance(data.get("metrics"), dict) and ("root_group" in data or "state" in data)

    def read(self, document: Document, context: Context) -> Delivery:
        """The one delivery that a file is."""
        doc = document
        draft = Draft(self.name, doc, context)
        for name, told in doc.get(doc.data, "metrics", dict, "$").items():
            where = f"$.metrics[{name!r}]"
            row = doc.expect(told, dict, where)
            values = doc.table(row, "values", where) if "values" in row else row
            _metric(draft, name, str(row.get("contains") or ""), values, where)
        return draft.delivery()


def _metric(draft: Draft, name: str, contains: str, values: Mapping[str, Any], where: str) -> None:
    if "med" in values:
        timed = contains in ("", "time")
        middle = WALL_TIME if timed else Metric("median", "1")
        draft.add(draft.key(name, middle), values["med"], f"{where}.med", factor=1e-3 if timed else 1.0)
        for percentile in (key for key in values if key.startswith("p(")):
            key = draft.key(name, Metric(percentile, middle.unit))
            draft.add(key, values[percentile], f"{where}.{percentile}", factor=1e-3 if timed else 1.0)
    elif "count" in values and "rate" in values:
        unit = "bytes/s" if name.startswith("data_") else "1/s"
        key = draft.key(name, Metric("throughput", unit, Direction.HIGHER))
        draft.add(key, values["rate"], f"{where}.rate")
    elif "passes" in values:
        good = Direction.HIGHER if name in _GOOD_RATES else Direction.LOWER  # k6's others count what failed
        told = "value" if "value" in values else "rate"
        draft.add(draft.key(name, Metric("rate", "1", good)), values.get(told), f"{where}.{told}")
    elif "value" in values and name not in _LOAD:
        draft.add(draft.key(name, Metric("value", "1")), values["value"], f"{where}.value")
