"""``regress notify``: who is told what changed, and how far telling them has come."""

from __future__ import annotations

import dataclasses
import time
from collections.abc import Callable
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from regress.cli.options import Database, Json, Repo, open_project, opened

if TYPE_CHECKING:
    from rich.console import Console

    from regress.service.notify.sending import ChannelReport, ChannelStatus


def send(
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Only say what would be sent.")] = False,
    dead: Annotated[bool, typer.Option("--dead", help="Try the undeliverable once more, too.")] = False,
    every: Annotated[
        int | None, typer.Option(min=1, max=86_400, metavar="SECONDS", help="Go on until Ctrl-C.")
    ] = None,
    as_json: Json = False,
    repo: Repo = Path("."),
    database: Database = None,
) -> None:
    """Tell every channel of regress.toml what it is due: run it after each analysis, or with --every.

    What cannot be delivered waits and is tried again, later each time. Exit
    code 1 where something could not be sent this time.

    Examples:
      regress notify send
      regress notify send --dry-run --json
      regress notify send --every 60
    """
    from regress.cli.output import console, print_json, progress_console
    from regress.service.notify import sending

    errors = progress_console()

    def listen(channel: str, outcome: str, text: str) -> None:
        if outcome != "sent":
            errors.print(f"{channel}: {outcome}: {text}", markup=False)

    with opened(repo, database) as (project, store):
        while True:
            reports = sending.send(project, store, dry_run=dry_run, again=dead, listen=listen)
            if as_json:
                print_json([_json(report) for report in reports])
            else:
                _print(console(), reports, dry_run)
            if every is None:
                break
            time.sleep(every)
    if not all(report.well for report in reports):
        raise typer.Exit(1)


def try_out(
    channel: Annotated[str, typer.Argument(metavar="[CHANNEL]", help="Its name; else all of them.")] = "",
    as_json: Json = False,
    repo: Repo = Path("."),
) -> None:
    """Try a channel: send a test message now (to a forge: ask for the repository, and write nothing).

    Examples:
      regress notify test
      regress notify test team
    """
    from regress.cli.output import console, print_json
    from regress.service.notify import sending

    told = sending.try_out(open_project(repo, None), channel)
    if as_json:
        print_json(told)
    else:
        for name, what in told.items():
            console().print(f"{name}: {what}", markup=False)


def status(as_json: Json = False, repo: Repo = Path("."), database: Database = None) -> None:
    """Say how every channel stands: what waits, what was sent, and what is undeliverable, and why.

    Example:
      regress notify status --json
    """
    from regress.cli.output import console, print_json
    from regress.service.notify import sending

    with opened(repo, database) as (project, store):
        found = sending.status(project, store)
    if as_json:
        print_json([dataclasses.asdict(one) for one in found])
    else:
        _print_status(console(), found)


def _json(report: ChannelReport) -> dict[str, Any]:
    return {**dataclasses.asdict(report), "well": report.well}


def _print(out: Console, reports: list[ChannelReport], dry_run: bool) -> None:
    for report in reports:
        if report.fault:
            out.print(f"{report.name}: cannot be used: {report.fault}", markup=False)
            continue
        done = "would be sent" if dry_run else "sent"
        out.print(f"{report.name}: {len(report.sent)} {done}{_besides(report)}", markup=False)
        for title in report.sent:
            out.print(f"  {title}", markup=False)


def _besides(report: ChannelReport) -> str:
    """What else happened, as the end of a line."""
    said = [
        f"{len(report.failed)} failed" if report.failed else "",
        f"{report.left} not tried" if report.left else "",
        f"{report.skipped} not wanted" if report.skipped else "",
        f"{report.held} held until {_at(report.until)} ({report.why})" if report.until else "",
    ]
    return "".join(f", {one}" for one in said if one)


def _print_status(out: Console, found: list[ChannelStatus]) -> None:
    if not found:
        out.print("no channel is configured: add [[notify.channel]] to regress.toml", markup=False)
    for one in found:
        counts = ", ".join(f"{number} {state}" for state, number in one.messages.items() if number)
        out.print(f"{one.name} ({one.kind or 'gone'}): {counts or 'nothing sent yet'}", markup=False)
        if one.fault:
            out.print(f"  cannot be used: {one.fault}", markup=False)
        if one.waiting_notices:
            out.print(f"  {one.waiting_notices} to be told with the next `regress notify send`", markup=False)
        if one.promise:
            out.print(f"  after a crash a message {one.promise}", markup=False)
        for why, number in one.skipped.items():
            out.print(f"  {number} not told: {why}", markup=False)
        for message in one.unsent:
            when = "" if message.state == "dead" else f", next at {_at(message.due_at)}"
            tried = f"tried {message.attempts}×{when}"
            out.print(f"  {message.state} {message.key}: {tried}: {message.error or 'cut off'}", markup=False)


def _at(moment: datetime | None) -> str:
    return f"{moment:%Y-%m-%d %H:%M} UTC" if moment else "?"


COMMANDS: dict[str, Callable[..., None]] = {"test": try_out, "send": send, "status": status}
"""Name to command; a command's docstring is its help."""

group = typer.Typer(help="Tell people and programs what changed: test, send, status.", no_args_is_help=True)
for name, command in COMMANDS.items():
    group.command(name)(command)
