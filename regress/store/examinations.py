"""What the detector said of each series, kept with the edition that it saw: nobody asks twice."""

from __future__ import annotations

import json
from collections.abc import Iterable
from dataclasses import asdict

from sqlalchemy import delete, func, insert, select, update
from sqlalchemy.orm import Session

from regress.domain import ChangePoint, Examination
from regress.store.dictionary import batches
from regress.store.ledgers import entry_of
from regress.store.models import BranchRow, ExaminationRow, ProjectRow, SeriesRow
from regress.store.types import storable

Stretch = tuple[int, int]
"""The ids of the first and of the last of some series."""


def stretches(session: Session, project_id: int, branch: str, size: int) -> list[Stretch]:
    """See ``Store.stretches``."""
    here = (BranchRow.project_id == project_id, BranchRow.name == branch)
    numbered = (
        select(SeriesRow.id, ((func.row_number().over(order_by=SeriesRow.id) - 1) // size).label("n"))
        .join(BranchRow, BranchRow.id == SeriesRow.branch_id)
        .where(*here, SeriesRow.points > 0)
        .subquery()
    )
    ends = select(func.min(numbered.c.id), func.max(numbered.c.id)).group_by(numbered.c.n)
    return [(first, last) for first, last in session.execute(ends.order_by(numbered.c.n))]


def editions(session: Session, stretch: Stretch) -> dict[int, int]:
    """The editions of series, by id."""
    here = SeriesRow.id.between(*stretch)
    return dict(session.execute(select(SeriesRow.id, SeriesRow.edition).where(here)).all())


def known(session: Session, stretch: Stretch, settings: str) -> dict[int, Examination]:
    """See ``Store.examinations``."""
    row = ExaminationRow
    query = (
        select(row.series_id, row.edition, row.record, row.noise)
        .join(SeriesRow, (SeriesRow.id == row.series_id) & (SeriesRow.edition == row.edition))
        .where(row.series_id.between(*stretch), row.settings == settings)
    )
    return {id_: _told(id_, edition, record, noise) for id_, edition, record, noise in session.execute(query)}


def save(session: Session, settings: str, found: Iterable[Examination]) -> None:
    """See ``Store.save_examinations``."""
    rows = [
        {
            "series_id": one.series_id,
            "edition": one.edition,
            "settings": settings,
            "record": _record(one),
            "noise": one.noise,
        }
        for one in found
    ]
    for batch in batches([row["series_id"] for row in rows]):
        session.execute(delete(ExaminationRow).where(ExaminationRow.series_id.in_(batch)))
    if rows:
        session.execute(insert(ExaminationRow), rows)
        session.execute(update(ProjectRow).values(examined=ProjectRow.examined + 1))


def noises(session: Session) -> list[tuple[int, float]]:
    """The own noise of each series whose history told it, by id."""
    row = ExaminationRow.__table__.c  # a table, not a class: rows of plain values come in half the time
    told = select(row.series_id, row.noise).where(row.noise.is_not(None)).order_by(row.series_id)
    return [(id_, noise) for id_, noise in session.connection().execute(told)]


def _record(one: Examination) -> str:
    changes = [list(asdict(change).values()) for change in one.changes]
    told = {"changes": changes, "entry": one.entry and asdict(one.entry)}
    return storable(json.dumps(told, separators=(",", ":"), ensure_ascii=False))


def _told(series_id: int, edition: int, record: str, noise: float | None) -> Examination:
    told = json.loads(record)
    changes = tuple(ChangePoint(*change) for change in told["changes"])
    return Examination(series_id, edition, changes, told["entry"] and entry_of(told["entry"]), noise)
