"""Searches tell what they know while they go on, and a server can be asked to do one."""

from __future__ import annotations

import json

import sqlalchemy as sa
from alembic import op

revision = "0014"
down_revision = "0013"

_PLAN = ("series", "good", "bad", "confidence", "started_at")


def upgrade() -> None:
    """To this schema; searches from before plans were kept get one, so that each has a number."""
    with op.batch_alter_table("bisection_plan") as table:
        table.add_column(sa.Column("posterior", sa.Text(), nullable=True))
        table.add_column(sa.Column("expected", sa.Float(53), nullable=True))
        table.add_column(sa.Column("asked_by", sa.Text(), nullable=False, server_default=""))
        table.add_column(sa.Column("wanted", sa.Boolean(), nullable=False, server_default=sa.false()))
        table.add_column(sa.Column("fault", sa.Text(), nullable=False, server_default=""))
    connection = op.get_bind()
    old = connection.execute(
        sa.text(
            "SELECT id, branch_id, recorded_at, record FROM bisection"
            " WHERE id NOT IN (SELECT bisection_id FROM bisection_plan WHERE bisection_id IS NOT NULL)"
        )
    ).all()
    for id_, branch, at, text in old:
        told = json.loads(text)
        plan = {**{name: told[name] for name in _PLAN}, "budget": told["runs"]}
        row = {"branch": branch, "at": at, "record": json.dumps(plan, ensure_ascii=False), "found": id_}
        connection.execute(
            sa.text(
                "INSERT INTO bisection_plan (branch_id, begun_at, record, bisection_id)"
                " VALUES (:branch, :at, :record, :found)"
            ),
            row,
        )


def downgrade() -> None:
    """Back to the one before: what searches knew on their way, and who asked for them, is forgotten."""
    with op.batch_alter_table("bisection_plan") as table:
        for name in ("fault", "wanted", "asked_by", "expected", "posterior"):
            table.drop_column(name)
