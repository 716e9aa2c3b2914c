"""The tables, by the glossary's words. What repeats (names, parameters, metrics) stands once.

Measurements are clustered by (series, commit), so that reading a series is one range scan. A change here
needs a migration (README, "Add a migration"); a test compares the two.
"""

from __future__ import annotations

from datetime import datetime

from sqlalchemy import Boolean, Float, ForeignKey, Index, Integer, LargeBinary, MetaData, UniqueConstraint
from sqlalchemy.orm import DeclarativeBase, Mapped, mapped_column

from regress.store.types import ByteOrdered, Instant, SafeText, UtcDateTime

SCHEMA = "0017"
"""The revision of the newest migration in ``migrations/versions``."""


class Base(DeclarativeBase):
    """All tables; constraints have predictable names so that later migrations can drop them."""

    metadata = MetaData(
        naming_convention={
            "ix": "ix_%(table_name)s_%(column_0_N_name)s",
            "uq": "uq_%(table_name)s_%(column_0_N_name)s",
            "fk": "fk_%(table_name)s_%(column_0_name)s_%(referred_table_name)s",
            "pk": "pk_%(table_name)s",
        }
    )
    type_annotation_map = {str: SafeText, datetime: UtcDateTime, float: Float(53)}  # noqa: RUF012 - SQLAlchemy's protocol


class ProjectRow(Base):
    """A repository under watch; ``examined`` grows whenever examinations are kept, ``told`` with every change
    that pages tell of (``Database.version``).
    """

    __tablename__ = "project"
    id: Mapped[int] = mapped_column(primary_key=True)
    name: Mapped[str] = mapped_column(unique=True)
    examined: Mapped[int] = mapped_column(Integer, default=0, server_default="0")
    told: Mapped[int] = mapped_column(Integer, default=0, server_default="0")


class BranchRow(Base):
    """A branch of a project."""

    __tablename__ = "branch"
    __table_args__ = (UniqueConstraint("project_id", "name"),)
    id: Mapped[int] = mapped_column(primary_key=True)
    project_id: Mapped[int] = mapped_column(ForeignKey("project.id"))
    name: Mapped[str]
    is_default: Mapped[bool] = mapped_column(Boolean, default=False)


class CommitRow(Base):
    """A commit; only ``sha`` is known until history tells the rest."""

    __tablename__ = "commit"
    id: Mapped[int] = mapped_column(primary_key=True)
    sha: Mapped[str] = mapped_column(unique=True)
    parents: Mapped[str] = mapped_column(default="")
    author: Mapped[str] = mapped_column(default="")
    subject: Mapped[str] = mapped_column(default="")
    authored_at: Mapped[datetime | None]
    committed_at: Mapped[datetime | None]


class BranchCommitRow(Base):
    """A commit's place on a branch, and how many of the branch's series are measured there."""

    __tablename__ = "branch_commit"
    __table_args__ = (Index(None, "branch_id", "position"), Index(None, "commit_id"))
    branch_id: Mapped[int] = mapped_column(ForeignKey("branch.id"), primary_key=True)
    commit_id: Mapped[int] = mapped_column(ForeignKey("commit.id"), primary_key=True)
    position: Mapped[int]
    measured: Mapped[int] = mapped_column(Integer, default=0, server_default="0")


class MachineRow(Base):
    """A machine; ``facts`` is JSON, as last delivered."""

    __tablename__ = "machine"
    id: Mapped[int] = mapped_column(primary_key=True)
    name: Mapped[str] = mapped_column(unique=True)
    facts: Mapped[str] = mapped_column(default="[]")


class EnvironmentRow(Base):
    """An environment; ``facts`` is JSON, as last delivered."""

    __tablename__ = "environment"
    id: Mapped[int] = mapped_column(primary_key=True)
    name: Mapped[str] = mapped_column(unique=True)
    facts: Mapped[str] = mapped_column(default="[]")


