"""``regress ci`` whole: choose the commits, measure them in turns, decide, keep the results."""

from __future__ import annotations

import hashlib
import os
import secrets
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from pathlib import Path

from regress.domain import Commit, Delivery, Measurement, SeriesKey
from regress.runner import Runner
from regress.runner.asv import AsvRunner
from regress.runner.asv_config import AsvConfig
from regress.runner.events import Listener, Note, ignore
from regress.service.ci.annotations import locate
from regress.service.ci.pairs import BASE, HEAD, SIDES, Budget, Pairs, measure_pairs, middle
from regress.service.ci.report import CiReport, Row
from regress.service.ci.surroundings import Surroundings, choose_commits
from regress.service.project import Project
from regress.store import Store

EffectOf = Callable[[SeriesKey], float]


def check_change(
    project: Project,
    *,
    base: str = "",
    head: str = "",
    around: Surroundings = Surroundings(),  # noqa: B008 - immutable
    effect: float | None = None,
    budget: Budget = Budget(),  # noqa: B008 - immutable
    benchmarks: Sequence[str] = (),
    seed: int | None = None,
    name: str = "",
    runners: Sequence[Runner] | None = None,
    store: Store | None = None,
    listen: Listener = ignore,
    wait: bool = False,
) -> CiReport:
    """Compare two commits by measuring them in turns; see ``choose_commits`` for which.

    ``effect`` is the relative change that matters (default: the configuration's). ``seed`` repeats an order
    of pairs. ``runners`` (default: the project's) measure. With a ``store``, the results are kept there as
    runs of the two commits. HistoryError, ConfigError and RunnerError say what stands in the way, and
    CheckoutBusyError who measures with the checkout (``wait``: that is waited for).
    """
    config, history = project.config, project.history
    limit = config.gate.minimum_effect if effect is None else effect
    shas = choose_commits(history, around, project.branch, base, head)
    commits = (history.commits(shas[BASE], last=1)[0], history.commits(shas[HEAD], last=1)[0])
    runners = project.runners if runners is None else runners
    seed = secrets.randbits(32) if seed is None else seed
    if not head and history.is_dirty():
        listen(Note("uncommitted changes are not measured (pytest --regress does)"))
    listen(Note(f"base {_named(commits[BASE])}\nhead {_named(commits[HEAD])}"))

    def effect_of(series: SeriesKey) -> float:
        return config.detection.minimum_effect(series.benchmark, series.metric.name, limit)

    with project.measuring("regress ci", wait=wait, on_wait=lambda text: listen(Note(text))):
        pairs = measure_pairs(
            runners,
            commits,
            effect_of=effect_of,
            budget=budget,
            seed=seed,
            listen=listen,
            benchmarks=benchmarks,
        )
    if store is not None and pairs.trial is not None:
        keep(project, store, pairs, around)
    source = _Source(history.root, tuple(runners))
    return _report(pairs, source, limit, effect_of, seed, name or config.project_name)


@dataclass(frozen=True)
class _Source:
    """Where benchmarks stand: in the checkout's root, or in the suites of asv's runners."""

    root: Path
    runners: tuple[Runner, ...]

    def place(self, benchmark: str) -> tuple[str, int]:
        """Path and line of a benchmark; empty and 0 where it is not found."""
        return locate(benchmark, self.root, [config.benchmarks for config in self._configs])

    @property
    def suite(self) -> str:
        """The file that says what is measured, as the repository says it."""
        path = next((config.path for config in self._configs), self.root / "regress.toml")
        return Path(os.path.relpath(path, self.root)).as_posix()

    @property
    def _configs(self) -> list[AsvConfig]:
        return [runner.config for runner in self.runners if isinstance(runner, AsvRunner)]


def _named(commit: Commit) -> str:
    return f"{commit.sha[:10]}  {commit.subject}"


def _report(
    pairs: Pairs, source: _Source, limit: float, effect_of: EffectOf, seed: int, name: str
) -> CiReport:
    broken = pairs.broken()
    failed = {failure.benchmark: failure for failure in broken.values()}
    return CiReport(
        name=name,
        base=pairs.commits[BASE],
        head=pairs.commits[HEAD],
        effect=limit,
        rows=tuple(_rows(source, pairs, effect_of)),
        broken=tuple(failed.values()),
        added=tuple(sorted({key.title for key in pairs.only[HEAD]})),
        removed=tuple(sorted({key.title for key in pairs.only[BASE] - broken.keys()})),
        unbuilt=pairs.unbuilt(),
        rounds=pairs.rounds,
        seconds=pairs.seconds,
        cut=pairs.cut,
        said=pairs.said,
        seed=seed,
        places={benchmark: source.place(benchmark) for benchmark in failed},
        suite=source.suite,
    )


def _rows(source: _Source, pairs: Pairs, effect_of: EffectOf) -> list[Row]:
    if pairs.trial is None:
        return []
    rows = []
    for case, key in enumerate(pairs.series):
        base, head = pairs.values[key]
        path, line = source.place(key.benchmark)
        told = [tuple(value for value in values if value is not None) for values in (base, head)]
        rows.append(
            Row(
                series=key,
                base=middle(base),
                head=middle(head),
                effect=effect_of(key),
                finding=pairs.trial.finding(case),
                base_values=told[BASE],
                head_values=told[HEAD],
                path=path,
                line=line,
            )
        )
    return rows


def keep(project: Project, store: Store, pairs: Pairs, around: Surroundings) -> None:
    """Store the results of both commits: base on the watched branch when it is there, head on its own."""
    watched = project.watched_branch
    branches = (watched, around.source or _branch_of(project, pairs.commits[HEAD]))
    for side, branch in enumerate(branches):
        commit = pairs.commits[side]
        store.record_commits(branch, project.history.commits(commit.sha, last=1), default=branch == watched)
        for delivery in pairs.deliveries[side].values():
            store.deliver(_whole(pairs, side, delivery, branch))


def _branch_of(project: Project, commit: Commit) -> str:
    """The branch whose tip a commit is, else a name made of its hash."""
    history = project.history
    tips = (branch for branch in history.branches() if history.resolve(branch) == commit.sha)
    return next(tips, f"ci/{commit.sha[:12]}")


def _whole(pairs: Pairs, side: int, delivery: Delivery, branch: str) -> Delivery:
    """One delivery of all pairs: a series' samples are its values, pair by pair."""
    now = datetime.now(UTC)
    measurements = []
    for told in delivery.measurements:
        plain = replace(told.series, branch="", version="")
        if plain not in pairs.values:
            continue
        values = tuple(value for value in pairs.values[plain][side] if value is not None)
        key = replace(told.series, branch=branch)
        measurements.append(Measurement(key, told.commit, middle(values), samples=values, measured_at=now))
    digest = hashlib.sha256(repr((SIDES[side], delivery.digest, measurements)).encode()).hexdigest()
    return replace(
        delivery,
        measurements=tuple(measurements),
        digest=digest,
        origin="regress ci",
        delivered_at=now,
        branch=branch,
    )
