"""All centres of a commit stand in a few packed rows, and the noise of each series with its examination."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

from regress.precision import all_within, tables
from regress.store.centres import pack
from regress.store.samples import unpack

revision = "0012"
down_revision = "0011"

_ROWS = sa.text(
    "SELECT series_id, value, low, high, samples, run_id FROM measurement"
    " WHERE commit_id = :commit ORDER BY series_id"
)
_WRITE = sa.text("INSERT INTO centres VALUES (:commit, :run, :count, :body)")


def upgrade() -> None:
    """To this schema; what stands packed is told from the measurements."""
    op.create_table(
        "centres",
        sa.Column("commit_id", sa.Integer(), nullable=False),
        sa.Column("run_id", sa.Integer(), nullable=False),
        sa.Column("count", sa.Integer(), nullable=False),
        sa.Column("body", sa.LargeBinary(), nullable=False),
        sa.ForeignKeyConstraint(["commit_id"], ["commit.id"], name=op.f("fk_centres_commit_id_commit")),
        sa.ForeignKeyConstraint(["run_id"], ["run.id"], name=op.f("fk_centres_run_id_run")),
        sa.PrimaryKeyConstraint("commit_id", "run_id", name=op.f("pk_centres")),
    )
    with op.batch_alter_table("examination") as table:
        table.add_column(sa.Column("noise", sa.Float(53), nullable=True))
    with op.batch_alter_table("project") as table:
        table.add_column(sa.Column("examined", sa.Integer(), nullable=False, server_default="0"))
    connection = op.get_bind()
    for commit in connection.scalars(sa.text('SELECT id FROM "commit" ORDER BY id')).all():
        _pack(connection, commit)


def downgrade() -> None:
    """Back to the one before."""
    with op.batch_alter_table("project") as table:
        table.drop_column("examined")
    with op.batch_alter_table("examination") as table:
        table.drop_column("noise")
    op.drop_table("centres")


def _pack(connection: sa.Connection, commit: int) -> None:
    by_run: dict[int, list[sa.Row[tuple[object, ...]]]] = {}
    for row in connection.execute(_ROWS, {"commit": commit}):
        by_run.setdefault(row.run_id, []).append(row)
    for run, rows in by_run.items():
        series, values, lows, highs, samples, _ = zip(*rows, strict=True)
        within = all_within(values, lows, highs, tables([unpack(one) for one in samples]))
        body = pack(series, values, within)
        connection.execute(_WRITE, {"commit": commit, "run": run, "count": len(rows), "body": body})
