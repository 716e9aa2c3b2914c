"""Rows that stand for repeated text: looked up, or made when they are new, once per transaction."""

from __future__ import annotations

import itertools
import json
from collections.abc import Iterable, Iterator, Sequence
from typing import Any, TypeVar

from sqlalchemy import select
from sqlalchemy.orm import Session

from regress.domain import Direction, Metric, SeriesKey
from regress.store.models import (
    Base,
    BenchmarkRow,
    BranchRow,
    EnvironmentRow,
    MachineRow,
    MetricRow,
    ParametersRow,
    SeriesRow,
)
from regress.store.types import storable

Pairs = tuple[tuple[str, str], ...]
Value = TypeVar("Value")
_BATCH = 500  # values in one IN (...): far below SQLite's and PostgreSQL's limits
_SERIES = ("branch_id", "benchmark_id", "parameters_id", "metric_id", "machine_id", "environment_id")


def batches(values: Iterable[Value]) -> Iterator[list[Value]]:
    """Lists short enough for one ``IN (...)``."""
    rest = iter(values)
    while batch := list(itertools.islice(rest, _BATCH)):
        yield batch


class Dictionary:
    """Ids of dictionary rows, remembered for the length of one transaction."""

    def __init__(self, session: Session) -> None:
        self._session = session
        self._ids: dict[tuple[Any, ...], int] = {}

    def id(self, table: type[Base], *, facts: str | None = None, **columns: Any) -> int:
        """The id of the row of ``table`` whose ``columns`` are these; it is made when there is none.

        ``facts`` describes the row without naming it: it is written when the row is met.
        """
        key = (table, *columns.values())
        if key not in self._ids:
            row = self._session.scalars(select(table).filter_by(**columns)).one_or_none()
            if row is None:
                row = table(**columns) if facts is None else table(**columns, facts=facts)
                self._session.add(row)
            elif facts is not None:
                row.facts = facts  # type: ignore[attr-defined] # machine and environment have it
            self._session.flush()
            self._ids[key] = row.id  # type: ignore[attr-defined] # every dictionary table has it
        return self._ids[key]

    def expect(self, keys: Sequence[SeriesKey]) -> None:
        """Look up what these series need in a few queries, rather than a few for each."""
        self._preload(BenchmarkRow, ("name", "version"), "name", {storable(key.benchmark) for key in keys})
        self._preload(ParametersRow, ("pairs",), "pairs", {pack_pairs(key.parameters) for key in keys})
        benchmarks = {id_ for (table, *_), id_ in self._ids.items() if table is BenchmarkRow}
        self._preload(SeriesRow, _SERIES, "benchmark_id", benchmarks)

    def _preload(self, table: type[Base], columns: Sequence[str], by: str, values: Iterable[Any]) -> None:
        chosen = [getattr(table, name) for name in ("id", *columns)]
        for batch in batches(values):
            for id_, *told in self._session.execute(select(*chosen).where(getattr(table, by).in_(batch))):
                self._ids[(table, *told)] = id_

    def series(self, project_id: int, key: SeriesKey) -> int:
        """The id of a series."""
        metric = key.metric
        return self.id(
            SeriesRow,
            branch_id=self.id(BranchRow, project_id=project_id, name=storable(key.branch)),
            benchmark_id=self.id(BenchmarkRow, name=storable(key.benchmark), version=storable(key.version)),
            parameters_id=self.parameters(key.parameters),
            metric_id=self.id(
                MetricRow,
                name=storable(metric.name),
                unit=storable(metric.unit),
                direction=metric.direction.value,
            ),
            machine_id=self.machine(key.machine),
            environment_id=self.environment(key.environment),
        )

    def parameters(self, pairs: Pairs) -> int:
        """The id of a parameter combination."""
        return self.id(ParametersRow, pairs=pack_pairs(pairs))

    def machine(self, name: str, facts: Pairs | None = None) -> int:
        """The id of a machine; its facts are the latest told."""
        return self._place(MachineRow, name, facts)

    def environment(self, name: str, facts: Pairs | None = None) -> int:
        """The id of an environment; its facts are the latest told."""
        return self._place(EnvironmentRow, name, facts)

    def _place(self, table: type[Base], name: str, facts: Pairs | None) -> int:
        known = (table, storable(name)) in self._ids
        packed = None if facts is None and known else pack_pairs(facts or ())
        return self.id(table, facts=packed, name=storable(name))


def pack_pairs(pairs: Pairs) -> str:
    """(name, value) pairs as text."""
    clean = [(storable(name), storable(value)) for name, value in pairs]
    return json.dumps(clean, separators=(",", ":"), ensure_ascii=False)


def unpack_pairs(text: str) -> Pairs:
    """What ``pack_pairs`` was given."""
    return tuple((name, value) for name, value in json.loads(text))


def series_key(
    branch: BranchRow,
    benchmark: BenchmarkRow,
    parameters: str,
    metric: MetricRow,
    machine: str,
    environment: str,
) -> SeriesKey:
    """A series' key from its dictionary rows."""
    return SeriesKey(
        benchmark=benchmark.name,
        parameters=unpack_pairs(parameters),
        metric=Metric(metric.name, metric.unit, Direction(metric.direction)),
        machine=machine,
        environment=environment,
        branch=branch.name,
        version=benchmark.version,
    )
