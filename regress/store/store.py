"""The store as everyone sees it: glossary records in, glossary records out, one transaction per change.

Each method opens its own transaction, so one ``Store`` may be shared by threads (a web server's readers
beside a writer). Rows become records in the file named after them: ``history``, ``deliveries``, ``series``,
``events``, ``bisections``.
"""

from __future__ import annotations

import functools
from collections.abc import Callable, Collection, Iterable, Iterator, Sequence
from contextlib import AbstractContextManager
from datetime import datetime
from types import TracebackType
from typing import TYPE_CHECKING, Self

from regress.domain import (
    AuditEntry,
    Bisection,
    Commit,
    CommitStatus,
    Decision,
    Deed,
    Delivery,
    Event,
    EventKind,
    EventUpdate,
    Examination,
    FactChange,
    Failure,
    Ledger,
    Machine,
    Measurement,
    Point,
    Receipt,
    Run,
    RunDetail,
    SelfTest,
    Series,
    SeriesChange,
    SeriesKey,
    SeriesSummary,
    State,
    Token,
    TriageStep,
)
from regress.store import (
    audit,
    bisections,
    deliveries,
    drawn,
    events,
    examinations,
    facts,
    failures,
    freshness,
    history,
    ledgers,
    lists,
    locking,
    receiving,
    retention,
    runs,
    self_tests,
    series,
    tokens,
    triage,
)
from regress.store.answers import Answers
from regress.store.bisections import Begun
from regress.store.database import Database
from regress.store.examinations import Stretch
from regress.store.outbox import Outbox
from regress.store.retention import Pruned

if TYPE_CHECKING:
    from regress.store.columns import Columns


