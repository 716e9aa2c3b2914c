"""``regress ci``."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from regress.cli.options import Branch, Database, Json, Repo, Wait, open_project

if TYPE_CHECKING:
    from rich.console import Console

    from regress.service.ci.report import CiReport

SLOWER, UNDECIDED = 1, 3
"""Exit codes: something got slower or stopped working; nothing could be said (with --strict: of anything)."""


def command(
    base: Annotated[
        str,
        typer.Option(
            "--base", metavar="REV", help="Compare with this; else where the change left its target."
        ),
    ] = "",
    head: Annotated[str, typer.Option("--head", metavar="REV", help="The change.", show_default="HEAD")] = "",
    effect: Annotated[
        float | None,
        typer.Option(min=0.1, max=900, metavar="PERCENT", help="Slowdowns of so much must be found."),
    ] = None,
    minutes: Annotated[
        float, typer.Option(min=0.01, metavar="N", help="Stop after so long, decided or not.")
    ] = 30.0,
    pairs: Annotated[
        int | None, typer.Option(min=2, max=10_000, metavar="N", help="Most pairs of a benchmark.")
    ] = None,
    bench: Annotated[
        list[str] | None, typer.Option("--bench", metavar="NAME", help="Only this benchmark; repeat at will.")
    ] = None,
    strict: Annotated[
        bool, typer.Option("--strict", help="Exit 3 when any benchmark is not decided.")
    ] = False,
    out: Annotated[
        Path | None,
        typer.Option("--out", metavar="DIR", help="Where the report's files go.", show_default=".regress/ci"),
    ] = None,
    comment: Annotated[
        bool, typer.Option(help="Comment on the pull or merge request (needs a token).")
    ] = True,
    check: Annotated[bool, typer.Option("--check", help="Write a check (GitHub) or commit status.")] = False,
    keep: Annotated[bool, typer.Option(help="Store the results in the database.")] = True,
    name: Annotated[
        str, typer.Option(metavar="TEXT", help="Tells several comments on one request apart.")
    ] = "",
    wait: Wait = False,
    seed: Annotated[int | None, typer.Option(metavar="N", help="Repeats an order of the pairs.")] = None,
    example: Annotated[
        str,
        typer.Option("--example", metavar="github|gitlab", help="Print a CI configuration to start from."),
    ] = "",
    as_json: Json = False,
    branch: Branch = None,
    repo: Repo = Path("."),
    database: Database = None,
) -> None:
    """Is this change slower? Measures base and head in turns until each benchmark is decided.

    Of changes that change nothing, at most one in a hundred is called slower or
    faster, however large the suite; slowdowns of --effect are found in 19 of 20
    cases. Exit code 0: nothing is known to be slower; 1: something is, or stopped
    working; 2: bad input; 3: no answer (a side does not build, nothing in common,
    or, with --strict, something not decided).

    Examples:
      regress ci
      regress ci --base main --effect 3 --minutes 10
      regress ci --base v1.0 --head v1.1 --bench speed.time_sort --json
      regress ci --example github
    """
    if example:
        _print_example(example)
        return
    import os

    from regress.cli.output import print_json, progress_console
    from regress.cli.progress import shown
    from regress.service.ci.gate import check_change
    from regress.service.ci.pairs import MOST_ROUNDS, Budget
    from regress.service.ci.publish import make_folder, report_json, tell_forge, tell_github, write_files
    from regress.service.ci.surroundings import read_surroundings

    around = read_surroundings(os.environ)
    project = open_project(repo, database, branch)
    folder = out or project.state / "ci"
    make_folder(folder)
    store = project.open_store() if keep else None
    try:
        with shown(progress_console()) as listen:
            report = check_change(
                project,
                base=base,
                head=head,
                around=around,
                effect=None if effect is None else effect / 100,
                budget=Budget(pairs or MOST_ROUNDS, 60 * minutes),
                benchmarks=bench or (),
                seed=seed,
                name=name,
                store=store,
                listen=listen,
                wait=wait,
            )
    finally:
        if store:
            store.close()
    write_files(report, folder)
    notes = tell_github(report, around, folder)
    for note in notes + tell_forge(report, around, comment=comment, check=check):
        progress_console().print(note, markup=False)
    if as_json:
        print_json(report_json(report))
    else:
        print_report(report, folder, on_github=around.kind == "github")
    code = exit_code(report, strict)
    if code:
        raise typer.Exit(code)


def exit_code(report: CiReport, strict: bool) -> int:
    """What the process says; the command's help names the codes."""
    from regress.cli import INTERRUPTED
    from regress.domain import Verdict
    from regress.service.ci.pairs import INTERRUPTED as STOPPED
    from regress.service.ci.report import Decision

    if report.decision in (Decision.SLOWER, Decision.BROKEN):
        return SLOWER
    if report.cut == STOPPED:
        return INTERRUPTED
    if report.decision is Decision.NO_ANSWER or (strict and report.of(Verdict.UNCLEAR)):
        return UNDECIDED
    return 0


def print_report(report: CiReport, folder: Path, *, on_github: bool) -> None:
    """Say the decision, then what calls for attention; on GitHub also as annotations."""
    from regress.cli.output import console
    from regress.domain import Verdict
    from regress.foreign import one_line
    from regress.service.ci import words
    from regress.service.ci.annotations import workflow_commands

    out = console()
    out.print(words.first_line(report), style="bold", markup=False)
    for verdict in (Verdict.SLOWER, Verdict.UNCLEAR, Verdict.FASTER):
        for row in report.of(verdict):
            out.print("  " + one_line(words.sentence(row)), markup=False)
    _print_rest(report, out)
    out.print(f"{words.coverage(report)} The report: {folder}", style="dim", markup=False)
    if on_github:
        for line in workflow_commands(report):
            out.print(line, markup=False)


def _print_rest(report: CiReport, out: Console) -> None:
    from regress.foreign import one_line

    for failure in report.broken:
        out.print(f"  {one_line(failure.benchmark)}: works at base, fails at head", markup=False)
    for side, log in report.unbuilt:
        out.print(f"  {side}: {one_line(log[-300:])}", markup=False)


def _print_example(name: str) -> None:
    from importlib.resources import files

    known = ("github", "gitlab")
    if name not in known:
        raise typer.BadParameter(f"expected one of {', '.join(known)}, found {name!r}")
    print((files("regress.service.ci") / "examples" / f"{name}.yml").read_text(encoding="utf-8"), end="")
