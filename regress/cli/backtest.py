"""``regress backtest``."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from regress.cli.options import Branch, Database, Json, Repo, opened

if TYPE_CHECKING:
    from regress.service.backtest import Backtest, Raised, Row

_COLOURS = {"stays": "dim", "comes": "yellow", "goes": "cyan"}


def command(
    detector: Annotated[
        str | None,
        typer.Option("--detector", metavar="NAME", help="Another detector; short for --set detector=NAME."),
    ] = None,
    settings: Annotated[
        list[str] | None,
        typer.Option(
            "--set",
            metavar="KEY=VALUE",
            help="Another value under \\[detection], repeatable: detector, false_alarms, "
            "false_discoveries, pooling, or effect (the smallest change that is reported, of every series).",
        ),
    ] = None,
    since: Annotated[
        str | None, typer.Option("--since", metavar="REV", help="Only what is raised after this commit.")
    ] = None,
    jobs: Annotated[
        int, typer.Option("--jobs", "-j", min=1, max=256, metavar="N", help="Processes that do it.")
    ] = 1,
    branch: Branch = None,
    as_json: Json = False,
    repo: Repo = Path("."),
    database: Database = None,
) -> None:
    """Replay history commit by commit under other settings: which alerts come and go, against past triage.

    Nothing is stored. Without settings it shows what the present ones raised, when, and what they took back.

    Examples:
      regress backtest --set false_alarms=0.0001
      regress backtest --set effect=0.05 --since v1.0 --json
      regress backtest --detector kernel --jobs 8
    """
    from regress.cli.output import console, print_json, progress_console
    from regress.cli.progress import steps_shown
    from regress.config import with_settings
    from regress.service.backtest import backtest
    from regress.service.spreading import How

    chosen = [*([f"detector={detector}"] if detector is not None else []), *(settings or [])]
    with opened(repo, database, branch) as (project, store):
        other = with_settings(project.config.detection, chosen)
        start = project.history.resolve(since) if since else None
        with steps_shown(progress_console()) as listen:
            found = backtest(
                store, project.config, project.branch, other, since=start, how=How(jobs), progress=listen
            )
    if as_json:
        print_json(_json(found))
    else:
        _print(console(), found)


def _print(out: Any, found: Backtest) -> None:
    from rich.markup import escape
    from rich.table import Table

    from regress.words import change, count

    table = Table(
        "", "change", "series", "since", "now after", "then after", "triage", box=None, padding=(0, 2, 0, 0)
    )
    for row in found.rows:
        lead = row.shown.lead
        more = f" and {row.shown.series - 1} more" if row.shown.series > 1 else ""
        outcome = row.outcome.value
        table.add_row(
            f"[{_COLOURS[outcome]}]{outcome}[/]",
            change(lead.change.ratio),
            escape(lead.series.title + more) + (f" [yellow]{lead.cause.value}[/]" if lead.note else ""),
            lead.first_after[:10],
            _delay(row.now),
            _delay(row.then),
            f"#{row.event} {row.state.value}" if row.state else "",
        )
    if found.rows:
        out.print(table)
    out.print(f"{count(found.points, 'point')} of {found.series:,} series replayed; {_summary(found)}")


def _delay(raised: Raised | None) -> str:
    if raised is None:
        return ""
    commits = f"{raised.delay} commit{'' if raised.delay == 1 else 's'}"
    return commits if raised.stands else f"{commits}, taken back"


def _summary(found: Backtest) -> str:
    from regress.service.backtest import Judgement, Outcome

    parts = []
    for outcome in Outcome:
        judged = [f"{number} {j.value}" for j in Judgement if (number := found.count(outcome, j))]
        parts.append(
            f"{found.count(outcome)} {_PLURAL[outcome.value]}" + (f" ({', '.join(judged)})" if judged else "")
        )
    return ", ".join(parts)


_PLURAL = {"stays": "stay", "comes": "come", "goes": "go"}


def _json(found: Backtest) -> dict[str, Any]:
    from regress.service.backtest import Judgement, Outcome

    return {
        "branch": found.branch,
        "series": found.series,
        "points": found.points,
        "counts": {o.value: {j.value: found.count(o, j) for j in Judgement} for o in Outcome},
        "alerts": [_row_json(row) for row in found.rows],
    }


def _row_json(row: Row) -> dict[str, Any]:
    lead = row.shown.lead
    return {
        "outcome": row.outcome.value,
        "kind": row.kind.value,
        "benchmark": lead.series.title,
        "machine": lead.series.machine,
        "first_after": lead.first_after,
        "cause": lead.cause.value,
        "ratio": lead.change.ratio,
        "event": row.event,
        "state": row.state.value if row.state else None,
        "judged": row.judged.value,
        "now": _raised_json(row.now),
        "then": _raised_json(row.then),
    }


def _raised_json(raised: Raised | None) -> dict[str, Any] | None:
    if raised is None:
        return None
    return {"series": raised.series, "delay": raised.delay, "stands": raised.stands}
