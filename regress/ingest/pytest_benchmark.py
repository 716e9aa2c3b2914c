"""pytest-benchmark's JSON (``--benchmark-json`` or ``--benchmark-save``): one file, one delivery.

The centre is the median of the rounds: means follow the outliers that every machine has. Its bounds are the
median's notch (``draft.NOTCH``).
Rounds themselves are kept as samples where the file has them (``--benchmark-save-data``).
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from datetime import datetime
from pathlib import Path
from typing import Any

from regress.domain import Delivery, Environment, Machine, Measurement, SeriesKey
from regress.ingest.draft import NOTCH
from regress.ingest.reading import Context, Document, facts
from regress.metrics import WALL_TIME

_IN_GIT = "Run the benchmarks in a git checkout with at least one commit."


class PytestBenchmarkAdapter:
    """Reads pytest-benchmark's JSON."""

    name = "pytest-benchmark"

    def is_result(self, path: Path) -> bool:
        """Whether a file of a folder may be a result."""
        return path.suffix == ".json"

    def recognises(self, document: Document) -> bool:
        """Whether a document is ours."""
        return "benchmarks" in document.data and "machine_info" in document.data

    def read(self, document: Document, context: Context) -> Delivery:
        """The one delivery that a file is; it names its commit and machine itself."""
        doc, data = document, document.data
        info = doc.get(data, "machine_info", dict, "$")
        machine = Machine(doc.get(info, "node", str, "$.machine_info"), _machine_facts(info))
        environment = Environment(_environment(info), facts(_python(info)))
        commit, made = _commit(doc)
        at = doc.iso_time(data.get("datetime"), "$.datetime")
        branch = str(data["commit_info"].get("branch") or "")
        measurements = []
        for i, row in enumerate(doc.get(data, "benchmarks", list, "$")):
            where = f"$.benchmarks[{i}]"
            benchmark, parameters = _name(doc, doc.expect(row, dict, where), where)
            key = SeriesKey(benchmark, parameters, WALL_TIME, machine.name, environment.name, branch)
            measurements.append(_measurement(doc, row, where, key, commit, at))
        return Delivery(
            source=self.name,
            origin=str(doc.path),
            digest=doc.digest,
            machine=machine,
            environment=environment,
            measurements=tuple(measurements),
            delivered_at=None,
            commit_times=((commit, made),) if made else (),
        )


def _commit(doc: Document) -> tuple[str, datetime | None]:
    info = doc.get(doc.data, "commit_info", dict, "$")
    sha = info.get("id")
    if not isinstance(sha, str) or len(sha) < 7 or not all(c in "0123456789abcdef" for c in sha):
        raise doc.error("$.commit_info.id", f"{sha!r:.40} is no commit", hint=_IN_GIT)
    return sha, doc.iso_time(info.get("time"), "$.commit_info.time")


def _measurement(
    doc: Document, row: Mapping[str, Any], where: str, key: SeriesKey, commit: str, at: datetime | None
) -> Measurement:
    stats = doc.get(row, "stats", dict, where)
    where = f"{where}.stats"
    centre = doc.finite(stats.get("median"), f"{where}.median")
    if centre is None:
        raise doc.error(where, "lacks a finite 'median'")
    iqr = doc.finite(stats.get("iqr"), f"{where}.iqr")
    rounds = doc.finite(stats.get("rounds"), f"{where}.rounds")
    raw = [
        doc.finite(s, f"{where}.data[{i}]")
        for i, s in enumerate(doc.expect(stats.get("data") or [], list, where))
    ]
    half = NOTCH * iqr / math.sqrt(rounds) if iqr is not None and rounds and rounds > 1 else None
    return Measurement(
        key,
        commit,
        centre,
        low=None if half is None else centre - half,
        high=None if half is None else centre + half,
        samples=tuple(sample for sample in raw if sample is not None),
        measured_at=at,
    )


def _name(doc: Document, row: Mapping[str, Any], where: str) -> tuple[str, tuple[tuple[str, str], ...]]:
    """Benchmark and parameters: pytest's id without its brackets, and what stood in them."""
    full = doc.get(row, "fullname", str, where)
    shown = row.get("param")
    if not isinstance(shown, str):
        return full, ()
    params = doc.expect(row.get("params") or {}, dict, f"{where}.params")
    pairs = tuple((str(name), str(value)) for name, value in params.items())
    if any(value.startswith("UNSERIALIZABLE[") for _, value in pairs):
        pairs = ()  # the tool's mark for objects without a name: pytest's own id tells them apart
    return full.removesuffix(f"[{shown}]"), pairs or (("param", shown),)


def _python(info: Mapping[str, Any]) -> dict[str, Any]:
    return {key: value for key, value in info.items() if key.startswith("python_")}


def _environment(info: Mapping[str, Any]) -> str:
    name = f"{info.get('python_implementation') or 'Python'} {info.get('python_version') or ''}"
    return name.strip()


def _machine_facts(info: Mapping[str, Any]) -> tuple[tuple[str, str], ...]:
    cpu = info.get("cpu")
    brand = cpu.get("brand_raw") if isinstance(cpu, dict) else None
    return facts({**info, **({"cpu": brand} if isinstance(brand, str) else {})}, "node", *_python(info))
