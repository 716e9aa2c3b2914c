"""``regress doctor``."""

from __future__ import annotations

import dataclasses
from pathlib import Path

import typer

from regress.cli.options import Database, Json, Repo

_COLOURS = {"ok": "green", "warn": "yellow", "fail": "red"}


def command(as_json: Json = False, repo: Repo = Path("."), database: Database = None) -> None:
    """Check git, suite, database and this machine's sources of noise; say what to do.

    Exit code 1 when something stops the work.

    Example:
      regress doctor --json
    """
    from rich.markup import escape

    from regress.cli.output import console, print_json
    from regress.service.doctor import Level, doctor

    findings = doctor(repo, database=database)
    if as_json:
        print_json([dataclasses.asdict(finding) for finding in findings])
    else:
        out = console()
        for finding in findings:
            level = f"[{_COLOURS[finding.level.value]}]{finding.level.value:<4}[/]"
            out.print(f"{level}  {finding.check}: {escape(finding.text)}")
            if finding.advice:
                out.print(f"      → {escape(finding.advice)}")
    if any(finding.level is Level.FAIL for finding in findings):
        raise typer.Exit(1)
