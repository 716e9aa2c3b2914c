"""Measurements have no index by commit any more: what a commit measured stands packed in ``centres``."""

from __future__ import annotations

from alembic import op

revision = "0015"
down_revision = "0014"


def upgrade() -> None:
    """To this schema."""
    op.drop_index(op.f("ix_measurement_commit_id"), table_name="measurement")


def downgrade() -> None:
    """Back to the one before."""
    op.create_index(op.f("ix_measurement_commit_id"), "measurement", ["commit_id"], unique=False)