class BenchmarkRow(Base):
    """A benchmark; another version of its code is another row."""

    __tablename__ = "benchmark"
    __table_args__ = (UniqueConstraint("name", "version"),)
    id: Mapped[int] = mapped_column(primary_key=True)
    name: Mapped[str]
    version: Mapped[str]


class ParametersRow(Base):
    """A parameter combination, as JSON pairs."""

    __tablename__ = "parameters"
    id: Mapped[int] = mapped_column(primary_key=True)
    pairs: Mapped[str] = mapped_column(unique=True)


class MetricRow(Base):
    """A metric with its unit and direction."""

    __tablename__ = "metric"
    __table_args__ = (UniqueConstraint("name", "unit", "direction"),)
    id: Mapped[int] = mapped_column(primary_key=True)
    name: Mapped[str]
    unit: Mapped[str]
    direction: Mapped[str]


class SeriesRow(Base):
    """One benchmark, parameters and metric on one machine, environment and branch.

    What lists say of it stands with it: see ``summaries`` and ``described``.
    """

    __tablename__ = "series"
    __table_args__ = (
        UniqueConstraint(
            "branch_id", "benchmark_id", "parameters_id", "metric_id", "machine_id", "environment_id"
        ),
        Index(None, "branch_id", "rank"),
        Index(None, "branch_id", "newest"),
    )
    id: Mapped[int] = mapped_column(primary_key=True)
    branch_id: Mapped[int] = mapped_column(ForeignKey("branch.id"))
    benchmark_id: Mapped[int] = mapped_column(ForeignKey("benchmark.id"))
    parameters_id: Mapped[int] = mapped_column(ForeignKey("parameters.id"))
    metric_id: Mapped[int] = mapped_column(ForeignKey("metric.id"))
    machine_id: Mapped[int] = mapped_column(ForeignKey("machine.id"))
    environment_id: Mapped[int] = mapped_column(ForeignKey("environment.id"))
    points: Mapped[int] = mapped_column(Integer, default=0, server_default="0")
    newest: Mapped[int | None]
    edition: Mapped[int] = mapped_column(Integer, default=0, server_default="0")
    words: Mapped[str] = mapped_column(default="", server_default="")
    rank: Mapped[str] = mapped_column(ByteOrdered, default="", server_default="")


class ExaminationRow(Base):
    """What the detector said of a series (of which ``edition``, under which ``settings``) as JSON; noise."""

    __tablename__ = "examination"
    series_id: Mapped[int] = mapped_column(ForeignKey("series.id"), primary_key=True)
    edition: Mapped[int]
    settings: Mapped[str]
    record: Mapped[str]
    noise: Mapped[float | None]


class FactsRow(Base):
    """What runs told of machine and environment, as JSON pairs; ``digest`` makes long ones unique."""

    __tablename__ = "facts"
    id: Mapped[int] = mapped_column(primary_key=True)
    digest: Mapped[str] = mapped_column(unique=True)
    pairs: Mapped[str]


class RunRow(Base):
    """One delivery."""

    __tablename__ = "run"
    id: Mapped[int] = mapped_column(primary_key=True)
    digest: Mapped[str] = mapped_column(unique=True)
    source: Mapped[str]
    origin: Mapped[str]
    machine_id: Mapped[int] = mapped_column(ForeignKey("machine.id"))
    environment_id: Mapped[int] = mapped_column(ForeignKey("environment.id"))
    delivered_at: Mapped[datetime]
    new: Mapped[int] = mapped_column(Integer, default=0)
    updated: Mapped[int] = mapped_column(Integer, default=0)
    unchanged: Mapped[int] = mapped_column(Integer, default=0)
    facts_id: Mapped[int | None] = mapped_column(ForeignKey("facts.id"))


