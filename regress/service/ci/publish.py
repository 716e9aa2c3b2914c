"""Where the report goes: files, GitHub's step summary and outputs, a comment, a check.

The answer is what counts: a comment that cannot be written (a fork's job has no token that may) becomes a
note, and the step summary has the same words.
"""

from __future__ import annotations

import json
import math
import tempfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

from regress.errors import ConfigError
from regress.foreign import one_line
from regress.service.ci import words
from regress.service.ci.comment import markdown, marker
from regress.service.ci.forge import ChangePage, ForgeError
from regress.service.ci.junit import junit
from regress.service.ci.report import CiReport, Decision, Row
from regress.service.ci.sarif import sarif
from regress.service.ci.surroundings import Surroundings

FILES: dict[str, Callable[[CiReport], str]] = {
    "comment.md": markdown,
    "junit.xml": junit,
    "regress.sarif": sarif,
    "report.json": lambda report: json.dumps(report_json(report), indent=2) + "\n",
}
"""The report's files and what writes each."""


def make_folder(folder: Path) -> None:
    """Make the folder of the report's files before anything is measured; ConfigError where it cannot be."""
    try:
        folder.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryFile(dir=folder):
            pass
    except OSError as error:
        hint = "Name a folder that can be written: --out DIR."
        raise ConfigError(folder, "--out", error.strerror or str(error), hint=hint) from error


def write_files(report: CiReport, folder: Path) -> None:
    """All forms of the report as files of ``folder``, made when missing; OSError as it comes."""
    folder.mkdir(parents=True, exist_ok=True)
    for name, form in FILES.items():
        (folder / name).write_text(form(report), encoding="utf-8")


def tell_github(report: CiReport, around: Surroundings, folder: Path) -> list[str]:
    """Append to the job's step summary and outputs, where GitHub called; notes of what was not written."""
    place = " ".join(str(folder).splitlines())  # a line of its own would be an output of its own
    outputs = {
        "decision": report.decision.value,
        "sentence": one_line(words.first_line(report)),
        "folder": place,
    }
    told = (
        ("summary", around.summary, markdown(report, details_url=around.job_url)),
        ("outputs", around.output, "".join(f"{name}={text}\n" for name, text in outputs.items())),
    )
    notes = []
    for what, path, text in told:
        try:
            if path:
                with path.open("a", encoding="utf-8") as file:
                    file.write(text)
        except OSError as error:
            notes.append(f"{what} not written: {path}: {error.strerror}")
    return notes


def tell_forge(report: CiReport, around: Surroundings, *, comment: bool, check: bool) -> list[str]:
    """Write comment and check; sentences about what was written, or why not."""
    if not around.kind or not (comment or check):
        return []
    if not around.token:
        return ["no token: the comment is in the job's summary and files only"]
    try:
        page = ChangePage(around)
    except ForgeError as error:
        return [f"not told: {error}"]
    notes = []
    if comment and around.request:
        text = markdown(report, details_url=around.job_url)
        notes.append(_tried("comment", lambda: page.put_comment(marker(report.name), text)))
    if check and around.shown_head:
        title, text = words.first_line(report), markdown(report)
        conclusion = _CONCLUSIONS.get(report.decision, "success")
        notes.append(_tried("check", lambda: page.put_check(around.shown_head, conclusion, title, text)))
    return notes


_CONCLUSIONS = {
    Decision.SLOWER: "failure",
    Decision.BROKEN: "failure",
    Decision.UNCLEAR: "neutral",
    Decision.NO_ANSWER: "neutral",
}


def _tried(what: str, write: Callable[[], str]) -> str:
    try:
        return f"{what} written {write()}".strip()
    except ForgeError as error:
        return f"{what} not written: {error}" + (f" ({error.hint})" if error.hint else "")


def report_json(report: CiReport) -> dict[str, Any]:
    """The report for scripts."""
    return {
        "decision": report.decision.value,
        "sentence": words.first_line(report),
        "base": report.base.sha,
        "head": report.head.sha,
        "effect": report.effect,
        "rounds": report.rounds,
        "pairs": report.measured,
        "seconds": round(report.seconds, 3),
        "cut": words.cut(report),
        "seed": report.seed,
        "benchmarks": [_row_json(row) for row in report.rows],
        "broken": [failure.benchmark for failure in report.broken],
        "added": list(report.added),
        "removed": list(report.removed),
        "unbuilt": [side for side, _ in report.unbuilt],
    }


def _row_json(row: Row) -> dict[str, Any]:
    low, high = row.bounds
    return {
        "benchmark": row.series.title,
        "metric": row.series.metric.name,
        "unit": row.series.metric.unit,
        "environment": row.series.environment,
        "verdict": row.finding.verdict.value,
        "base": row.base,
        "head": row.head,
        "ratio": row.ratio,
        "low": low if low > 0 else None,
        "high": high if math.isfinite(high) else None,
        "log_evidence": row.finding.odds,
        "pairs": row.finding.pairs,
        "more_pairs": row.finding.more,
        "effect": row.effect,
        "base_values": list(row.base_values),
        "head_values": list(row.head_values),
        "path": row.path,
        "line": row.line,
    }
