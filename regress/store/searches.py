"""How searches stand, and which of them a server is asked to do. Each method is a transaction of its own."""

from __future__ import annotations

import json
import re
from collections.abc import Sequence
from contextlib import AbstractContextManager
from dataclasses import asdict
from typing import Any

from sqlalchemy import Select, func, select, update

from regress.domain import BisectionPlan, BisectionState, BisectionStep, Posterior
from regress.errors import UnknownNameError
from regress.store import locking
from regress.store.bisections import bisection_from, insert_plan, plan_from, rows_like, steps_of
from regress.store.database import Database
from regress.store.models import BisectionPlanRow, BisectionRow, BisectionStepRow, BranchRow

_JOB = "bisect"  # the name of the lock by which others see which search goes on

_HOLDER = re.compile(r"search (\d+) \((.*?)\)?$")  # PostgreSQL cuts a long one off at its end

NEAR = 5
"""Numbers that are told where one is unknown."""


class Searches:
    """The searches of a project, by number, finished or not."""

    def __init__(self, database: Database) -> None:
        self._db = database

    # -- how they stand --------------------------------------------------------------------------------

    def newest(self, limit: int, *, first: int = 0) -> list[BisectionState]:
        """Some of them, newest first, without their posteriors."""
        chosen = self._states().order_by(BisectionPlanRow.id.desc()).limit(limit).offset(first)
        return self._read(chosen, whole=False)

    def count(self) -> int:
        """How many there are."""
        chosen = select(func.count()).select_from(BisectionPlanRow).join(BranchRow).where(self._ours())
        with self._db.read() as session:
            return session.scalar(chosen) or 0

    def one(self, number: int) -> BisectionState:
        """One of them; UnknownNameError (kind "bisection") when there is none."""
        found = self._read(self._states().where(BisectionPlanRow.id == number), whole=True)
        if not found:
            raise UnknownNameError("bisection", str(number), [str(one.id) for one in self.newest(NEAR)])
        return found[0]

    def steps(self, number: int) -> tuple[BisectionStep, ...]:
        """What a search has measured so far, in order."""
        with self._db.read() as session:
            return steps_of(session, number)

    def tell(self, number: int, posterior: Posterior) -> None:
        """Keep what a search knows now, in place of what it knew."""
        self._set(number, posterior=json.dumps(asdict(posterior)))

    def price(self, number: int, expected: float | None) -> None:
        """Keep how many runs such a search takes on average."""
        self._set(number, expected=expected)

    def going_on(self, number: int) -> AbstractContextManager[None]:
        """Let others see, while the context lasts, that this search goes on; one at a time does."""
        return locking.lock(self._db, f"search {number}", wait=True, on_wait=None, job=_JOB)

    def now(self) -> tuple[int, str]:
        """The search that goes on now, and in which process on which host; (0, "") when none does."""
        told = _HOLDER.match(locking.holder(self._db, _JOB))
        return (int(told[1]), told[2]) if told else (0, "")

    # -- what a server is asked to do ------------------------------------------------------------------

    def ask(self, plan: BisectionPlan, who: str, expected: float | None) -> int:
        """Ask for a search, or for an unfinished one of the same range and series to go on; its number.

        Writers take turns, so of two who ask at once for the same, the second gets the first's.
        """
        with self._db.write() as session:
            begun = rows_like(session, self._db.project_id, plan)
            if begun:
                row = begun[0]
            else:
                row = insert_plan(session, self._db.project_id, plan)
                row.expected = expected
            if not row.wanted:
                row.asked_by, row.wanted, row.fault = who, True, ""
            session.flush()
            return row.id

    def want(self, number: int, who: str) -> None:
        """Ask for a search that was cut off to go on."""
        self._set(number, asked_by=who, wanted=True, fault="")

    def drop(self, number: int, fault: str = "") -> None:
        """Ask no more: somebody changed his mind, or it cannot be done (``fault``)."""
        self._set(number, wanted=False, fault=fault)

    def wanted(self) -> list[int]:
        """The numbers of those that a server is asked for and that are not finished, oldest first."""
        chosen = (
            select(BisectionPlanRow.id)
            .join(BranchRow, BranchRow.id == BisectionPlanRow.branch_id)
            .where(self._ours(), BisectionPlanRow.wanted, BisectionPlanRow.bisection_id.is_(None))
            .order_by(BisectionPlanRow.id)
        )
        with self._db.read() as session:
            return list(session.scalars(chosen))

    # -- rows ------------------------------------------------------------------------------------------

    def _ours(self) -> Any:
        return BranchRow.project_id == self._db.project_id

    def _states(self) -> Select[*tuple[Any, ...]]:
        of_plan = BisectionStepRow.plan_id == BisectionPlanRow.id
        spent = (func.count(), func.coalesce(func.sum(BisectionStepRow.seconds), 0.0))
        runs, seconds = (select(what).where(of_plan).scalar_subquery() for what in spent)
        return (
            select(BisectionPlanRow, BisectionRow.record, runs, seconds)
            .join(BranchRow, BranchRow.id == BisectionPlanRow.branch_id)
            .outerjoin(BisectionRow, BisectionRow.id == BisectionPlanRow.bisection_id)
            .where(self._ours())
        )

    def _read(self, chosen: Select[*tuple[Any, ...]], *, whole: bool) -> list[BisectionState]:
        with self._db.read() as session:
            return [_state(row, whole=whole) for row in session.execute(chosen).all()]

    def _set(self, number: int, **values: Any) -> None:
        with self._db.write() as session:
            session.execute(update(BisectionPlanRow).where(BisectionPlanRow.id == number).values(**values))


def _state(told: Sequence[Any], *, whole: bool) -> BisectionState:
    row, record, runs, seconds = told
    found = None if record is None else bisection_from(json.loads(record))
    return BisectionState(
        id=row.id,
        plan=plan_from(json.loads(row.record)),
        runs=runs or (found.runs if found else 0),  # of searches before steps were kept there are none
        seconds=seconds or (found.seconds or 0.0 if found else 0.0),
        found=found,
        posterior=_posterior(json.loads(row.posterior)) if whole and row.posterior else None,
        expected=row.expected,
        asked_by=row.asked_by,
        wanted=row.wanted,
        fault=row.fault,
    )


def _posterior(told: dict[str, Any]) -> Posterior:
    chances = tuple((sha, chance) for sha, chance in told["chances"])
    size = told.get("size")  # searches of before have none
    return Posterior(chances, told["none"], (size[0], size[1], size[2]) if size else None)
