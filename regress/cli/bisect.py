"""``regress bisect``."""

from __future__ import annotations

import math
import sys
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from regress.bisect import BUDGET, CONFIDENCE
from regress.cli import INTERRUPTED
from regress.cli.options import Branch, Database, Json, Repo, Wait, opened

if TYPE_CHECKING:
    from regress.domain import Bisection, Culprit
    from regress.runner.history import History


def command(
    number: Annotated[
        int | None,
        typer.Argument(
            metavar="[SEARCH]", min=1, max=2**31 - 1, help="--resume: which search; else the newest."
        ),
    ] = None,
    again: Annotated[bool, typer.Option("--resume", help="Go on with a search that was cut off.")] = False,
    benchmark: Annotated[
        str, typer.Option("--benchmark", "-b", metavar="NAME", help="What to search by; else what fell most.")
    ] = "",
    good: Annotated[str, typer.Option(metavar="REV", help="A commit that was still fast.")] = "",
    bad: Annotated[str, typer.Option(metavar="REV", help="A commit that was slow already.")] = "",
    confidence: Annotated[
        float | None,
        typer.Option(min=0.5, max=0.999, help="How sure is sure enough.", show_default=str(CONFIDENCE)),
    ] = None,
    budget: Annotated[
        int | None,
        typer.Option(min=2, help="The most measurements of a commit to spend.", show_default=str(BUDGET)),
    ] = None,
    anyway: Annotated[
        bool, typer.Option("--anyway", help="Begin even where it would most likely name nobody.")
    ] = False,
    scheduler: Annotated[
        str, typer.Option(metavar="ADDRESS", help="A Dask scheduler whose workers measure: tcp://host:8786.")
    ] = "",
    source: Annotated[
        str,
        typer.Option(metavar="URL", help="Where workers get the repository (else: path, origin)."),
    ] = "",
    simulate: Annotated[
        bool, typer.Option("--simulate", help="Measure nothing: search made histories, and say how it went.")
    ] = False,
    commits: Annotated[int, typer.Option(min=2, max=100_000, help="--simulate: commits of a history.")] = 128,
    shift: Annotated[
        float,
        typer.Option(
            "--shift-sigma", min=0, max=1000, help="--simulate: size of the shift, in noise widths."
        ),
    ] = 1.0,
    trials: Annotated[int, typer.Option(min=1, max=1_000_000, help="--simulate: how many searches.")] = 300,
    culprits: Annotated[int, typer.Option(min=1, max=9, help="--simulate: commits that shift it.")] = 1,
    known: Annotated[
        int, typer.Option(min=0, max=10_000, help="--simulate: measurements that each side has already.")
    ] = 100,
    sessions: Annotated[
        float,
        typer.Option(min=0, max=0.95, help="--simulate: share of the noise's variance between sessions."),
    ] = 0.0,
    drift: Annotated[
        float,
        typer.Option(
            min=0, max=1000, help="--simulate: the machine's random walk from run to run, in noise widths."
        ),
    ] = 0.0,
    tails: Annotated[
        bool, typer.Option("--tails", help="--simulate: noise with heavy tails (t, 3).")
    ] = False,
    unbuilt: Annotated[
        float, typer.Option(min=0, max=0.9, help="--simulate: share of commits that do not build.")
    ] = 0.0,
    workers: Annotated[int, typer.Option(min=1, max=1000, help="--simulate: how many measure at once.")] = 1,
    build: Annotated[
        float, typer.Option(min=0, help="--simulate: cost of a build, in runs, on average.")
    ] = 0.0,
    seed: Annotated[int, typer.Option(min=0, help="--simulate: other histories.")] = 0,
    wait: Wait = False,
    as_json: Json = False,
    branch: Branch = None,
    repo: Repo = Path("."),
    database: Database = None,
) -> None:
    """Find the commit that made something slower, and verify it against its parent.

    Without options it takes the latest open regression. Measurements that
    exist are used; commits that do not build are skipped. Each measurement is
    stored at once: after Ctrl-C, or a crash, --resume goes on with them. What
    the culprit leaves of the change is searched for a further one. A search
    that would most likely name nobody is refused, with its price (--anyway).

    Examples:
      regress bisect
      regress bisect -b bench.time_parse --good v1.0 --bad main
      regress bisect --resume 3 --budget 300
      regress bisect --scheduler tcp://10.0.0.1:8786
      regress bisect --simulate --commits 128 --shift-sigma 1 --trials 300 --json

    On a cluster, workers of the series' machine (dask worker ADDRESS
    --nthreads 1 --resources machine-NAME=1) measure as many commits at once.
    """
    if simulate:
        from regress.bisect.simulate import Scenario
        from regress.cli.bisect_simulation import simulate as run_simulation

        if not (math.isfinite(shift) and math.isfinite(drift) and math.isfinite(build)):
            raise typer.BadParameter(
                "a finite number is needed", param_hint="--shift-sigma, --drift, --build"
            )
        if culprits >= commits:
            raise typer.BadParameter("a history needs more commits than culprits", param_hint="--culprits")
        made = Scenario(
            commits=commits, shift=shift, culprits=culprits, known=known, sessions=sessions, drift=drift,
            tails=tails, unbuilt=unbuilt, build=build, confidence=confidence or CONFIDENCE,
            workers=workers, seed=seed,
        )  # fmt: skip
        run_simulation(made, trials, as_json)
        return
    if number is not None and not again:
        raise typer.BadParameter("a search is named with --resume", param_hint="SEARCH")
    if source and not scheduler:
        raise typer.BadParameter("is for workers of a --scheduler", param_hint="--source")
    if again and (benchmark or good or bad):
        raise typer.BadParameter("goes on with what it was begun with", param_hint="--resume")
    from regress.cli.output import print_json, progress_console
    from regress.cli.progress import shown
    from regress.service.bisect import bisect, resume
    from regress.service.bisect_session import SearchInterrupted
    from regress.service.run_distributed import Where
    from regress.words import count

    where = Where(scheduler, source=source) if scheduler else None
    try:
        with opened(repo, database, branch) as (project, store), shown(progress_console()) as listen:
            if again:
                found = resume(
                    project,
                    store,
                    number,
                    confidence=confidence,
                    budget=budget,
                    where=where,
                    listen=listen,
                    wait=wait,
                )
            else:
                found = bisect(
                    project,
                    store,
                    benchmark=benchmark,
                    good=good,
                    bad=bad,
                    confidence=confidence or CONFIDENCE,
                    budget=budget or BUDGET,
                    anyway=anyway,
                    where=where,
                    listen=listen,
                    wait=wait,
                )
    except SearchInterrupted as cut:
        kept = f"{count(cut.kept, 'measurement')} of search {cut.number} stored"
        print(f"interrupted: {kept}; to go on: regress bisect --resume {cut.number}", file=sys.stderr)
        raise typer.Exit(INTERRUPTED) from None
    if as_json:
        print_json(_json(found))
    else:
        _print(found, project.history)


