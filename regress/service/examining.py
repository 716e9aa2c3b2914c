"""Every series of a branch examined by the detector: here, on several cores, or on Dask workers.

A stretch of series is one job: whoever does it reads the series from the database itself, asks the detector
of those that have changed since it was last asked (of all, on demand), and sends back what they add up to.
Only the caller writes, some parts at a time as they come, so that an analysis that is cut off goes on there.
"""

from __future__ import annotations

import functools
import gc
import hashlib
import itertools
import signal
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import FIRST_COMPLETED, Executor, Future, ProcessPoolExecutor, wait
from contextlib import ExitStack, contextmanager
from dataclasses import asdict, dataclass
from importlib.resources import files
from multiprocessing import get_context

from regress.config import DetectionConfig
from regress.detect.noise import prepare
from regress.detect.pooling import Member
from regress.domain import Examination, LedgerEntry, SeriesChange, SeriesColumns
from regress.service.cluster.dial import dial
from regress.service.judging import Population, changes_of, located, membership, values_of
from regress.service.ledger import entry
from regress.service.side_by_side import own_noise
from regress.store import Store, Stretch

Listener = Callable[[str, int, int], None]
"""Told now and then: the step, how many are done, and of how many."""

STRETCH = 250
"""Series of one job: a second's work, so that a bar moves and little is lost."""

KEPT = 5_000
"""Series whose examinations are stored together: a commit waits for the disk, and little is lost still."""

_AHEAD = 3  # jobs a worker that are on their way: more only wait


@dataclass(frozen=True, slots=True)
class Part:
    """What some series add up to; ``asked`` are those of which the detector was."""

    population: Population
    changes: list[SeriesChange]
    members: list[Member]
    entries: list[LedgerEntry]
    asked: list[Examination]


@dataclass(frozen=True, slots=True)
class Job:
    """What a worker needs to know; ``afresh``: the detector is asked of all."""

    url: str
    project: str
    branch: str
    detection: DetectionConfig
    settings: str
    afresh: bool


def examined(
    store: Store, branch: str, chosen: DetectionConfig, how: How, listen: Listener
) -> tuple[Part, int]:
    """All series of a branch, and of how many of them the detector was asked."""
    settings = settings_of(chosen)
    job = Job(store.full_url, store.project, branch, chosen, settings, how.afresh)
    stretches = store.stretches(branch, STRETCH)
    done: dict[int, Part] = {}
    asked = 0
    fresh: list[Examination] = []
    for number, part in how.parts(store, job, stretches):
        fresh += part.asked
        asked += len(part.asked)
        part.asked.clear()
        done[number] = part
        if len(fresh) >= KEPT or len(done) == len(stretches):
            store.save_examinations(settings, fresh)
            fresh.clear()
        listen("analyse", len(done), len(stretches))
    return _whole([done[number] for number in sorted(done)]), asked


def _whole(parts: Sequence[Part]) -> Part:
    """Parts in their order: who was first ready changes nothing."""
    whole = Part(Population(), [], [], [], [])
    for part in parts:
        whole.population.merge(part.population)
        whole.changes.extend(part.changes)
        whole.members.extend(part.members)
        whole.entries.extend(part.entries)
    return whole


@functools.lru_cache(maxsize=8)
def settings_of(chosen: DetectionConfig) -> str:
    """A digest of what a detector's answer depends on beside the series: the knobs, and the code."""
    digest = hashlib.sha256(repr(sorted(asdict(chosen).items())).encode())
    for source in sorted(files("regress.detect").iterdir(), key=lambda source: source.name):
        if source.name.endswith(".py"):
            digest.update(source.read_bytes())
    return digest.hexdigest()[:32]


def examine(store: Store, job: Job, stretch: Stretch) -> Part:
    """One stretch."""
    part = Part(Population(), [], [], [], [])
    known = {} if job.afresh else store.examinations(stretch, job.settings)
    for series, edition in store.series_of(job.branch, stretch):
        _add(part, series, edition, known.get(series.id), job.detection)
    return part


def _add(
    part: Part, series: SeriesColumns, edition: int, known: Examination | None, chosen: DetectionConfig
) -> None:
    part.population.add(series)
    values = values_of(series)
    if known is not None and known.edition == edition:
        found, drifting = [located(series, change) for change in known.changes], known.entry
    else:
        signal = prepare(values)
        found = changes_of(series, values, chosen, signal)
        drifting = entry(series, values, found, chosen, signal)
        changes = tuple(change.change for change in found)
        noise = own_noise(signal)
        part.asked.append(Examination(series.id, edition, changes, drifting, noise))
    part.changes.extend(found)
    part.members.extend(membership(series, values, found, chosen))
    if drifting is not None:
        part.entries.append(drifting)


# -- where it is done --------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class How:
    """``jobs`` processes of this machine, or the workers of a Dask ``scheduler`` (an address)."""

    jobs: int = 1
    scheduler: str = ""
    afresh: bool = False

    def parts(self, store: Store, job: Job, stretches: Sequence[Stretch]) -> Iterator[tuple[int, Part]]:
        """The part that each stretch is, with its number, as they get ready."""
        if not self.scheduler and (self.jobs <= 1 or len(stretches) < 2):
            yield from ((i, examine(store, job, stretch)) for i, stretch in enumerate(stretches))
            return
        with ExitStack() as stack:
            if self.scheduler:
                pool, width = stack.enter_context(_dask(self.scheduler))
            else:
                width = min(self.jobs, len(stretches))
                pool = stack.enter_context(_processes(width))
            yield from _as_completed(pool, width, job, stretches)


def _as_completed(
    pool: Executor, width: int, job: Job, stretches: Sequence[Stretch]
) -> Iterator[tuple[int, Part]]:
    """The parts as they get ready; only some jobs are sent ahead, so that no results pile up."""
    todo = iter(enumerate(stretches))
    sent: dict[Future[Part], int] = {}
    while True:
        for number, stretch in itertools.islice(todo, _AHEAD * width - len(sent)):
            sent[pool.submit(_elsewhere, job, stretch)] = number
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


def _elsewhere(job: Job, stretch: Stretch) -> Part:
    return examine(_opened(job.url, job.project), job, stretch)


@functools.lru_cache(maxsize=1)
def _opened(url: str, project: str) -> Store:
    """A worker's own store, open for as long as the worker lives."""
    return Store.open(url, create=False, project=project)
