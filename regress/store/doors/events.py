"""Events, their triage, and searches for their culprits."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Sequence

from regress.domain import (
    Bisection,
    Decision,
    Event,
    EventKind,
    EventUpdate,
    OpenChange,
    SeriesChange,
    State,
    TriageStep,
)
from regress.store import bisections, events, open_changes, triage
from regress.store.bisections import Begun
from regress.store.doors.base import Door
from regress.store.searches import Searches


class Events(Door):
    """Regressions and improvements, and what people and searches say of them."""

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

    def open_changes(self, series_ids: Iterable[int]) -> dict[int, OpenChange]:
        """The latest open change of each of some series that has one."""
        with self._db.read() as session:
            return open_changes.open_changes(session, series_ids)

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

    @property
    def begun_bisections(self) -> Begun:
        """Searches that are under way, or were cut off."""
        return Begun(self._db)

    @property
    def searches(self) -> Searches:
        """All bisections by number: how they stand, and which of them a server is asked to do."""
        return Searches(self._db)

    def bisections(self) -> list[Bisection]:
        """All finished searches, newest first."""
        with self._db.read() as session:
            return bisections.load_all(session, self._db.project_id)
