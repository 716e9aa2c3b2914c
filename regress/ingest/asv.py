"""asv's result files, versions 1 and 2: ``results/<machine>/<commit>-<environment>.json``.

A file holds one commit in one environment. Each benchmark is a row of ``result_columns``; a parameterised
one has a list per column, in the order of the parameters' cartesian product. A null result is a failure
(asv does not keep its output), NaN is a benchmark that skipped itself, which is no result at all.
Names of parameters, types and units stand in ``benchmarks.json`` one folder up; where it is missing, or has
lost a benchmark, they follow from the benchmark's name, as asv itself takes them
(https://asv.readthedocs.io/en/stable/dev.html#results). Version 1, before asv 0.5, is laid out anew first
(``asv_v1``).
"""

from __future__ import annotations

import functools
import itertools
import math
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from regress.domain import (
    Delivery,
    Environment,
    Failure,
    FailureKind,
    Machine,
    Measurement,
    Metric,
    SeriesKey,
)
from regress.ingest.asv_v1 import as_version_2
from regress.ingest.reading import Context, Document, facts, load
from regress.metrics import OBJECT_SIZE, PEAK_MEMORY, WALL_TIME, direction_of

MAX_COMBINATIONS = 1_000_000
"""Parameter combinations of one benchmark; a file with more is damaged or hostile."""

_KEPT_COMBINATIONS = 1_000  # series of a benchmark beyond which they are not kept for the next file
_TYPES = {"time": WALL_TIME, "timeraw": WALL_TIME, "peakmemory": PEAK_MEMORY, "memory": OBJECT_SIZE}
_PREFIXES = {"time_": "time", "timeraw_": "timeraw", "peakmem_": "peakmemory", "mem_": "memory"}
_NO_LOG = (
    "asv recorded no value (the benchmark failed or ran out of time); result files do not keep its output."
)

Values = list[Any] | None


class AsvAdapter:
    """Reads asv result files."""

    name = "asv"

    def is_result(self, path: Path) -> bool:
        """Whether a file of a folder may be a result: its neighbours ``machine.json`` etc. are not."""
        return path.suffix == ".json" and path.name not in (
            "machine.json",
            "benchmarks.json",
            "asv.conf.json",
        )

    def recognises(self, document: Document) -> bool:
        """Whether a document is ours, of whatever version."""
        return "commit_hash" in document.data and "results" in document.data

    def read(self, document: Document, context: Context) -> Delivery:
        """The one delivery that a result file is; it names its commit and machine itself."""
        return _Reader(as_version_2(document) if document.data.get("version") == 1 else document).delivery()


@dataclass(frozen=True, slots=True)
class _Row:
    """One benchmark's row, its columns by name."""

    name: str
    where: str
    columns: Mapping[str, Any]


