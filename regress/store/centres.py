"""All centres of a commit in a few packed rows: what comparing whole commits reads instead of measurements.

Each run leaves one row for each commit that it measured: the series that are new or changed by it, their
values, and how far these may be off (``regress.precision``). Rows are only added; where two speak of one
series, the later run's stands, as in the measurements. Values keep 24 bits (all, where there are counters
among them) and errors eight, which is finer than any noise. Bytes of one weight stand together (columns), and
those that repeat are deflated: 5 bytes a measurement.
"""

from __future__ import annotations

import itertools
import struct
import zlib
from collections.abc import Iterable, Sequence
from operator import ge, sub
from typing import TYPE_CHECKING, NamedTuple

from sqlalchemy import Connection, bindparam, func, insert, select
from sqlalchemy.orm import Session

from regress.store.dictionary import batches
from regress.store.models import Base, CentresRow, CommitRow

if TYPE_CHECKING:
    import numpy as np
    import numpy.typing as npt

_HEAD = struct.Struct("<BBI")  # how, bytes of a value, how many
_PACKED = 1
_NARROW, _WIDE = "f", "d"
_MIDDLE = 0x80  # of what a shortened error may have been


class Centres:
    """Columns, by ids of series in their order: ``values``, and ``within`` as in ``regress.precision``."""

    __slots__ = ("series", "values", "within")

    def __init__(
        self,
        series: npt.NDArray[np.int64],
        values: npt.NDArray[np.float64],
        within: npt.NDArray[np.float64],
    ) -> None:
        self.series = series
        self.values = values
        self.within = within


class Mark(NamedTuple):
    """What changes whenever a commit's centres do: how many rows, and the newest run."""

    commit: int
    rows: int
    newest: int


def pack(series: Sequence[int], values: Sequence[float], within: Sequence[float]) -> bytes:
    """Columns as bytes; without numpy, which small deliveries can do without."""
    steps = struct.pack(f"<{len(series)}q", *map(sub, series, itertools.chain((0,), series)))
    kind = _NARROW if _fits(values, within) else _WIDE
    numbers = struct.pack(f"<{len(values)}{kind}", *values)
    errors = struct.pack(f"<{len(within)}{_NARROW}", *map(min, within, itertools.repeat(1e30)))
    width = struct.calcsize(kind)
    even = b"".join(steps[k::8] for k in range(8)) + numbers[width - 1 :: width] + errors[3::4]
    uneven = b"".join(numbers[k::width] for k in range(width - 1)) + errors[2::4]
    return _HEAD.pack(_PACKED, width, len(series)) + uneven + zlib.compress(even, 1)


def _fits(values: Sequence[float], within: Sequence[float]) -> bool:
    """Whether 24 bits are enough: counters, which have no error, keep all of theirs."""
    try:
        short = struct.unpack(f"<{len(values)}{_NARROW}", struct.pack(f"<{len(values)}{_NARROW}", *values))
    except OverflowError:
        return False
    if all(map(ge, within, itertools.repeat(0))):
        return True
    told = zip(values, short, within, strict=True)
    return all(error >= 0 or value == kept for value, kept, error in told)


def unpack(
    packed: bytes,
) -> tuple[npt.NDArray[np.int64], npt.NDArray[np.float64], npt.NDArray[np.float64]]:
    """What ``pack`` was given; ValueError or zlib.error for what it never made."""
    import numpy as np

    if len(packed) < _HEAD.size:
        raise ValueError("packed centres are damaged")
    how, width, count = _HEAD.unpack_from(packed)
    if how != _PACKED or width not in (4, 8):
        raise ValueError(f"centres are packed in an unknown way: {how}, {width}")
    body = np.frombuffer(packed, "u1", offset=_HEAD.size)
    even = np.frombuffer(zlib.decompress(body[width * count :].tobytes()), "u1")
    if even.size != 10 * count:
        raise ValueError("packed centres are damaged")
    uneven, even = body[: width * count].reshape(width, count), even.reshape(10, count)
    numbers = np.empty((count, width), "u1")
    numbers[:, :-1], numbers[:, -1] = uneven[:-1].T, even[8]
    errors = np.zeros((count, 4), "u1")
    errors[:, 1], errors[:, 2], errors[:, 3] = _MIDDLE, uneven[-1], even[9]
    series = np.cumsum(np.ascontiguousarray(even[:8].T).view("<i8")[:, 0], dtype=np.int64)
    values = numbers.view(f"<f{width}")[:, 0].astype(np.float64)
    return series, values, errors.view("<f4")[:, 0].astype(np.float64)


_TABLE = Base.metadata.tables[CentresRow.__tablename__]
_BODIES = select(_TABLE.c.body).where(_TABLE.c.commit_id == bindparam("commit"))

Packed = tuple[int, int, int, bytes]
"""A row: ids of commit and run, how many, and the columns."""


def write(session: Session, rows: Sequence[Packed]) -> None:
    """Keep rows."""
    if rows:
        names = ("commit_id", "run_id", "count", "body")
        told = [dict(zip(names, row, strict=True)) for row in rows]
        session.connection().execute(insert(CentresRow.__table__), told)  # type: ignore[arg-type] # a Table


def measured(session: Session, commits: Iterable[int]) -> set[int]:
    """Those of some commits at which anything was measured."""
    row = CentresRow.commit_id
    return {id_ for batch in batches(commits) for id_ in session.scalars(select(row).where(row.in_(batch)))}


def series(session: Session | Connection, commit_id: int) -> list[int]:
    """The series that are measured at a commit, in order."""
    told = session.execute(_BODIES, {"commit": commit_id}).scalars()
    parts = [unpack(body)[0] for body in told]
    if not parts:
        return []
    import numpy as np

    ids: list[int] = np.unique(np.concatenate(parts)).tolist()
    return ids


def marks(session: Session, shas: Iterable[str]) -> dict[str, Mark]:
    """The marks of those of some commits (full hashes) that there are, by hash."""
    row, found = CentresRow, dict[str, Mark]()
    told = select(CommitRow.sha, CommitRow.id, func.count(row.run_id), func.max(row.run_id))
    told = told.select_from(CommitRow).outerjoin(row, row.commit_id == CommitRow.id)
    told = told.group_by(CommitRow.sha, CommitRow.id)
    for batch in batches(shas):
        for sha, commit, count, newest in session.execute(told.where(CommitRow.sha.in_(batch))):
            found[sha] = Mark(commit, int(count), int(newest or 0))
    return found


def read(session: Session, commit_id: int) -> Centres:
    """All of a commit."""
    import numpy as np

    row = CentresRow
    told = select(row.body).where(row.commit_id == commit_id).order_by(row.run_id.desc())
    parts = [unpack(body) for body in session.scalars(told)]
    if not parts:
        nothing = np.empty(0)
        return Centres(nothing.astype(np.int64), nothing, nothing)
    series, values, within = (np.concatenate(columns) for columns in zip(*parts, strict=True))
    ids, first = np.unique(series, return_index=True)  # the first: of the latest run
    return Centres(ids, values[first], within[first])
