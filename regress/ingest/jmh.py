"""JMH's JSON (``-rf json``): a list of benchmarks, each with the raw scores of its forks' iterations.

Secondary metrics (profilers such as ``-prof gc``) are metrics of their own. The tool writes NaN as text
(https://github.com/openjdk/jmh, ``JSONResultFormat``). Neither commit nor machine is named.
"""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from regress.domain import Delivery, Metric
from regress.ingest.draft import Draft, Pairs
from regress.ingest.reading import Context, Document, facts
from regress.metrics import metric_of

_LIFT = {"NaN": None, "+Inf": None, "-Inf": None, "Infinity": None, "-Infinity": None}
_RUNTIME = ("vmName", "vmVersion", "jdkVersion", "jmhVersion", "jvm")


class JmhAdapter:
    """Reads JMH's JSON."""

    name = "jmh"

    def is_result(self, path: Path) -> bool:
        """Whether a file of a folder may be a result."""
        return path.suffix == ".json"

    def recognises(self, document: Document) -> bool:
        """Whether a document is ours."""
        return {"benchmark", "mode", "primaryMetric"} <= document.first().keys()

    def read(self, document: Document, context: Context) -> Delivery:
        """The one delivery that a file is."""
        first = document.first()
        name = f"{first.get('vmName') or 'JVM'} {first.get('jdkVersion') or ''}".strip()
        told = facts({key: first[key] for key in _RUNTIME if key in first})
        draft = Draft(self.name, document, context, environment=name, environment_facts=told)
        for i, row in enumerate(document.rows):
            _benchmark(draft, document.expect(row, dict, f"$[{i}]"), f"$[{i}]")
        return draft.delivery()


def _benchmark(draft: Draft, row: Mapping[str, Any], where: str) -> None:
    doc = draft.doc
    name = doc.get(row, "benchmark", str, where)
    told = doc.table(row, "params", where)
    parameters = [(key, str(value)) for key, value in told.items()]
    mode, threads = row.get("mode"), row.get("threads")
    if mode not in ("avgt", "thrpt", None):  # the usual two are told apart by their unit
        parameters.append(("mode", str(mode)))
    if isinstance(threads, int) and threads > 1:
        parameters.append(("threads", str(threads)))
    _metric(
        draft,
        name,
        "",
        doc.get(row, "primaryMetric", dict, where),
        tuple(parameters),
        f"{where}.primaryMetric",
    )
    for label, metric in doc.table(row, "secondaryMetrics", where).items():
        place = f"{where}.secondaryMetrics[{label!r}]"
        _metric(draft, name, label.lstrip("·"), doc.expect(metric, dict, place), tuple(parameters), place)


def _metric(
    draft: Draft, benchmark: str, label: str, told: Mapping[str, Any], parameters: Pairs, where: str
) -> None:
    doc = draft.doc
    metric, factor = metric_of(doc.get(told, "scoreUnit", str, where), label)
    if metric.unit == metric.name and metric.unit.startswith("ops/"):
        metric = Metric("throughput", metric.unit, metric.direction)
    key = draft.key(benchmark, metric, parameters)
    around = [_plain(bound) for bound in doc.listed(told, "scoreConfidence", where)]
    raw = [
        _plain(value)
        for i, fork in enumerate(doc.listed(told, "rawData", where))
        for value in doc.expect(fork, list, f"{where}.rawData[{i}]")
    ]
    if any(value is not None for value in raw):
        draft.repeat(key, [value for value in raw if value is not None], f"{where}.rawData", factor=factor)
        return
    if told.get("score") == "NaN":  # no result, as everywhere
        return
    bounds = (around[0], around[1]) if len(around) == 2 else (None, None)
    draft.add(key, _plain(told.get("score")), f"{where}.score", factor=factor, bounds=bounds)


def _plain(value: Any) -> Any:
    """A number, or None where the tool writes that there is none."""
    return _LIFT.get(value, value) if isinstance(value, str) else value
