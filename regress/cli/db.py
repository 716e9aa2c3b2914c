"""``regress db``: the database looked after."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable
from pathlib import Path
from typing import Annotated

import typer

from regress.cli.options import Database, Json, Repo, open_project, opened


def check(as_json: Json = False, repo: Repo = Path("."), database: Database = None) -> None:
    """Say whether the database is sound: its file, schema, references, and every stored value.

    Nothing is changed. Exit code 1 where something is wrong, with what to do.

    Examples:
      regress db check
      regress db check --db old.db --json
    """
    from rich.markup import escape

    from regress.cli.output import console, print_json, progress_console
    from regress.cli.progress import steps_shown
    from regress.service import upkeep
    from regress.words import count

    with steps_shown(progress_console()) as listen:
        health = upkeep.check(open_project(repo, database), listen)
    if as_json:
        print_json({**dataclasses.asdict(health), "sound": health.sound})
    else:
        out = console()
        for fault in health.faults:
            rows = f" ({count(fault.rows, 'row')})" if fault.rows else ""
            out.print(f"[red]{escape(fault.where)}[/]: {escape(fault.message)}{rows}")
            out.print(f"  [dim]{escape(fault.hint)}[/]")
        if health.sound:
            held = count(health.rows["measurement"], "measurement")
            out.print(f"sound: {held} of {health.rows['series']:,} series, schema {health.schema}")
    if not health.sound:
        raise typer.Exit(1)


def backup(
    to: Annotated[
        Path | None,
        typer.Argument(metavar="[FILE]", help="A new file; else one in .regress/, named by the time."),
    ] = None,
    as_json: Json = False,
    repo: Repo = Path("."),
    database: Database = None,
) -> None:
    """Write everything to a SQLite file, while others may read and write on.

    The file is a database itself: pass it with --db, or bring it back with `regress db copy`.

    Examples:
      regress db backup
      regress db backup /mnt/backups/monday.db
    """
    from rich.markup import escape

    from regress.cli.output import console, print_json, progress_console
    from regress.cli.progress import steps_shown
    from regress.service import upkeep

    with steps_shown(progress_console()) as listen:
        made = upkeep.backup(open_project(repo, database), to, listen)
    size = made.stat().st_size
    if as_json:
        print_json({"file": str(made), "bytes": size})
    else:
        console().print(f"{escape(str(made))}: {size / 1e6:.1f} MB")


def migrate(
    to: Annotated[
        Path | None, typer.Option("--backup", metavar="FILE", help="Where the backup goes (a new file).")
    ] = None,
    no_backup: Annotated[bool, typer.Option("--no-backup", help="Make none.")] = False,
    as_json: Json = False,
    repo: Repo = Path("."),
    database: Database = None,
) -> None:
    """Bring the database to the newest schema, after a backup.

    Example:
      regress db migrate
    """
    from rich.markup import escape

    from regress.cli.output import console, print_json, progress_console
    from regress.cli.progress import steps_shown
    from regress.service import upkeep

    with steps_shown(progress_console()) as listen:
        done = upkeep.migrate(open_project(repo, database), to, keep=not no_backup, listen=listen)
    if as_json:
        print_json({**dataclasses.asdict(done), "backup": done.backup and str(done.backup)})
    elif done.before == done.after:
        console().print(f"schema {done.after} is the newest: nothing to do")
    else:
        kept = f"; as it was: {escape(str(done.backup))}" if done.backup else ""
        console().print(f"schema {done.before} -> {done.after}{kept}")


def copy(
    target: Annotated[
        str, typer.Argument(metavar="URL|FILE", help="An empty database, or a new SQLite file.")
    ],
    as_json: Json = False,
    repo: Repo = Path("."),
    database: Database = None,
) -> None:
    """Copy everything into another database, SQLite or PostgreSQL, and compare every row.

    All of it arrives or nothing does. The source is left as it is.

    Examples:
      regress db copy postgresql://me@host/regress
      regress db copy local.db --db postgresql://me@host/regress
    """
    from rich.markup import escape

    from regress.cli.output import console, print_json, progress_console
    from regress.cli.progress import steps_shown
    from regress.service import upkeep
    from regress.words import count

    with steps_shown(progress_console()) as listen:
        done = upkeep.copy(open_project(repo, database), target, listen)
    if as_json:
        tables = {
            name: {"rows": held.rows, "digest": f"{held.digest:016x}"} for name, held in done.tables.items()
        }
        print_json({"source": done.source, "target": done.target, "tables": tables})
    else:
        held = count(done.tables["measurement"].rows, "measurement")
        out = console()
        out.print(f"{escape(done.target)}: {count(done.rows, 'row')}, {held}; every row compared")


def prune(
    days: Annotated[
        int | None,
        typer.Option("--days", min=1, max=100_000, help="Instead of retention.raw_days in regress.toml."),
    ] = None,
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Only say what would go.")] = False,
    as_json: Json = False,
    repo: Repo = Path("."),
    database: Database = None,
) -> None:
    """Forget raw samples older than retention.raw_days; values and bounds stay.

    Around change points nothing is forgotten. SQLite uses the room for what comes next.

    Examples:
      regress db prune --dry-run
      regress db prune --days 365
    """
    from datetime import UTC, datetime

    from regress.cli.output import console, print_json
    from regress.service import upkeep
    from regress.words import count

    with opened(repo, database) as (project, store):
        rule = project.config.retention
        chosen = dataclasses.replace(rule, raw_days=days) if days else rule
        done = upkeep.prune(store, chosen, datetime.now(UTC), dry_run=dry_run)
    if as_json:
        print_json({**dataclasses.asdict(done), "dry_run": dry_run})
    else:
        verb = "would lose" if dry_run else "lost"
        held = count(done.measurements, "measurement")
        console().print(f"{held} {verb} raw samples of {done.bytes / 1e6:.1f} MB")


COMMANDS: dict[str, Callable[..., None]] = {
    "check": check,
    "backup": backup,
    "migrate": migrate,
    "copy": copy,
    "prune": prune,
}
"""Name to command; a command's docstring is its help."""

group = typer.Typer(
    help="Look after the database: check, back up, migrate, copy, prune.", no_args_is_help=True
)
for name, command in COMMANDS.items():
    group.command(name)(command)
