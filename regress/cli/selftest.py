"""``regress selftest``."""

from __future__ import annotations

from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from regress.cli.options import Branch, Database, Json, Repo, opened

if TYPE_CHECKING:
    from regress.domain import Power, SelfTest


def command(
    seed: Annotated[
        int, typer.Option(min=0, help="Where slowdowns are put in: another seed, other places.")
    ] = 0,
    branch: Branch = None,
    as_json: Json = False,
    repo: Repo = Path("."),
    database: Database = None,
) -> None:
    """Put known slowdowns into a copy of the project's own history: what is found, how soon, what is false.

    The dashboard's overview shows the latest result.

    Example:
      regress selftest --json
    """
    from regress.cli.output import print_json, progress_console
    from regress.cli.progress import steps_shown
    from regress.service.selftest import selftest

    with opened(repo, database, branch) as (project, store), steps_shown(progress_console()) as listen:
        found = selftest(store, project.config, project.branch, seed=seed, progress=listen)
    if as_json:
        rates = {machine.machine: machine.rate for machine in found.machines}
        told = asdict(found)
        for machine in told["machines"]:
            machine["rate"] = rates[machine["machine"]]
        print_json(told)
    else:
        _print(found)


def _print(found: SelfTest) -> None:
    from rich.markup import escape
    from rich.table import Table

    from regress.cli.output import console
    from regress.service.selftest import DEADLINE
    from regress.words import size

    sizes = [f"{size(power.size)} slower" for power in found.machines[0].powers]
    columns = ("machine", "series", "points", "false alarms per 1,000", *sizes)
    table = Table(*columns, box=None, padding=(0, 2, 0, 0))
    for one in found.machines:
        counts = (str(one.series), f"{one.points:,}", f"{one.rate:.2f}")
        table.add_row(escape(one.machine), *counts, *map(_said, one.powers))
    out = console()
    out.print(table)
    out.print(
        f"Found within {DEADLINE} commits, after so many (median). History's own changes were taken out."
    )


def _said(power: Power) -> str:
    after = f" after {power.delay:g}" if power.delay is not None else ""
    return f"{power.found} of {power.tried}{after}"
