"""``regress run`` on a cluster: every machine measures every commit that it has not measured yet.

The workers only measure. Their results come back here and are stored here, each job's in one transaction,
so that a job that was done twice (its worker was lost on the way back) is stored once, and one whose results
were stored before is no longer asked for.
"""

from __future__ import annotations

import os
import time
from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass, field
from statistics import median

from regress.domain import FailureKind
from regress.runner.events import CommitFinished, Listener, Note, Progress, RunStarted, ignore
from regress.service.alone import alone
from regress.service.analyse import analyse
from regress.service.cluster.jobs import Job, Result, Source
from regress.service.cluster.machines import Cluster, cluster
from regress.service.project import Project
from regress.service.run import RunReport, Selection, record_history, select_commits, spread
from regress.store import Store


@dataclass(frozen=True, slots=True)
class Where:
    """A Dask ``scheduler`` (empty: a cluster of our own here), ``machines`` (empty: all that it has).

    ``source``: where workers get the repository (empty: its path, and its origin).
    """

    scheduler: str = ""
    machines: tuple[str, ...] = ()
    source: str = ""


def run_distributed(
    project: Project,
    store: Store,
    selection: Selection,
    where: Where,
    *,
    listen: Listener = ignore,
    again: bool = False,
    wait: bool = False,
) -> RunReport:
    """Measure the selected commits on every machine of a cluster and analyse the branch; as ``run`` does."""
    started = time.monotonic()
    here = project.runners[0].machine()
    with (
        alone(project, store, "regress run", wait=wait, listen=listen, elsewhere=bool(where.scheduler)),
        cluster(where.scheduler, here) as workers,
    ):
        machines = workers.chosen(where.machines)
        chosen = select_commits(project, store, selection)
        record_history(project, store, chosen)
        known = {c.sha: set() if again else measured_on(store, c.sha) for c in chosen}
        todo = tuple(spread([c for c in chosen if not known[c.sha] >= set(machines)]))
        pairs = [(c, name) for c in todo for name in machines if name not in known[c.sha]]
        source = source_of(project, where)
        jobs = [Job(source, project.suites, c, project.branch, name) for c, name in pairs]
        skipped = tuple(c for c in chosen if known[c.sha] >= set(machines))
        listen(RunStarted(project.branch, todo, skipped, len(jobs)))
        if not where.scheduler and project.history.is_dirty():
            listen(Note("the checkout has changes that are not committed: they are not measured"))
        tally = _Tally(store, listen, len(jobs))
        tally.measure(workers, jobs)
    analysis = analyse(store, project.config, project.branch) if tally.built or skipped else None
    left = {job.commit.sha for job in jobs} - tally.finished(jobs)
    return RunReport(
        branch=project.branch,
        measured=tuple(c for c in todo if c.sha not in left and any(tally.built[c.sha])),
        unbuilt=tuple(c for c in todo if c.sha not in left and not any(tally.built[c.sha])),
        skipped=skipped,
        remaining=tuple(c for c in todo if c.sha in left),
        analysis=analysis,
        seconds=time.monotonic() - started,
        machines=machines,
    )


def measured_on(store: Store, sha: str) -> set[str]:
    """The machines that have numbers for a commit, or know that it does not build."""
    found = {m.series.machine for _, m in store.measurements_at(sha)}
    return found | {f.machine for f in store.failures(sha) if f.kind is FailureKind.BUILD}


def source_of(project: Project, where: Where) -> Source:
    """Where workers get the repository; those of a cluster of our own use it where it lies."""
    root = project.history.root.resolve()
    counted_from = project.config.root if project.config.suite else root
    folder = os.path.relpath(counted_from.resolve(), root)
    head = project.history.head()
    if not where.scheduler:
        return Source((str(root),), head, folder, here=str(project.state / "logs"))
    origin = project.history.origin()
    places = (where.source,) if where.source else tuple(filter(None, (str(root), origin)))
    return Source(places, head, folder)


@dataclass
class _Tally:
    """What came back so far."""

    store: Store
    listen: Listener
    total: int
    built: defaultdict[str, list[bool]] = field(default_factory=lambda: defaultdict(list))
    done: set[tuple[str, str]] = field(default_factory=set)
    times: list[float] = field(default_factory=list)

    def measure(self, workers: Cluster, jobs: Sequence[Job]) -> None:
        """Store what jobs give as it comes. Ends early, without an exception, on Ctrl-C.

        RunnerError for a machine that cannot measure; what others gave until then is stored.
        """
        width = max(1, sum(workers.machines.values()))
        results = workers.results(jobs, self._progress)
        try:
            for job, result in results:
                if result.trouble is not None:
                    raise result.trouble.raised_on(job.machine)
                self._store(job, result, width)
        except KeyboardInterrupt:
            self.listen(Note("stopping the measurements"))
        finally:
            results.close()

    def finished(self, jobs: Sequence[Job]) -> set[str]:
        """The commits of which no job is left."""
        left = {job.commit.sha for job in jobs if (job.machine, job.commit.sha) not in self.done}
        return {job.commit.sha for job in jobs} - left

    def _store(self, job: Job, result: Result, width: int) -> None:
        self.store.deliver_all(result.deliveries)
        built = any(outcome.built for outcome in result.outcomes)
        self.built[job.commit.sha].append(built)
        self.done.add((job.machine, job.commit.sha))
        self.times.append(sum(outcome.seconds for outcome in result.outcomes))
        self.listen(
            CommitFinished(
                job.commit,
                measured=sum(len(outcome.measurements) for outcome in result.outcomes),
                failed=sum(len(outcome.failures) for outcome in result.outcomes),
                built=built,
                seconds=self.times[-1],
                left=median(self.times) * (self.total - len(self.done)) / width,
                machine=job.machine,
            )
        )

    def _progress(self, machine: str, commit: str, fraction: float | None, text: str) -> None:
        said = Progress(commit, fraction, f"{machine}: {text}") if commit else Note(f"{machine} {text}")
        self.listen(said)
