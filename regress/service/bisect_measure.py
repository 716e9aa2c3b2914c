"""Who measures for a search: this host, commit by commit, or the Dask workers of a machine, some at once."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import AbstractContextManager, contextmanager
from typing import Protocol

from regress.domain import Commit, SeriesKey
from regress.runner import Outcome, Runner
from regress.runner.events import CommitStarted, Listener, Note, Progress
from regress.service.cluster.jobs import Job, Source
from regress.service.cluster.machines import Cluster, cluster
from regress.service.project import Project
from regress.service.run_distributed import Where, source_of


class Measurer(Protocol):
    """Measures benchmarks at commits, ``width`` of them at once."""

    width: int

    def measure(self, commits: Sequence[Commit], done: int) -> Iterator[tuple[Commit, Outcome]]:
        """What each gave, as it gets ready; ``done`` were measured before, as listeners are told."""
        ...


class Here:
    """Measures with a runner of this host."""

    width = 1

    def __init__(self, runner: Runner, keys: Sequence[SeriesKey], listen: Listener) -> None:
        self._runner, self._keys, self._listen = runner, keys, listen

    def measure(self, commits: Sequence[Commit], done: int) -> Iterator[tuple[Commit, Outcome]]:
        """See ``Measurer``; one after the other."""
        for number, commit in enumerate(commits):
            self._listen(CommitStarted(commit, done + number, 0))
            yield (
                commit,
                self._runner.measure(
                    commit, branch=self._keys[0].branch, benchmarks=_names(self._keys), listen=self._listen
                ),
            )


class Elsewhere:
    """Measures on the workers of the series' machine; each of them is one of the ``width``."""

    def __init__(
        self, workers: Cluster, project: Project, source: Source, keys: Sequence[SeriesKey], listen: Listener
    ) -> None:
        self.width = workers.machines[keys[0].machine]
        self._workers, self._source, self._keys, self._listen = workers, source, keys, listen
        self._suites = project.suites[:1]  # the one that ``runner_of`` takes

    def measure(self, commits: Sequence[Commit], done: int) -> Iterator[tuple[Commit, Outcome]]:
        """See ``Measurer``. RunnerError for what other commits would meet too."""
        key, names = self._keys[0], tuple(_names(self._keys))
        jobs = [Job(self._source, self._suites, commit, key.branch, key.machine, names) for commit in commits]
        for number, job in enumerate(jobs):
            self._listen(CommitStarted(job.commit, done + number, 0))
        results = self._workers.results(jobs, self._progress)
        try:
            for job, result in results:
                if result.trouble is not None:
                    raise result.trouble.raised_on(job.machine)
                yield job.commit, result.outcomes[0]
        finally:
            results.close()

    def _progress(self, machine: str, commit: str, fraction: float | None, text: str) -> None:
        self._listen(
            Progress(commit, fraction, f"{machine}: {text}") if commit else Note(f"{machine} {text}")
        )


def measurer(
    project: Project, keys: Sequence[SeriesKey], where: Where | None, listen: Listener
) -> AbstractContextManager[Measurer]:
    """Who measures series of one machine while the context lasts; UnknownNameError where it is neither here
    nor among the workers of a cluster.
    """
    return _elsewhere(project, keys, where, listen) if where else _here(project, keys, listen)


@contextmanager
def _here(project: Project, keys: Sequence[SeriesKey], listen: Listener) -> Iterator[Measurer]:
    yield Here(project.runner_of(keys[0].machine), keys, listen)


@contextmanager
def _elsewhere(
    project: Project, keys: Sequence[SeriesKey], where: Where, listen: Listener
) -> Iterator[Measurer]:
    machine = keys[0].machine
    with cluster(where.scheduler, machine) as workers:
        workers.chosen((machine,))
        yield Elsewhere(workers, project, source_of(project, where), keys, listen)


def _names(keys: Sequence[SeriesKey]) -> list[str]:
    """The benchmarks of series, each once."""
    return list(dict.fromkeys(key.benchmark for key in keys))
