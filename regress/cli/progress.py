"""Draws a run while it goes on: bars on a terminal, plain lines elsewhere. Both are event listeners."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

from rich.console import Console
from rich.markup import escape
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TaskID, TextColumn, TimeElapsedColumn

from regress.cli.output import count, duration
from regress.runner import events
from regress.runner.events import Listener


@contextmanager
def shown(console: Console) -> Iterator[Listener]:
    """A listener for the time of the context, fit for where ``console`` writes."""
    if not console.is_terminal:
        yield lambda event: _log(console, event)
        return
    columns = (TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn(), TimeElapsedColumn())
    with Progress(*columns, TextColumn("{task.fields[note]}"), console=console, transient=True) as progress:
        yield _Bars(progress)


class _Bars:
    """Two bars: commits of the run, and benchmarks of the commit. Finished commits scroll by above."""

    def __init__(self, progress: Progress) -> None:
        self._progress = progress
        self._commits: TaskID | None = None
        self._inner: TaskID | None = None

    def __call__(self, event: events.Event) -> None:
        match event:
            case events.RunStarted() if event.todo:
                self._commits = self._progress.add_task("commits", total=len(event.todo), note="")
            case events.CommitStarted():
                self._start(event)
            case events.Progress() if self._inner is not None:
                done = None if event.fraction is None else 100 * event.fraction
                self._progress.update(self._inner, completed=done, note=f"[dim]{escape(event.text[:60])}[/]")
            case events.CommitFinished() if self._commits is not None:
                note = f"about {duration(event.left)} left" if event.left else ""
                self._progress.update(self._commits, advance=1, note=note)
        _log(self._progress.console, event, quiet=True)

    def _start(self, event: events.CommitStarted) -> None:
        if self._inner is not None:
            self._progress.remove_task(self._inner)
        name = f"[bold]{event.commit.sha[:8]}[/] {escape(event.commit.subject[:32])}"
        self._inner = self._progress.add_task(name, total=100, note="")


def _log(console: Console, event: events.Event, *, quiet: bool = False) -> None:
    """Say an event as a line; ``quiet`` leaves out what bars show."""
    match event:
        case events.Note():
            console.print(escape(event.text))
        case events.RunStarted():
            known = f", {len(event.skipped)} known already" if event.skipped else ""
            console.print(f"{count(len(event.todo), 'commit')} of {escape(event.branch)} to measure{known}")
        case events.CommitStarted() if not quiet:
            of = f"{event.index + 1}/{event.total}" if event.total else f"run {event.index + 1}"
            console.print(f"{of}  {event.commit.sha[:10]}  {escape(event.commit.subject)}")
        case events.CommitFinished():
            console.print(_finished(event, quiet))


def _finished(event: events.CommitFinished, named: bool) -> str:
    name = f"{event.commit.sha[:10]}  {escape(event.commit.subject[:60])}  " if named else "     "
    if not event.built:
        return f"{name}[yellow]does not build[/]  ({duration(event.seconds)})"
    failed = f", [yellow]{count(event.failed, 'failure')}[/]" if event.failed else ""
    left = f", about {duration(event.left)} left" if event.left and not named else ""
    return f"{name}{count(event.measured, 'result')}{failed} in {duration(event.seconds)}{left}"
