"""``regress triage``: say what a person decided about a regression or an improvement."""

from __future__ import annotations

from regress.domain import Event, State
from regress.errors import UnknownNameError
from regress.store import Store

DECISIONS = tuple(state for state in State if state is not State.WENT_AWAY)
"""What a person can decide; that a change went away is for analysis to find."""


def triage(store: Store, event_id: int, state: str) -> Event:
    """Set an event's state by its name ("expected"); re-analysis keeps it. The event as it now stands.

    UnknownNameError for an event or a state that does not exist.
    """
    names = {one.value: one for one in DECISIONS}
    if state not in names:
        raise UnknownNameError("state", state, names)
    store.set_state(event_id, names[state])
    return store.event(event_id)
