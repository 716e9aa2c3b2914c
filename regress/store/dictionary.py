"""Rows that stand for repeated text: looked up, or made when they are new, once per transaction."""

from __future__ import annotations

import functools
import itertools
import json
from collections.abc import Callable, Collection, Iterable, Iterator, Sequence
from typing import Any, TypeVar

from sqlalchemy import insert, select
from sqlalchemy.orm import Session

from regress.domain import Direction, Metric, SeriesKey
from regress.store.described import described
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
        self._facts: dict[tuple[Any, ...], str] = {}
        self.branches: dict[int, int] = {}  # of series that were looked up
        self._series: dict[str, dict[int, int]] = {}  # by branch, by the key's identity
        self._keys: list[SeriesKey] = []  # held, so that no identity is used again

    def id(self, table: type[Base], *, facts: str | None = None, **columns: Any) -> int:
        """The id of the row of ``table`` whose ``columns`` are these; it is made when there is none.

        ``facts`` describes the row without naming it: it is written when the row is met.
        """
        key = (table, *columns.values())
        if key not in self._ids or (facts is not None and self._facts.get(key) != facts):
            row = self._session.scalars(select(table).filter_by(**columns)).one_or_none()
            if row is None:
                row = table(**columns) if facts is None else table(**columns, facts=facts)
                self._session.add(row)
            elif facts is not None:
                row.facts = facts  # type: ignore[attr-defined] # machine and environment have it
            self._session.flush()
            self._ids[key] = row.id  # type: ignore[attr-defined] # every dictionary table has it
            if facts is not None:
                self._facts[key] = facts
        return self._ids[key]

    def all_series(self, project_id: int, keys: Sequence[SeriesKey], branch: str) -> list[int]:
        """The ids of many series (on ``branch``, unless it is empty): some queries for all, not for each.

        The files of a tree share their keys, so that most are known by identity, which takes a tenth of the
        time of comparing them.
        """
        known, identities = self._series.setdefault(branch, {}), list(map(id, keys))
        fresh = {one: key for one, key in zip(identities, keys, strict=True) if one not in known}
        if fresh:
            told = list(fresh.values())
            self._keys += told
            known.update(zip(fresh, self._looked_up(project_id, told, branch), strict=True))
        return list(map(known.__getitem__, identities))

    def _looked_up(self, project_id: int, keys: Sequence[SeriesKey], branch: str) -> list[int]:
        named = {(key.benchmark, key.version) for key in keys}
        stored = {told: (storable(told[0]), storable(told[1])) for told in named}
        self._ensure(BenchmarkRow, ("name", "version"), stored.values())
        benchmarks = {told: self._ids[(BenchmarkRow, *row)] for told, row in stored.items()}
        packed = {pairs: pack_pairs(pairs) for pairs in {key.parameters for key in keys}}
        self._ensure(ParametersRow, ("pairs",), [(row,) for row in packed.values()])
        parameters = {pairs: self._ids[(ParametersRow, row)] for pairs, row in packed.items()}
        frames: dict[tuple[Any, ...], tuple[int, int, int, int]] = {}
        places = []
        for key in keys:
            about = (id(key.metric), key.machine, key.environment, key.branch)  # hashing metrics takes longer
            frame = frames.get(about)
            if frame is None:
                frame = frames[about] = self._frame(project_id, key, branch)
            first, *rest = frame
            names = (benchmarks[key.benchmark, key.version], parameters[key.parameters])
            places.append((first, *names, *rest))
        told = dict(zip(places, keys, strict=True))
        self._ensure(SeriesRow, _SERIES, places, lambda place: described(told[place]))
        ids = [self._ids[(SeriesRow, *place)] for place in places]
        self.branches.update(zip(ids, (place[0] for place in places), strict=True))
        return ids

    def _ensure(
        self,
        table: type[Base],
        columns: Sequence[str],
        wanted: Collection[tuple[Any, ...]],
        more: Callable[[tuple[Any, ...]], dict[str, str]] = lambda _: {},
    ) -> None:
        """Look up rows of a table by their columns, and make those that are missing, with ``more``."""
        by = "benchmark_id" if table is SeriesRow else columns[0]
        self._preload(table, columns, by, {told[columns.index(by)] for told in wanted})
        missing = [told for told in dict.fromkeys(wanted) if (table, *told) not in self._ids]
        if not missing:
            return
        id_ = table.id  # type: ignore[attr-defined] # every dictionary table has it
        made = insert(table).returning(id_, sort_by_parameter_order=True)
        rows = [{**dict(zip(columns, told, strict=True)), **more(told)} for told in missing]
        for told, new in zip(missing, self._session.scalars(made, rows).all(), strict=True):
            self._ids[(table, *told)] = new

    def _preload(self, table: type[Base], columns: Sequence[str], by: str, values: Iterable[Any]) -> None:
        here = table.__table__.c  # tables, not classes: rows of plain values come in half the time
        chosen = [here[name] for name in ("id", *columns)]
        for batch in batches(values):
            rows = self._session.connection().execute(select(*chosen).where(here[by].in_(batch))).all()
            self._ids.update(((table, *told), id_) for id_, *told in rows)

    def _frame(self, project_id: int, key: SeriesKey, branch: str) -> tuple[int, int, int, int]:
        """The ids of a series' branch, metric, machine and environment."""
        metric = key.metric
        return (
            self.id(BranchRow, project_id=project_id, name=storable(branch or key.branch)),
            self.id(
                MetricRow,
                name=storable(metric.name),
                unit=storable(metric.unit),
                direction=metric.direction.value,
            ),
            self.machine(key.machine),
            self.environment(key.environment),
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
        return self.id(table, facts=None if facts is None else pack_pairs(facts), name=storable(name))


def pack_pairs(pairs: Pairs) -> str:
    """(name, value) pairs as text."""
    clean = [(storable(name), storable(value)) for name, value in pairs]
    return json.dumps(clean, separators=(",", ":"), ensure_ascii=False)


def unpack_pairs(text: str) -> Pairs:
    """What ``pack_pairs`` was given."""
    return tuple((name, value) for name, value in json.loads(text))


@functools.lru_cache(maxsize=64)
def _metric(name: str, unit: str, direction: str) -> Metric:
    return Metric(name, unit, Direction(direction))


@functools.lru_cache(maxsize=4_096)
def _pairs(text: str) -> Pairs:
    return unpack_pairs(text)


def series_key(
    benchmark: str,
    version: str,
    parameters: str,
    metric: str,
    unit: str,
    direction: str,
    machine: str,
    environment: str,
    branch: str,
) -> SeriesKey:
    """A series' key from the texts in its dictionary rows."""
    measured = _metric(metric, unit, direction)
    return SeriesKey(benchmark, _pairs(parameters), measured, machine, environment, branch, version)
