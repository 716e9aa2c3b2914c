"""A measurement of a search keeps the values of the series that are measured with its own."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0017"
down_revision = "0016"


def upgrade() -> None:
    """To this schema."""
    with op.batch_alter_table("bisection_step") as table:
        table.add_column(sa.Column("others", sa.Text(), nullable=True))


def downgrade() -> None:
    """Back to the one before: searches go on with their own series."""
    with op.batch_alter_table("bisection_step") as table:
        table.drop_column("others")
