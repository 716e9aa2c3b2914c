"""What the detector said of each series is kept with the edition of the series that it saw."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0007"
down_revision = "0006"


def upgrade() -> None:
    """To this schema; nothing was examined yet."""
    with op.batch_alter_table("series") as table:
        table.add_column(sa.Column("edition", sa.Integer(), nullable=False, server_default="0"))
    op.create_table(
        "examination",
        sa.Column("series_id", sa.Integer(), nullable=False, autoincrement=False),
        sa.Column("edition", sa.Integer(), nullable=False),
        sa.Column("settings", sa.Text(), nullable=False),
        sa.Column("record", sa.Text(), nullable=False),
        sa.ForeignKeyConstraint(["series_id"], ["series.id"], name=op.f("fk_examination_series_id_series")),
        sa.PrimaryKeyConstraint("series_id", name=op.f("pk_examination")),
    )


def downgrade() -> None:
    """Back to the one before: all is examined again."""
    op.drop_table("examination")
    with op.batch_alter_table("series") as table:
        table.drop_column("edition")
