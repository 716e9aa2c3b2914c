"""A project counts the transactions that change what pages tell."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0016"
down_revision = "0015"


def upgrade() -> None:
    """To this schema."""
    with op.batch_alter_table("project") as table:
        table.add_column(sa.Column("told", sa.Integer(), nullable=False, server_default="0"))


def downgrade() -> None:
    """Back to the one before."""
    with op.batch_alter_table("project") as table:
        table.drop_column("told")
