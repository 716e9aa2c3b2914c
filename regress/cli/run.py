"""``regress run``: the main command."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from regress.cli import INTERRUPTED
from regress.cli.options import Branch, Database, Json, Repo, Wait, opened

if TYPE_CHECKING:
    from regress.service.run import RunReport
    from regress.store import Store


def command(
    revisions: Annotated[
        list[str] | None, typer.Argument(metavar="[REV|A..B]", help="Commits or ranges to measure.")
    ] = None,
    last: Annotated[
        int | None, typer.Option("--last", "-n", min=1, max=2**31 - 1, help="The last N commits.")
    ] = None,
    since_last: Annotated[
        bool, typer.Option("--since-last", help="Commits newer than the newest measured one.")
    ] = False,
    again: Annotated[bool, typer.Option("--again", help="Measure known commits anew.")] = False,
    serve: Annotated[bool, typer.Option("--serve", help="Then serve the dashboard.")] = False,
    open_browser: Annotated[
        bool, typer.Option("--open", help="Open it in the browser (with --serve).")
    ] = False,
    port: Annotated[int | None, typer.Option(min=0, max=65535, help="Its port (with --serve).")] = None,
    distributed: Annotated[
        bool, typer.Option("--distributed", help="Measure on Dask workers; without --scheduler, on one here.")
    ] = False,
    scheduler: Annotated[
        str, typer.Option(metavar="ADDRESS", help="A Dask scheduler whose workers measure: tcp://host:8786.")
    ] = "",
    machine: Annotated[
        list[str] | None,
        typer.Option(metavar="NAME", help="Only on this machine of it; repeatable."),
    ] = None,
    source: Annotated[
        str,
        typer.Option(metavar="URL", help="Where workers get the repository (else: path, origin)."),
    ] = "",
    wait: Wait = False,
    as_json: Json = False,
    branch: Branch = None,
    repo: Repo = Path("."),
    database: Database = None,
) -> None:
    """Measure commits, store each at once, say what changed, and (with --serve) show it.

    Commits that are known are skipped, so after Ctrl-C the same command goes
    on where it stopped. Without revisions, the last ten commits are measured.

    Examples:
      regress run --last 3 --serve
      regress run v1.0..main
      regress run --since-last --json
      regress run --last 50 --scheduler tcp://10.0.0.1:8786 --machine atlas

    Workers of a cluster say whose machine they are, and need git, the suite's
    tools and Regress: dask worker ADDRESS --nthreads 1 --resources machine-NAME=1
    """
    from regress.cli.output import print_json, progress_console
    from regress.cli.progress import shown
    from regress.service.run import Selection, run

    if sum((bool(revisions), last is not None, since_last)) > 1:
        raise typer.BadParameter("give revisions, --last or --since-last: one of them")
    selection = Selection(last, tuple(revisions or ()), since_last)
    elsewhere = distributed or scheduler or machine or source
    with opened(repo, database, branch) as (project, store):
        with shown(progress_console()) as listen:
            if elsewhere:
                from regress.service.run_distributed import Where, run_distributed

                where = Where(scheduler, tuple(machine or ()), source)
                report = run_distributed(
                    project, store, selection, where, listen=listen, again=again, wait=wait
                )
            else:
                report = run(project, store, selection, listen=listen, again=again, wait=wait)
        if as_json:
            print_json(_json(report, store))
        else:
            _print(report, store)
    if report.interrupted:
        kept = len(report.measured) + len(report.unbuilt)
        print(
            f"interrupted: {kept} of {kept + len(report.remaining)} commits are stored; "
            "the same command goes on where this stopped",
            file=sys.stderr,
        )
        raise typer.Exit(INTERRUPTED)
    if serve or open_browser:
        from regress.cli.serving import serve_dashboard

        serve_dashboard(project, port=port, open_browser=open_browser)


def _print(report: RunReport, store: Store) -> None:
    from rich.markup import escape

    from regress.cli.output import console, joined, print_changes
    from regress.words import count, duration

    out = console()
    done = count(len(report.measured), "commit")
    out.print(f"measured {done} of {escape(report.branch)} in {duration(report.seconds)}")
    if report.unbuilt:
        out.print(f"[yellow]did not build:[/] {joined(c.sha[:10] for c in report.unbuilt)}")
    print_changes(out, store, report.branch)


def _json(report: RunReport, store: Store) -> dict[str, Any]:
    from regress.cli.output import changes_json

    return {
        "branch": report.branch,
        "measured": [commit.sha for commit in report.measured],
        "unbuilt": [commit.sha for commit in report.unbuilt],
        "skipped": [commit.sha for commit in report.skipped],
        "remaining": [commit.sha for commit in report.remaining],
        "seconds": report.seconds,
        "machines": list(report.machines),
        "events": changes_json(store, report.branch),
    }
