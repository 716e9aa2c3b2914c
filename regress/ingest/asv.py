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
    Metric,
    SeriesKey,
)
from regress.ingest.asv_v1 import as_version_2
from regress.ingest.reading import Context, Document, facts, load
from regress.measurements import Measurements
from regress.metrics import OBJECT_SIZE, PEAK_MEMORY, WALL_TIME, direction_of

_KEPT_COMBINATIONS = 1_000  # series of a benchmark beyond which they are not kept for the next file
_KEPT_BENCHMARKS = 10_000  # likewise benchmarks of a machine and environment
_FLOAT = {float}
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
        told = as_version_2(document) if document.data.get("version") == 1 else document
        return _Reader(told, context.limits.combinations).delivery()


@dataclass(frozen=True, slots=True)
class _Row:
    """One benchmark's row, its columns by name."""

    name: str
    where: str
    columns: Mapping[str, Any]


class _Reader:
    """One file being read: what holds for all of its rows."""

    def __init__(self, document: Document, combinations: int) -> None:
        self.doc = document
        self.combinations = combinations
        data = document.data
        if data.get("version") != 2:
            hint = "Run `asv update` in the project that wrote it."
            found = data.get("version")
            raise document.error("$.version", f"asv result version {found!r:.40}, not 1 or 2", hint=hint)
        self.commit: str = document.get(data, "commit_hash", str, "$")
        self.environment: str = document.get(data, "env_name", str, "$")
        self.params: Mapping[str, Any] = document.get(data, "params", dict, "$")
        self.machine: str = document.get(self.params, "machine", str, "$.params")
        self.tree = _tree(document.path.parent.parent / "benchmarks.json", self.machine, self.environment)
        self.measurements = Measurements()
        self.failures: list[Failure] = []

    def delivery(self) -> Delivery:
        """Everything in the file."""
        data, doc = self.doc.data, self.doc
        for row in self._rows():
            self._take(row)
        made = doc.time(data.get("date"), "$.date")
        return Delivery(
            source=AsvAdapter.name,
            origin=str(doc.path),
            digest=doc.digest,
            machine=self._machine(),
            environment=Environment(self.environment, self._environment_facts()),
            measurements=self.measurements,
            failures=tuple(self.failures),
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

    def _take(self, row: _Row) -> None:
        """The measurements and failures of one benchmark."""
        keys = self.tree.series(self.doc, row, self.combinations)
        count = len(keys)
        values = self._column(row, "result", count)
        if values is None:
            self.failures += (self._failure(key, _NO_LOG) for key in keys)
            return
        lows = self._bounds(row, "stats_ci_99_a", count)
        highs = self._bounds(row, "stats_ci_99_b", count)
        listed = self._column(row, "samples", count)
        samples = listed and self._all_samples(listed, row)
        at = self.doc.time(row.columns.get("started_at"), f"{row.where}.started_at")
        if _floats(values) and min(values) >= 0.0:  # nearly all, so that the rest may take its time
            self.measurements.extend(keys, self.commit, values, lows, highs, samples or [()] * count, at)
            return
        for i, told in enumerate(values):
            value = self._value(keys[i], told, f"{row.where}.result[{i}]")
            if value is not None:
                raw = samples[i] if samples else ()
                self.measurements.add(keys[i], self.commit, value, lows[i], highs[i], raw, at)

    def _value(self, key: SeriesKey, told: Any, where: str) -> float | None:
        """A result that is a number; None for one that is not, and for a failure, which is kept."""
        if told is None:
            self.failures.append(self._failure(key, _NO_LOG))
            return None
        value = self.doc.number(told, where)
        if value < 0 and key.metric.unit == "seconds" and math.isfinite(value):
            log = f"asv measured a negative time ({value:g}): a clock went back."
            self.failures.append(self._failure(key, log))
            return None
        return value if math.isfinite(value) else None

    def _all_samples(self, listed: list[Any], row: _Row) -> list[tuple[float, ...]]:
        if set(map(type, listed)) == {list} and _floats(list(itertools.chain.from_iterable(listed))):
            return list(map(tuple, listed))
        return [
            self._samples(raw, f"{row.where}.samples[{i}]") if raw else () for i, raw in enumerate(listed)
        ]

    def _samples(self, listed: Any, where: str) -> tuple[float, ...]:
        listed = self.doc.expect(listed, list, where)
        if _floats(listed):
            return tuple(listed)
        raw = (self.doc.finite(sample, where) for sample in listed)
        return tuple(sample for sample in raw if sample is not None)

    def _bounds(self, row: _Row, name: str, count: int) -> list[float | None]:
        """A column of numbers; None where there is none."""
        listed = self._column(row, name, count)
        if listed is None or _floats(listed):
            return listed or [None] * count
        return [self.doc.finite(bound, f"{row.where}.{name}[{i}]") for i, bound in enumerate(listed)]

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

    def _column(self, row: _Row, name: str, count: int) -> Values:
        """A column with one value a combination; None when it is missing or null."""
        values = row.columns.get(name)
        if values is not None and not (type(values) is list and len(values) == count):
            where = f"{row.where}.{name}"
            found = len(self.doc.expect(values, list, where))
            raise self.doc.error(where, f"has {found} values for {count} parameter combinations")
        return values


def _floats(listed: list[Any]) -> bool:
    """Whether a list holds finite floats and nothing else."""
    return set(map(type, listed)) == _FLOAT and math.isfinite(sum(listed))


class _Tree:
    """What the files of one machine and environment share: what is told of benchmarks, and their series.

    The files hold the same benchmarks, again and again: that they have not changed takes a hundredth of the
    time of making their series, and those who store them know series that they have seen by identity.
    """

    def __init__(self, known: Mapping[str, Mapping[str, Any]], machine: str, environment: str) -> None:
        self._known = known
        self._machine, self._environment = machine, environment
        self._made: dict[str, tuple[Any, Any, tuple[SeriesKey, ...]]] = {}

    def series(self, doc: Document, row: _Row, most: int) -> tuple[SeriesKey, ...]:
        """The series of a benchmark, in the order of the columns' values; IngestError beyond ``most``."""
        axes, version = row.columns.get("params"), row.columns.get("version")
        last = self._made.get(row.name)
        if last is not None and last[0] == axes and last[1] == version:
            return last[2]
        made = self._make(doc, row, axes or [], str(version or ""), most)
        if len(made) <= _KEPT_COMBINATIONS and len(self._made) < _KEPT_BENCHMARKS:
            self._made[row.name] = (axes, version, made)
        return made

    def _make(self, doc: Document, row: _Row, axes: Any, version: str, most: int) -> tuple[SeriesKey, ...]:
        where = f"{row.where}.params"
        for i, axis in enumerate(doc.expect(axes, list, where)):
            doc.expect(axis, list, f"{where}[{i}]")
        if math.prod(map(len, axes)) > most:
            hint = "Is it damaged? If it is not, raise ingest.combinations in regress.toml."
            raise doc.error(where, f"more than {most:,} parameter combinations", hint=hint)
        names = self._parameter_names(row.name, len(axes))
        metric = _metric(row.name, self._known.get(row.name, {}))
        place = (metric, self._machine, self._environment, "", version)
        return tuple(
            SeriesKey(row.name, tuple(zip(names, told, strict=True)), *place)
            for told in itertools.product(*(tuple(map(str, axis)) for axis in axes))
        )

    def _parameter_names(self, benchmark: str, count: int) -> Sequence[str]:
        names = self._known.get(benchmark, {}).get("param_names")
        if isinstance(names, list) and len(names) == count:
            return [str(name) for name in names]
        return [f"param{i + 1}" for i in range(count)]  # asv's own names for nameless parameters


def _tree(benchmarks: Path, machine: str, environment: str) -> _Tree:
    """What the files of a machine and environment share, while ``benchmarks.json`` stays as it is."""
    changed = benchmarks.stat().st_mtime_ns if benchmarks.is_file() else None
    return _tree_at(benchmarks, changed, machine, environment)


@functools.lru_cache(maxsize=8)  # a walk goes through a machine's files in a row
def _tree_at(benchmarks: Path, changed: int | None, machine: str, environment: str) -> _Tree:
    told = {} if changed is None else load(benchmarks).data
    return _Tree({name: one for name, one in told.items() if isinstance(one, dict)}, machine, environment)


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
