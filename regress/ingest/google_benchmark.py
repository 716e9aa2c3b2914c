"""Google Benchmark's JSON (``--benchmark_out``): one row a repetition, and aggregates over them.

Repetitions are samples. Where only aggregates were reported (``--benchmark_report_aggregates_only``) the
medians stand in; other aggregates (mean, deviation, big-O fits) follow from the rest and are passed over.
Real and CPU time, and each counter, are metrics. ``name:8`` inside a name is a parameter
(https://github.com/google/benchmark/blob/main/docs/user_guide.md#output-formats).
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from regress.domain import Delivery, Metric
from regress.ingest.draft import Draft, Pairs
from regress.ingest.reading import Context, Document, facts
from regress.metrics import CPU_TIME, WALL_TIME, direction_of, metric_of

_FRAME = (
    *(
        "family_index",
        "per_family_instance_index",
        "repetitions",
        "repetition_index",
        "threads",
        "iterations",
    ),
    *("real_time", "cpu_time", "error_occurred", "skipped"),
)
"""Numbers of a row that are no counters."""
_SETTINGS = (
    "iterations",
    "repeats",
    "min_time",
    "min_warmup_time",
    "real_time",
    "process_time",
    "manual_time",
)
"""Parts of a name that say how long was measured, not what."""


class GoogleBenchmarkAdapter:
    """Reads Google Benchmark's JSON."""

    name = "google-benchmark"

    def is_result(self, path: Path) -> bool:
        """Whether a file of a folder may be a result."""
        return path.suffix == ".json"

    def recognises(self, document: Document) -> bool:
        """Whether a document is ours."""
        data = document.data
        return isinstance(data.get("benchmarks"), list) and isinstance(data.get("context"), dict)

    def read(self, document: Document, context: Context) -> Delivery:
        """The one delivery that a file is."""
        doc = document
        told = doc.get(doc.data, "context", dict, "$")
        build = ("library_build_type", "library_version", "json_schema_version")
        draft = Draft(
            self.name,
            doc,
            context,
            machine=str(told.get("host_name") or ""),
            machine_facts=facts(told, "host_name", "date", "executable", *build),
            environment=f"{told.get('library_build_type') or 'unknown'} library",
            environment_facts=facts({key: told[key] for key in build if key in told}),
            at=doc.iso_time(told.get("date"), "$.context.date"),
        )
        rows = list(doc.each(doc.data, "benchmarks", "$"))
        repeated = {row.get("run_name") for _, row in rows if row.get("run_type") != "aggregate"}
        for where, row in rows:
            aggregate = row.get("run_type") == "aggregate"
            if not aggregate or (
                row.get("aggregate_name") == "median" and row.get("run_name") not in repeated
            ):
                _row(draft, row, where)
        return draft.delivery()


def _row(draft: Draft, row: Mapping[str, Any], where: str) -> None:
    doc = draft.doc
    name, parameters = _name(doc.get(row, "run_name" if "run_name" in row else "name", str, where))
    if row.get("error_occurred") or row.get("skipped"):
        draft.fail(name, str(row.get("error_message") or row.get("skip_message") or ""), parameters)
        return
    threads = row.get("threads")
    if isinstance(threads, int) and threads > 1:
        parameters = (*(pair for pair in parameters if pair[0] != "threads"), ("threads", str(threads)))
    _, factor = metric_of(str(row.get("time_unit") or "ns"))
    for field, metric in (("real_time", WALL_TIME), ("cpu_time", CPU_TIME)):
        place = f"{where}.{field}"
        draft.repeat(draft.key(name, metric, parameters), [row.get(field)], place, factor=factor)
    for counter, metric in _counters(row):
        draft.repeat(draft.key(name, metric, parameters), [row[counter]], f"{where}.{counter}")


def _counters(row: Mapping[str, Any]) -> Iterator[tuple[str, Metric]]:
    """The user's counters, which stand beside the fixed fields; a rate is told by its name only."""
    for field, value in row.items():
        if field in _FRAME or isinstance(value, bool) or not isinstance(value, int | float):
            continue
        rate = field.removesuffix("_per_second")
        unit = f"{rate}/s" if rate != field else "1"
        yield field, Metric(field, unit, direction_of(unit))


def _name(full: str) -> tuple[str, Pairs]:
    """``BM_Push/n:8/64`` is benchmark ``BM_Push/64`` with n = 8."""
    first, *rest = full.split("/")
    parts = [part.partition(":") for part in rest if part.partition(":")[0] not in _SETTINGS]
    plain = [first, *(name for name, colon, _ in parts if not colon)]
    return "/".join(plain), tuple((name, value) for name, colon, value in parts if colon)
