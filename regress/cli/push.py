"""``regress push``."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from regress.cli.options import Branch, Json, Repo, open_project

if TYPE_CHECKING:
    from regress.service.project import Project
    from regress.service.push.queue import Queue

QUEUED = 3
"""The exit code where something waits for the next time: nothing is lost, and nothing is wrong here."""


def command(
    url: Annotated[str, typer.Argument(metavar="URL", help="The dashboard's address.")],
    paths: Annotated[
        list[Path] | None,
        typer.Argument(metavar="[FILE|DIR]...", help="Result files; without, only what waits is sent."),
    ] = None,
    tool: Annotated[str | None, typer.Option(help="What wrote them; else the files tell.")] = None,
    commit: Annotated[
        str, typer.Option("--commit", metavar="REV", help="The measured commit, for files that name none.")
    ] = "HEAD",
    machine: Annotated[
        str | None,
        typer.Option(
            metavar="NAME", help="The machine, for files that name none.", show_default="this one's name"
        ),
    ] = None,
    patience: Annotated[
        float, typer.Option(min=0, max=86_400, metavar="SECONDS", help="How long to wait for the server.")
    ] = 60,
    insecure: Annotated[
        bool, typer.Option("--insecure", help="Send the token over plain http to another machine.")
    ] = False,
    branch: Branch = None,
    as_json: Json = False,
    repo: Repo = Path("."),
) -> None:
    """Deliver result files to a dashboard elsewhere, each exactly once.

    They are put into a queue on disk (.regress/push) before anything is sent, and leave it when
    the server has them for good. While the server is away it is tried again, with growing pauses;
    what is left after --patience waits for the next push, and the exit code is 3. The token
    comes from the environment: REGRESS_TOKEN.

    Examples:
      REGRESS_TOKEN=... regress push https://perf.example.org .asv/results
      regress push https://perf.example.org          # sends what waits
    """
    import dataclasses
    import os

    from rich.markup import escape

    from regress.cli.output import console, print_json, progress_console
    from regress.cli.progress import steps_shown
    from regress.errors import RegressError
    from regress.service.access import looks_like_token
    from regress.service.push.queue import Queue
    from regress.service.push.send import checked_url, send
    from regress.words import count

    project, token = open_project(repo, None, branch), os.environ.get("REGRESS_TOKEN", "").strip()
    if not looks_like_token(token):
        hint = "`regress token new NAME`, on the server, makes one."
        wrong = "what is in it is no token of Regress" if token else "it is empty"
        raise RegressError(f"no token in the environment variable REGRESS_TOKEN: {wrong}", hint=hint)
    queue = Queue(project.state, checked_url(url, insecure=insecure))
    added = _queue(project, queue, paths or [], tool, commit, machine)
    with steps_shown(progress_console()) as listen:
        sent = send(queue, token, patience=patience, listen=listen)
    if as_json:
        print_json({"added": added, **dataclasses.asdict(sent)})
    else:
        out = console()
        known = f", {sent.known} of them known" if sent.known else ""
        told = f"{count(sent.delivered, 'delivery', 'deliveries')}{known}: {count(sent.new, 'new result')}"
        out.print(f"{told}, {sent.updated:,} updated, {sent.unchanged:,} unchanged")
        for aside, reason in sent.refused:
            out.print(f"[red]refused[/]: {escape(reason)}  [dim]{escape(aside)}[/]")
        if sent.unplaced:
            missing = count(sent.unplaced, "commit")
            out.print(f"[yellow]{missing} on no branch there[/]: is this clone shallow?")
        if sent.queued:
            out.print(f"[yellow]{sent.queued} wait in {escape(str(queue.folder))}[/]: {escape(sent.problem)}")
    if sent.refused:
        raise typer.Exit(2)
    if sent.queued:
        raise typer.Exit(QUEUED)


def _queue(
    project: Project, queue: Queue, paths: list[Path], tool: str | None, commit: str, machine: str | None
) -> int:
    """Put what the files hold into the queue; how many are new there."""
    import platform

    from regress.ingest import Context
    from regress.service.push.pack import bodies

    if not paths:
        return 0
    history = project.history
    told = [] if history.is_shallow() else history.commits(project.branch)
    context = Context(history.resolve(commit), machine or platform.node(), project.config.ingest)
    found = bodies(paths, branch=project.branch, tool=tool, context=context, history=told)
    return sum(queue.add(body) for body in found)