class _Reader:
    """One file being read: what holds for all of its rows."""

    def __init__(self, document: Document) -> None:
        self.doc = document
        data = document.data
        if data.get("version") != 2:
            hint = "Run `asv update` in the project that wrote it."
            found = data.get("version")
            raise document.error("$.version", f"asv result version {found!r:.40}, not 1 or 2", hint=hint)
        self.commit: str = document.get(data, "commit_hash", str, "$")
        self.environment: str = document.get(data, "env_name", str, "$")
        self.params: Mapping[str, Any] = document.get(data, "params", dict, "$")
        self.machine: str = document.get(self.params, "machine", str, "$.params")
        self.known = _benchmarks(document.path.parent.parent / "benchmarks.json")

    def delivery(self) -> Delivery:
        """Everything in the file."""
        data, doc = self.doc.data, self.doc
        measurements: list[Measurement] = []
        failures: list[Failure] = []
        for row in self._rows():
            for result in self._results(row):
                if isinstance(result, Measurement):
                    measurements.append(result)
                else:
                    failures.append(result)
        made = doc.time(data.get("date"), "$.date")
        return Delivery(
            source=AsvAdapter.name,
            origin=str(doc.path),
            digest=doc.digest,
            machine=self._machine(),
            environment=Environment(self.environment, self._environment_facts()),
            measurements=tuple(measurements),
            failures=tuple(failures),
            commit_times=((self.commit, made),) if made else (),
        )

    def _machine(self) -> Machine:
        file = self.doc.path.parent / "machine.json"
        told = load(file).data if file.is_file() else self.params
        return Machine(self.machine, facts(told, "version", "machine", "python"))

    def _environment_facts(self) -> tuple[tuple[str, str], ...]:
        data = self.doc.data
        parts = [
            self.doc.expect(data.get(key) or {}, dict, f"$.{key}") for key in ("requirements", "env_vars")
        ]
        return facts({"python": str(data.get("python") or ""), **parts[0], **parts[1]})

    def _rows(self) -> Iterator[_Row]:
        doc = self.doc
        listed = doc.get(doc.data, "result_columns", list, "$")
        names = [doc.expect(name, str, f"$.result_columns[{i}]") for i, name in enumerate(listed)]
        if not {"result", "params"} <= set(names):
            raise doc.error("$.result_columns", "lacks 'result' or 'params'")
        for name, values in doc.get(doc.data, "results", dict, "$").items():
            where = f"$.results[{name!r}]"
            yield _Row(name, where, dict(zip(names, doc.expect(values, list, where), strict=False)))

    def _results(self, row: _Row) -> Iterator[Measurement | Failure]:
        """The measurements and failures of one benchmark."""
        keys = self._keys(row)
        values = self._column(row, "result", len(keys)) or [None] * len(keys)
        lows = self._bounds(row, "stats_ci_99_a", len(keys))
        highs = self._bounds(row, "stats_ci_99_b", len(keys))
        samples = self._column(row, "samples", len(keys)) or [None] * len(keys)
        commit = self.commit
        at = self.doc.time(row.columns.get("started_at"), f"{row.where}.started_at")
        for i, (key, told, low, high, raw) in enumerate(zip(keys, values, lows, highs, samples, strict=True)):
            if (
                type(told) is float and 0.0 <= told < math.inf
            ):  # nearly all, so that the rest may take its time
                kept = self._samples(raw, f"{row.where}.samples[{i}]") if raw else ()
                yield Measurement(key, commit, told, low, high, kept, at)
                continue
            if told is None:
                yield self._failure(key, _NO_LOG)
                continue
            value = self.doc.number(told, f"{row.where}.result[{i}]")
            if value < 0 and key.metric.unit == "seconds" and math.isfinite(value):
                yield self._failure(key, f"asv measured a negative time ({value:g}): a clock went back.")
            elif math.isfinite(value):
                kept = self._samples(raw, f"{row.where}.samples[{i}]") if raw else ()
                yield Measurement(key, commit, value, low, high, kept, at)

    def _samples(self, listed: Any, where: str) -> tuple[float, ...]:
        listed = self.doc.expect(listed, list, where)
        if set(map(type, listed)) == {float} and all(map(math.isfinite, listed)):
            return tuple(listed)
        raw = (self.doc.finite(sample, where) for sample in listed)
        return tuple(sample for sample in raw if sample is not None)

    def _bounds(self, row: _Row, name: str, count: int) -> list[float | None]:
        """A column of numbers; None where there is none."""
        listed = self._column(row, name, count) or [None] * count
        return [
            bound if bound is None or (type(bound) is float and bound - bound == 0.0)  # not NaN, not infinite
            else self.doc.finite(bound, f"{row.where}.{name}[{i}]")
            for i, bound in enumerate(listed)
        ]  # fmt: skip

    def _failure(self, key: SeriesKey, log: str) -> Failure:
        return Failure(
            FailureKind.BENCHMARK,
            self.commit,
            log,
            key.machine,
            key.environment,
            key.benchmark,
            key.parameters,
        )

    def _keys(self, row: _Row) -> tuple[SeriesKey, ...]:
        """The series of a benchmark, in the order of the columns' values; without parameters, one."""
        where = f"{row.where}.params"
        axes = self.doc.expect(row.columns.get("params") or [], list, where)
        for i, axis in enumerate(axes):
            self.doc.expect(axis, list, f"{where}[{i}]")
        count = math.prod(map(len, axes))
        if count > MAX_COMBINATIONS:
            raise self.doc.error(where, f"more than {MAX_COMBINATIONS:,} parameter combinations")
        values = tuple(tuple(map(str, axis)) for axis in axes)
        make = _series_keys if count <= _KEPT_COMBINATIONS else _series_keys.__wrapped__
        names = tuple(self._parameter_names(row.name, len(axes)))
        metric = _metric(row.name, self.known.get(row.name, {}))
        version = str(row.columns.get("version") or "")
        return make(row.name, names, values, metric, self.machine, self.environment, version)

    def _parameter_names(self, benchmark: str, count: int) -> Sequence[str]:
        names = self.known.get(benchmark, {}).get("param_names")
        if isinstance(names, list) and len(names) == count:
            return [str(name) for name in names]
        return [f"param{i + 1}" for i in range(count)]  # asv's own names for nameless parameters

    def _column(self, row: _Row, name: str, count: int) -> Values:
        """A column with one value a combination; None when it is missing or null."""
        values = row.columns.get(name)
        if values is None:
            return None
        listed: list[Any] = self.doc.expect(values, list, f"{row.where}.{name}")
        if len(listed) != count:
            message = f"has {len(listed)} values for {count} parameter combinations"
            raise self.doc.error(f"{row.where}.{name}", message)
        return listed


@functools.lru_cache(maxsize=10_000)  # a tree's files hold the same benchmarks, again and again
def _series_keys(
    benchmark: str,
    names: tuple[str, ...],
    values: tuple[tuple[str, ...], ...],
    metric: Metric,
    machine: str,
    environment: str,
    version: str,
) -> tuple[SeriesKey, ...]:
    """The series of a benchmark's parameter combinations."""
    return tuple(
        SeriesKey(benchmark, tuple(zip(names, told, strict=True)), metric, machine, environment, "", version)
        for told in itertools.product(*values)
    )


def _benchmarks(path: Path) -> Mapping[str, Mapping[str, Any]]:
    """What ``benchmarks.json`` says of each benchmark; empty when there is no such file."""
    return _benchmarks_at(path, path.stat().st_mtime_ns) if path.is_file() else {}


@functools.lru_cache(maxsize=4)  # a tree's files share one; its time of change keeps it fresh
def _benchmarks_at(path: Path, changed: int) -> Mapping[str, Mapping[str, Any]]:
    return {name: told for name, told in load(path).data.items() if isinstance(told, dict)}


def _metric(benchmark: str, told: Mapping[str, Any]) -> Metric:
    """The metric of a benchmark, by its type, or by its name where the type is not told.

    What a suite tracks is named as the suite names it: ``track_code_size`` measures "code size".
    """
    function = benchmark.rpartition(".")[2]
    by_name = next((kind for prefix, kind in _PREFIXES.items() if function.startswith(prefix)), "track")
    kind = told.get("type", by_name)
    if kind in _TYPES:
        return _TYPES[kind]
    unit = str(told.get("unit") or "unit")
    name = function.removeprefix("track_").replace("_", " ")
    if unit == "unit":  # asv's word where the suite gives none
        return Metric(name, "1")
    return Metric(name, unit, direction_of(unit))
