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
    ],
    as_json: Json = False,
    repo: Repo = Path("."),
    database: Database = None,
) -> None:
    """Say what you decided about a change: what is expected, fixed or invalid no longer stops the gate.

    Example:
      regress triage 7 expected
    """
    from regress.cli.output import console, event_json, print_events, print_json
    from regress.service.triage import triage

    with opened(repo, database) as (_, store):
        found = triage(store, event, state)
        if as_json:
            print_json(event_json(found))
        else:
            out = console()
            out.print(f"{found.state.value}:", markup=False)
            print_events(out, [found], store)
