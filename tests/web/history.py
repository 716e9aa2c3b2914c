"""Sixty commits of a made-up project: a regression in two series, an improvement, a stale series, failures.

The values are noise around known levels from a seeded generator; change points are given, not detected, so
that the pages are tested and not the detector.
"""

from __future__ import annotations

import hashlib
import random
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

from regress.domain import (
    Affected,
    Bisection,
    BisectionPlan,
    BisectionStep,
    ChangePoint,
    Commit,
    Culprit,
    Delivery,
    Direction,
    Environment,
    EventKind,
    Failure,
    FailureKind,
    Machine,
    Measurement,
    Metric,
    Posterior,
    Rest,
    SeriesChange,
    SeriesKey,
    Suspicion,
)
from regress.store import Store
from tests.regress.fixtures.stores import bisected

COMMITS = 60
SLOWER_AT, FASTER_AT, BROKEN_AT, STALE_FROM = 41, 22, 30, 48
NOISE = 0.006
NOW = datetime.now(UTC).replace(microsecond=0)

TIME = Metric("time", "seconds")
MEMORY = Metric("peak memory", "bytes")
SPEED = Metric("throughput", "frames", Direction.HIGHER)
MACHINE, ENVIRONMENT, BRANCH = Machine("bench-1"), Environment("py3.11"), "main"

_SUBJECTS = (
    "Cache compiled shaders between frames",
    "Draw text with subpixel positions",
    "Check bounds before every tile is read",
    "Move clipping into the rasteriser",
    "Read fonts lazily",
    "Tidy the error messages of the loader",
)
_AUTHORS = ("Ada Byron", "Grace Murray", "Barbara Huberman", "Radia Joy")


@dataclass(frozen=True)
class History:
    """What was built: where, its commits, ids of series by title, ids of the two events."""

    url: str
    commits: tuple[Commit, ...]
    series: dict[str, int]
    regression: int
    improvement: int

    @property
    def culprit(self) -> Commit:
        """The commit at which two series got 15 % slower."""
        return self.commits[SLOWER_AT]


def key(benchmark: str, metric: Metric = TIME, **parameters: str) -> SeriesKey:
    """A series of this history."""
    return SeriesKey(
        benchmark, tuple(parameters.items()), metric, MACHINE.name, ENVIRONMENT.name, BRANCH, version="1"
    )


SMALL, LARGE = key("scene.time_render", tiles="64"), key("scene.time_render", tiles="4096")
FONTS = key("fonts.time_load")
LOADING = key("scene.peakmem_load", MEMORY)
FRAMES = key("scene.track_frames", SPEED)
STALE = key("legacy.time_blit")


def commit(index: int, total: int = COMMITS, subject: str = "") -> Commit:
    """The commit at ``index``; the last one is three hours old, each other ten hours older than the next."""
    when = NOW - timedelta(hours=3 + 10 * (total - 1 - index))
    return Commit(
        sha=hashlib.sha1(b"engine %d" % index).hexdigest(),
        parents=(hashlib.sha1(b"engine %d" % (index - 1)).hexdigest(),) if index else (),
        author=_AUTHORS[index % len(_AUTHORS)],
        authored_at=when,
        committed_at=when,
        subject=subject or _SUBJECTS[index % len(_SUBJECTS)],
        position=index,
    )


def level(series: SeriesKey, index: int) -> float | None:
    """The true value of a series at a commit; None where it gives no number."""
    if index == BROKEN_AT or (series == STALE and index >= STALE_FROM):
        return None
    slow = 1.15 if index >= SLOWER_AT else 1.0
    return {
        SMALL: 0.0125 * slow,
        LARGE: 0.8 * slow,
        FONTS: 0.00033 if index >= FASTER_AT else 0.00044,
        LOADING: 73.0 * 2**20,
        FRAMES: 240.0,
        STALE: 2.5e-6,
    }[series]


def measure(series: SeriesKey, at: Commit, centre: float, noise: random.Random) -> Measurement:
    """Five noisy samples around ``centre``, their median and range."""
    samples = sorted(centre * (1 + noise.gauss(0, NOISE)) for _ in range(5))
    return Measurement(series, at.sha, samples[2], samples[1], samples[3], tuple(samples), at.committed_at)


def delivery(at: Commit, measurements: Sequence[Measurement], failures: Sequence[Failure] = ()) -> Delivery:
    """One run's results at one commit."""
    return Delivery(
        source="asv",
        origin="tests",
        digest=f"{at.sha}-{len(measurements)}",
        machine=MACHINE,
        environment=ENVIRONMENT,
        measurements=tuple(measurements),
        failures=tuple(failures),
        delivered_at=at.committed_at,
    )


