"""Whom a search suspects from the beginning: commits that touch what its benchmark runs."""

from __future__ import annotations

from collections.abc import Sequence

from regress.bisect.imports import IMPORTS, files_run
from regress.bisect.prior import HARMLESS, RUNS, suspicion
from regress.domain import Commit, Suspicion
from regress.runner.history import History

LARGEST = 50_000
"""Files of a repository beyond which nobody looks at what imports what: it would take minutes."""


def suspicions(history: History, commits: Sequence[Commit], benchmark: str) -> list[Suspicion]:
    """One for each commit, the good one first; none at all where the benchmark's own file is not found."""
    run: set[str] = set()
    for end in (commits[0].sha, commits[-1].sha):  # what is imported may have changed
        paths = history.files(end)
        if len(paths) <= LARGEST:
            run |= files_run(benchmark, paths, history.matching(end, IMPORTS, "*.py"))
    if not run:
        return []
    touched = history.touched(commits[0].sha, commits[-1].sha)
    return [suspicion(touched.get(commit.sha, ()), run) for commit in commits]


def told_suspicions(told: Sequence[Suspicion]) -> str:
    """A sentence on them; empty where all are as suspect as each other."""
    suspects = told[1:]
    weights = [one.weight for one in suspects]
    if len(set(weights)) < 2:
        return ""
    less = sum(weight < RUNS for weight in weights)
    runs = sum(bool(one.files) for one in suspects)
    return (
        f"of {len(suspects)} commits, {runs} touch files that the benchmark runs; "
        f"{less} that only touch others are thought up to {RUNS / HARMLESS:.0f} times less likely"
    )
