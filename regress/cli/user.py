"""``regress user``: the people who may log in to the dashboard."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from regress.cli.options import Database, Json, Repo, open_project
from regress.foreign import printable

if TYPE_CHECKING:
    from regress.domain import Role
    from regress.service.access import PasswordFile
    from regress.service.project import Project

Name = Annotated[str, typer.Argument(metavar="NAME", help="What they log in as.")]
RoleName = Annotated[str, typer.Option("--role", help="viewer, triager, maintainer or admin.")]
Stdin = Annotated[
    bool, typer.Option("--password-stdin", help="Read the password from standard input, for scripts.")
]


def add(
    name: Name,
    role: RoleName = "viewer",
    password_stdin: Stdin = False,
    repo: Repo = Path("."),
    database: Database = None,
) -> None:
    """Let somebody in; asks for their password.

    A viewer reads, a triager says what changes are, a maintainer starts bisections, an
    admin reads the audit log; each may do what those before may.

    Examples:
      regress user add ann --role triager
      pwgen 20 1 | regress user add ann --password-stdin
    """
    project, people = _people(repo, database)
    people.add(name, _role(role), _password(password_stdin))
    _remember(project, "add user", name, role)
    print(f"{printable(name)} may log in as {role}")
    if project.config.access.login != "password":
        print('still to do: login = "password" under [access] in regress.toml')


def role(
    name: Name,
    role: Annotated[str, typer.Argument(help="viewer, triager, maintainer or admin.")],
    repo: Repo = Path("."),
    database: Database = None,
) -> None:
    """Change what somebody may do, at once.

    Example:
      regress user role ann maintainer
    """
    project, people = _people(repo, database)
    people.set_role(name, _role(role))
    _remember(project, "change role", name, role)
    print(f"{printable(name)} is {role}")


def password(
    name: Name, password_stdin: Stdin = False, repo: Repo = Path("."), database: Database = None
) -> None:
    """Change somebody's password, which ends their sessions.

    Example:
      regress user password ann
    """
    project, people = _people(repo, database)
    people.set_password(name, _password(password_stdin))
    _remember(project, "change password", name)
    print(f"{printable(name)} has a new password")


def remove(name: Name, repo: Repo = Path("."), database: Database = None) -> None:
    """Let somebody in no more, at once.

    Example:
      regress user remove ann
    """
    project, people = _people(repo, database)
    people.remove(name)
    _remember(project, "remove user", name)
    print(f"{printable(name)} may log in no more")


def show(as_json: Json = False, repo: Repo = Path("."), database: Database = None) -> None:
    """Who may log in.

    Example:
      regress user list
    """
    from regress.cli.output import print_json

    _, people = _people(repo, database)
    users = people.users().values()
    if as_json:
        print_json([{"name": user.name, "role": user.role.value} for user in users])
        return
    for user in users:
        print(f"{user.role.value:<11} {printable(user.name)}")
    if not users:
        print("nobody yet: regress user add NAME")


def _people(repo: Path, database: str | None) -> tuple[Project, PasswordFile]:
    from regress.service.access import PasswordFile

    project = open_project(repo, database)
    path = project.config.root / project.config.access.passwords
    if path.parent == project.history.root / ".regress":
        _ = project.state  # made so that git looks away
    return project, PasswordFile(path)


def _role(name: str) -> Role:
    from regress.domain import Role
    from regress.errors import UnknownNameError

    try:
        return Role(name)
    except ValueError:
        raise UnknownNameError("role", name, [role.value for role in Role]) from None


def _password(from_stdin: bool) -> str:
    import getpass
    import sys

    from regress.errors import RegressError

    if from_stdin:
        return sys.stdin.readline().rstrip("\n")
    if not sys.stdin.isatty():
        raise RegressError("no terminal to ask for a password", hint="Pass --password-stdin.")
    first = getpass.getpass("Password: ")
    if getpass.getpass("Again: ") != first:
        raise RegressError("the two passwords differ")
    return first


def _remember(project: Project, action: str, name: str, detail: str = "") -> None:
    from regress.service.access import at_the_command_line

    with project.open_store() as store:
        store.record_deed(at_the_command_line(action, f"user {name}", detail))


group = typer.Typer(help="Who may log in to the dashboard.", no_args_is_help=True)
group.command("add")(add)
group.command("list")(show)
group.command("role")(role)
group.command("password")(password)
group.command("remove")(remove)
