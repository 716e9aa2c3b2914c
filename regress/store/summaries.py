"""What lists say of each series, kept with it by whoever changes it, so that no list reads measurements.

``points`` counts the measurements at commits of the series' own branch, ``newest`` is the latest's position;
``edition`` grows whenever what the series says has changed.
What never changes (``described``) is told when the series is made.
"""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Collection, Iterable, Mapping
from typing import Any

from sqlalchemy import Connection, Select, and_, bindparam, case, func, or_, select, update
from sqlalchemy.orm import Session

from regress.store.dictionary import batches
from regress.store.models import Base, BranchCommitRow, MeasurementRow, SeriesRow

_SERIES = Base.metadata.tables[SeriesRow.__tablename__]
_COMMITS = Base.metadata.tables[BranchCommitRow.__tablename__]
_NEXT = _SERIES.c.edition + 1
_NOTHING = {"points": 0, "newest": None, "edition": _NEXT}


_MORE = (
    update(_COMMITS)
    .where(_COMMITS.c.branch_id == bindparam("branch"), _COMMITS.c.commit_id == bindparam("commit"))
    .values(measured=_COMMITS.c.measured + bindparam("count"))
)


def replaced(session: Session, series: Collection[int]) -> None:
    """Some series have other measurements than before, and as many."""
    for batch in batches(series):
        here = _SERIES.c.id.in_(batch)
        session.connection().execute(update(_SERIES).where(here).values(edition=_NEXT))


def measured(session: Session, branches: Mapping[int, int], new: Mapping[int, Collection[int]]) -> None:
    """Count measurements that were not there: ids of their series by id of their commit.

    ``branches`` are the ids of each series' branch.
    """
    counts: Counter[int] = Counter()
    newest: dict[int, int] = {}
    here: list[dict[str, int]] = []
    for commit, position, branch in _places(session, new):
        series = [id_ for id_ in new[commit] if branches[id_] == branch]
        here.append({"branch": branch, "commit": commit, "count": len(series)})
        counts.update(series)
        newest.update(dict.fromkeys(series, position))
    later = or_(_SERIES.c.newest.is_(None), _SERIES.c.newest < bindparam("position"))
    statement = (
        update(_SERIES)
        .where(_SERIES.c.id == bindparam("series"))
        .values(
            points=_SERIES.c.points + bindparam("count"),
            newest=case((later, bindparam("position")), else_=_SERIES.c.newest),
            edition=_NEXT,
        )
    )
    told = [{"series": id_, "count": counts[id_], "position": newest[id_]} for id_ in sorted(counts)]
    if told:
        session.connection().execute(statement, told)
        session.connection().execute(_MORE, here)


def _places(session: Session, commits: Iterable[int]) -> list[tuple[int, int, int]]:
    """Commits with their positions on branches, the latest last."""
    place = BranchCommitRow
    found: list[tuple[int, int, int]] = []
    for batch in batches(commits):
        query = select(place.commit_id, place.position, place.branch_id).where(place.commit_id.in_(batch))
        found += [(commit, position, branch) for commit, position, branch in session.execute(query)]
    return sorted(found, key=lambda row: row[1])


def placed(session: Session, branch_id: int, commits: Iterable[int]) -> None:
    """Count the measurements at commits that have just found their place on a branch."""
    for batch in batches(commits):
        told = _told(branch_id).where(BranchCommitRow.commit_id.in_(batch)).subquery()
        grown = _SERIES.c.points + told.c.points
        newest = case(
            (or_(_SERIES.c.newest.is_(None), _SERIES.c.newest < told.c.newest), told.c.newest),
            else_=_SERIES.c.newest,
        )
        session.connection().execute(
            update(_SERIES)
            .where(_SERIES.c.id == told.c.id)
            .values(points=grown, newest=newest, edition=_NEXT)
        )
        _count_at(session, branch_id, BranchCommitRow.commit_id.in_(batch))


def recount(session: Session, branch_id: int) -> None:
    """Count a branch anew, where its history was told differently."""
    connection = session.connection()
    connection.execute(update(_SERIES).where(_SERIES.c.branch_id == branch_id).values(**_NOTHING))
    told = _told(branch_id).subquery()
    connection.execute(
        update(_SERIES).where(_SERIES.c.id == told.c.id).values(points=told.c.points, newest=told.c.newest)
    )
    _count_at(session, branch_id)


def _count_at(session: Session, branch_id: int, *which: Any) -> None:
    """Count anew what is measured at commits of a branch."""
    there = (
        select(func.count())
        .select_from(MeasurementRow)
        .join(_SERIES, and_(_SERIES.c.id == MeasurementRow.series_id, _SERIES.c.branch_id == branch_id))
        .where(MeasurementRow.commit_id == _COMMITS.c.commit_id)
        .scalar_subquery()
    )
    counted = update(_COMMITS).where(_COMMITS.c.branch_id == branch_id, *which).values(measured=there)
    session.connection().execute(counted)


def _told(branch_id: int) -> Select[*tuple[Any, ...]]:
    """Points and newest position of the series of a branch, from the measurements themselves."""
    place = BranchCommitRow
    return (
        select(_SERIES.c.id, func.count().label("points"), func.max(place.position).label("newest"))
        .select_from(place)
        .join(MeasurementRow, MeasurementRow.commit_id == place.commit_id)
        .join(_SERIES, and_(_SERIES.c.id == MeasurementRow.series_id, _SERIES.c.branch_id == branch_id))
        .where(place.branch_id == branch_id)
        .group_by(_SERIES.c.id)
    )


def wrong(connection: Connection) -> int:
    """How many series say something else than their measurements."""
    bad = 0
    by_branch: defaultdict[int, dict[int, tuple[int, int | None]]] = defaultdict(dict)
    for id_, branch, points, newest in connection.execute(
        select(_SERIES.c.id, _SERIES.c.branch_id, _SERIES.c.points, _SERIES.c.newest)
    ):
        by_branch[branch][id_] = (points, newest)
    for branch, said in by_branch.items():
        true = {id_: (points, newest) for id_, points, newest in connection.execute(_told(branch))}
        bad += sum(true.get(id_, (0, None)) != told for id_, told in said.items())
    return bad
