"""Bisections that were begun, with each measurement as it arrived: one that is cut off can go on."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0013"
down_revision = "0012"


def upgrade() -> None:
    """To this schema; nothing is told of the measurements of earlier bisections."""
    op.create_table(
        "bisection_plan",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("branch_id", sa.Integer(), nullable=False),
        sa.Column("begun_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("record", sa.Text(), nullable=False),
        sa.Column("bisection_id", sa.Integer(), nullable=True),
        sa.ForeignKeyConstraint(
            ["branch_id"], ["branch.id"], name=op.f("fk_bisection_plan_branch_id_branch")
        ),
        sa.ForeignKeyConstraint(
            ["bisection_id"], ["bisection.id"], name=op.f("fk_bisection_plan_bisection_id_bisection")
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_bisection_plan")),
    )
    op.create_table(
        "bisection_step",
        sa.Column("plan_id", sa.Integer(), nullable=False),
        sa.Column("turn", sa.Integer(), nullable=False),
        sa.Column("commit_id", sa.Integer(), nullable=False),
        sa.Column("value", sa.Float(53), nullable=True),
        sa.Column("seconds", sa.Float(53), nullable=False),
        sa.ForeignKeyConstraint(
            ["plan_id"], ["bisection_plan.id"], name=op.f("fk_bisection_step_plan_id_bisection_plan")
        ),
        sa.ForeignKeyConstraint(
            ["commit_id"], ["commit.id"], name=op.f("fk_bisection_step_commit_id_commit")
        ),
        sa.PrimaryKeyConstraint("plan_id", "turn", name=op.f("pk_bisection_step")),
    )


def downgrade() -> None:
    """Back to the one before: what was begun is forgotten, what was finished stays."""
    op.drop_table("bisection_step")
    op.drop_table("bisection_plan")
