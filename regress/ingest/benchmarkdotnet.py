"""BenchmarkDotNet's JSON (``JsonExporter.Full`` or ``FullCompressed``): nanoseconds of each iteration.

The value is the median of the iterations that the tool kept; allocated bytes are a second metric. A benchmark
without statistics failed (https://benchmarkdotnet.org/articles/configs/exporters.html). No commit is named.
"""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from regress.domain import Delivery
from regress.ingest.draft import Draft, Pairs
from regress.ingest.reading import Context, Document, facts
from regress.metrics import ALLOCATED, WALL_TIME

_RUNTIME = (
    "RuntimeVersion",
    "Architecture",
    "DotNetCliVersion",
    "BenchmarkDotNetVersion",
    "Configuration",
    "HasRyuJit",
)
_HARDWARE = ("OsVersion", "ProcessorName", "PhysicalProcessorCount", "PhysicalCoreCount", "LogicalCoreCount")


class BenchmarkDotNetAdapter:
    """Reads BenchmarkDotNet's JSON."""

    name = "benchmarkdotnet"

    def is_result(self, path: Path) -> bool:
        """Whether a file of a folder may be a result."""
        return path.suffix == ".json"

    def recognises(self, document: Document) -> bool:
        """Whether a document is ours."""
        return {"HostEnvironmentInfo", "Benchmarks"} <= document.data.keys()

    def read(self, document: Document, context: Context) -> Delivery:
        """The one delivery that a file is."""
        doc = document
        told = doc.get(doc.data, "HostEnvironmentInfo", dict, "$")
        draft = Draft(
            self.name,
            doc,
            context,
            machine_facts=facts({key: told[key] for key in _HARDWARE if key in told}),
            environment=str(told.get("RuntimeVersion") or ""),
            environment_facts=facts({key: told[key] for key in _RUNTIME if key in told}),
        )
        for where, row in doc.each(doc.data, "Benchmarks", "$"):
            _benchmark(draft, row, where)
        return draft.delivery()


def _benchmark(draft: Draft, row: Mapping[str, Any], where: str) -> None:
    doc = draft.doc
    parameters = _parameters(str(row.get("Parameters") or ""))
    parts = [row.get(key) for key in ("Namespace", "Type", "Method")]
    name = ".".join(str(part) for part in parts if part) or doc.get(row, "FullName", str, where)
    statistics = doc.table(row, "Statistics", where)
    if not statistics:
        draft.fail(name, parameters=parameters)
        return
    time, place = draft.key(name, WALL_TIME, parameters), f"{where}.Statistics"
    values = doc.listed(statistics, "OriginalValues", place)
    if values:
        draft.repeat(time, values, f"{place}.OriginalValues", factor=1e-9)
    else:
        draft.add(time, statistics.get("Median"), f"{place}.Median", factor=1e-9)
    memory = doc.table(row, "Memory", where)
    if memory.get("BytesAllocatedPerOperation") is not None:
        key = draft.key(name, ALLOCATED, parameters)
        draft.add(key, memory["BytesAllocatedPerOperation"], f"{where}.Memory.BytesAllocatedPerOperation")


def _parameters(text: str) -> Pairs:
    """``N=10&Kind=a`` as pairs."""
    parts = [part.partition("=") for part in text.split("&") if part]
    return tuple((name, value) for name, _, value in parts)
