"""Every series of a branch examined by the detector: here, on several cores, or on a cluster (``spreading``).

Whoever has a stretch of series asks the detector of those that have changed since it was last asked (of all,
on demand), and sends back what they add up to. Only the caller writes, some parts at a time as they come, so
that an analysis that is cut off goes on there.
"""

from __future__ import annotations

import functools
import hashlib
from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass
from importlib.resources import files

from regress.config import DetectionConfig
from regress.detect.noise import prepare
from regress.detect.pooling import Member
from regress.domain import Examination, LedgerEntry, SeriesChange, SeriesColumns
from regress.service.judging import Population, changes_of, located, membership, values_of
from regress.service.ledger import entry
from regress.service.side_by_side import own_noise
from regress.service.spreading import STRETCH, How
from regress.store import Store, Stretch

Listener = Callable[[str, int, int], None]
"""Told now and then: the step, how many are done, and of how many."""

KEPT = 5_000
"""Series whose examinations are stored together: a commit waits for the disk, and little is lost still."""


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
    """What a worker needs to know."""

    url: str
    project: str
    branch: str
    detection: DetectionConfig
    settings: str
    afresh: bool
    """Whether the detector is asked of all."""


def examined(
    store: Store, branch: str, chosen: DetectionConfig, how: How, listen: Listener, *, afresh: bool = False
) -> tuple[Part, int]:
    """All series of a branch, and of how many of them the detector was asked: of each, if ``afresh``."""
    settings = settings_of(chosen)
    job = Job(store.full_url, store.project, branch, chosen, settings, afresh)
    stretches = store.stretches(branch, STRETCH)
    done: dict[int, Part] = {}
    asked = 0
    fresh: list[Examination] = []
    for number, part in how.parts(store, examine, job, stretches):
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
