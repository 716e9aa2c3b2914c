"""The shapes of bisections."""

from __future__ import annotations

import math
from datetime import datetime

from pydantic import Field

from regress import domain
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


class Size(Model):
    """The level after the change relative to that before, with its 95 % interval."""

    ratio: Number
    low: Number
    high: Number


class Rest(Model):
    """What all culprits leave of the change between both ends, a ratio; `explained`: it may be chance."""

    ratio: Number
    low: Number
    high: Number
    explained: bool


class Suspicion(Model):
    """How likely the first culprit was thought before anything was measured (1: as any other; less where it
    touches nothing that the benchmark is seen to run), and the files that it touches and the benchmark runs.
    """

    weight: float
    files: list[str]


class Affected(Model):
    """A series that is measured with the search's own; how the first culprit changed it, nulls until then."""

    key: Key
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
    verified: bool | None = Field(
        description="Whether culprit and parent, measured in turns, differ too; null while it goes on."
    )
    rest: Rest | None = Field(description="Null where nobody was found, or too little tells both ends.")
    suspicion: Suspicion | None = Field(description="Null where nothing told commits apart beforehand.")
    others: list[Affected]


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
    size: Size | None = Field(description="Of the change, wherever it came; null where it is not known.")
    fault: str = Field(description="Why the server could not do it; empty where it could, or was not asked.")


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
            "size": dict(zip(("ratio", "low", "high"), known.size, strict=True))
            if known and known.size
            else None,
            "fault": page.state.fault,
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
        "verified": found.verified if found else None,
        "rest": found.rest if found else None,
        "suspicion": found.suspicion if found else None,
        "others": _others(row),
    }


def _others(row: BisectionRow) -> list[Affected]:
    """What was measured with the search's own series, whether or not it tells anything yet."""
    found = row.state.found.others if row.state.found else ()
    told = {one.series: one for one in found}
    for key in row.state.plan.others:
        told.setdefault(key, domain.Affected(key, math.nan, math.nan, math.nan))
    return [
        Affected(key=convert.key(key), ratio=one.ratio, low=one.low, high=one.high)
        for key, one in told.items()
    ]
