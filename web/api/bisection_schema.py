"""The shapes of bisections."""

from __future__ import annotations

from datetime import datetime

from pydantic import Field

from regress.service.browse import BisectionPage, BisectionRow
from regress.service.browse.bisections import Status
from web.api import convert
from web.api.schema import Key, Model, Number


class Culprit(Model):
    """A commit that changed the series: one of `first` to `last`, equal unless commits do not build."""

    first: str
    last: str
    confidence: float
    ratio: Number
    low: Number
    high: Number


class Bisection(Model):
    """A search for the commits that changed a series, as it stands."""

    id: int
    status: Status
    key: Key
    good: str
    bad: str
    confidence: float = Field(description="At which it stops.")
    budget: int
    started_at: datetime
    finished_at: datetime | None
    runs: int
    seconds: float = Field(description="Spent measuring so far.")
    expected: Number = Field(description="Runs that such a search takes on average; null where nobody knows.")
    culprits: list[Culprit] = Field(description="What it came to; empty while it goes on, or for nobody.")


class Step(Model):
    """A measurement; `value` is null where the commit gave none."""

    commit: str
    value: Number
    seconds: float


class Suspect(Model):
    """A commit with the chance that it is the culprit."""

    commit: str
    chance: float


class BisectionDetail(Bisection):
    """A search with what it measured, in order, and what it knows."""

    steps: list[Step]
    suspects: list[Suspect] = Field(description="In history's order; empty before it knows anything.")
    none: Number = Field(description="The chance that nothing changed.")


def bisection(row: BisectionRow) -> Bisection:
    """A search of a list."""
    return Bisection.model_validate(_told(row))


def detail(page: BisectionPage) -> BisectionDetail:
    """One search."""
    known = page.state.posterior
    return BisectionDetail.model_validate(
        {
            **_told(BisectionRow(page.state, page.status)),
            "steps": page.steps,
            "suspects": [{"commit": sha, "chance": chance} for sha, chance in known.chances] if known else [],
            "none": known.none if known else None,
        }
    )


def _told(row: BisectionRow) -> dict[str, object]:
    state, plan, found = row.state, row.state.plan, row.state.found
    return {
        "id": state.id,
        "status": row.status,
        "key": convert.key(plan.series),
        "good": plan.good,
        "bad": plan.bad,
        "confidence": plan.confidence,
        "budget": plan.budget,
        "started_at": plan.started_at,
        "finished_at": found.finished_at if found else None,
        "runs": state.runs,
        "seconds": state.seconds,
        "expected": state.expected,
        "culprits": [found, *found.further] if found and found.first else [],
    }
