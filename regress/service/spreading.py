"""Work on every series of a branch, stretch by stretch: here, on several cores, or on Dask workers.

    for number, part in How(jobs=4).parts(store, work, job, store.stretches(branch, STRETCH)):
        ...

``work(store, job, stretch)`` is a function that a worker can import, and reads the series from the database
itself; ``job`` and what it gives can be pickled.
"""

from __future__ import annotations

import functools
import gc
import itertools
import signal
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import FIRST_COMPLETED, Executor, Future, ProcessPoolExecutor, wait
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from multiprocessing import get_context
from typing import Protocol, TypeVar

from regress.service.cluster.dial import dial
from regress.store import Store, Stretch

STRETCH = 250
"""Series of one piece of work: a second's, so that a bar moves and little is lost."""

_AHEAD = 3  # pieces a worker that are on their way: more only wait


class Job(Protocol):
    """What is the same of all pieces: the store, and whatever else ``work`` needs to know."""

    @property
    def url(self) -> str: ...

    @property
    def project(self) -> str: ...


J = TypeVar("J", bound=Job)
P = TypeVar("P")
Work = Callable[[Store, J, Stretch], P]


@dataclass(frozen=True, slots=True)
class How:
    """``jobs`` processes of this machine, or the workers of a Dask ``scheduler`` (an address)."""

    jobs: int = 1
    scheduler: str = ""

    def parts(
        self, store: Store, work: Work[J, P], job: J, stretches: Sequence[Stretch]
    ) -> Iterator[tuple[int, P]]:
        """What work on each stretch gives, with the stretch's number, as they get ready."""
        if not self.scheduler and (self.jobs <= 1 or len(stretches) < 2):
            yield from ((i, work(store, job, stretch)) for i, stretch in enumerate(stretches))
            return
        with ExitStack() as stack:
            if self.scheduler:
                pool, width = stack.enter_context(_dask(self.scheduler))
            else:
                width = min(self.jobs, len(stretches))
                pool = stack.enter_context(_processes(width))
            yield from _as_completed(pool, width, functools.partial(_elsewhere, work, job), stretches)


def _as_completed(
    pool: Executor, width: int, work: Callable[[Stretch], P], stretches: Sequence[Stretch]
) -> Iterator[tuple[int, P]]:
    """The parts as they get ready; only some pieces are sent ahead, so that no results pile up."""
    todo = iter(enumerate(stretches))
    sent: dict[Future[P], int] = {}
    while True:
        for number, stretch in itertools.islice(todo, _AHEAD * width - len(sent)):
            sent[pool.submit(work, stretch)] = number
        if not sent:
            return
        for future in wait(sent, return_when=FIRST_COMPLETED).done:
            yield sent.pop(future), future.result()


@contextmanager
def _processes(width: int) -> Iterator[Executor]:
    pool = ProcessPoolExecutor(width, mp_context=get_context("spawn"), initializer=_begin)
    try:
        yield pool
    finally:
        pool.shutdown(cancel_futures=True)


def _begin() -> None:
    """Ctrl-C is for the process that the user started; it ends its workers.

    What is imported stays: reading a stretch makes so many objects that looking through all others for
    garbage takes as long as the reading.
    """
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    gc.freeze()


@contextmanager
def _dask(address: str) -> Iterator[tuple[Executor, int]]:
    client = dial(address)
    with client, client.get_executor(pure=False) as pool:
        yield pool, max(1, sum(client.nthreads().values()))


def _elsewhere(work: Work[J, P], job: J, stretch: Stretch) -> P:
    return work(_opened(job.url, job.project), job, stretch)


@functools.lru_cache(maxsize=1)
def _opened(url: str, project: str) -> Store:
    """A worker's own store, open for as long as the worker lives."""
    return Store.open(url, create=False, project=project)
