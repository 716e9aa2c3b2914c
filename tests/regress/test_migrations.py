"""Every migration down and up again, on every database, and what it keeps."""

from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path

import pytest

from regress.store import Store, database, models
from regress.store.types import microseconds
from tests.regress.fixtures.stores import delivery, measured

MIGRATIONS = Path(models.__file__).parent / "migrations"
REVISIONS = sorted(path.name[:4] for path in (MIGRATIONS / "versions").glob("0*.py"))

TIMES = (
    datetime(1, 1, 1, tzinfo=UTC),
    datetime(1969, 12, 31, 23, 59, 59, 999_999, tzinfo=UTC),
    datetime(1970, 1, 1, tzinfo=UTC),
    datetime(2026, 2, 28, 12, 30, 0, 1, tzinfo=UTC),
    datetime(9999, 12, 31, 23, 59, 59, 999_999, tzinfo=UTC),
)


def downgrade(store: Store, revision: str) -> None:
    """Take a database back, by the migrations themselves."""
    from alembic import command
    from alembic.config import Config

    with database._rebuilding(store._db.engine, store.url) as session:
        config = Config()
        config.set_main_option("script_location", str(MIGRATIONS))
        config.attributes["connection"] = session.connection()
        command.downgrade(config, revision)


def test_the_newest_revision_is_the_schema() -> None:
    assert REVISIONS[-1] == models.SCHEMA


@pytest.mark.parametrize("revision", REVISIONS)
def test_down_to_a_revision_and_up_again_keeps_measurements(store: Store, url: str, revision: str) -> None:
    from dataclasses import replace

    told = [replace(measured(i, 1.5), measured_at=at) for i, at in enumerate((*TIMES, None))]
    store.deliver(delivery(*told))
    before = list(store.all_series("main")), store.series_list("main")
    downgrade(store, revision)
    with Store.open(url) as again:
        assert (list(again.all_series("main")), again.series_list("main")) == before
        for measurement in told:
            assert [m for _, m in again.measurements_at(measurement.commit)] == [measurement]


def test_times_are_stored_to_the_microsecond() -> None:
    assert [microseconds(at) for at in TIMES[1:4]] == [-1, 0, 1_772_281_800_000_001]
