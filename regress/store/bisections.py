"""Searches. Finished ones are kept whole as JSON, since nothing is asked of them but to be shown again.

One that is under way is a plan and its steps: each measurement is there before the next one is taken.
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import asdict
from datetime import datetime
from typing import Any

from sqlalchemy import func, select
from sqlalchemy.orm import Session

from regress.domain import (
    Affected,
    BegunBisection,
    Bisection,
    BisectionPlan,
    BisectionStep,
    Culprit,
    Delivery,
    Direction,
    Metric,
    Rest,
    SeriesKey,
    Suspicion,
)
from regress.store import deliveries, history
from regress.store.database import Database
from regress.store.models import BisectionPlanRow, BisectionRow, BisectionStepRow, BranchRow, CommitRow
from regress.store.types import storable

_TIMES = ("started_at", "finished_at")


class Begun:
    """Searches that are under way; each method is a transaction of its own."""

    def __init__(self, database: Database) -> None:
        self._db = database

    def begin(self, plan: BisectionPlan) -> int:
        """Keep what is going to be searched; its id."""
        with self._db.write() as session:
            row = insert_plan(session, self._db.project_id, plan)
            session.flush()
            return row.id

    def add(self, plan_id: int, step: BisectionStep, delivered: Sequence[Delivery] = ()) -> None:
        """Keep the next measurement and what came with it (that a commit does not build): both or neither."""
        with self._db.write() as session:
            deliveries.deliver(session, self._db.project_id, delivered)
            (commit,) = history.commit_ids(session, [step.commit]).values()
            of_plan = BisectionStepRow.plan_id == plan_id
            turn = session.scalar(select(func.count()).select_from(BisectionStepRow).where(of_plan)) or 0
            row = BisectionStepRow(
                plan_id=plan_id, turn=turn, commit_id=commit, value=step.value, seconds=step.seconds
            )
            row.others = json.dumps(step.others) if step.others else None
            session.add(row)

    def finish(self, plan_id: int, record: Bisection) -> None:
        """Keep what a search came to; it is no longer under way."""
        with self._db.write() as session:
            session.get_one(BisectionPlanRow, plan_id).bisection_id = _save(
                session, self._db.project_id, record
            )

    def all(self) -> list[BegunBisection]:
        """What was begun and not finished, newest first."""
        with self._db.read() as session:
            return [
                BegunBisection(row.id, plan_from(json.loads(row.record)), steps_of(session, row.id))
                for row in _unfinished(session, self._db.project_id)
            ]

    def like(self, plan: BisectionPlan) -> list[int]:
        """The ids of those that search the same range by the same series, newest first."""
        with self._db.read() as session:
            return [row.id for row in rows_like(session, self._db.project_id, plan)]


def rows_like(session: Session, project_id: int, plan: BisectionPlan) -> list[BisectionPlanRow]:
    """The rows of unfinished searches of the same range by the same series (and companions), newest first."""
    rows = _unfinished(session, project_id)
    return [row for row in rows if _question(plan_from(json.loads(row.record))) == _question(plan)]


def _question(plan: BisectionPlan) -> tuple[SeriesKey, frozenset[SeriesKey], str, str]:
    return plan.series, frozenset(plan.others), plan.good, plan.bad


def _unfinished(session: Session, project_id: int) -> list[BisectionPlanRow]:
    """The rows of what was begun and not finished, newest first."""
    chosen = (
        select(BisectionPlanRow)
        .join(BranchRow, BranchRow.id == BisectionPlanRow.branch_id)
        .where(BranchRow.project_id == project_id, BisectionPlanRow.bisection_id.is_(None))
        .order_by(BisectionPlanRow.id.desc())
    )
    return list(session.scalars(chosen))


def insert_plan(session: Session, project_id: int, plan: BisectionPlan) -> BisectionPlanRow:
    """The row of a new search, which has its number after the next flush."""
    branch = history.branch_id(session, project_id, storable(plan.series.branch), create=True)
    row = BisectionPlanRow(branch_id=branch, begun_at=plan.started_at, record=_json(plan))
    session.add(row)
    return row


def _save(session: Session, project_id: int, record: Bisection) -> int:
    branch = history.branch_id(session, project_id, storable(record.series.branch), create=True)
    row = BisectionRow(branch_id=branch, recorded_at=record.finished_at, record=_json(record))
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
    return [bisection_from(json.loads(text)) for text in rows]


def _json(record: Bisection | BisectionPlan) -> str:
    return storable(json.dumps(asdict(record), default=datetime.isoformat, ensure_ascii=False))


def plan_from(told: dict[str, Any]) -> BisectionPlan:
    """A plan from its JSON."""
    started = datetime.fromisoformat(told["started_at"])
    others = tuple(_key(one) for one in told.get("others", ()))
    return BisectionPlan(**{**told, "started_at": started, "series": _key(told["series"]), "others": others})


def steps_of(session: Session, plan_id: int) -> tuple[BisectionStep, ...]:
    """The measurements of a search, in order."""
    rows = session.execute(
        select(CommitRow.sha, BisectionStepRow.value, BisectionStepRow.seconds, BisectionStepRow.others)
        .join(CommitRow, CommitRow.id == BisectionStepRow.commit_id)
        .where(BisectionStepRow.plan_id == plan_id)
        .order_by(BisectionStepRow.turn)
    )
    return tuple(
        BisectionStep(sha, value, seconds, tuple(json.loads(others or "[]")))
        for sha, value, seconds, others in rows
    )


def bisection_from(told: dict[str, Any]) -> Bisection:
    """A finished search from its JSON."""
    times = {name: datetime.fromisoformat(told[name]) for name in _TIMES}
    further = tuple(Culprit(**one) for one in told.get("further", ()))
    rest = Rest(**told["rest"]) if told.get("rest") else None
    seen = told.get("suspicion")
    suspicion = Suspicion(seen["weight"], tuple(seen["files"])) if seen else None
    others = tuple(Affected(**{**one, "series": _key(one["series"])}) for one in told.get("others", ()))
    rows = {"skipped": tuple(told["skipped"]), "further": further, "others": others}
    whole = {**told, **times, **rows, "rest": rest, "suspicion": suspicion, "series": _key(told["series"])}
    return Bisection(**whole)


def _key(told: dict[str, Any]) -> SeriesKey:
    metric = told["metric"]
    return SeriesKey(
        **{
            **told,
            "metric": Metric(metric["name"], metric["unit"], Direction(metric["direction"])),
            "parameters": tuple((name, value) for name, value in told["parameters"]),
        }
    )
