"""What runs told of their machine and environment, and where on a branch that changed."""

from __future__ import annotations

import hashlib
import itertools

from sqlalchemy import func, select
from sqlalchemy.orm import Session

from regress.domain import Delivery, FactChange
from regress.store.dictionary import pack_pairs, unpack_pairs
from regress.store.models import (
    BranchCommitRow,
    BranchRow,
    CommitRow,
    EnvironmentRow,
    FactsRow,
    MachineRow,
    MeasurementRow,
    RunRow,
    SeriesRow,
)

Pairs = tuple[tuple[str, str], ...]


class FactsIds:
    """The ids of facts, each looked up once in a transaction."""

    def __init__(self) -> None:
        self._known: dict[Pairs, int] = {}

    def id(self, session: Session, delivery: Delivery) -> int | None:
        """The id of a delivery's facts, made when they are new; None where it tells none."""
        pairs = (*sorted(delivery.machine.facts), *sorted(delivery.environment.facts))
        if pairs and pairs not in self._known:
            self._known[pairs] = _ensure(session, pack_pairs(pairs))
        return self._known.get(pairs)


def _ensure(session: Session, packed: str) -> int:
    digest = hashlib.sha256(packed.encode()).hexdigest()
    known = session.scalar(select(FactsRow.id).where(FactsRow.digest == digest))
    if known is not None:
        return known
    row = FactsRow(digest=digest, pairs=packed)
    session.add(row)
    session.flush()
    return row.id


def changes(session: Session, project_id: int, branch: str) -> list[FactChange]:
    """See ``Store.fact_changes``."""
    moved = (
        select(RunRow.machine_id, RunRow.environment_id)
        .group_by(RunRow.machine_id, RunRow.environment_id)
        .having(func.count(RunRow.facts_id.distinct()) > 1)
    )
    places = session.execute(moved).all()
    return [change for place in places for change in _changes(session, project_id, branch, *place)]


def _changes(
    session: Session, project_id: int, branch: str, machine_id: int, environment_id: int
) -> list[FactChange]:
    """The changes of one machine and environment, oldest first."""
    newest = (
        select(CommitRow.sha, BranchCommitRow.position, func.max(MeasurementRow.run_id).label("run_id"))
        .join(SeriesRow, SeriesRow.id == MeasurementRow.series_id)
        .join(BranchRow, BranchRow.id == SeriesRow.branch_id)
        .join(
            BranchCommitRow,
            (BranchCommitRow.branch_id == BranchRow.id)
            & (BranchCommitRow.commit_id == MeasurementRow.commit_id),
        )
        .join(CommitRow, CommitRow.id == MeasurementRow.commit_id)
        .where(BranchRow.project_id == project_id, BranchRow.name == branch)
        .where(SeriesRow.machine_id == machine_id, SeriesRow.environment_id == environment_id)
        .group_by(CommitRow.sha, BranchCommitRow.position)
        .subquery()
    )
    told = session.execute(
        select(newest.c.sha, FactsRow.pairs)
        .join(RunRow, RunRow.id == newest.c.run_id)
        .join(FactsRow, FactsRow.id == RunRow.facts_id)
        .order_by(newest.c.position)
    ).all()
    machine = session.get_one(MachineRow, machine_id).name
    environment = session.get_one(EnvironmentRow, environment_id).name
    return [
        FactChange(
            machine, environment, sha, next_sha, differences(unpack_pairs(pairs), unpack_pairs(others))
        )
        for (sha, pairs), (next_sha, others) in itertools.pairwise(told)
        if pairs != others
    ]


def between(session: Session, series_id: int, before: str, after: str) -> tuple[tuple[str, str, str], ...]:
    """See ``Store.fact_differences``."""
    query = (
        select(CommitRow.sha, FactsRow.pairs)
        .join(MeasurementRow, MeasurementRow.commit_id == CommitRow.id)
        .join(RunRow, RunRow.id == MeasurementRow.run_id)
        .join(FactsRow, FactsRow.id == RunRow.facts_id)
        .where(MeasurementRow.series_id == series_id, CommitRow.sha.in_((before, after)))
    )
    told = {sha: unpack_pairs(pairs) for sha, pairs in session.execute(query)}
    return differences(told[before], told[after]) if before in told and after in told else ()


def along(session: Session, series_id: int) -> list[tuple[int, tuple[tuple[str, str, str], ...]]]:
    """See ``Store.series_fact_changes``."""
    runs = select(MeasurementRow.run_id).where(MeasurementRow.series_id == series_id).distinct()
    known = select(RunRow.facts_id).where(RunRow.id.in_(runs), RunRow.facts_id.is_not(None)).distinct()
    if len(session.execute(known.limit(2)).all()) < 2:  # as in most series: no need to put them in order
        return []
    place = BranchCommitRow.position
    told = (
        select(
            place.label("position"),
            RunRow.facts_id.label("now"),
            func.lag(RunRow.facts_id).over(order_by=place).label("before"),
        )
        .select_from(MeasurementRow)
        .join(SeriesRow, SeriesRow.id == MeasurementRow.series_id)
        .join(
            BranchCommitRow,
            (BranchCommitRow.branch_id == SeriesRow.branch_id)
            & (BranchCommitRow.commit_id == MeasurementRow.commit_id),
        )
        .join(RunRow, RunRow.id == MeasurementRow.run_id)
        .where(MeasurementRow.series_id == series_id, RunRow.facts_id.is_not(None))
        .subquery()
    )
    moved = session.execute(
        select(told.c.position, told.c.before, told.c.now)
        .where(told.c.now != told.c.before)
        .order_by(told.c.position)
    ).all()
    ids = {id_ for _, before, now in moved for id_ in (before, now)}
    rows = session.execute(select(FactsRow.id, FactsRow.pairs).where(FactsRow.id.in_(ids)))
    pairs = {id_: unpack_pairs(packed) for id_, packed in rows}
    return [(position, differences(pairs[before], pairs[now])) for position, before, now in moved]


def differences(before: Pairs, after: Pairs) -> tuple[tuple[str, str, str], ...]:
    """What differs: (name, before, after), with "" for what one of them does not tell."""
    old, new = dict(before), dict(after)
    names = sorted(old.keys() | new.keys())
    return tuple((n, old.get(n, ""), new.get(n, "")) for n in names if old.get(n, "") != new.get(n, ""))