def build(store: Store) -> History:
    """Deliver all of it and record the two changes."""
    noise = random.Random(20261122)
    commits = tuple(commit(index) for index in range(COMMITS))
    store.record_commits(BRANCH, commits, default=True)
    for index, at in enumerate(commits):
        levels = {series: level(series, index) for series in (SMALL, LARGE, FONTS, LOADING, FRAMES, STALE)}
        taken = [measure(series, at, x, noise) for series, x in levels.items() if x is not None]
        store.deliver(delivery(at, taken, _failures(index, at)))
    ids = {row.key.title: row.id for row in store.series_list(BRANCH)}
    store.replace_changes(
        BRANCH,
        [
            _change(ids, commits, SMALL, SLOWER_AT, (0.0125, 0.014375), (1.141, 1.159)),
            _change(ids, commits, LARGE, SLOWER_AT, (0.8, 0.92), (1.139, 1.16)),
            _change(ids, commits, FONTS, FASTER_AT, (0.00044, 0.00033), (0.744, 0.756)),
        ],
    )
    bisected(store, _search(commits))
    _begin_search(store, commits)
    (worse,) = store.events(BRANCH, EventKind.REGRESSION)
    (better,) = store.events(BRANCH, EventKind.IMPROVEMENT)
    return History(store.url, commits, ids, worse.id, better.id)


def _failures(index: int, at: Commit) -> list[Failure]:
    if index == BROKEN_AT:
        log = "tiles.c:12: error: expected ';'\nmake: *** Error 1"
        return [Failure(FailureKind.BUILD, at.sha, log, MACHINE.name, ENVIRONMENT.name)]
    if index == STALE_FROM:
        log = "AttributeError: module 'legacy' has no attribute 'blit'"
        return [Failure(FailureKind.BENCHMARK, at.sha, log, MACHINE.name, ENVIRONMENT.name, STALE.benchmark)]
    if index == COMMITS - 1:
        log = "Traceback (most recent call last):\nConnectionError: no route to host"
        return [Failure(FailureKind.BENCHMARK, at.sha, log, MACHINE.name, ENVIRONMENT.name, "net.time_fetch")]
    return []


def _search(commits: tuple[Commit, ...]) -> Bisection:
    culprit = commits[SLOWER_AT].sha
    return Bisection(
        series=SMALL,
        good=commits[SLOWER_AT - 5].sha,
        bad=commits[SLOWER_AT + 5].sha,
        first=culprit,
        last=culprit,
        confidence=0.987,
        ratio=1.152,
        low=1.143,
        high=1.161,
        verified=True,
        runs=14,
        skipped=(),
        started_at=NOW - timedelta(minutes=90),
        finished_at=NOW - timedelta(minutes=60),
        further=(Culprit(commits[44].sha, commits[45].sha, 0.962, 0.98, 0.972, 0.988),),
        rest=Rest(1.001, 0.992, 1.011),
        suspicion=Suspicion(1.0, ("scene/render.py", "scene/<tiles>.py")),
        others=(Affected(LARGE, 1.148, 1.137, 1.159),),
    )


def _begin_search(store: Store, commits: tuple[Commit, ...]) -> None:
    """A search that was cut off after five runs: one commit has all but certainty, one does not build."""
    good, bad = SLOWER_AT - 6, SLOWER_AT + 3
    begun = NOW - timedelta(minutes=20)
    plan = BisectionPlan(LARGE, commits[good].sha, commits[bad].sha, 0.95, 60, begun)
    number = store.begun_bisections.begin(plan)
    taken = ((good, 0.801), (bad, 0.921), (SLOWER_AT - 2, 0.797), (SLOWER_AT + 1, None), (SLOWER_AT, 0.918))
    for index, value in taken:
        store.begun_bisections.add(number, BisectionStep(commits[index].sha, value, 12.0))
    chances = {SLOWER_AT - 1: 0.21, SLOWER_AT: 0.74, SLOWER_AT + 1: 0.02}
    told = tuple((commits[i].sha, chances.get(i, 0.001)) for i in range(good + 1, bad + 1))
    store.searches.tell(number, Posterior(told, 0.024, (1.148, 1.131, 1.165)))
    store.searches.price(number, 11.6)


def _change(
    ids: dict[str, int],
    commits: tuple[Commit, ...],
    series: SeriesKey,
    at: int,
    levels: tuple[float, float],
    bounds: tuple[float, float],
) -> SeriesChange:
    # the series has no point at the broken commit, so its index lags behind the commit's by one after it
    index = at - (at > BROKEN_AT)
    before = at - 1 if at - 1 != BROKEN_AT else at - 2
    return SeriesChange(
        ids[series.title],
        series,
        commits[before].sha,
        commits[at].sha,
        ChangePoint(index, *levels, *bounds, p_value=3e-9),
    )
