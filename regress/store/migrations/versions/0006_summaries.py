"""What lists say of each series stands with it: no page reads all measurements."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op
from sqlalchemy.orm import Session

from regress.domain import Metric, SeriesKey
from regress.store.described import described
from regress.store.dictionary import unpack_pairs
from regress.store.types import ByteOrdered

revision = "0006"
down_revision = "0005"

_COUNTED = """
    UPDATE series SET points = told.points, newest = told.newest FROM (
        SELECT series.id AS id, count(*) AS points, max(position) AS newest FROM series
        JOIN branch_commit ON branch_commit.branch_id = series.branch_id
        JOIN measurement
          ON measurement.series_id = series.id AND measurement.commit_id = branch_commit.commit_id
        GROUP BY series.id
    ) AS told WHERE told.id = series.id
"""  # in the words of this schema: today's code may know columns that a later one brings


def upgrade() -> None:
    """To this schema; what stands with each series is told from its measurements."""
    with op.batch_alter_table("series") as table:
        table.add_column(sa.Column("points", sa.Integer(), nullable=False, server_default="0"))
        table.add_column(sa.Column("newest", sa.Integer(), nullable=True))
        table.add_column(sa.Column("words", sa.Text(), nullable=False, server_default=""))
        table.add_column(sa.Column("rank", ByteOrdered(), nullable=False, server_default=""))
        table.create_index(op.f("ix_series_branch_id_rank"), ["branch_id", "rank"])
        table.create_index(op.f("ix_series_branch_id_newest"), ["branch_id", "newest"])
    with Session(op.get_bind()) as session:
        _describe(session)
        session.execute(sa.text(_COUNTED))
        session.flush()


def downgrade() -> None:
    """Back to the one before."""
    with op.batch_alter_table("series") as table:
        table.drop_index(op.f("ix_series_branch_id_newest"))
        table.drop_index(op.f("ix_series_branch_id_rank"))
        for name in ("rank", "words", "newest", "points"):
            table.drop_column(name)


def _describe(session: Session) -> None:
    rows = session.execute(
        sa.text(
            "SELECT series.id, benchmark.name, pairs, metric.name, machine.name, environment.name FROM series"
            " JOIN benchmark ON benchmark.id = benchmark_id JOIN parameters ON parameters.id = parameters_id"
            " JOIN metric ON metric.id = metric_id JOIN machine ON machine.id = machine_id"
            " JOIN environment ON environment.id = environment_id"
        )
    ).all()
    changes = [
        {"id": id_, **described(SeriesKey(name, unpack_pairs(pairs), Metric(metric, ""), box, told, ""))}
        for id_, name, pairs, metric, box, told in rows
    ]
    if changes:
        session.execute(sa.text("UPDATE series SET words = :words, rank = :rank WHERE id = :id"), changes)
