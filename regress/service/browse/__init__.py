"""The read side: what each page shows, as plain records, for pages, the JSON API and reports alike.

One file a page: each has a frozen dataclass and the function that builds it from a ``Store``.
Nothing here writes, formats or knows about HTTP.
"""

from __future__ import annotations

from regress.service.browse.audit import AuditPage, audit_page
from regress.service.browse.benchmarks import BenchmarkGroup, BenchmarksPage, SeriesRow, benchmarks_page
from regress.service.browse.bisections import (
    BisectionPage,
    BisectionRow,
    BisectionsPage,
    Suspect,
    bisection_page,
    bisections_page,
)
from regress.service.browse.commit import CommitPage, CommitRow, commit_page
from regress.service.browse.commits import CommitsPage, commits_page
from regress.service.browse.common import Spark, resolve
from regress.service.browse.compare import (
    CompareFilter,
    CompareGroup,
    ComparePage,
    CompareRow,
    CompareStart,
    Grouping,
    compare_page,
    compare_start,
)
from regress.service.browse.drift import DriftPage, drift_page
from regress.service.browse.event import ChangeGroup, ChangeRow, EventPage, event_page
from regress.service.browse.events import EventRow, EventsPage, events_page, open_regressions
from regress.service.browse.evidence import Evidence
from regress.service.browse.line import Line, line, located_line
from regress.service.browse.machines import MachineRow, MachinesPage, machines_page
from regress.service.browse.overview import MachineHealth, Overview, StaleSeries, overview
from regress.service.browse.runs import RunsPage, run_page, runs_page
from regress.service.browse.search import SearchPage, search_page
from regress.service.browse.series import (
    Flag,
    LocatedPoint,
    Mark,
    PointPage,
    SeriesFailure,
    SeriesPage,
    locate,
    point_page,
    series_page,
)
from regress.service.browse.standing import Standing
from regress.store import Store
from regress.store.answers import ages_noted

__all__ = [
    "AuditPage",
    "BenchmarkGroup",
    "BenchmarksPage",
    "BisectionPage",
    "BisectionRow",
    "BisectionsPage",
    "ChangeGroup",
    "ChangeRow",
    "CommitPage",
    "CommitRow",
    "CommitsPage",
    "CompareFilter",
    "CompareGroup",
    "ComparePage",
    "CompareRow",
    "CompareStart",
    "DriftPage",
    "EventPage",
    "EventRow",
    "EventsPage",
    "Evidence",
    "Flag",
    "Grouping",
    "Line",
    "LocatedPoint",
    "MachineHealth",
    "MachineRow",
    "MachinesPage",
    "Mark",
    "Overview",
    "PointPage",
    "RunsPage",
    "SearchPage",
    "SeriesFailure",
    "SeriesPage",
    "SeriesRow",
    "Spark",
    "StaleSeries",
    "Standing",
    "Store",
    "Suspect",
    "ages_noted",
    "audit_page",
    "benchmarks_page",
    "bisection_page",
    "bisections_page",
    "commit_page",
    "commits_page",
    "compare_page",
    "compare_start",
    "drift_page",
    "event_page",
    "events_page",
    "line",
    "locate",
    "located_line",
    "machines_page",
    "open_regressions",
    "overview",
    "point_page",
    "resolve",
    "run_page",
    "runs_page",
    "search_page",
    "series_page",
]
