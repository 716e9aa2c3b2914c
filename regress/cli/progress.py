"""Draws what takes long while it goes on: bars on a terminal, plain lines elsewhere."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

from rich.console import Console
from rich.markup import escape
from rich.progress import BarColumn, Progress, ProgressColumn, TaskID, TextColumn, TimeElapsedColumn
from rich.table import Column

from regress.foreign import printable
from regress.runner import events
from regress.runner.events import Listener
from regress.words import count, duration

_NAME_WIDTH = 32


@contextmanager
def shown(console: Console) -> Iterator[Listener]:
    """A listener for the time of the context, fit for where ``console`` writes."""
    if not console.is_terminal:
        yield lambda event: _log(console, event)
        return
    with Progress(*_columns(), console=console, transient=True, expand=True) as progress:
        yield _Bars(progress)


@contextmanager
def files_shown(console: Console) -> Iterator[Callable[[int, int, Path], None]]:
    """A listener to the files of an ingest for the time of the context: a bar on a terminal, else nothing."""
    if not console.is_terminal:
        yield lambda _done, _total, _file: None
        return
    with Progress(*_columns(), console=console, transient=True, expand=True) as progress:
        bar = progress.add_task("files", total=None, note="", done="")

        def listen(done: int, total: int, file: Path) -> None:
            note = f"[dim]{escape(file.name)}[/]"
            progress.update(bar, completed=done, total=total, done=f"{done}/{total}", note=note)

        yield listen


@contextmanager
def steps_shown(console: Console) -> Iterator[Callable[[str, int, int], None]]:
    """A listener to steps with how much of each is done: one bar on a terminal, else nothing."""
    if not console.is_terminal:
        yield lambda _step, _done, _total: None
        return
    with Progress(*_columns(), console=console, transient=True, expand=True) as progress:
        bar = progress.add_task("", total=None, note="", done="")

        def listen(step: str, done: int, total: int) -> None:
            share = f"{done / total:.0%}" if total else ""
            progress.update(bar, description=step, completed=done, total=total or None, done=share)

        yield listen


def _columns() -> tuple[ProgressColumn, ...]:
    """Fixed widths and a note that is cut last: what is drawn must not jump about."""
    fixed = Column(no_wrap=True, overflow="ellipsis", width=_NAME_WIDTH)
    return (
        TextColumn("{task.description}", table_column=fixed),
        BarColumn(bar_width=20),
        TextColumn("{task.fields[done]:>5}", table_column=Column(no_wrap=True, min_width=5)),
        TimeElapsedColumn(table_column=Column(no_wrap=True, min_width=7)),
        TextColumn("{task.fields[note]}", table_column=Column(ratio=1, no_wrap=True, overflow="ellipsis")),
    )


class _Bars:
    """Two bars: commits of the run, and benchmarks of the commit. Finished commits scroll by above."""

    def __init__(self, progress: Progress) -> None:
        self._progress = progress
        self._commits: TaskID | None = None
        self._inner: TaskID | None = None

    def __call__(self, event: events.Event) -> None:
        match event:
            case events.RunStarted() if event.todo:
                total = event.jobs or len(event.todo)
                self._commits = self._progress.add_task("commits", total=total, note="", done=f"0/{total}")
            case events.CommitStarted():
                self._start(event)
            case events.Progress() if self._inner is None and self._commits is not None:  # of a cluster
                self._progress.update(self._commits, note=f"[dim]{escape(printable(event.text))}[/]")
            case events.Progress() if self._inner is not None:
                self._progress.update(
                    self._inner,
                    completed=event.fraction,
                    done="" if event.fraction is None else f"{event.fraction:.0%}",
                    note=f"[dim]{escape(printable(event.text))}[/]",
                )
            case events.CommitFinished() if self._commits is not None:
                self._finish(self._commits, event)
        _log(self._progress.console, event, quiet=True)

    def _finish(self, bar: TaskID, event: events.CommitFinished) -> None:
        task = next(task for task in self._progress.tasks if task.id == bar)
        done = f"{task.completed + 1:g}/{task.total:g}"
        note = f"about {duration(event.left)} left" if event.left else ""
        self._progress.update(bar, advance=1, done=done, note=note)

    def _start(self, event: events.CommitStarted) -> None:
        if self._inner is not None:
            self._progress.remove_task(self._inner)
        # Bars take their texts past the console's own care for what a terminal obeys.
        name = f"[bold]{event.commit.sha[:8]}[/] {escape(printable(event.commit.subject))}"
        self._inner = self._progress.add_task(name, total=1, note="", done="")


def _log(console: Console, event: events.Event, *, quiet: bool = False) -> None:
    """Say an event as a line; ``quiet`` leaves out what bars show."""
    match event:
        case events.Note():
            console.print(escape(event.text))
        case events.RunStarted():
            known = f", {len(event.skipped)} known already" if event.skipped else ""
            jobs = f" in {count(event.jobs, 'job')}" if event.jobs else ""
            todo = f"{count(len(event.todo), 'commit')} of {escape(event.branch)}"
            console.print(f"{todo} to measure{jobs}{known}")
        case events.CommitStarted() if not quiet:
            of = f"{event.index + 1}/{event.total}" if event.total else f"run {event.index + 1}"
            console.print(f"{of}  {event.commit.sha[:10]}  {escape(event.commit.subject)}")
        case events.CommitFinished():
            console.print(_finished(event, quiet))


def _finished(event: events.CommitFinished, named: bool) -> str:
    named = named or bool(event.machine)
    where = f"{escape(event.machine)}  " if event.machine else ""
    name = f"{where}{event.commit.sha[:10]}  {escape(event.commit.subject[:60])}  " if named else "     "
    if not event.built:
        return f"{name}[yellow]does not build[/]  ({duration(event.seconds)})"
    failed = f", [yellow]{count(event.failed, 'failure')}[/]" if event.failed else ""
    left = f", about {duration(event.left)} left" if event.left and not named else ""
    return f"{name}{count(event.measured, 'result')}{failed} in {duration(event.seconds)}{left}"
