"""How likely a commit is the culprit before anything is measured, by the files that it touches."""

from __future__ import annotations

from collections.abc import Collection, Iterable
from pathlib import PurePosixPath

from regress.domain import Suspicion

RUNS = 1.0
"""Weight of a commit that touches what the benchmark runs, or may run (data, native code, its build)."""

ELSEWHERE = 0.2
"""Of one that touches Python code only which the benchmark is not seen to import: it may, by other ways."""

HARMLESS = 0.05
"""Of one that touches only texts and other tests. All are guesses: a wrong one costs runs."""

_TEXTS = frozenset({".md", ".rst", ".txt", ".adoc", ".svg", ".png", ".jpg", ".gif", ".css", ".html"})
_FOLDERS = frozenset({"doc", "docs", "test", "tests", ".github", ".gitlab", ".circleci"})
_NAMES = frozenset({"LICENSE", "LICENCE", "AUTHORS", "COPYING", "CODEOWNERS", ".gitignore", ".mailmap"})
_SETUP = ("requirements", "constraints")


def suspicion(touched: Iterable[str], run: Collection[str]) -> Suspicion:
    """How suspect a commit is that touches these files, when the benchmark runs those in ``run``."""
    touched = tuple(touched)
    files = tuple(sorted(path for path in touched if path in run))
    weight = max((RUNS if path in run else _weight(path) for path in touched), default=HARMLESS)
    return Suspicion(weight, files)


def _weight(path: str) -> float:
    """The weight of a file that the benchmark is not seen to run."""
    file = PurePosixPath(path)
    if file.name.startswith(_SETUP):
        return RUNS
    if file.suffix.lower() in _TEXTS or file.name in _NAMES or _FOLDERS & set(file.parts[:-1]):
        return HARMLESS
    return ELSEWHERE if file.suffix == ".py" and file.name not in ("setup.py", "conftest.py") else RUNS
