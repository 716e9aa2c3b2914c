"""Where each side of a trial is measured: in one of two places, so that a commit is installed once and stays.

A place may make a benchmark slower for as long as it stands, since where files lie and how long their paths
are moves memory about (Mytkowicz et al., "Producing wrong data without doing anything obviously wrong!",
ASPLOS 2009). The coin that the trial wagers on knows nothing of that. So the places' names are of one length,
and while anything is suspected the sides change places every few pairs: what speaks for one then speaks
against it.
"""

from __future__ import annotations

from collections.abc import Sequence

from regress.runner import Runner

PLACES = ("a", "b")

HELD = 3
"""Pairs that a side stays where it is, while something is suspected: an alarm takes nine or more."""


class Places:
    """The runners of two places, and which side is in which."""

    def __init__(self, runners: Sequence[Runner]) -> None:
        self._runners = [[runner.one_process(place) for place in PLACES] for runner in runners]
        self._changed = False
        self._pairs = 0

    def runner(self, at: int, side: int) -> Runner:
        """What measures a side with the runner that was given as the ``at``-th."""
        return self._runners[at][side ^ self._changed]

    def measured(self, suspected: bool) -> None:
        """One more pair was measured; ``suspected``: something looks slower or faster by now."""
        self._pairs += 1
        if suspected and self._pairs >= HELD:
            self._changed = not self._changed
            self._pairs = 0
