"""``regress token``: the keys with which machines deliver results."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from regress.cli.options import Database, Json, Repo, opened

Name = Annotated[str, typer.Argument(metavar="NAME", help="What it is for, like the CI job's name.")]


def new(
    name: Name,
    scope: Annotated[
        list[str] | None, typer.Option(help="push (deliver results), read (see pages); repeat at will.")
    ] = None,
    days: Annotated[
        int | None, typer.Option(min=1, max=36_500, help="It ends after that.", show_default="never")
    ] = None,
    as_json: Json = False,
    repo: Repo = Path("."),
    database: Database = None,
) -> None:
    """Make a token, for this project. It is shown this once: put it into the CI's secrets.

    Only a digest of it is kept, so that who reads the database cannot use it.

    Examples:
      regress token new ci --days 365
      regress token new wallboard --scope read
    """
    import sys

    from regress.cli.output import print_json
    from regress.service.access import at_the_command_line, make_token

    with opened(repo, database) as (_, store):
        deed = at_the_command_line("make token", f"token {name}", " ".join(scope or ["push"]))
        token, secret = make_token(store, deed, name, scope or ["push"], days)
    if as_json:
        scopes = [one.value for one in token.scopes]
        told = {"id": token.id, "name": name, "scopes": scopes, "expires": token.expires_at}
        print_json({**told, "token": secret})
        return
    print(secret)
    print("Keep it now: it is not shown again. regress push reads it from REGRESS_TOKEN.", file=sys.stderr)


def show(as_json: Json = False, repo: Repo = Path("."), database: Database = None) -> None:
    """All tokens: what they open, who made them, when they were used, and which have ended.

    Example:
      regress token list
    """
    import dataclasses
    from datetime import UTC, datetime

    from rich.markup import escape

    from regress.cli.output import console, print_json

    with opened(repo, database) as (_, store):
        tokens = store.tokens()
    if as_json:
        print_json([dataclasses.asdict(token) for token in tokens])
        return
    out, now = console(), datetime.now(UTC)
    for token in tokens:
        ended = "revoked" if token.revoked_at else "expired"
        until = f"until {token.expires_at:%Y-%m-%d}" if token.expires_at else "until revoked"
        used = f"used {token.used_at:%Y-%m-%d}" if token.used_at else "never used"
        told = f"{token.id:>4}  {token.name}  {' '.join(token.scopes)}, by {token.made_by}, {used}, "
        out.print(escape(told) + (until if token.holds(now) else f"[red]{ended}[/]"))
    if not tokens:
        out.print("none yet: regress token new NAME")


def revoke(
    name: Annotated[str, typer.Argument(metavar="NAME|ID", help="As `regress token list` shows it.")],
    repo: Repo = Path("."),
    database: Database = None,
) -> None:
    """End a token, at once.

    Example:
      regress token revoke ci
    """
    from regress.foreign import printable
    from regress.service.access import at_the_command_line

    with opened(repo, database) as (_, store):
        token = store.on_behalf(at_the_command_line("revoke token", f"token {name}")).revoke_token(name)
    print(f"token {printable(token.name)} opens nothing any more")


group = typer.Typer(help="The keys with which machines deliver results.", no_args_is_help=True)
group.command("new")(new)
group.command("list")(show)
group.command("revoke")(revoke)
