"""``regress triage``."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from regress.cli.options import Database, Json, Repo, opened


def command(
    event: Annotated[
        int,
        typer.Argument(
            metavar="EVENT", min=1, max=2**31 - 1, help="Its number, as run and analyse print it."
        ),
    ],
    state: Annotated[
        str, typer.Argument(help="acknowledged, investigating, expected, fixed, invalid, or new again.")
    ] = "",
    assign: Annotated[
        str | None, typer.Option(metavar="NAME", help="Who looks after it ('' for nobody).")
    ] = None,
    by: Annotated[str, typer.Option(metavar="COMMIT", help="The commit that fixes it.")] = "",
    note: Annotated[str, typer.Option(metavar="TEXT", help="What there is to say.")] = "",
    move: Annotated[
        str, typer.Option(metavar="WHERE", help="earlier or later: it began at the measured commit beside.")
    ] = "",
    who: Annotated[str, typer.Option(metavar="NAME", help="Who decides, if not you.")] = "",
    as_json: Json = False,
    repo: Repo = Path("."),
    database: Database = None,
) -> None:
    """Say what you decided about a change: what is expected, fixed or invalid no longer stops the gate.

    Example:
      regress triage 7 expected
      regress triage 7 acknowledged --assign ada --note "the cache is cold now"
      regress triage 7 fixed --by 4891665
      regress triage 7 --move later
    """
    from regress.cli.output import console, event_json, print_events, print_json
    from regress.service.access import at_the_command_line
    from regress.service.triage import triage

    with opened(repo, database) as (_, store):
        decided = " ".join(filter(None, (state, assign, by, move, note)))
        told = store.on_behalf(at_the_command_line("triage", f"event {event}", decided))
        found = triage(told, event, state, assignee=assign, fixed_by=by, note=note, move=move, who=who)
        if as_json:
            print_json(event_json(found))
        else:
            out = console()
            out.print(f"{found.state.value}:", markup=False)
            print_events(out, [found], store)