class MeasurementRow(Base):
    """One series' result at one commit; which series a commit measured is told by ``centres``."""

    __tablename__ = "measurement"
    __table_args__ = ({"sqlite_with_rowid": False},)
    series_id: Mapped[int] = mapped_column(ForeignKey("series.id"), primary_key=True)
    commit_id: Mapped[int] = mapped_column(ForeignKey("commit.id"), primary_key=True)
    value: Mapped[float]
    low: Mapped[float | None]
    high: Mapped[float | None]
    samples: Mapped[bytes | None] = mapped_column(LargeBinary)
    measured_at: Mapped[datetime | None] = mapped_column(Instant)
    run_id: Mapped[int] = mapped_column(ForeignKey("run.id"))


class CentresRow(Base):
    """What a run measured at a commit, in columns: see ``centres``."""

    __tablename__ = "centres"
    commit_id: Mapped[int] = mapped_column(ForeignKey("commit.id"), primary_key=True)
    run_id: Mapped[int] = mapped_column(ForeignKey("run.id"), primary_key=True)
    count: Mapped[int]
    body: Mapped[bytes] = mapped_column(LargeBinary)


class FailureRow(Base):
    """What gave no number; ``benchmark`` is empty for a build."""

    __tablename__ = "failure"
    __table_args__ = (
        UniqueConstraint("commit_id", "machine_id", "environment_id", "kind", "benchmark", "parameters_id"),
    )
    id: Mapped[int] = mapped_column(primary_key=True)
    commit_id: Mapped[int] = mapped_column(ForeignKey("commit.id"))
    machine_id: Mapped[int] = mapped_column(ForeignKey("machine.id"))
    environment_id: Mapped[int] = mapped_column(ForeignKey("environment.id"))
    parameters_id: Mapped[int] = mapped_column(ForeignKey("parameters.id"))
    kind: Mapped[str]
    benchmark: Mapped[str]
    log: Mapped[str]
    run_id: Mapped[int] = mapped_column(ForeignKey("run.id"))


class EventRow(Base):
    """A regression or improvement with its life-cycle; ``state_before`` is what "went away" interrupted.

    The ``placed`` commits are where a person put it, in place of where it was found.
    """

    __tablename__ = "event"
    __table_args__ = (Index(None, "branch_id"),)
    id: Mapped[int] = mapped_column(primary_key=True)
    branch_id: Mapped[int] = mapped_column(ForeignKey("branch.id"))
    kind: Mapped[str]
    last_before_id: Mapped[int] = mapped_column(ForeignKey("commit.id"))
    first_after_id: Mapped[int] = mapped_column(ForeignKey("commit.id"))
    state: Mapped[str]
    state_before: Mapped[str]
    first_seen: Mapped[datetime]
    cause: Mapped[str] = mapped_column(default="code", server_default="code")
    note: Mapped[str] = mapped_column(default="", server_default="")
    assignee: Mapped[str] = mapped_column(default="", server_default="")
    fixed_by: Mapped[str] = mapped_column(default="", server_default="")
    placed_before_id: Mapped[int | None] = mapped_column(ForeignKey("commit.id"))
    placed_after_id: Mapped[int | None] = mapped_column(ForeignKey("commit.id"))


class TriageRow(Base):
    """One thing that a person did with an event."""

    __tablename__ = "triage"
    __table_args__ = (Index(None, "event_id"),)
    id: Mapped[int] = mapped_column(primary_key=True)
    event_id: Mapped[int] = mapped_column(ForeignKey("event.id"))
    at: Mapped[datetime]
    who: Mapped[str]
    act: Mapped[str]
    text: Mapped[str]


class ChangePointRow(Base):
    """One series' part in an event."""

    __tablename__ = "change_point"
    __table_args__ = (Index(None, "event_id"), Index(None, "series_id"))
    id: Mapped[int] = mapped_column(primary_key=True)
    event_id: Mapped[int] = mapped_column(ForeignKey("event.id"))
    series_id: Mapped[int] = mapped_column(ForeignKey("series.id"))
    last_before_id: Mapped[int] = mapped_column(ForeignKey("commit.id"))
    first_after_id: Mapped[int] = mapped_column(ForeignKey("commit.id"))
    earliest_id: Mapped[int] = mapped_column(ForeignKey("commit.id"))
    latest_id: Mapped[int] = mapped_column(ForeignKey("commit.id"))
    index: Mapped[int]
    earliest: Mapped[int | None]
    latest: Mapped[int | None]
    before: Mapped[float]
    after: Mapped[float]
    low: Mapped[float]
    high: Mapped[float]
    p_value: Mapped[float]


