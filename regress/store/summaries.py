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

from regress.store import centres
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

_LATER = or_(_SERIES.c.newest.is_(None), _SERIES.c.newest < bindparam("position"))
_COUNTED = (
    update(_SERIES)
    .where(_SERIES.c.id == bindparam("series"))
    .values(
        points=_SERIES.c.points + bindparam("count"),
        newest=case((_LATER, bindparam("position")), else_=_SERIES.c.newest),
        edition=_NEXT,
    )
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
    _count(
        session,
        (
            (branch, commit, position, [id_ for id_ in new[commit] if branches[id_] == branch])
            for commit, position, branch in _places(session, new)
        ),
    )


def placed(session: Session, branch_id: int, commits: Iterable[int]) -> None:
    """Count the measurements at commits that have just found their place on a branch."""
    there = centres.measured(session, commits)
    if not there:
        return
    own = set(session.scalars(select(_SERIES.c.id).where(_SERIES.c.branch_id == branch_id)))
    _count(
        session,
        (
            (branch, commit, position, own.intersection(centres.series(session, commit)))
            for commit, position, branch in _places(session, there)
            if branch == branch_id
        ),
    )


def recount(session: Session, branch_id: int) -> None:
    """Count a branch anew, where its history was told differently."""
    connection, here = session.connection(), _COMMITS.c.branch_id == branch_id
    connection.execute(update(_SERIES).where(_SERIES.c.branch_id == branch_id).values(**_NOTHING))
    connection.execute(update(_COMMITS).where(here).values(measured=0))
    placed(session, branch_id, session.scalars(select(_COMMITS.c.commit_id).where(here)).all())


def _count(session: Session, told: Iterable[tuple[int, int, int, Collection[int]]]) -> None:
    """Add what commits measured to what was counted: branch, commit, position and series of each.

    They come in the order of positions.
    """
    counts: Counter[int] = Counter()
    newest: dict[int, int] = {}
    here: list[dict[str, int]] = []
    for branch, commit, position, series in told:
        here.append({"branch": branch, "commit": commit, "count": len(series)})
        counts.update(series)
        newest.update(dict.fromkeys(series, position))
    rows = [{"series": id_, "count": counts[id_], "position": newest[id_]} for id_ in sorted(counts)]
    if rows:
        session.connection().execute(_COUNTED, rows)
        session.connection().execute(_MORE, here)


def _places(session: Session, commits: Iterable[int]) -> list[tuple[int, int, int]]:
    """Commits with their positions on branches, the latest last."""
    place = BranchCommitRow
    found: list[tuple[int, int, int]] = []
    for batch in batches(commits):
        query = select(place.commit_id, place.position, place.branch_id).where(place.commit_id.in_(batch))
        found += [(commit, position, branch) for commit, position, branch in session.execute(query)]
    return sorted(found, key=lambda row: row[1])


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
