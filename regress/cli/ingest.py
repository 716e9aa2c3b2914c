"""``regress ingest``."""

from __future__ import annotations

import dataclasses
import platform
from pathlib import Path
from typing import Annotated

import typer

from regress.cli.options import Branch, Database, Json, Repo, opened


def command(
    paths: Annotated[list[Path], typer.Argument(metavar="FILE|DIR", help="Result files or folders of them.")],
    tool: Annotated[str | None, typer.Option(help="What wrote them; else the files tell.")] = None,
    commit: Annotated[
        str,
        typer.Option("--commit", metavar="REV", help="The measured commit, for files that name none."),
    ] = "HEAD",
    machine: Annotated[
        str | None,
        typer.Option(
            "--machine",
            metavar="NAME",
            help="The machine, for files that name none.",
            show_default="this one's name",
        ),
    ] = None,
    branch: Branch = None,
    as_json: Json = False,
    repo: Repo = Path("."),
    database: Database = None,
) -> None:
    """Store results that another tool wrote.

    asv (results of any age), pytest-benchmark, pyperf, Google Benchmark, Criterion,
    cargo bench, JMH, go test, hyperfine, BenchmarkDotNet, Catch2, k6, vitest,
    tinybench, perf stat, callgrind, github-action-benchmark, Bencher's BMF; CSV and
    JSON lines with the columns benchmark, value and unit.

    Each file is stored whole or not at all; a file that is known changes nothing.

    Examples:
      regress ingest .asv/results
      regress ingest benchmark.json --branch main
      go test -bench . -count 6 > bench.txt && regress ingest bench.txt
      regress ingest target/criterion --commit v1.2 --machine builder
    """
    from rich.markup import escape

    from regress.cli.output import console, joined, print_json, progress_console
    from regress.cli.progress import files_shown
    from regress.ingest import Context
    from regress.service.ingest import ingest
    from regress.words import count

    with opened(repo, database, branch) as (project, store), files_shown(progress_console()) as listen:
        placed, history = project.branch, project.history
        report = ingest(
            store,
            paths,
            branch=placed,
            tool=tool,
            context=Context(history.resolve(commit), machine or platform.node(), project.config.ingest),
            history=history.commits(placed),
            listen=listen,
        )
    if as_json:
        print_json(dataclasses.asdict(report))
        return
    out = console()
    known = f", {report.duplicates} of them known" if report.duplicates else ""
    out.print(f"{count(len(report.receipts), 'file')}{known}: {count(len(report.commits), 'commit')}")
    new = count(report.new, "new result")
    out.print(f"{new}, {report.updated:,} updated, {report.unchanged:,} unchanged")
    if report.failures:
        failed = count(report.failures, "result")
        out.print(f"[yellow]{failed} without a number[/], kept as failed: null, or a negative time")
    if report.unplaced:
        missing = joined(sha[:10] for sha in report.unplaced)
        out.print(f"[yellow]not on branch {escape(placed)}[/], so not shown: {missing}")
    if report.new or report.updated:
        out.print("[dim]what changed: regress analyse[/]")
