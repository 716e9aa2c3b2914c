"""pyperf's JSON (``-o FILE``), and pyperformance's: benchmarks, each with the values of its runs.

Metadata that all benchmarks share stands once at the top (https://pyperf.readthedocs.io/en/latest/api.html).
Only pyperformance names a commit; values are seconds, bytes or plain numbers.
"""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from regress.domain import Delivery, Metric
from regress.ingest.draft import Draft
from regress.ingest.reading import Context, Document, facts
from regress.metrics import PEAK_MEMORY, WALL_TIME

_METRICS = {"second": WALL_TIME, "byte": PEAK_MEMORY, "integer": Metric("value", "1")}
_HOST = ("hostname", "cpu_model_name", "cpu_count", "platform", "cpu_config", "cpu_affinity")
_PYTHON = ("python_implementation", "python_version", "python_compiler", "python_hash_seed", "perf_version")


class PyperfAdapter:
    """Reads pyperf's JSON."""

    name = "pyperf"

    def is_result(self, path: Path) -> bool:
        """Whether a file of a folder may be a result."""
        return path.suffix == ".json"

    def recognises(self, document: Document) -> bool:
        """Whether a document is ours."""
        return "runs" in document.first("benchmarks") and "version" in document.data

    def read(self, document: Document, context: Context) -> Delivery:
        """The one delivery that a file is."""
        doc, data = document, document.data
        shared = doc.table(data, "metadata", "$")
        first = {**shared, **doc.table(doc.first("benchmarks"), "metadata", "$.benchmarks[0]")}
        name = f"{first.get('python_implementation') or 'python'} {first.get('python_version') or ''}"
        draft = Draft(
            self.name,
            doc,
            context,
            commit=str(first.get("commit_id") or ""),
            machine=str(first.get("hostname") or ""),
            machine_facts=facts({key: first[key] for key in _HOST[1:] if key in first}),
            environment=name.strip(),
            environment_facts=facts({key: first[key] for key in _PYTHON if key in first}),
        )
        for where, row in doc.each(data, "benchmarks", "$"):
            _benchmark(draft, row, {**shared, **doc.table(row, "metadata", where)}, where)
        draft.commit_time(draft.commit, doc.iso_time(first.get("commit_date"), "$.metadata.commit_date"))
        return draft.delivery()


def _benchmark(draft: Draft, row: Mapping[str, Any], told: Mapping[str, Any], where: str) -> None:
    doc = draft.doc
    name = doc.get(told, "name", str, f"{where}.metadata")
    unit = str(told.get("unit") or "second")
    key = draft.key(name, _METRICS.get(unit) or Metric(unit, unit))
    runs = list(doc.each(row, "runs", where))
    at = next((told.get("date") for _, run in runs if (told := doc.table(run, "metadata", where))), None)
    began = doc.iso_time(at, f"{where}.runs[0].metadata.date")
    values = [(doc.listed(run, "values", place), place) for place, run in runs]  # calibration runs have none
    if not any(listed for listed, _ in values):
        draft.fail(name)
    for listed, place in values:
        draft.repeat(key, listed, f"{place}.values", at=began)
