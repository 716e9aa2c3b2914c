"""The commands, in the order a newcomer meets them. One file a command; this is their registry."""

from __future__ import annotations

from collections.abc import Callable
from importlib.metadata import version
from typing import Annotated

import typer

from regress.cli import (
    analyse,
    audit,
    backtest,
    bisect,
    ci,
    compare,
    db,
    doctor,
    drift,
    export,
    gate,
    ingest,
    init,
    notify,
    push,
    run,
    selftest,
    serve,
    show,
    token,
    triage,
    user,
)

COMMANDS: dict[str, Callable[..., None]] = {
    "init": init.command,
    "run": run.command,
    "serve": serve.command,
    "ingest": ingest.command,
    "export": export.command,
    "push": push.command,
    "analyse": analyse.command,
    "show": show.command,
    "compare": compare.command,
    "drift": drift.command,
    "gate": gate.command,
    "ci": ci.command,
    "triage": triage.command,
    "bisect": bisect.command,
    "backtest": backtest.command,
    "selftest": selftest.command,
    "doctor": doctor.command,
    "audit": audit.command,
}
"""Name to command; a command's docstring is its help."""

app = typer.Typer(
    add_completion=False,
    rich_markup_mode="rich",
    pretty_exceptions_enable=False,  # regress.cli.main translates errors; bugs deserve plain tracebacks
    context_settings={"help_option_names": ["-h", "--help"]},
)
for name, command in COMMANDS.items():
    app.command(name)(command)
app.add_typer(db.group, name="db")
app.add_typer(notify.group, name="notify")
app.add_typer(user.group, name="user")
app.add_typer(token.group, name="token")


def _show_version(wanted: bool) -> None:
    if wanted:
        print(f"regress {version('regress')}")
        raise typer.Exit


@app.callback()
def _top(
    _version: Annotated[
        bool, typer.Option("--version", callback=_show_version, is_eager=True, help="Print the version.")
    ] = False,
) -> None:
    """Continuous performance-regression detection for any Git repository with benchmarks.

    Start with:  regress run --last 3 --serve
    """
