"""Events have an assignee, a fix, a place that a person gave, and a history of who did what."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0009"
down_revision = "0008"


def upgrade() -> None:
    """To this schema; nothing was said yet."""
    with op.batch_alter_table("event") as table:
        for name in ("assignee", "fixed_by"):
            table.add_column(sa.Column(name, sa.Text(), nullable=False, server_default=""))
        for name in ("placed_before_id", "placed_after_id"):
            table.add_column(sa.Column(name, sa.Integer(), nullable=True))
            table.create_foreign_key(op.f(f"fk_event_{name}_commit"), "commit", [name], ["id"])
    op.create_table(
        "triage",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("event_id", sa.Integer(), nullable=False),
        sa.Column("at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("who", sa.Text(), nullable=False),
        sa.Column("act", sa.Text(), nullable=False),
        sa.Column("text", sa.Text(), nullable=False),
        sa.ForeignKeyConstraint(["event_id"], ["event.id"], name=op.f("fk_triage_event_id_event")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_triage")),
    )
    op.create_index(op.f("ix_triage_event_id"), "triage", ["event_id"])


def downgrade() -> None:
    """Back to the one before: what people said beside the state is forgotten."""
    op.drop_table("triage")
    with op.batch_alter_table("event") as table:
        for name in ("placed_before_id", "placed_after_id"):
            table.drop_constraint(op.f(f"fk_event_{name}_commit"), type_="foreignkey")
            table.drop_column(name)
        for name in ("assignee", "fixed_by"):
            table.drop_column(name)
