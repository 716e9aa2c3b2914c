"""Records to the API's shapes, where names or nesting differ."""

from __future__ import annotations

from regress import domain
from regress.service.browse import CommitRow
from regress.service.sight import Sight
from web.api import schema


def key(record: domain.SeriesKey) -> schema.Key:
    """What makes a series one series."""
    return schema.Key.model_validate(record)


def change(part: domain.SeriesChange) -> schema.Change:
    """A series' part in an event."""
    found = part.change
    return schema.Change(
        series_id=part.series_id,
        key=key(part.series),
        last_before=part.last_before,
        first_after=part.first_after,
        before=found.before,
        after=found.after,
        ratio=found.ratio,
        low=found.low,
        high=found.high,
        p_value=found.p_value,
    )


def event(record: domain.Event) -> schema.Event:
    """An event, its largest change first."""
    parts = sorted(record.changes, key=lambda part: -abs(part.change.ratio - 1))
    return schema.Event(
        id=record.id,
        kind=record.kind,
        state=record.state,
        cause=record.cause,
        note=record.note,
        last_before=record.last_before,
        first_after=record.first_after,
        first_seen=record.first_seen,
        assignee=record.assignee,
        fixed_by=record.fixed_by,
        moved=record.moved,
        changes=[change(part) for part in parts],
    )


def compared(row: domain.Comparison) -> schema.Compared:
    """One line of a comparison."""
    return schema.Compared(
        series_id=row.series_id,
        key=key(row.series),
        a=row.a.value,
        b=row.b.value,
        verdict=row.verdict,
        ratio=row.ratio,
        low=row.low,
        high=row.high,
        resolution=row.resolution,
        more_runs=row.more_runs,
    )


def measured(row: CommitRow) -> schema.Measured:
    """One series at a commit."""
    return schema.Measured(
        series_id=row.series_id,
        key=key(row.key),
        value=row.measurement.value,
        low=row.measurement.low,
        high=row.measurement.high,
        comparison=compared(row.comparison) if row.comparison else None,
    )


def sight(record: Sight) -> schema.Sight | None:
    """What a series can see, where its history tells."""
    if record.sees is None:
        return None
    told = {
        name: getattr(record.sees, name) for name in ("points", "mode", "noise", "smallest", "target", "more")
    }
    return schema.Sight(**told, minimum_effect=record.minimum_effect, seconds=record.price)


def failures(records: tuple[domain.Failure, ...]) -> list[schema.Failure]:
    """What gave no number."""
    return [schema.Failure.model_validate(record) for record in records]


def commit(record: domain.Commit | None) -> schema.Commit | None:
    """A commit, where there is one."""
    return schema.Commit.model_validate(record) if record else None
