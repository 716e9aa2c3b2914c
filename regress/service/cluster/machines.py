"""The cluster as its user sees it: machines, and jobs that they do."""

from __future__ import annotations

import logging
import time
import uuid
from collections import Counter
from collections.abc import Callable, Generator, Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass, replace
from importlib import import_module
from typing import Any

from regress.errors import RegressError, UnknownNameError
from regress.service.cluster.dial import dial
from regress.service.cluster.jobs import RESOURCE, Job, Result, Trouble
from regress.service.cluster.worker import measure

LOOK_SECONDS = 10.0
"""Between two looks at whether every machine still has a worker."""

_POLL_SECONDS = 0.05

Told = Callable[[str, str, float | None, str], None]
"""Called with progress, also in another thread: machine, commit, fraction (or None) and what is going on.

With an empty commit it is about the machine.
"""


@dataclass(frozen=True, slots=True)
class Cluster:
    """Workers that measure; ``machines`` says how many of them each machine has."""

    client: Any
    machines: Counter[str]

    def chosen(self, names: Sequence[str]) -> tuple[str, ...]:
        """These machines, or all of them; UnknownNameError for one without a worker."""
        for name in names:
            if name not in self.machines:
                raise UnknownNameError("machine", name, self.machines)
        return tuple(dict.fromkeys(names)) or tuple(sorted(self.machines))

    def results(self, jobs: Sequence[Job], told: Told) -> Generator[tuple[Job, Result]]:
        """What each job gave, as they get ready; started in their order.

        The job of a worker that is lost goes to another one of its machine, or waits for one. A job that has
        cost three workers is given up. Whatever ends this early (an exception, Ctrl-C, the caller) cancels
        what is not done.
        """
        topic = f"regress-{uuid.uuid4().hex}"
        self.client.subscribe_topic(topic, lambda event: told(*event[1]))
        sent = {
            self.client.submit(
                measure,
                replace(job, topic=topic),
                key=f"measure-{job.commit.sha[:12]}-{uuid.uuid4().hex}",
                resources={RESOURCE + job.machine: 1},
                priority=-number,
                pure=False,
            ): job
            for number, job in enumerate(jobs)
        }
        try:
            for future in self._completed(sent, told):
                yield sent.pop(future), _result(future)
                future.release()
        finally:
            self.client.cancel(list(sent), force=True)
            self.client.unsubscribe_topic(topic)

    def _completed(self, sent: Mapping[Any, Job], told: Told) -> Iterator[Any]:
        """The futures as they get ready; machines that others wait for in vain are told of."""
        from distributed import as_completed

        waiting: Any = as_completed(list(sent), loop=self.client.loop)  # type: ignore[no-untyped-call]
        look, missing = time.monotonic() + LOOK_SECONDS, set[str]()
        while not waiting.is_empty():
            ready = waiting.next_batch(block=False)
            yield from ready
            if ready or time.monotonic() < look:
                time.sleep(0 if ready else _POLL_SECONDS)
                continue
            look = time.monotonic() + LOOK_SECONDS
            lost = {job.machine for job in sent.values()} - _machines(self.client).keys()
            for name in sorted(lost - missing):
                told(name, "", None, "has no worker any more: its jobs wait for one")
            missing = lost


def _result(future: Any) -> Result:
    if future.status == "finished":
        result: Result = future.result()
        return result
    if future.status != "error":  # cancelled by nobody here
        return Result(trouble=Trouble("the scheduler was lost", hint="The same command goes on from here."))
    error = future.exception()
    if type(error).__name__ == "KilledWorker":
        return Result(trouble=Trouble("was lost several times over this commit: is its memory enough?"))
    return Result(trouble=Trouble(f"{type(error).__name__}: {error}"))


@contextmanager
def cluster(scheduler: str, here: str) -> Iterator[Cluster]:
    """The workers of the Dask scheduler at an address; without one, a cluster of our own on this host.

    ``here`` names this machine. RegressError without Dask, scheduler, or a worker that says whose machine it
    is.
    """
    made: Any = None
    with _hushed():
        if scheduler:
            client = dial(scheduler)
        else:
            made, client = _own(here)
        try:
            machines = _machines(client)
            if not machines:
                hint = f"Start one: dask worker ADDRESS --nthreads 1 --resources {RESOURCE}{here}=1"
                raise RegressError("no worker there says whose machine it is", hint=hint)
            yield Cluster(client, machines)
        finally:
            client.close()
            if made is not None:
                made.close(timeout=60)


def _own(here: str) -> tuple[Any, Any]:
    """A cluster on this host, with one worker, and its client."""
    try:
        from distributed import Client, LocalCluster
    except ModuleNotFoundError as error:
        raise RegressError("--distributed needs Dask", hint="pip install 'regress[distributed]'") from error
    made: Any = LocalCluster(  # type: ignore[no-untyped-call]
        n_workers=1,
        threads_per_worker=1,
        processes=False,  # each job is a process of its own
        dashboard_address=None,
        resources={RESOURCE + here: 1},
    )
    return made, Client(made, set_as_default=False)  # type: ignore[no-untyped-call]


@contextmanager
def _hushed() -> Iterator[None]:
    """Keep Dask's log to itself: what matters comes back as results."""
    with suppress(ModuleNotFoundError):  # whoever uses it says so
        import_module("distributed")  # which makes its loggers
    names = [name for name in logging.root.manager.loggerDict if name.partition(".")[0] == "distributed"]
    before = {log: log.level for log in map(logging.getLogger, names)}  # Dask gives each a level of its own
    for log in before:
        log.setLevel(logging.CRITICAL)
    try:
        yield
    finally:
        for log, level in before.items():
            log.setLevel(level)


def _machines(client: Any) -> Counter[str]:
    """How many workers each machine has now; none, too, while the scheduler does not answer."""
    try:
        workers = client.scheduler_info(n_workers=-1)["workers"]
    except TypeError:  # before distributed 2025.4 it told of all of them
        workers = client.scheduler_info()["workers"]
    except OSError:
        workers = {}
    names = [name for told in workers.values() for name in told.get("resources") or ()]
    return Counter(name.removeprefix(RESOURCE) for name in names if name.startswith(RESOURCE))
