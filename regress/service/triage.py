"""``regress triage``: say what a person decided about a regression or an improvement."""

from __future__ import annotations

import getpass
import re

from regress.domain import Decision, Event, State, TriageStep
from regress.errors import RegressError, UnknownNameError
from regress.store import Store

DECISIONS = tuple(state for state in State if state is not State.WENT_AWAY)
"""What a person can decide; that a change went away is for analysis to find."""

MOVES = {"earlier": -1, "later": 1}
"""Where a person may move an event: to the neighbouring measured commit of its worst series."""

LONGEST_NOTE, LONGEST_NAME = 2_000, 100
"""Characters."""

_HASH = re.compile(r"[0-9a-f]{40}|[0-9a-f]{64}")


def triage(
    store: Store,
    event_id: int,
    state: str = "",
    *,
    assignee: str | None = None,
    fixed_by: str = "",
    note: str = "",
    move: str = "",
    who: str = "",
) -> Event:
    """Decide about an event; re-analysis keeps it, and its history says ``who`` did. The event as it now is.

    ``state`` goes by its name ("expected"). ``fixed_by`` is a commit, and makes the state "fixed" where none
    is named; ``assignee`` "" takes the name away; ``move`` is one of ``MOVES``. UnknownNameError for an
    event, state, commit or move that does not exist, RegressError when nothing is decided or a text is long.
    """
    event = store.event(event_id)
    names = {one.value: one for one in DECISIONS}
    state = state or ("fixed" if fixed_by else "")
    for kind, given, known in (("state", state, names), ("move", move, MOVES)):
        if given and given not in known:
            raise UnknownNameError(kind, given, known)
    decision = Decision(
        state=names.get(state),
        assignee=None if assignee is None else _bounded("name", assignee, LONGEST_NAME),
        fixed_by=_commit(store, fixed_by) if fixed_by else None,
        place=_neighbour(store, event, MOVES[move]) if move else None,
        note=_bounded("note", note, LONGEST_NOTE),
    )
    if decision == Decision():
        raise RegressError("nothing is decided", hint="Give a state, an assignee, a fix, a move or a note.")
    store.decide(event_id, decision, _bounded("name", who, LONGEST_NAME) or _user())
    return store.event(event_id)


def triage_steps(store: Store, event_id: int) -> list[TriageStep]:
    """What people did with an event, oldest first."""
    return store.triage_steps(event_id)


def _user() -> str:
    """Who runs this, where nobody says."""
    try:
        return getpass.getuser()
    except (KeyError, OSError, ImportError):  # a container's user may have no name
        return "somebody"


def _bounded(what: str, text: str, longest: int) -> str:
    text = text.strip()
    if len(text) > longest:
        raise RegressError(f"the {what} has {len(text)} characters", hint=f"Use at most {longest}.")
    return text


def _commit(store: Store, revision: str) -> str:
    """The full hash of a known commit; a fix that is not measured yet may be given by its whole hash."""
    revision = revision.strip()
    try:
        return store.commit(revision).sha
    except UnknownNameError:
        if _HASH.fullmatch(revision):
            return revision
        raise


def _neighbour(store: Store, event: Event, step: int) -> tuple[str, str]:
    """The place between the neighbouring measured commits, one ``step`` from where the event is."""
    commits = [point.commit for point in store.series(event.worst.series_id).points]
    if event.first_after not in commits:
        raise RegressError("its first commit is not measured in its largest series any more")
    at = commits.index(event.first_after) + step
    if not 0 < at < len(commits):
        raise RegressError("there is no measured commit beyond", hint="It stands at the end of its series.")
    return commits[at - 1], commits[at]
