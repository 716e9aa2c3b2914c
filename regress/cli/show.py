"""``regress show``."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from regress.cli.options import Branch, Database, Json, Repo, opened
from regress.errors import RegressError, UnknownNameError

if TYPE_CHECKING:
    from collections.abc import Sequence

    from regress.service.sight import Sight


def command(
    name: Annotated[
        str, typer.Argument(metavar="[BENCHMARK]", help="A benchmark, or one of its series; all without.")
    ] = "",
    branch: Branch = None,
    as_json: Json = False,
    repo: Repo = Path("."),
    database: Database = None,
) -> None:
    """Say what each series can see: its noise, the smallest change it would flag, the price of a smaller one.

    Examples:
      regress show
      regress show time_sort --json
    """
    from regress.cli.output import print_json
    from regress.service.sight import sights

    with opened(repo, database, branch) as (project, store):
        found = list(sights(store, project.branch, project.config))
    if not found:
        raise RegressError("nothing is measured yet", hint="Run `regress run --last 3` first.")
    chosen = [one for one in found if not name or one.key.is_called(name)]
    if not chosen:
        raise UnknownNameError("benchmark", name, {one.key.benchmark for one in found})
    if as_json:
        print_json([_json(one) for one in chosen])
    else:
        _print(chosen)


def _print(found: Sequence[Sight]) -> None:
    from rich.markup import escape
    from rich.table import Table

    from regress.cli.output import console
    from regress.words import size

    columns = ("series", "metric", "machine", "points", "mode", "noise", "sees", "a smaller change")
    table = Table(*columns, box=None, padding=(0, 2, 0, 0))
    for one in found:
        names = [escape(text) for text in (one.key.title, one.key.metric.name, one.key.machine)]
        sees = one.sees
        if sees is None:
            table.add_row(*names, "", "", "", "history is too short", "")
        else:
            seen = f">= {size(sees.smallest)}" if sees.noise else "every change"
            numbers = (str(sees.points), sees.mode.value, size(sees.noise), seen, _price(one))
            table.add_row(*names, *numbers)
    console().print(table)


def _price(one: Sight) -> str:
    """What a smaller change takes: ``1 % needs 23 more commits, 4 min``."""
    from regress.words import count, duration, size

    if one.sees is None or not one.sees.noise:
        return ""
    if one.sees.more is None:
        return f"{size(one.sees.target)} needs a longer history, or less noise"
    price = f", {duration(one.price)}" if one.price is not None else ""
    return f"{size(one.sees.target)} needs {count(one.sees.more, 'more measurement')}{price}"


def _json(one: Sight) -> dict[str, Any]:
    told: dict[str, Any] = {
        "id": one.series_id,
        "benchmark": one.key.title,
        "metric": one.key.metric.name,
        "machine": one.key.machine,
        "environment": one.key.environment,
        "minimum_effect": one.minimum_effect,
        "sees": None,
    }
    if (sees := one.sees) is not None:
        told["sees"] = {
            "points": sees.points,
            "mode": sees.mode.value,
            "noise": sees.noise,
            "smallest": sees.smallest,
            "target": sees.target,
            "more": sees.more,
            "seconds": one.price,
        }
    return told
