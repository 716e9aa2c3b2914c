"""The columns that the generic formats (CSV, JSON lines) share: for tools without an adapter.

``benchmark`` and ``value`` must be there; a row that has the same benchmark, parameters, metric, machine and
commit as another is one more sample of it. May be there: ``unit`` (ns, ms, s, bytes, MiB, ops/s, ...),
``metric`` (a name), ``direction`` (lower or higher: which way is better), ``commit``, ``machine``,
``environment``, ``branch``, ``low`` and ``high`` (bounds), ``samples``, ``measured_at`` (ISO 8601),
``parameters``.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import Any

from regress.domain import Direction, Metric, SeriesKey
from regress.ingest.draft import Draft, Pairs
from regress.metrics import metric_of

COLUMNS = (
    *("benchmark", "value", "unit", "metric", "direction", "parameters", "samples", "low", "high"),
    *("commit", "machine", "environment", "branch", "measured_at"),
)


def add_row(draft: Draft, row: Mapping[str, Any], parameters: Pairs, where: str) -> None:
    """One row, its numbers as numbers; IngestError names ``where`` and the column."""
    doc = draft.doc
    benchmark = doc.get(row, "benchmark", str, where)
    if not benchmark.strip():
        raise doc.error(f"{where}.benchmark", "is empty")
    metric, factor = _metric(draft, row, where)
    commit = draft.need(_text(row, "commit") or draft.commit, "commit", where)
    key = _placed(draft, row, draft.key(benchmark, metric, parameters), where)
    at = doc.iso_time(row.get("measured_at") or None, f"{where}.measured_at")
    if "value" not in row:
        raise doc.error(where, "lacks 'value'")
    samples, bounds = doc.listed(row, "samples", where), (row.get("low"), row.get("high"))
    if samples or bounds != (None, None):
        draft.add(
            key,
            row["value"],
            f"{where}.value",
            factor=factor,
            bounds=bounds,
            samples=samples,
            commit=commit,
            at=at,
        )
    else:
        draft.repeat(key, [row["value"]], f"{where}.value", factor=factor, commit=commit, at=at)


def _metric(draft: Draft, row: Mapping[str, Any], where: str) -> tuple[Metric, float]:
    metric, factor = metric_of(_text(row, "unit"), _text(row, "metric"))
    told = _text(row, "direction")
    if told not in ("", *Direction):
        raise draft.doc.error(f"{where}.direction", f"expected 'lower' or 'higher', found {told!r:.40}")
    return (replace(metric, direction=Direction(told)) if told else metric), factor


def _placed(draft: Draft, row: Mapping[str, Any], key: SeriesKey, where: str) -> SeriesKey:
    machine = draft.need(_text(row, "machine") or draft.machine, "machine", where)
    environment = _text(row, "environment") or draft.environment
    return replace(key, machine=machine, environment=environment, branch=_text(row, "branch"))


def _text(row: Mapping[str, Any], column: str) -> str:
    value = row.get(column)
    return "" if value is None else str(value)
