"""Deliveries in: measurements merged by rule, failures beside them, all in the caller's transaction."""

from __future__ import annotations

import math
from collections import Counter, defaultdict
from collections.abc import Iterable, Iterator, Sequence
from datetime import UTC, datetime
from itertools import repeat
from typing import Any, Literal, cast

from sqlalchemy import bindparam, func, select
from sqlalchemy.orm import Session

from regress.domain import Delivery, Measurement, Receipt
from regress.measurements import Measurements
from regress.precision import Tables, all_within, tables
from regress.store import centres, failures, history, measured, summaries
from regress.store.dictionary import Dictionary, batches
from regress.store.facts import FactsIds
from regress.store.measured import Row
from regress.store.models import (
    Base,
    CommitRow,
    MachineRow,
    RunRow,
)
from regress.store.types import microseconds, storable

Outcome = Literal["new", "updated", "unchanged"]
_MANY = 500  # measurements of a delivery from which on
_OLDEST = microseconds(datetime.min.replace(tzinfo=UTC))
_FACTS = slice(2, 7)  # what a delivery tells; before it the place, after it the run


def deliver(session: Session, project_id: int, delivered: Sequence[Delivery]) -> list[Receipt]:
    """See ``Store.deliver_all``."""
    incoming = _Incoming(session, project_id)
    receipts = [incoming.take(delivery) for delivery in delivered]
    incoming.write()
    return receipts


_RUNS = Base.metadata.tables[RunRow.__tablename__]
_KNOWN = select(_RUNS.c.id).where(_RUNS.c.digest == bindparam("digest"))


class _Incoming:
    """The deliveries of one transaction: each is merged with what is stored and with those before it.

    Their rows are written last, all at once and in the table's order: a page of a series is then touched
    once for all commits, not once for each.
    """

    def __init__(self, session: Session, project_id: int) -> None:
        self._session = session
        self._project_id = project_id
        self._names = Dictionary(session)
        self._facts = FactsIds()
        self._told: defaultdict[int, dict[int, Row]] = defaultdict(dict)  # by ids of commit and series
        self._stored: defaultdict[int, dict[int, Row]] = defaultdict(dict)  # likewise
        self._there: dict[int, set[int]] = {}  # the series that commits have measured before
        self._centres: list[centres.Packed] = []

    def take(self, delivery: Delivery) -> Receipt:
        """Merge a delivery; its failures are written, its measurements wait for ``write``."""
        session, names = self._session, self._names
        known = session.scalar(_KNOWN, {"digest": delivery.digest})
        if known is not None:
            return Receipt(known, unchanged=len(delivery.measurements), duplicate=True)
        run = RunRow(
            digest=delivery.digest,
            source=delivery.source,
            origin=delivery.origin,
            machine_id=names.machine(delivery.machine.name, delivery.machine.facts),
            environment_id=names.environment(delivery.environment.name, delivery.environment.facts),
            delivered_at=delivery.delivered_at or datetime.now(UTC),
            facts_id=self._facts.id(session, delivery),
        )
        session.add(run)
        session.flush()
        told = Measurements.of(delivery.measurements)
        ids = _commits(session, delivery, told.commits)
        outcomes = self._merge(run.id, told, delivery.branch, ids)
        for failure in delivery.failures:
            failures.record(session, names, run.id, failure, ids[storable(failure.commit)])
        run.new, run.updated, run.unchanged = (outcomes[o] for o in ("new", "updated", "unchanged"))
        return Receipt(run.id, run.new, run.updated, run.unchanged, failures=len(delivery.failures))

    def _merge(self, run_id: int, told: Measurements, branch: str, ids: dict[str, int]) -> Counter[Outcome]:
        """Merge every measurement, and forget the failures that they make good."""
        series = self._names.all_series(self._project_id, told.series, branch)
        shas = {sha: ids[storable(sha)] for sha in set(told.commits)}
        sampled = tables(told.samples)
        rows = _rows(told, series, [shas[sha] for sha in told.commits], run_id, sampled)
        within = all_within(told.values, told.lows, told.highs, sampled)
        self._read(set(shas.values()), series)
        outcomes: Counter[Outcome] = Counter()
        commit = ids[storable(told.commits[0])] if len(shas) == 1 else None  # nearly always: a file, a commit
        if commit is not None and self._take_all(commit, dict(zip(series, rows, strict=True)), len(rows)):
            outcomes["new"] += len(rows)
            self._keep(commit, run_id, (series, told.values, within))
        else:
            self._take_each(rows, outcomes)
            self._keep_each(run_id, within, rows)
        if told and failures.any_at(self._session, shas.values()):
            good = {about for m in told for about in _made_good(self._names, m, ids)}
            failures.clear(self._session, good)
        return outcomes

    def _take_all(self, commit: int, fresh: dict[int, Row], count: int) -> bool:
        """Take the ``count`` rows of one commit at once, if none of them meets another."""
        told, stored = self._told[commit], self._stored[commit]
        alone = len(fresh) == count and told.keys().isdisjoint(fresh) and stored.keys().isdisjoint(fresh)
        if alone:
            told.update(fresh)
        return alone

    def _take_each(self, rows: list[Row], outcomes: Counter[Outcome]) -> None:
        for row in rows:
            series, commit = row[:2]
            known = self._told[commit].get(series) or self._stored[commit].get(series)
            outcome = _outcome(known, row)
            outcomes[outcome] += 1
            if outcome != "unchanged":
                self._told[commit][series] = row

    def _keep_each(self, run_id: int, within: list[float], rows: list[Row]) -> None:
        """What this run has changed; of two results for one place the one that stayed."""
        kept: defaultdict[int, list[tuple[int, float, float]]] = defaultdict(list)
        for row, error in zip(rows, within, strict=True):
            series, commit, value = row[:3]
            if self._told[commit].get(series) is row:
                kept[commit].append((series, value, error))
        for commit, told in kept.items():
            self._keep(commit, run_id, tuple(zip(*told, strict=True)))

    def _keep(self, commit: int, run_id: int, columns: Sequence[Sequence[Any]]) -> None:
        """A run's series, values, and how far these may be off, as columns."""
        self._centres.append((commit, run_id, len(columns[0]), centres.pack(*columns)))

    def _read(self, commits: set[int], series: Sequence[int]) -> None:
        """Know what is there already at the places in question."""
        wanted = set(series)
        if len(commits) == 1 and len(wanted) > _MANY:
            wanted &= self._measured_at(*commits)
        if not wanted:
            return
        table, query = measured.TABLE.c, measured.rows()
        if len(commits) == 1:
            query = query.where(table.commit_id.in_(commits))
        for batch in batches(sorted(wanted)):
            for row in self._session.connection().execute(query.where(table.series_id.in_(batch))):
                self._stored[row[1]][row[0]] = cast(Row, tuple(row))

    def _measured_at(self, commit: int) -> set[int]:
        """The series that a commit had measured before this transaction: nearly always none."""
        if commit not in self._there:
            self._there[commit] = set(centres.series(self._session, commit))
        return self._there[commit]

    def write(self) -> None:
        """Insert what is new and replace what is not, in the order of the table's key."""
        fresh: list[Row] = []
        changed: list[Row] = []
        new = {commit: told.keys() - self._stored[commit].keys() for commit, told in self._told.items()}
        for commit, told in self._told.items():
            if len(new[commit]) == len(told):
                fresh += told.values()
            else:
                for series, row in told.items():
                    (fresh if series in new[commit] else changed).append(row)
        measured.insert(self._session, sorted(fresh))
        measured.replace(self._session, sorted(changed))
        centres.write(self._session, self._centres)
        summaries.replaced(self._session, {row[0] for row in changed})
        summaries.measured(self._session, self._names.branches, new)


