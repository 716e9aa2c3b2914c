"""Finished searches: kept whole as JSON, since nothing is asked of them but to be shown again."""

from __future__ import annotations

import json
from dataclasses import asdict
from datetime import datetime
from typing import Any

from sqlalchemy import select
from sqlalchemy.orm import Session

from regress.domain import Bisection, Direction, Metric, SeriesKey
from regress.store import history
from regress.store.models import BisectionRow, BranchRow
from regress.store.types import storable

_TIMES = ("started_at", "finished_at")


def save(session: Session, project_id: int, record: Bisection) -> int:
    """See ``Store.save_bisection``."""
    branch = history.branch_id(session, project_id, storable(record.series.branch), create=True)
    text = storable(json.dumps(asdict(record), default=datetime.isoformat, ensure_ascii=False))
    row = BisectionRow(branch_id=branch, recorded_at=record.finished_at, record=text)
    session.add(row)
    session.flush()
    return row.id


def load_all(session: Session, project_id: int) -> list[Bisection]:
    """See ``Store.bisections``."""
    rows = session.scalars(
        select(BisectionRow.record)
        .join(BranchRow, BranchRow.id == BisectionRow.branch_id)
        .where(BranchRow.project_id == project_id)
        .order_by(BisectionRow.recorded_at.desc(), BisectionRow.id.desc())
    )
    return [_bisection(json.loads(text)) for text in rows]


def _bisection(told: dict[str, Any]) -> Bisection:
    times = {name: datetime.fromisoformat(told[name]) for name in _TIMES}
    return Bisection(**{**told, **times, "series": _key(told["series"]), "skipped": tuple(told["skipped"])})


def _key(told: dict[str, Any]) -> SeriesKey:
    metric = told["metric"]
    return SeriesKey(
        **{
            **told,
            "metric": Metric(metric["name"], metric["unit"], Direction(metric["direction"])),
            "parameters": tuple((name, value) for name, value in told["parameters"]),
        }
    )
