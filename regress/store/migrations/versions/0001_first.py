"""The first schema: history, deliveries, series, measurements, failures, events and bisections."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0001"
down_revision = None


def upgrade() -> None:
    """From nothing to the first schema."""
    op.create_table(
        "benchmark",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("name", sa.Text(), nullable=False),
        sa.Column("version", sa.Text(), nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_benchmark")),
        sa.UniqueConstraint("name", "version", name=op.f("uq_benchmark_name_version")),
    )
    op.create_table(
        "commit",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("sha", sa.Text(), nullable=False),
        sa.Column("parents", sa.Text(), nullable=False),
        sa.Column("author", sa.Text(), nullable=False),
        sa.Column("subject", sa.Text(), nullable=False),
        sa.Column("authored_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("committed_at", sa.DateTime(timezone=True), nullable=True),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_commit")),
        sa.UniqueConstraint("sha", name=op.f("uq_commit_sha")),
    )
    op.create_table(
        "environment",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("name", sa.Text(), nullable=False),
        sa.Column("facts", sa.Text(), nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_environment")),
        sa.UniqueConstraint("name", name=op.f("uq_environment_name")),
    )
    op.create_table(
        "machine",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("name", sa.Text(), nullable=False),
        sa.Column("facts", sa.Text(), nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_machine")),
        sa.UniqueConstraint("name", name=op.f("uq_machine_name")),
    )
    op.create_table(
        "metric",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("name", sa.Text(), nullable=False),
        sa.Column("unit", sa.Text(), nullable=False),
        sa.Column("direction", sa.Text(), nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_metric")),
        sa.UniqueConstraint("name", "unit", "direction", name=op.f("uq_metric_name_unit_direction")),
    )
    op.create_table(
        "parameters",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("pairs", sa.Text(), nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_parameters")),
        sa.UniqueConstraint("pairs", name=op.f("uq_parameters_pairs")),
    )
    op.create_table(
        "project",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("name", sa.Text(), nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_project")),
        sa.UniqueConstraint("name", name=op.f("uq_project_name")),
    )
    op.create_table(
        "branch",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("project_id", sa.Integer(), nullable=False),
        sa.Column("name", sa.Text(), nullable=False),
        sa.Column("is_default", sa.Boolean(), nullable=False),
        sa.ForeignKeyConstraint(["project_id"], ["project.id"], name=op.f("fk_branch_project_id_project")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_branch")),
        sa.UniqueConstraint("project_id", "name", name=op.f("uq_branch_project_id_name")),
    )
    op.create_table(
        "run",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("digest", sa.Text(), nullable=False),
        sa.Column("source", sa.Text(), nullable=False),
        sa.Column("origin", sa.Text(), nullable=False),
        sa.Column("machine_id", sa.Integer(), nullable=False),
        sa.Column("environment_id", sa.Integer(), nullable=False),
        sa.Column("delivered_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("new", sa.Integer(), nullable=False),
        sa.Column("updated", sa.Integer(), nullable=False),
        sa.Column("unchanged", sa.Integer(), nullable=False),
        sa.ForeignKeyConstraint(
            ["environment_id"], ["environment.id"], name=op.f("fk_run_environment_id_environment")
        ),
        sa.ForeignKeyConstraint(["machine_id"], ["machine.id"], name=op.f("fk_run_machine_id_machine")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_run")),
        sa.UniqueConstraint("digest", name=op.f("uq_run_digest")),
    )
    op.create_table(
        "bisection",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("branch_id", sa.Integer(), nullable=False),
        sa.Column("recorded_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("record", sa.Text(), nullable=False),
        sa.ForeignKeyConstraint(["branch_id"], ["branch.id"], name=op.f("fk_bisection_branch_id_branch")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_bisection")),
    )
    op.create_table(
        "branch_commit",
        sa.Column("branch_id", sa.Integer(), nullable=False),
        sa.Column("commit_id", sa.Integer(), nullable=False),
        sa.Column("position", sa.Integer(), nullable=False),
        sa.ForeignKeyConstraint(["branch_id"], ["branch.id"], name=op.f("fk_branch_commit_branch_id_branch")),
        sa.ForeignKeyConstraint(["commit_id"], ["commit.id"], name=op.f("fk_branch_commit_commit_id_commit")),
        sa.PrimaryKeyConstraint("branch_id", "commit_id", name=op.f("pk_branch_commit")),
    )
    op.create_index(
        op.f("ix_branch_commit_branch_id_position"), "branch_commit", ["branch_id", "position"], unique=False
    )
    op.create_index(op.f("ix_branch_commit_commit_id"), "branch_commit", ["commit_id"], unique=False)
    op.create_table(
        "event",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("branch_id", sa.Integer(), nullable=False),
        sa.Column("kind", sa.Text(), nullable=False),
        sa.Column("last_before_id", sa.Integer(), nullable=False),
        sa.Column("first_after_id", sa.Integer(), nullable=False),
        sa.Column("state", sa.Text(), nullable=False),
        sa.Column("state_before", sa.Text(), nullable=False),
        sa.Column("first_seen", sa.DateTime(timezone=True), nullable=False),
        sa.ForeignKeyConstraint(["branch_id"], ["branch.id"], name=op.f("fk_event_branch_id_branch")),
        sa.ForeignKeyConstraint(
            ["first_after_id"], ["commit.id"], name=op.f("fk_event_first_after_id_commit")
        ),
        sa.ForeignKeyConstraint(
            ["last_before_id"], ["commit.id"], name=op.f("fk_event_last_before_id_commit")
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_event")),
    )
    op.create_index(op.f("ix_event_branch_id"), "event", ["branch_id"], unique=False)
    op.create_table(
        "failure",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("commit_id", sa.Integer(), nullable=False),
        sa.Column("machine_id", sa.Integer(), nullable=False),
        sa.Column("environment_id", sa.Integer(), nullable=False),
        sa.Column("parameters_id", sa.Integer(), nullable=False),
        sa.Column("kind", sa.Text(), nullable=False),
        sa.Column("benchmark", sa.Text(), nullable=False),
        sa.Column("log", sa.Text(), nullable=False),
        sa.Column("run_id", sa.Integer(), nullable=False),
        sa.ForeignKeyConstraint(["commit_id"], ["commit.id"], name=op.f("fk_failure_commit_id_commit")),
        sa.ForeignKeyConstraint(
            ["environment_id"], ["environment.id"], name=op.f("fk_failure_environment_id_environment")
        ),
        sa.ForeignKeyConstraint(["machine_id"], ["machine.id"], name=op.f("fk_failure_machine_id_machine")),
        sa.ForeignKeyConstraint(
            ["parameters_id"], ["parameters.id"], name=op.f("fk_failure_parameters_id_parameters")
        ),
        sa.ForeignKeyConstraint(["run_id"], ["run.id"], name=op.f("fk_failure_run_id_run")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_failure")),
        sa.UniqueConstraint(
            "commit_id",
            "machine_id",
            "environment_id",
            "kind",
            "benchmark",
            "parameters_id",
            name=op.f("uq_failure_commit_id_machine_id_environment_id_kind_benchmark_parameters_id"),
        ),
    )
    op.create_table(
        "series",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("branch_id", sa.Integer(), nullable=False),
        sa.Column("benchmark_id", sa.Integer(), nullable=False),
        sa.Column("parameters_id", sa.Integer(), nullable=False),
        sa.Column("metric_id", sa.Integer(), nullable=False),
        sa.Column("machine_id", sa.Integer(), nullable=False),
        sa.Column("environment_id", sa.Integer(), nullable=False),
        sa.ForeignKeyConstraint(
            ["benchmark_id"], ["benchmark.id"], name=op.f("fk_series_benchmark_id_benchmark")
        ),
        sa.ForeignKeyConstraint(["branch_id"], ["branch.id"], name=op.f("fk_series_branch_id_branch")),
        sa.ForeignKeyConstraint(
            ["environment_id"], ["environment.id"], name=op.f("fk_series_environment_id_environment")
        ),
        sa.ForeignKeyConstraint(["machine_id"], ["machine.id"], name=op.f("fk_series_machine_id_machine")),
        sa.ForeignKeyConstraint(["metric_id"], ["metric.id"], name=op.f("fk_series_metric_id_metric")),
        sa.ForeignKeyConstraint(
            ["parameters_id"], ["parameters.id"], name=op.f("fk_series_parameters_id_parameters")
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_series")),
        sa.UniqueConstraint(
            "branch_id",
            "benchmark_id",
            "parameters_id",
            "metric_id",
            "machine_id",
            "environment_id",
            name=op.f("uq_series_branch_id_benchmark_id_parameters_id_metric_id_machine_id_environment_id"),
        ),
    )
    op.create_table(
        "change_point",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("event_id", sa.Integer(), nullable=False),
        sa.Column("series_id", sa.Integer(), nullable=False),
        sa.Column("last_before_id", sa.Integer(), nullable=False),
        sa.Column("first_after_id", sa.Integer(), nullable=False),
        sa.Column("earliest_id", sa.Integer(), nullable=False),
        sa.Column("latest_id", sa.Integer(), nullable=False),
        sa.Column("index", sa.Integer(), nullable=False),
        sa.Column("earliest", sa.Integer(), nullable=True),
        sa.Column("latest", sa.Integer(), nullable=True),
        sa.Column("before", sa.Float(precision=53), nullable=False),
        sa.Column("after", sa.Float(precision=53), nullable=False),
        sa.Column("low", sa.Float(precision=53), nullable=False),
        sa.Column("high", sa.Float(precision=53), nullable=False),
        sa.Column("p_value", sa.Float(precision=53), nullable=False),
        sa.ForeignKeyConstraint(
            ["earliest_id"], ["commit.id"], name=op.f("fk_change_point_earliest_id_commit")
        ),
        sa.ForeignKeyConstraint(["event_id"], ["event.id"], name=op.f("fk_change_point_event_id_event")),
        sa.ForeignKeyConstraint(
            ["first_after_id"], ["commit.id"], name=op.f("fk_change_point_first_after_id_commit")
        ),
        sa.ForeignKeyConstraint(
            ["last_before_id"], ["commit.id"], name=op.f("fk_change_point_last_before_id_commit")
        ),
        sa.ForeignKeyConstraint(["latest_id"], ["commit.id"], name=op.f("fk_change_point_latest_id_commit")),
        sa.ForeignKeyConstraint(["series_id"], ["series.id"], name=op.f("fk_change_point_series_id_series")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_change_point")),
    )
    op.create_index(op.f("ix_change_point_event_id"), "change_point", ["event_id"], unique=False)
    op.create_index(op.f("ix_change_point_series_id"), "change_point", ["series_id"], unique=False)
    op.create_table(
        "measurement",
        sa.Column("series_id", sa.Integer(), nullable=False),
        sa.Column("commit_id", sa.Integer(), nullable=False),
        sa.Column("value", sa.Float(precision=53), nullable=False),
        sa.Column("low", sa.Float(precision=53), nullable=True),
        sa.Column("high", sa.Float(precision=53), nullable=True),
        sa.Column("samples", sa.LargeBinary(), nullable=True),
        sa.Column("measured_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("run_id", sa.Integer(), nullable=False),
        sa.ForeignKeyConstraint(["commit_id"], ["commit.id"], name=op.f("fk_measurement_commit_id_commit")),
        sa.ForeignKeyConstraint(["run_id"], ["run.id"], name=op.f("fk_measurement_run_id_run")),
        sa.ForeignKeyConstraint(["series_id"], ["series.id"], name=op.f("fk_measurement_series_id_series")),
        sa.PrimaryKeyConstraint("series_id", "commit_id", name=op.f("pk_measurement")),
        sqlite_with_rowid=False,
    )
    op.create_index(op.f("ix_measurement_commit_id"), "measurement", ["commit_id"], unique=False)


def downgrade() -> None:
    """Back to nothing: all data is gone."""
    op.drop_index(op.f("ix_measurement_commit_id"), table_name="measurement")
    op.drop_table("measurement")
    op.drop_index(op.f("ix_change_point_series_id"), table_name="change_point")
    op.drop_index(op.f("ix_change_point_event_id"), table_name="change_point")
    op.drop_table("change_point")
    op.drop_table("series")
    op.drop_table("failure")
    op.drop_index(op.f("ix_event_branch_id"), table_name="event")
    op.drop_table("event")
    op.drop_index(op.f("ix_branch_commit_commit_id"), table_name="branch_commit")
    op.drop_index(op.f("ix_branch_commit_branch_id_position"), table_name="branch_commit")
    op.drop_table("branch_commit")
    op.drop_table("bisection")
    op.drop_table("run")
    op.drop_table("branch")
    op.drop_table("project")
    op.drop_table("parameters")
    op.drop_table("metric")
    op.drop_table("machine")
    op.drop_table("environment")
    op.drop_table("commit")
    op.drop_table("benchmark")
