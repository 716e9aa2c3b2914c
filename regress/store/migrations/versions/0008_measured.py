"""How many series are measured at a commit stands with its place: lists of commits read no measurements."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0008"
down_revision = "0007"

_COUNTED = """
    UPDATE branch_commit SET measured = told.measured FROM (
        SELECT series.branch_id AS branch_id, measurement.commit_id AS commit_id, count(*) AS measured
        FROM measurement JOIN series ON series.id = measurement.series_id
        GROUP BY series.branch_id, measurement.commit_id
    ) AS told
    WHERE told.branch_id = branch_commit.branch_id AND told.commit_id = branch_commit.commit_id
"""


def upgrade() -> None:
    """To this schema."""
    with op.batch_alter_table("branch_commit") as table:
        table.add_column(sa.Column("measured", sa.Integer(), nullable=False, server_default="0"))
    op.execute(_COUNTED)


def downgrade() -> None:
    """Back to the one before."""
    with op.batch_alter_table("branch_commit") as table:
        table.drop_column("measured")