def _commits(session: Session, delivery: Delivery, measured: Iterable[str]) -> dict[str, int]:
    """Ids of the commits a delivery speaks of; a commit known by its hash only gets the time it tells."""
    times = {storable(sha): at for sha, at in delivery.commit_times}
    named = dict.fromkeys(measured)
    named |= dict.fromkeys(failure.commit for failure in delivery.failures)
    ids = history.commit_ids(session, (*map(storable, named), *times))
    for sha, at in times.items():
        row = session.get_one(CommitRow, ids[sha])
        row.committed_at = row.committed_at or at
        row.authored_at = row.authored_at or at
    return ids


def _rows(
    told: Measurements, series: Sequence[int], commits: Sequence[int], run_id: int, sampled: Tables
) -> list[Row]:
    """What is stored of measurements; ValueError for one without a number."""
    if not math.isfinite(sum(told.values)):
        for m in told:
            if not math.isfinite(m.value):
                raise ValueError(f"{m.series.title} at {m.commit}: {m.value} is no measurement")
    identities = list(map(id, told.times))  # a benchmark's measurements share one
    each = dict(zip(identities, told.times, strict=True))
    times = {name: None if at is None else microseconds(at) for name, at in each.items()}
    at = list(map(times.__getitem__, identities))
    facts = (told.values, told.lows, told.highs, _packed(len(told), sampled), at)
    return list(zip(series, commits, *facts, repeat(run_id, len(told)), strict=True))


def _packed(count: int, sampled: Tables) -> Sequence[bytes | None]:
    if not sampled:
        return [None] * count
    from regress.store.samples import pack_all  # numpy, which most deliveries can do without

    return pack_all(count, sampled)


def _outcome(known: Row | None, told: Row) -> Outcome:
    """The rule in ``Store.deliver``: the newest ``measured_at`` wins, of equal ones the later delivery."""
    if known is None:
        return "new"
    *_, known_at, _ = known
    *_, told_at, _ = told
    older = (_OLDEST if known_at is None else known_at) > (_OLDEST if told_at is None else told_at)
    return "unchanged" if older or known[_FACTS] == told[_FACTS] else "updated"


def _made_good(names: Dictionary, told: Measurement, ids: dict[str, int]) -> Iterator[failures.Place]:
    """The failures that a measurement ends: its benchmark's, and the build's."""
    key = told.series
    where = (ids[storable(told.commit)], names.machine(key.machine), names.environment(key.environment))
    yield (*where, storable(key.benchmark), names.parameters(key.parameters))
    yield (*where, "", names.parameters(()))


def by_machine(session: Session) -> list[tuple[str, int, datetime]]:
    """See ``Store.machine_deliveries``."""
    last = func.max(RunRow.delivered_at)
    query = (
        select(MachineRow.name, func.count(), last)
        .join(MachineRow, MachineRow.id == RunRow.machine_id)
        .group_by(MachineRow.name)
        .order_by(last.desc(), MachineRow.name)
    )
    return [(name, count, at) for name, count, at in session.execute(query)]
