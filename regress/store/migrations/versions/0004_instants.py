"""Times of measurements as microseconds since 1970: a fifth of a SQLite file was their text."""

from __future__ import annotations

from typing import Any

import sqlalchemy as sa
from alembic import op

revision = "0004"
down_revision = "0003"

_SECOND = 1_000_000

_TO_NUMBER = f"""CAST(strftime('%s', substr(measured_at, 1, 19)) AS INTEGER) * {_SECOND}
    + CAST(substr(measured_at, 21, 6) AS INTEGER)"""

_FRACTION = f"((measured_at % {_SECOND} + {_SECOND}) % {_SECOND})"  # SQLite's % has the sign of the time
_TO_TEXT = f"""strftime('%Y-%m-%d %H:%M:%S', (measured_at - {_FRACTION}) / {_SECOND}, 'unixepoch')
    || printf('.%06d', {_FRACTION})"""


def upgrade() -> None:
    """To this schema."""
    if op.get_bind().dialect.name == "sqlite":
        _rebuild(sa.BigInteger(), _TO_NUMBER)
    else:
        exact = f"(extract(epoch FROM measured_at) * {_SECOND})::bigint"
        op.alter_column("measurement", "measured_at", type_=sa.BigInteger(), postgresql_using=exact)


def downgrade() -> None:
    """Back to the one before."""
    if op.get_bind().dialect.name == "sqlite":
        _rebuild(sa.DateTime(timezone=True), _TO_TEXT)
    else:
        exact = (
            f"timestamptz 'epoch' + measured_at / {_SECOND} * interval '1 second'"
            f" + mod(measured_at, {_SECOND}) * interval '1 microsecond'"
        )
        kind = sa.DateTime(timezone=True)
        op.alter_column("measurement", "measured_at", type_=kind, postgresql_using=exact)


def _rebuild(kind: sa.types.TypeEngine[Any], converted: str) -> None:
    """The table anew, in its order, with another type of ``measured_at``: as SQLite alters a table."""
    op.rename_table("measurement", "measurement_before")
    op.drop_index(op.f("ix_measurement_commit_id"), table_name="measurement_before")
    op.create_table(
        "measurement",
        sa.Column("series_id", sa.Integer(), nullable=False),
        sa.Column("commit_id", sa.Integer(), nullable=False),
        sa.Column("value", sa.Float(53), nullable=False),
        sa.Column("low", sa.Float(53), nullable=True),
        sa.Column("high", sa.Float(53), nullable=True),
        sa.Column("samples", sa.LargeBinary(), nullable=True),
        sa.Column("measured_at", kind, nullable=True),
        sa.Column("run_id", sa.Integer(), nullable=False),
        sa.ForeignKeyConstraint(["commit_id"], ["commit.id"], name=op.f("fk_measurement_commit_id_commit")),
        sa.ForeignKeyConstraint(["run_id"], ["run.id"], name=op.f("fk_measurement_run_id_run")),
        sa.ForeignKeyConstraint(["series_id"], ["series.id"], name=op.f("fk_measurement_series_id_series")),
        sa.PrimaryKeyConstraint("series_id", "commit_id", name=op.f("pk_measurement")),
        sqlite_with_rowid=False,
    )
    op.execute(
        "INSERT INTO measurement SELECT series_id, commit_id, value, low, high, samples,"  # noqa: S608 - our own words
        f" CASE WHEN measured_at IS NOT NULL THEN {converted} END, run_id"
        " FROM measurement_before ORDER BY series_id, commit_id"
    )
    op.drop_table("measurement_before")
    op.create_index(op.f("ix_measurement_commit_id"), "measurement", ["commit_id"], unique=False)
