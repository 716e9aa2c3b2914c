"""Which series a filter means. What series are called never changes, so that it is looked for once.

Words may stand anywhere in what a series is found by, which no index tells: each look reads all series
(11 ms of processor for two words among 50,000). The series that were found stay in memory, in the order of
lists, until there are new ones: the pages of a filtered list, its count and a comparison's filter share them.
"""

from __future__ import annotations

import threading
from array import array
from collections import OrderedDict
from collections.abc import Sequence

from sqlalchemy import func, select
from sqlalchemy.orm import Session

from regress.store.models import BranchRow, SeriesRow

KEPT = 32
"""Filters in memory: 400 kB for one that 50,000 series pass."""

_Filter = tuple[str | None, tuple[str, ...]]


def telling(query: str) -> tuple[str, ...]:
    """The words of a query that say something which the others do not, the longest first: it rules out most.

    What contains "time" contains "e". A hundred words of one letter would cost a look at every title each.
    """
    words = sorted(set(query.lower().split()), key=lambda word: (-len(word), word))
    return tuple(word for i, word in enumerate(words) if not any(word in longer for longer in words[:i]))


class Matches:
    """The series that filters of one project mean."""

    def __init__(self, project_id: int) -> None:
        self._project = project_id
        self._lock = threading.Lock()
        self._found: OrderedDict[_Filter, tuple[int, array[int]]] = OrderedDict()

    def of(self, session: Session, branch: str | None, query: str) -> Sequence[int]:
        """The series (of a branch) in which every word of a query occurs, whatever the case; by name."""
        wanted = branch, telling(query)
        newest = session.scalar(select(func.max(SeriesRow.id))) or 0
        with self._lock:
            known = self._found.get(wanted)
        if known is None or known[0] != newest:
            known = newest, array("q", self._look(session, *wanted))
        with self._lock:
            self._found[wanted] = known
            self._found.move_to_end(wanted)
            while len(self._found) > KEPT:
                self._found.popitem(last=False)
        return known[1]

    def _look(self, session: Session, branch: str | None, words: tuple[str, ...]) -> list[int]:
        branches = select(BranchRow.id).where(BranchRow.project_id == self._project)
        if branch is not None:
            branches = branches.where(BranchRow.name == branch)
        occur = [SeriesRow.words.contains(word, autoescape=True) for word in words]
        found = select(SeriesRow.id).where(SeriesRow.branch_id.in_(branches), *occur)
        rows = session.connection().execute(found.order_by(SeriesRow.rank, SeriesRow.id))
        return [id_ for (id_,) in rows.cursor.fetchall()]  # past Row objects, which take as long as reading
