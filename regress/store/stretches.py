"""Series as columns, for an analysis: a range of the table is read at once, and history once for all of it.

No object is made for a point, and series measured at the same commits share the columns that say so.
"""

from __future__ import annotations

import itertools
from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING, Any

from sqlalchemy import case, select
from sqlalchemy.orm import Session

from regress.domain import SeriesColumns
from regress.store.models import BranchCommitRow, BranchRow, CommitRow, MeasurementRow, SeriesRow
from regress.store.samples import unpack
from regress.store.series import keys

if TYPE_CHECKING:
    import numpy as np
    import numpy.typing as npt

    Ids = npt.NDArray[np.int64]


def read(session: Session, project_id: int, branch: str, ids: tuple[int, int]) -> Iterator[SeriesColumns]:
    """The series of a branch among ``ids``, with samples only for points that lack bounds."""
    import numpy as np  # which most commands can do without

    here = (BranchRow.project_id == project_id, BranchRow.name == branch)
    found = keys(session, SeriesRow.id.between(*ids), *here)
    row = MeasurementRow.__table__.c
    samples = case((row.low.is_(None) | row.high.is_(None), row.samples))
    rows = session.connection().execute(
        select(row.series_id, row.commit_id, row.value, row.low, row.high, samples)
        .where(row.series_id.between(*ids))
        .order_by(row.series_id)
    )
    told = [*zip(*rows.cursor.fetchall(), strict=True)]  # past Row objects, which take as long as the reading
    if not told:
        return
    series, commits, *numbers, packed = told
    values, lows, highs = (np.array(column, dtype=np.float64) for column in numbers)
    places = _Places(session, *here)
    stop = 0
    for id_, group in itertools.groupby(series):
        start, stop = stop, stop + sum(1 for _ in group)
        order, shas, positions = places.of(commits[start:stop])
        if id_ in found and shas:
            own = slice(start, stop)
            columns = (values[own][order], lows[own][order], highs[own][order])
            raw = [unpack(packed[i]) for i in (start + order).tolist()]
            yield SeriesColumns(id_, found[id_], shas, positions, *columns, raw)


class _Places:
    """Where the commits of a branch stand; what is told of the same commits is the same object."""

    def __init__(self, session: Session, *here: Any) -> None:
        rows = session.execute(
            select(CommitRow.id, BranchCommitRow.position, CommitRow.sha)
            .join(BranchCommitRow, BranchCommitRow.commit_id == CommitRow.id)
            .join(BranchRow, BranchRow.id == BranchCommitRow.branch_id)
            .where(*here)
        )
        self._known = {id_: (position, sha) for id_, position, sha in rows}
        self._told: dict[Sequence[int], tuple[Ids, tuple[str, ...], tuple[int, ...]]] = {}

    def of(self, commits: tuple[int, ...]) -> tuple[Ids, tuple[str, ...], tuple[int, ...]]:
        """Which of some commits are on the branch, in its order: indices, hashes and positions."""
        import numpy as np

        if commits not in self._told:
            there = [(*self._known[id_], i) for i, id_ in enumerate(commits) if id_ in self._known]
            positions, shas, order = zip(*sorted(there), strict=True) if there else ((), (), ())
            self._told[commits] = np.array(order, dtype=np.int64), shas, positions
        return self._told[commits]
