"""Self-tests are kept."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0002"
down_revision = "0001"


def upgrade() -> None:
    """To this schema."""
    op.create_table(
        "self_test",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("branch_id", sa.Integer(), nullable=False),
        sa.Column("recorded_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("record", sa.Text(), nullable=False),
        sa.ForeignKeyConstraint(["branch_id"], ["branch.id"], name=op.f("fk_self_test_branch_id_branch")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_self_test")),
    )


def downgrade() -> None:
    """Back to the one before: self-tests are gone."""
    op.drop_table("self_test")
