"""Reports to write: one of each decision, with names that no page, XML or shell may obey."""

from __future__ import annotations

import math
from datetime import UTC, datetime
from typing import Any

from regress.detect.trial import Finding
from regress.domain import Commit, Direction, Failure, FailureKind, Metric, SeriesKey, Verdict
from regress.metrics import PEAK_MEMORY, WALL_TIME
from regress.service.ci.report import CiReport, Row

AT = datetime(2026, 1, 1, tzinfo=UTC)
HOSTILE = "evil|`x`.time_<script>\n@everyone \x1b[31m\u202e%0A::error::"


def commit(letter: str) -> Commit:
    return Commit(letter * 40, (), "Ada", AT, AT, f"commit {letter}", 0)


def row(
    name: str, verdict: Verdict, percent: float, metric: Metric = WALL_TIME, more: int | None = None
) -> Row:
    shift = math.log1p(percent / 100)
    finding = Finding(verdict, shift, shift - 0.02, shift + 0.02, 12.0, 15, more)
    key = SeriesKey(name, (), metric, "box", "py3.11", "")
    head = 0.002 * math.exp(-shift if metric.direction is Direction.HIGHER else shift)
    return Row(key, 0.002, head, 0.05, finding, (0.002,), (0.002,), "bench/speed.py", 7)


def report(*rows: Row, **more: Any) -> CiReport:
    return CiReport("demo", commit("a"), commit("b"), 0.05, rows, rounds=15, seconds=80.0, seed=1, **more)


BOOM = Failure(FailureKind.BENCHMARK, "b" * 40, "Traceback\nboom \x00", "box", "py3.11", "speed.time_boom")

SLOWER = report(
    row("speed.time_sort", Verdict.SLOWER, 12.0),
    row(HOSTILE, Verdict.SLOWER, 7.0),
    row("speed.peakmem_load", Verdict.UNCLEAR, 3.0, PEAK_MEMORY, more=9),
    row("speed.time_fast", Verdict.FASTER, -20.0),
    row("speed.track_rate", Verdict.SAME, 0.0, Metric("ops", "ops/s", Direction.HIGHER)),
    broken=(BOOM,),
    added=("speed.time_new",),
)
SAME = report(row("speed.time_sort", Verdict.SAME, 0.1))
FASTER = report(row("speed.time_sort", Verdict.FASTER, -30.0))
UNCLEAR = report(row("speed.time_sort", Verdict.UNCLEAR, 2.0, more=12), cut="60 pairs were measured")
BROKEN = report(row("speed.time_sort", Verdict.SAME, 0.1), broken=(BOOM,))
UNBUILT = report(unbuilt=(("head", "SyntaxError: ```\x1b[2J"),))
NOTHING = report()

ALL = (SLOWER, SAME, FASTER, UNCLEAR, BROKEN, UNBUILT, NOTHING)