def _print(found: Bisection, history: History) -> None:
    from rich.markup import escape

    from regress.cli.output import console
    from regress.words import change, count, duration, interval

    out = console()
    spent = f"{count(found.runs, 'run')}, {duration(found.seconds or 0.0)}"
    if found.skipped:
        out.print(f"skipped, as they do not build: {', '.join(sha[:10] for sha in found.skipped)}")
    if not found.first:
        out.print(f"no change found between {found.good[:10]} and {found.bad[:10]} ({spent})")
        if {found.good, found.bad} & set(found.skipped):
            out.print("an end does not build: what changed between it and the next that does is not seen")
        return
    role = "culprit" if found.verified else "suspect"
    verdict = "verified against its parent" if found.verified else "[yellow]not confirmed by re-measuring[/]"
    culprits: tuple[Bisection | Culprit, ...] = (found, *found.further)
    for one in culprits:
        for commit in history.select(f"{one.first}^..{one.last}", found.series.branch):
            who = f"{escape(commit.subject)}  ({escape(commit.author)})"
            out.print(f"[bold]{role} {commit.sha[:10]}[/]  {who}")
        size = f"{change(one.ratio)} {interval(one.low, one.high)}"
        sure = f"confidence {100 * one.confidence:.1f} %"
        out.print(f"{escape(found.series.title)}: {size}, {verdict}, {sure}")
    for other in found.others:
        out.print(f"{escape(other.series.title)}: {change(other.ratio)} {interval(other.low, other.high)}")
    if found.suspicion and found.suspicion.files:
        out.print(f"it touches what the benchmark runs: {escape(', '.join(found.suspicion.files))}")
    elif found.suspicion:
        out.print("nothing that it touches is seen to be run by the benchmark")
    if found.rest and not found.rest.explained:
        left = f"{change(found.rest.ratio)} {interval(found.rest.low, found.rest.high)}"
        out.print(f"[yellow]not all of the change is explained:[/] {left} remains")
    out.print(spent)


def _json(found: Bisection) -> dict[str, Any]:
    return {
        "benchmark": found.series.title,
        "metric": found.series.metric.name,
        "good": found.good,
        "bad": found.bad,
        "culprit": found.culprit,
        "first": found.first,
        "last": found.last,
        "confidence": found.confidence,
        "ratio": found.ratio,
        "low": found.low,
        "high": found.high,
        "verified": found.verified,
        "runs": found.runs,
        "seconds": found.seconds,
        "skipped": list(found.skipped),
        "suspicion": asdict(found.suspicion) if found.suspicion else None,
        "others": [
            {"benchmark": one.series.title, "ratio": one.ratio, "low": one.low, "high": one.high}
            for one in found.others
        ],
        "further": [asdict(one) for one in found.further],
        "rest": asdict(found.rest) | {"explained": found.rest.explained} if found.rest else None,
        "started_at": found.started_at,
        "finished_at": found.finished_at,
    }
