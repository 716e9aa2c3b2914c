"""Runs remember the facts of their machine and environment; events say what caused them."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0003"
down_revision = "0002"


def upgrade() -> None:
    """To this schema; runs of before have no facts, events of before are the code's."""
    op.create_table(
        "facts",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("digest", sa.Text(), nullable=False),
        sa.Column("pairs", sa.Text(), nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_facts")),
        sa.UniqueConstraint("digest", name=op.f("uq_facts_digest")),
    )
    with op.batch_alter_table("run") as table:
        table.add_column(sa.Column("facts_id", sa.Integer(), nullable=True))
        table.create_foreign_key(op.f("fk_run_facts_id_facts"), "facts", ["facts_id"], ["id"])
    with op.batch_alter_table("event") as table:
        table.add_column(sa.Column("cause", sa.Text(), nullable=False, server_default="code"))
        table.add_column(sa.Column("note", sa.Text(), nullable=False, server_default=""))


def downgrade() -> None:
    """Back to the one before: facts of runs and causes are gone."""
    with op.batch_alter_table("event") as table:
        table.drop_column("note")
        table.drop_column("cause")
    with op.batch_alter_table("run") as table:
        table.drop_constraint(op.f("fk_run_facts_id_facts"), type_="foreignkey")
        table.drop_column("facts_id")
    op.drop_table("facts")
