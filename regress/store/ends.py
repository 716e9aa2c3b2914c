"""The ends of series, or what is around a commit of theirs: the small lines of lists, from a few points each.

A list shows fifty series of which each may have a hundred thousand points. Where the points to read begin and
end is told by an index for each series, so that one that has gaps has its full number too.
"""

from __future__ import annotations

from collections.abc import Mapping
from itertools import groupby
from typing import Any

from sqlalchemy import ColumnElement, and_, case, func, select
from sqlalchemy.orm import Session

from regress.store.dictionary import batches
from regress.store.models import BranchCommitRow, CommitRow, MeasurementRow, SeriesRow

_PLACE = BranchCommitRow.position
_BRANCH = select(SeriesRow.id, SeriesRow.branch_id)


def ends(session: Session, marks: Mapping[int, str | None], many: int) -> dict[int, list[tuple[str, float]]]:
    """See ``Store.ends``."""
    found: dict[int, list[tuple[str, float]]] = {}
    places = _places(session, marks)
    for batch in batches(marks):
        marked = {id_: places[id_] for id_ in batch if id_ in places}
        plain = [id_ for id_ in batch if id_ not in places]
        if plain:
            found |= _read(session, plain, _last(SeriesRow.newest, many), SeriesRow.newest)
        if marked:
            place = case(marked, value=SeriesRow.id)
            after = func.coalesce(_edge(place <= _PLACE, _PLACE, many), SeriesRow.newest)
            found |= _read(session, [*marked], _last(place - 1, many), after)
    return found


def _places(session: Session, marks: Mapping[int, str | None]) -> dict[int, int]:
    """Where on its branch the mark of a series stands, if it does."""
    found: dict[int, int] = {}
    placed = select(CommitRow.sha, BranchCommitRow.branch_id, _PLACE)
    placed = placed.join(CommitRow, CommitRow.id == BranchCommitRow.commit_id)
    known = {id_: sha for id_, sha in marks.items() if sha is not None}
    for batch in batches(known):
        shas = {known[id_] for id_ in batch}
        rows = session.execute(placed.where(CommitRow.sha.in_(shas)))
        places = {(sha, branch): place for sha, branch, place in rows}
        for id_, branch in session.execute(_BRANCH.where(SeriesRow.id.in_(batch))):
            if (place := places.get((known[id_], branch))) is not None:
                found[id_] = place
    return found


def _last(stop: ColumnElement[Any] | Any, many: int) -> ColumnElement[Any]:
    """The position of the last but ``many - 1`` of a series' points up to ``stop``."""
    return func.coalesce(_edge(stop >= _PLACE, _PLACE.desc(), many), -1)


def _edge(within: ColumnElement[bool], order: ColumnElement[Any] | Any, many: int) -> ColumnElement[Any]:
    """The position of a series' point number ``many`` in an order; NULL where there are fewer."""
    own = and_(
        MeasurementRow.commit_id == BranchCommitRow.commit_id, MeasurementRow.series_id == SeriesRow.id
    )
    points = select(_PLACE).select_from(BranchCommitRow).join(MeasurementRow, own)
    points = points.where(BranchCommitRow.branch_id == SeriesRow.branch_id, within)
    return points.order_by(order).limit(1).offset(many - 1).correlate(SeriesRow).scalar_subquery()


def _read(
    session: Session, series: list[int], start: ColumnElement[Any], stop: ColumnElement[Any] | Any
) -> dict[int, list[tuple[str, float]]]:
    """Commit and value of the points of some series between two positions of each."""
    told = select(SeriesRow.id, SeriesRow.branch_id, start.label("start"), stop.label("stop"))
    spans = told.where(SeriesRow.id.in_(series)).cte()
    # PostgreSQL would else look for the ends of a span again for each commit
    spans = spans.prefix_with("MATERIALIZED", dialect="postgresql")
    here = and_(BranchCommitRow.branch_id == spans.c.branch_id, _PLACE.between(spans.c.start, spans.c.stop))
    own = and_(MeasurementRow.series_id == spans.c.id, MeasurementRow.commit_id == BranchCommitRow.commit_id)
    points = (
        select(MeasurementRow.series_id, CommitRow.sha, MeasurementRow.value)
        .select_from(spans)
        .join(BranchCommitRow, here)
        .join(MeasurementRow, own)
        .join(CommitRow, CommitRow.id == BranchCommitRow.commit_id)
        .order_by(MeasurementRow.series_id, _PLACE)
    )
    rows = session.connection().execute(points).cursor.fetchall()
    return {
        id_: [(sha, value) for _, sha, value in own] for id_, own in groupby(rows, key=lambda row: row[0])
    }
