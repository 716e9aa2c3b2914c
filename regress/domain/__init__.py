"""The glossary as types: what flows from ingest through store and detection to pages.

Immutable records without I/O. Times are aware datetimes in UTC; values are in the metric's own unit. A family
has a file of its own; everybody imports from here: ``from regress.domain import Event``.
"""

from __future__ import annotations

from regress.domain.access import AuditEntry, Deed, Role, Scope, Token
from regress.domain.bisections import (
    Affected,
    BegunBisection,
    Bisection,
    BisectionPlan,
    BisectionState,
    BisectionStep,
    Culprit,
    Posterior,
    Rest,
    Suspicion,
)
from regress.domain.commits import ChangedFile, Commit
from regress.domain.comparisons import Comparison, Verdict
from regress.domain.drift import Examination, Ledger, LedgerCommit, LedgerEntry, LedgerStep
from regress.domain.events import (
    BACK,
    OPEN_STATES,
    Cause,
    Event,
    EventKind,
    EventUpdate,
    FactChange,
    OpenChange,
    SeriesChange,
    State,
)
from regress.domain.results import (
    Delivery,
    Direction,
    Environment,
    Failure,
    FailureKind,
    Machine,
    Measurement,
    Metric,
    SeriesKey,
)
from regress.domain.runs import CommitStatus, Receipt, Run, RunDetail
from regress.domain.self_tests import MachineTest, Power, SelfTest
from regress.domain.series import ChangePoint, Point, Series, SeriesColumns, SeriesSummary, relative
from regress.domain.triage import Decision, TriageAct, TriageStep

__all__ = [
    "BACK",
    "OPEN_STATES",
    "Affected",
    "AuditEntry",
    "BegunBisection",
    "Bisection",
    "BisectionPlan",
    "BisectionState",
    "BisectionStep",
    "Cause",
    "ChangePoint",
    "ChangedFile",
    "Commit",
    "CommitStatus",
    "Comparison",
    "Culprit",
    "Decision",
    "Deed",
    "Delivery",
    "Direction",
    "Environment",
    "Event",
    "EventKind",
    "EventUpdate",
    "Examination",
    "FactChange",
    "Failure",
    "FailureKind",
    "Ledger",
    "LedgerCommit",
    "LedgerEntry",
    "LedgerStep",
    "Machine",
    "MachineTest",
    "Measurement",
    "Metric",
    "OpenChange",
    "Point",
    "Posterior",
    "Power",
    "Receipt",
    "Rest",
    "Role",
    "Run",
    "RunDetail",
    "Scope",
    "SelfTest",
    "Series",
    "SeriesChange",
    "SeriesColumns",
    "SeriesKey",
    "SeriesSummary",
    "State",
    "Suspicion",
    "Token",
    "TriageAct",
    "TriageStep",
    "Verdict",
    "relative",
]
