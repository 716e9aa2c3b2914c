"""Where benchmarks stand in the source, and GitHub's workflow commands that show a finding beside them."""

from __future__ import annotations

import re
from collections.abc import Iterable
from pathlib import Path

from regress.domain import Verdict
from regress.foreign import one_line
from regress.service.ci import words
from regress.service.ci.report import CiReport

_SOURCE_LIMIT = 4 << 20
MOST_ANNOTATIONS = 10
"""GitHub shows ten errors of a step."""


def locate(benchmark: str, root: Path, folders: Iterable[Path]) -> tuple[str, int]:
    """(path relative to ``root``, line) of a benchmark; ("", 0) when it is not found.

    pytest's names hold the path (``tests/test_x.py::TestY::test_z[1]``), asv's the module (``x.Y.time_z``),
    to be looked for under ``folders``.
    """
    if "::" in benchmark:
        path, *names = benchmark.partition("[")[0].split("::")
        return _found(root / path, names[-1], root)
    parts = benchmark.split(".")
    for folder in folders:
        for cut in range(len(parts) - 1, 0, -1):
            for file in (
                folder.joinpath(*parts[:cut]).with_suffix(".py"),
                folder.joinpath(*parts[:cut], "__init__.py"),
            ):
                found = _found(file, parts[-1], root)
                if found[0]:
                    return found
    return "", 0


def _found(file: Path, name: str, root: Path) -> tuple[str, int]:
    try:
        resolved = file.resolve()
        if not resolved.is_relative_to(root.resolve()) or file.stat().st_size > _SOURCE_LIMIT:
            return "", 0
        lines = file.read_text("utf-8", "replace").splitlines()
    except (OSError, ValueError):
        return "", 0
    pattern = re.compile(rf"\s*(async\s+)?(def|class)\s+{re.escape(name)}\b|{re.escape(name)}\s*=")
    at = next((number for number, line in enumerate(lines, 1) if pattern.match(line)), 1)
    return str(resolved.relative_to(root.resolve())), at


def workflow_commands(report: CiReport) -> list[str]:
    """``::error file=...::...`` lines: GitHub shows them beside the source, with no token at all."""
    lines = [
        _command("error", words.sentence(row), row.path, row.line)
        for row in report.of(Verdict.SLOWER)[:MOST_ANNOTATIONS]
    ]
    lines += [
        _command(
            "error", f"{failure.benchmark}: works at base, fails at head", *report.place(failure.benchmark)
        )
        for failure in report.broken[:MOST_ANNOTATIONS]
    ]
    return [*lines, _command("notice", words.first_line(report), "", 0)]


def _command(kind: str, text: str, path: str, line: int) -> str:
    place = f" file={_property(path)},line={max(line, 1)}" if path else ""
    return (
        f"::{kind}{place},title=Regress::{_data(text)}" if place else f"::{kind} title=Regress::{_data(text)}"
    )


def _data(text: str) -> str:
    return one_line(text).replace("%", "%25")


def _property(text: str) -> str:
    return _data(text).replace(":", "%3A").replace(",", "%2C")