class Store:
    """The results of one project. Open it with ``Store.open``; every method may raise StoreError."""

    def __init__(self, database: Database, tell: Collection[str] = ()) -> None:
        self._db = database
        self._tell = tuple(tell)

    @functools.cached_property
    def answers(self) -> Answers:
        """What was answered since the last commit."""
        return Answers(self._db.version)

    @functools.cached_property
    def columns(self) -> Columns:
        """Whole commits as columns."""
        from regress.store.columns import Columns  # numpy, which most commands can do without

        return Columns(self._db)

    @classmethod
    def open(
        cls, url: str, *, create: bool = True, project: str = "default", tell: Collection[str] = ()
    ) -> Store:
        """Open the database at an SQLAlchemy ``url``, creating and migrating it as needed.

        ``sqlite:///relative/path.db``, ``sqlite:////absolute/path.db`` or ``postgresql://user@host/name``.
        With ``create=False`` a missing SQLite file is a StoreError. A file that is no database, a database
        that holds somebody else's tables, or one that a newer Regress wrote, is a StoreError that says so.
        ``tell`` names the channels for which news of events go to the outbox.
        """
        return cls(Database.open(url, create=create, project=project), tell)

    @property
    def url(self) -> str:
        """Where the store is, without a password."""
        return self._db.url

    @property
    def full_url(self) -> str:
        """Where the store is, for another process to open it."""
        return self._db.engine.url.render_as_string(hide_password=False)

    @property
    def project(self) -> str:
        """Whose results it holds."""
        return self._db.project

    def close(self) -> None:
        """Give all connections back. The store cannot be used afterwards."""
        self._db.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def lock(
        self, purpose: str, *, wait: bool, on_wait: Callable[[str], None] | None = None
    ) -> AbstractContextManager[None]:
        """Hold the store exclusively, across processes, while the context lasts.

        ``purpose`` is shown to others ("regress run"). When it is taken: with ``wait`` calls ``on_wait`` once
        with a sentence on who holds it and waits; without, raises StoreLockedError. The lock of a process
        that died is free. It keeps two long jobs apart; readers and single deliveries need no lock.
        """
        return locking.lock(self._db, purpose, wait=wait, on_wait=on_wait)

    def sending(self) -> AbstractContextManager[None]:
        """Hold the outbox exclusively while the context lasts; StoreLockedError when somebody else does."""
        return locking.lock(self._db, "regress notify send", wait=False, on_wait=None, job="outbox")

    def attending(self) -> AbstractContextManager[None]:
        """Be the one who analyses what arrives, while the context lasts; StoreLockedError when another is."""
        return locking.lock(self._db, "regress serve", wait=False, on_wait=None, job="attend")

    def holder(self) -> str:
        """Who holds the lock of ``lock``; empty when nobody does."""
        return locking.holder(self._db)

    @property
    def outbox(self) -> Outbox:
        """What is to be told, and how far telling it has come."""
        return Outbox(self._db)

    # -- history ---------------------------------------------------------------------------------------

    def record_commits(self, branch: str, commits: Sequence[Commit], *, default: bool = False) -> None:
        """Tell the store a stretch of ``branch``'s first-parent history, oldest first; repeat at will.

        Where it contradicts what was known (a rewritten branch), the new telling wins and what followed
        the first contradiction leaves the branch; its measurements stay. ``default`` marks the project's
        main branch.
        """
        with self._db.write() as session:
            history.record_commits(session, self._db.project_id, branch, commits, default=default)

    def commits(
        self, branch: str, *, last: int | None = None, span: tuple[int, int] | None = None
    ) -> list[Commit]:
        """The commits of a branch, oldest first; empty for an unknown branch.

        Only those at the positions ``span`` (first and last), and only the ``last`` ones of them.
        """
        with self._db.read() as session:
            return history.commits(session, self._db.project_id, branch, last=last, span=span)

    def located(self, branch: str, shas: Iterable[str]) -> dict[str, Commit]:
        """Of some commits (full hashes) those that are on a branch, by hash."""
        with self._db.read() as session:
            return history.located(session, self._db.project_id, branch, shas)

    def commit(self, revision: str) -> Commit:
        """The commit whose hash starts with ``revision``, or the tip of the branch of that name.

        UnknownNameError (kind "commit") when there is none, or several; ``position`` is -1 when no branch
        known to the store has it.
        """
        with self._db.read() as session:
            return history.commit(session, self._db.project_id, revision)

    def branches(self) -> list[str]:
        """Names of all branches, the default one first."""
        with self._db.read() as session:
            return history.branches(session, self._db.project_id)

    def default_branch(self) -> str | None:
        """The branch marked as default, else the first recorded one; None in an empty store."""
        return next(iter(self.branches()), None)

    def commit_statuses(
        self, branch: str, last: int | None = None, *, span: tuple[int, int] | None = None
    ) -> list[CommitStatus]:
        """How commits of a branch (chosen as in ``commits``) stand: series measured, and failures."""
        with self._db.read() as session:
            return history.commit_statuses(session, self._db.project_id, branch, last, span)

    # -- deliveries ------------------------------------------------------------------------------------

    def deliver(self, delivery: Delivery) -> Receipt:
        """Store a delivery in one transaction, or nothing of it.

        A digest that is known changes nothing (``duplicate``). A measurement of a (series, commit) that is
        known replaces it, unless the stored one was measured later: the newest ``measured_at`` wins, none
        counts as oldest, and of two equal times the later delivery. A measurement also clears the failures
        of its benchmark and of the build at that commit, machine and environment. Commits that no branch
        has yet are remembered; their points appear once ``record_commits`` places them.
        """
        return self.deliver_all([delivery])[0]

    def deliver_all(self, delivered: Sequence[Delivery]) -> list[Receipt]:
        """Store deliveries, each as ``deliver`` would and in their order, but all in one transaction.

        It takes a fraction of the time where many are at hand; what is told of one before holds for the next.
        """
        with self._db.write() as session:
            return deliveries.deliver(session, self._db.project_id, delivered)

    def receive(self, delivery: Delivery, commits: Sequence[Commit] = ()) -> tuple[Receipt, tuple[str, ...]]:
        """Store a delivery from elsewhere and the stretch of its branch's history that came with it, in one
        transaction; what it did, and the measured commits that are not on the branch.

        Without history, on a branch whose history was never told, commits are placed by the times it tells.
        """
        with self._db.write() as session:
            return receiving.receive(session, self._db.project_id, delivery, commits)

    def prune(self, before: datetime, around: int, *, dry_run: bool = False) -> Pruned:
        """Forget the raw samples of measurements made before a time; their values and bounds stay.

        Kept are those at most ``around`` commits from where a change point may be, those of measurements
        without bounds, and those at commits that are on no branch. ``dry_run`` only says how many would go.
        """
        with self._db.write() as session:
            return retention.prune(session, self._db.project_id, before, around, dry_run=dry_run)

    def runs(self, limit: int | None = None, *, first: int = 0, machine: str = "") -> list[Run]:
        """The deliveries (of a machine), newest first, from the ``first`` on."""
        with self._db.read() as session:
            return runs.runs(session, limit, first, machine)

    def count_runs(self, machine: str = "") -> int:
        """How many deliveries there are (of a machine)."""
        with self._db.read() as session:
            return runs.count(session, machine)

    def run(self, run_id: int) -> RunDetail:
        """One delivery with its facts, commits and failures. UnknownNameError (kind "run") if none is it."""
        with self._db.read() as session:
            return runs.run(session, self._db.project_id, run_id)

    def machine_deliveries(self) -> list[tuple[str, int, datetime]]:
        """Each machine that delivered: its name, how often, and when it last did; that one first."""
        with self._db.read() as session:
            return deliveries.by_machine(session)

    # -- series ----------------------------------------------------------------------------------------

    def series_list(
        self, branch: str | None = None, benchmark: str | None = None, machine: str | None = None
    ) -> list[SeriesSummary]:
        """The series (of a branch, of an exact benchmark name, on a machine), by benchmark and parameters."""
        with self._db.read() as session:
            return lists.series_list(session, self._db.project_id, branch, benchmark, machine)

    def find_series(
        self, branch: str, query: str = "", *, first: int = 0, limit: int = 50
    ) -> list[SeriesSummary]:
        """Some of the series of a branch in whose title, metric, machine or environment every word occurs.

        By benchmark, then by parameters (numbers by size, before words); whatever the case.
        """
        with self._db.read() as session:
            return lists.find(session, self._db.project_id, branch, query, first, limit)

    def count_series(self, branch: str | None = None, query: str = "") -> int:
        """How many series there are (on a branch, that ``find_series`` would find)."""
        with self._db.read() as session:
            return lists.count(session, self._db.project_id, branch, query)

    def newest_measured(self, branch: str) -> Commit | None:
        """The newest commit of a branch that has a measurement."""
        with self._db.read() as session:
            return lists.newest(session, self._db.project_id, branch)

    def stale_series(self, branch: str, commits: int, limit: int) -> list[tuple[SeriesSummary, int]]:
        """Series that have missed the newest ``commits`` commits of a branch, and how many, longest first.

        An older version of a benchmark that has moved on is not stale.
        """
        with self._db.read() as session:
            return lists.stale(session, self._db.project_id, branch, commits, limit)

    def lines(self, series_ids: Iterable[int]) -> dict[int, list[tuple[str, float]]]:
        """Commit and value of each point of some series, in history's order: in one read."""
        with self._db.read() as session:
            return series.lines(session, series_ids)

    def series(self, series_id: int) -> Series:
        """One series with its points in history's order; UnknownNameError (kind "series") if none is it."""
        with self._db.read() as session:
            return series.one_series(session, series_id)

    def series_key(self, series_id: int) -> SeriesKey:
        """What makes a series; UnknownNameError (kind "series") if none is it."""
        with self._db.read() as session:
            return drawn.key(session, series_id)

    def line(
        self, series_id: int, start: int | None = None, stop: int | None = None
    ) -> list[tuple[int, float]]:
        """Position and value of each point of a series (from ``start`` to ``stop``), in history's order."""
        with self._db.read() as session:
            return drawn.line(session, series_id, start, stop)

    def points_at(self, series_id: int, positions: Iterable[int]) -> list[Point]:
        """The points of a series at some positions, in history's order."""
        with self._db.read() as session:
            return drawn.points_at(session, series_id, positions)

    def newest_points(self, series_id: int, limit: int) -> tuple[Series, int]:
        """A series with its newest points only, and how many it has; UnknownNameError if none is it."""
        with self._db.read() as session:
            return drawn.newest(session, series_id, limit)

    def all_series(self, branch: str) -> Iterator[Series]:
        """Every series of a branch with its points, one at a time in memory."""
        with self._db.read() as session:
            yield from series.all_series(session, self._db.project_id, branch)

    def stretches(self, branch: str, size: int) -> list[Stretch]:
        """The measured series of a branch in stretches of ``size``: ids of the first and the last of each."""
        with self._db.read() as session:
            return examinations.stretches(session, self._db.project_id, branch, size)

    def series_of(self, branch: str, stretch: Stretch) -> Iterator[tuple[Series, int]]:
        """The series of a stretch, with the edition of each, for who reads many.

        Points have samples only where they have no bounds.
        """
        with self._db.read() as session:
            editions = examinations.editions(session, stretch)  # first: what changes meanwhile is read again
            for told in series.stretch(session, self._db.project_id, branch, stretch):
                yield Series(*told), editions[told[0]]

    def examinations(self, stretch: Stretch, settings: str) -> dict[int, Examination]:
        """What the detector said under these settings of series of a stretch that have not changed since."""
        with self._db.read() as session:
            return examinations.known(session, stretch, settings)

    def save_examinations(self, settings: str, found: Sequence[Examination]) -> None:
        """Keep what the detector said of some series."""
        if found:
            with self._db.write() as session:
                examinations.save(session, settings, found)

    def next_start(self, series_id: int) -> tuple[datetime, datetime] | None:
        """When the newest measurement of a series began, and the next one; None where times do not tell."""
        with self._db.read() as session:
            return series.next_start(session, series_id)

    def values(self, series_ids: Iterable[int]) -> dict[int, list[float]]:
        """The values of some series in history's order, without all else that a point has: in one read."""
        with self._db.read() as session:
            return series.values(session, series_ids)

    def measurements_at(self, sha: str) -> list[tuple[int, Measurement]]:
        """What was measured at a commit (full hash), with the series' ids."""
        with self._db.read() as session:
            return series.measurements_at(session, sha)

    def failures(self, sha: str | None = None, *, latest_only: bool = False) -> list[Failure]:
        """What gave no number (at one commit), newest first.

        ``latest_only``: only what failed at the newest commit that was tried on its branch.
        """
        with self._db.read() as session:
            return failures.failures(session, self._db.project_id, sha, latest_only=latest_only)

    def benchmarks(self) -> list[str]:
        """Names of all benchmarks."""
        with self._db.read() as session:
            return series.benchmarks(session)

    def machines(self) -> list[Machine]:
        """All machines, by name."""
        with self._db.read() as session:
            return series.machines(session)

    def fact_changes(self, branch: str) -> list[FactChange]:
        """Where what runs on a branch told of their machine and environment changed, oldest first."""
        with self._db.read() as session:
            return facts.changes(session, self._db.project_id, branch)

    def fact_differences(self, series_id: int, before: str, after: str) -> tuple[tuple[str, str, str], ...]:
        """What the runs that measured a series at two commits told differently: (name, before, after) each.

        Empty where they agree, and where one of them told nothing.
        """
        with self._db.read() as session:
            return facts.between(session, series_id, before, after)

    def series_fact_changes(self, series_id: int) -> list[tuple[int, tuple[tuple[str, str, str], ...]]]:
        """Where the runs that measured a series began to tell something else of machine and environment.

        The position of the first commit of each stretch, and (name, before, after) of what differs.
        """
        with self._db.read() as session:
            return facts.along(session, series_id)

    # -- events ----------------------------------------------------------------------------------------

    def replace_changes(self, branch: str, changes: Sequence[SeriesChange]) -> EventUpdate:
        """Make ``changes`` the change points of a branch; group them into events and keep triage.

        Changes of one kind whose location ranges meet are one event, placed where its surest change is. An
        event that was known keeps its id, state and ``first_seen``; one that vanished becomes "went away"
        (unless a person had closed it) and keeps its last changes; one that returns gets its old state back.
        One of which all changes are ``gone`` goes away too, with that as its note, unless a person opens it
        again. What is new, returned or gone goes to the outbox in the same transaction.
        """
        with self._db.write() as session:
            return events.replace_changes(session, self._db.project_id, branch, changes, self._tell)

    def events(
        self,
        branch: str | None = None,
        kind: EventKind | None = None,
        state: State | Collection[State] | None = None,
        limit: int | None = None,
        *,
        series_id: int | None = None,
        first_after: str | None = None,
        parts: events.Parts = "all",
    ) -> list[Event]:
        """Events that match (one of some states, a change of a series, a commit), the latest first.

        They come with ``parts`` of their changes: all, only the worst, or only those of the series.
        """
        states = {state} if isinstance(state, State) else state
        with self._db.read() as session:
            return events.events(
                session, self._db.project_id, branch, kind, states, limit, series_id, first_after, parts
            )

    def count_events(self, branch: str, kind: EventKind, states: Collection[State]) -> int:
        """How many events of a branch are in one of some states."""
        with self._db.read() as session:
            return events.count(session, self._db.project_id, branch, kind, states)

    def event(self, event_id: int) -> Event:
        """One event. UnknownNameError (kind "event") when there is none."""
        with self._db.read() as session:
            return events.event(session, event_id)

    def decide(self, event_id: int, decision: Decision, who: str = "") -> None:
        """Triage an event; what was decided stays across re-analysis, and who said it is kept.

        UnknownNameError for an event that is not there, or a place at a commit that is not.
        """
        with self._db.write() as session:
            triage.decide(session, event_id, decision, who)

    def triage_steps(self, event_id: int) -> list[TriageStep]:
        """What people did with an event, oldest first."""
        with self._db.read() as session:
            return triage.steps(session, event_id)

    # -- bisections ------------------------------------------------------------------------------------

    def save_bisection(self, record: Bisection) -> int:
        """Keep a finished search; its id."""
        with self._db.write() as session:
            return bisections.save(session, self._db.project_id, record)

    @property
    def begun_bisections(self) -> Begun:
        """Searches that are under way, or were cut off."""
        return Begun(self._db)

    def bisections(self) -> list[Bisection]:
        """All finished searches, newest first."""
        with self._db.read() as session:
            return bisections.load_all(session, self._db.project_id)

    # -- self-tests ------------------------------------------------------------------------------------

    def save_self_test(self, record: SelfTest) -> None:
        """Keep the result of a self-test."""
        with self._db.write() as session:
            self_tests.save(session, self._db.project_id, record)

    def save_ledger(self, record: Ledger) -> None:
        """Keep the slow drift of a branch, in place of what was known."""
        with self._db.write() as session:
            ledgers.save(session, self._db.project_id, record)

    def ledger(self, branch: str) -> Ledger | None:
        """The slow drift of a branch, as its newest analysis found it; None before the first."""
        with self._db.read() as session:
            return ledgers.load(session, self._db.project_id, branch)

    # -- what an analysis has seen ---------------------------------------------------------------------

    def begin_analysis(self, branch: str) -> None:
        """Say that a branch is about to be analysed: until ``save_ledger`` it counts as not analysed."""
        with self._db.write() as session:
            freshness.begin(session, self._db.project_id, branch)

    def unanalysed(self, settings: str) -> list[str]:
        """Branches with measurements that no analysis of these settings has seen, or not to its end."""
        with self._db.read() as session:
            return freshness.unanalysed(session, self._db.project_id, settings)

    def analysed_at(self, branch: str) -> datetime | None:
        """When the newest analysis of a branch ended; None before the first, and while one is under way."""
        with self._db.read() as session:
            return freshness.analysed_at(session, self._db.project_id, branch)

    def latest_self_test(self, branch: str) -> SelfTest | None:
        """The newest self-test of a branch; None where there was none."""
        with self._db.read() as session:
            return self_tests.latest(session, self._db.project_id, branch)

    # -- access ----------------------------------------------------------------------------------------

    def on_behalf(self, deed: Deed) -> Store:
        """The same store, each of whose writing transactions leaves ``deed`` in the audit log.

        It shares its connections with this one: close this one only.
        """
        return Store(self._db.on_behalf(deed))

    def record_deed(self, deed: Deed) -> None:
        """Add to the audit log what changed nothing here: a log-in, or what was refused."""
        with self._db.on_behalf(deed).write():
            pass

    def audit(
        self,
        limit: int = 100,
        *,
        before: int | None = None,
        target: str | None = None,
        action: str | None = None,
    ) -> list[AuditEntry]:
        """The audit log (of one target, one action, smaller ids than ``before``), newest first."""
        with self._db.read() as session:
            return audit.entries(session, self._db.project_id, limit, before, target, action)

    def add_token(self, token: Token, digest: str) -> Token:
        """Keep a new token by the digest of its secret; the token with its id."""
        with self._db.write() as session:
            return tokens.add(session, self._db.project_id, token, digest)

    def token(self, digest: str) -> Token | None:
        """The token whose secret has that digest, whether or not it still holds."""
        with self._db.read() as session:
            return tokens.find(session, self._db.project_id, digest)

    def tokens(self) -> list[Token]:
        """All tokens, newest first."""
        with self._db.read() as session:
            return tokens.load_all(session, self._db.project_id)

    def revoke_token(self, name: str) -> Token:
        """End a token, by its name or id; one that still holds first. UnknownNameError (kind "token")."""
        with self._db.write() as session:
            return tokens.revoke(session, self._db.project_id, name)

    def touch_token(self, token: Token, at: datetime) -> None:
        """Remember when a token was used, to the hour."""
        if token.used_at is None or at - token.used_at >= tokens.USED_EVERY:
            with self._db.write() as session:
                tokens.touch(session, token.id, at)
