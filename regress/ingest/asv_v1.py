"""asv's result files of version 1, laid out as version 2.

A result is a bare value, or an object with a list of results and the parameters' values; versions, start
times and statistics stand in tables of their own (what asv 0.1 to 0.4 wrote, and ``asv update`` converts).
"""

from __future__ import annotations

from dataclasses import replace
from typing import Any

from regress.ingest.reading import Document

_COLUMNS = ["result", "params", "version", "started_at", "stats_ci_99_a", "stats_ci_99_b", "samples"]


def as_version_2(document: Document) -> Document:
    """The same results as a document of version 2. IngestError where it is not of version 1."""
    doc, data = document, document.data
    environment = data.get("env_name") or _environment(doc)
    versions, starts = (doc.table(data, key, "$") for key in ("benchmark_version", "started_at"))
    results = {
        name: _row(doc, value, f"$.results[{name!r}]", versions.get(name), starts.get(name))
        for name, value in doc.get(data, "results", dict, "$").items()
    }
    told = {**data, "version": 2, "env_name": environment, "result_columns": _COLUMNS, "results": results}
    return replace(document, json=told)


def _row(doc: Document, value: Any, where: str, version: Any, started: Any) -> list[Any]:
    told = value if isinstance(value, dict) else {"result": value}
    if "result" not in told:
        raise doc.error(where, "lacks 'result'")
    results = _list(told["result"])
    stats = _list(told.get("stats"))
    lows, highs = ([_bound(doc, each, i, where) for each in stats] if any(stats) else None for i in (0, 1))
    samples = told.get("samples")
    if isinstance(samples, list) and samples and not any(isinstance(each, list) for each in samples):
        samples = None if all(each is None for each in samples) else [samples]
    return [results, told.get("params") or [], version, started, lows, highs, samples]


def _list(value: Any) -> list[Any]:
    return value if isinstance(value, list) else [value]


def _bound(doc: Document, stats: Any, index: int, where: str) -> Any:
    """One end of a result's 99 % interval, where it has one."""
    interval = doc.expect(stats or {}, dict, f"{where}.stats").get("ci_99")
    return interval[index] if isinstance(interval, list) and len(interval) == 2 else None


def _environment(doc: Document) -> str:
    """The environment in the file's name, as the oldest files tell it nowhere else."""
    _, dash, environment = doc.path.stem.partition("-")
    if not dash:
        raise doc.error("$", "lacks 'env_name', and the file's name does not tell it")
    return environment