class BisectionRow(Base):
    """A search for a culprit; ``record`` is the whole domain record as JSON."""

    __tablename__ = "bisection"
    id: Mapped[int] = mapped_column(primary_key=True)
    branch_id: Mapped[int] = mapped_column(ForeignKey("branch.id"))
    recorded_at: Mapped[datetime]
    record: Mapped[str]


class BisectionPlanRow(Base):
    """A search that was begun; ``record`` says of what, as JSON. ``bisection_id``: what it came to.

    ``posterior`` is the newest one, as JSON; see ``domain.BisectionState`` for the others.
    """

    __tablename__ = "bisection_plan"
    id: Mapped[int] = mapped_column(primary_key=True)
    branch_id: Mapped[int] = mapped_column(ForeignKey("branch.id"))
    begun_at: Mapped[datetime]
    record: Mapped[str]
    bisection_id: Mapped[int | None] = mapped_column(ForeignKey("bisection.id"))
    posterior: Mapped[str | None]
    expected: Mapped[float | None]
    asked_by: Mapped[str] = mapped_column(default="")
    wanted: Mapped[bool] = mapped_column(Boolean, default=False)
    fault: Mapped[str] = mapped_column(default="")


class BisectionStepRow(Base):
    """A measurement of a search; see ``domain.BisectionStep``."""

    __tablename__ = "bisection_step"
    plan_id: Mapped[int] = mapped_column(ForeignKey("bisection_plan.id"), primary_key=True)
    turn: Mapped[int] = mapped_column(primary_key=True)
    commit_id: Mapped[int] = mapped_column(ForeignKey("commit.id"))
    value: Mapped[float | None]
    seconds: Mapped[float]
    others: Mapped[str | None]


class SelfTestRow(Base):
    """A self-test of a branch's detection; ``record`` is the whole domain record as JSON."""

    __tablename__ = "self_test"
    id: Mapped[int] = mapped_column(primary_key=True)
    branch_id: Mapped[int] = mapped_column(ForeignKey("branch.id"))
    recorded_at: Mapped[datetime]
    record: Mapped[str]


class LedgerRow(Base):
    """The slow drift of a branch, as its newest analysis found it; ``record`` is the whole record as JSON."""

    __tablename__ = "ledger"
    id: Mapped[int] = mapped_column(primary_key=True)
    branch_id: Mapped[int] = mapped_column(ForeignKey("branch.id"), unique=True)
    recorded_at: Mapped[datetime]
    record: Mapped[str]


class AuditRow(Base):
    """Something that somebody did; see ``domain.Deed``."""

    __tablename__ = "audit"
    __table_args__ = (Index(None, "project_id", "target"),)
    id: Mapped[int] = mapped_column(primary_key=True)
    project_id: Mapped[int] = mapped_column(ForeignKey("project.id"))
    at: Mapped[datetime]
    who: Mapped[str]
    how: Mapped[str]
    action: Mapped[str]
    target: Mapped[str]
    detail: Mapped[str]
    address: Mapped[str]
    refused: Mapped[bool] = mapped_column(Boolean, default=False)


class TokenRow(Base):
    """A machine's key; ``digest`` is the SHA-256 of its secret, which has 256 random bits."""

    __tablename__ = "token"
    id: Mapped[int] = mapped_column(primary_key=True)
    project_id: Mapped[int] = mapped_column(ForeignKey("project.id"))
    name: Mapped[str]
    digest: Mapped[str] = mapped_column(unique=True)
    scopes: Mapped[str]
    made_at: Mapped[datetime]
    made_by: Mapped[str]
    expires_at: Mapped[datetime | None]
    revoked_at: Mapped[datetime | None]
    used_at: Mapped[datetime | None]
