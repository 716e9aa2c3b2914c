"""``regress audit``."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from regress.cli.options import Database, Json, Repo, opened


def command(
    last: Annotated[int, typer.Option(min=1, max=1_000_000, help="How many acts.")] = 50,
    target: Annotated[
        str | None, typer.Option(metavar="TARGET", help='Only what was done to it, like "event 7".')
    ] = None,
    as_json: Json = False,
    repo: Repo = Path("."),
    database: Database = None,
) -> None:
    """Who did what, and what was refused: triage, log-ins, tokens, deliveries; the newest first.

    Examples:
      regress audit
      regress audit --target "event 7" --json
    """
    import dataclasses

    from rich.markup import escape

    from regress.cli.output import console, print_json

    with opened(repo, database) as (_, store):
        entries = store.audit(last, target=target)
    if as_json:
        print_json([{"at": entry.at, **dataclasses.asdict(entry.deed)} for entry in entries])
        return
    out = console()
    for entry in entries:
        deed = entry.deed
        known = ", ".join(filter(None, (deed.how, deed.address)))
        refused = " [red]refused[/]" if deed.refused else ""
        told = " ".join(filter(None, (deed.action, deed.target, deed.detail)))
        out.print(f"{entry.at:%Y-%m-%d %H:%M:%S}  {escape(f'{deed.who} ({known}): {told}')}{refused}")
    if not entries:
        out.print("nobody did anything yet")
