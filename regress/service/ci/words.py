"""The decision and each finding as sentences: one wording for comment, check, JUnit, SARIF and terminal.

benchstat's ``~`` stands for "the same"; the first line says whether to read on.
"""

from __future__ import annotations

import math
from collections.abc import Callable

from regress.domain import Verdict
from regress.foreign import one_line
from regress.service.ci.report import CiReport, Decision, Row
from regress.words import change, count, duration, interval, size


def first_line(report: CiReport, quoted: Callable[[str], str] = one_line) -> str:
    """The decision as one sentence; what a tool said in it, ``quoted``."""
    slower, unclear = report.of(Verdict.SLOWER), report.of(Verdict.UNCLEAR)
    tested = count(len(report.rows), "benchmark")
    match report.decision:
        case Decision.NO_ANSWER if report.unbuilt:
            sides = " and ".join(side for side, _ in report.unbuilt)
            return f"No answer: {sides} could not be measured."
        case Decision.NO_ANSWER if report.cut:
            return f"No answer: {cut(report, quoted)}."
        case Decision.NO_ANSWER:
            return "No answer: base and head have no benchmark in common."
        case Decision.SLOWER:
            broken = f" {count(len(report.broken), 'benchmark')} stopped working." if report.broken else ""
            return f"Slower: {_some_of(slower, tested)}, {worst(slower)}.{broken}"
        case Decision.BROKEN:
            return f"Broken: {count(len(report.broken), 'benchmark')} stopped working; nothing got slower."
        case Decision.UNCLEAR:
            return f"Can't tell for {_some_of(unclear, tested)}; nothing is known to be slower."
        case Decision.FASTER:
            faster = report.of(Verdict.FASTER)
            return f"Faster: {_some_of(faster, tested)}, {worst(faster)}. Nothing got slower."
        case _:
            limit = size(report.effect)
            return f"No change: none of {tested} got slower or faster by {limit} or more. Nothing to do."


def _some_of(rows: list[Row], tested: str) -> str:
    return f"{len(rows)} of {tested}"


def worst(rows: list[Row]) -> str:
    """The largest change of some rows: ``the largest by +12.0 % (+9.1 to +15.0 %)``."""
    word = "by" if len(rows) == 1 else "the largest by"
    return f"{word} {changed(rows[0])}"


def changed(row: Row) -> str:
    """How much a row changed: ``+12.0 % (+9.1 to +15.0 %)``."""
    low, high = row.bounds
    if low == high:
        return f"{change(row.ratio)} exactly"
    bounds = f" ({interval(low, high)})" if low > 0 and high < math.inf else ""
    return f"{change(row.ratio)}{bounds}"


def sentence(row: Row) -> str:
    """What is known of one row."""
    finding = row.finding
    pairs = count(finding.pairs, "pair")
    match finding.verdict:
        case Verdict.SLOWER | Verdict.FASTER:
            word = "worse" if finding.verdict is Verdict.SLOWER else "better"
            return f"{row.title}: {word}, {changed(row)} after {pairs}"
        case Verdict.SAME:
            return f"{row.title}: ~ (not changed by {size(row.effect)} or more, {pairs})"
        case _:
            more = f"; about {finding.more} more would tell" if finding.more else ""
            return f"{row.title}: can't tell after {pairs}, {changed(row)}{more}"


def cut(report: CiReport, quoted: Callable[[str], str] = one_line) -> str:
    """What stopped it before all was decided."""
    return report.cut + (f" ({quoted(report.said)})" if report.said else "")


def coverage(report: CiReport, quoted: Callable[[str], str] = one_line) -> str:
    """What was done, and on what authority the answer stands; what a tool said in it, ``quoted``."""
    stopped = f" Stopped before all was decided: {cut(report, quoted)}." if report.cut else ""
    return (
        f"{count(report.measured, 'pair')} in {count(report.rounds, 'round')}, {duration(report.seconds)}, "
        f"base {report.base.sha[:10]}, head {report.head.sha[:10]}.{stopped}"
    )
