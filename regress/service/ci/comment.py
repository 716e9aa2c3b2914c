"""The report as Markdown: a comment that is a decision. What calls for nobody's attention is folded away."""

from __future__ import annotations

import re
from collections.abc import Sequence

from regress.domain import Verdict
from regress.foreign import LONGEST, code, one_line, printable
from regress.service.ci import words
from regress.service.ci.report import CiReport, Decision, Row
from regress.words import value

LIMIT = 60_000
"""Characters of a comment: GitHub takes 65,536."""

MOST_ROWS = 40
LOG_LINES = 30

_WORD = re.compile("[A-Za-z0-9µ%/ ]{0,30}")
"""Units that Markdown reads as they stand."""

_SIGNS = {
    Decision.NO_ANSWER: "⚪",
    Decision.SLOWER: "🔴",
    Decision.BROKEN: "🔴",
    Decision.UNCLEAR: "🟡",
    Decision.FASTER: "🟢",
    Decision.SAME: "🟢",
}


def marker(name: str) -> str:
    """The hidden line by which a later run finds its comment; ``name`` tells several suites apart."""
    return f"<!-- regress ci: {re.sub('[^A-Za-z0-9_./ ]+', '-', name)} -->"


def markdown(report: CiReport, *, details_url: str = "") -> str:
    """The comment, its marker first."""
    parts = [
        marker(report.name),
        f"### {_SIGNS[report.decision]} {words.first_line(report, code)}",
        *_logs(report),
        _table(report.of(Verdict.SLOWER), "Slower"),
        _broken(report),
        _table(report.of(Verdict.UNCLEAR), "Can't tell"),
        _table(report.of(Verdict.FASTER), "Faster"),
        _next_steps(report),
        _folded(report),
        _foot(report, details_url),
    ]
    text = "\n\n".join(part for part in parts if part) + "\n"
    return text if len(text) <= LIMIT else text[:LIMIT] + "\n\n(cut: the report's files hold the rest)\n"


def _table(rows: Sequence[Row], title: str) -> str:
    if not rows:
        return ""
    lines = [f"| {title} | base | head | change | pairs |", "|---|--:|--:|--:|--:|"]
    for row in rows[:MOST_ROWS]:
        base, head = (_amount(v, row.series.metric.unit) for v in (row.base, row.head))
        more = f" (+{row.finding.more})" if row.finding.more else ""
        name = code(row.title).replace("|", "\\|")
        lines.append(f"| {name} | {base} | {head} | {words.changed(row)} | {row.finding.pairs}{more} |")
    if len(rows) > MOST_ROWS:
        lines.append(f"| and {len(rows) - MOST_ROWS} more | | | | |")
    return "\n".join(lines)


def _amount(amount: float, unit: str) -> str:
    """A value for a cell of a table; a unit that is more than a word is quoted, since a benchmark says it."""
    text = one_line(value(amount, unit))
    return text if _WORD.fullmatch(unit) else code(text).replace("|", "\\|")


def _broken(report: CiReport) -> str:
    if not report.broken:
        return ""
    listed = [f"- {code(failure.benchmark)}" for failure in report.broken[:MOST_ROWS]]
    return "**Stopped working** (fine at base):\n" + "\n".join(listed)


def _logs(report: CiReport) -> list[str]:
    return [
        f"<details><summary>What was said at {side}</summary>\n\n{_fenced(log)}\n</details>"
        for side, log in report.unbuilt
    ]


def _fenced(log: str) -> str:
    lines = [printable(line)[:LONGEST].replace("```", "'''") for line in log.splitlines()[-LOG_LINES:]]
    return "```text\n" + "\n".join(lines) + "\n```"


def _next_steps(report: CiReport) -> str:
    if report.decision is Decision.SLOWER:
        worst = report.of(Verdict.SLOWER)[0].series.benchmark
        return "If this is meant, say why in the pull request; if not, measure it again at home: " + code(
            f"regress ci --base {report.base.sha[:10]} --head {report.head.sha[:10]} --bench {worst}"
        )
    if report.decision is Decision.UNCLEAR and any(r.finding.more for r in report.of(Verdict.UNCLEAR)):
        return (
            "In brackets: how many more pairs would tell. More time (`--minutes`) or a quieter machine helps."
        )
    return ""


def _folded(report: CiReport) -> str:
    """Everything else: one line each, folded."""
    same = report.of(Verdict.SAME)
    sections = [
        ("the same (`~`)", [code(row.title) for row in same]),
        ("new, nothing to compare with", [code(name) for name in report.added]),
        ("without a number at head", [code(name) for name in report.removed]),
    ]
    shown = [
        f"<details><summary>{len(names)} {title}</summary>\n\n" + "\n".join(f"- {n}" for n in names[:200])
        + "\n</details>"
        for title, names in sections
        if names
    ]  # fmt: skip
    return "\n".join(shown)


def _foot(report: CiReport, details_url: str) -> str:
    link = f" [Job]({details_url})" if details_url.startswith(("https://", "http://")) else ""
    return (
        f"<sub>{words.coverage(report, code)} Measured in turns until each benchmark is decided; "
        f"of changes that change nothing, at most one in a hundred is called slower or faster.{link}</sub>"
    )
