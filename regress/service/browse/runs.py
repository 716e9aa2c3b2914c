"""Runs: what was delivered, newest first, and one of them with its logs."""

from __future__ import annotations

from dataclasses import dataclass

from regress.domain import Run, RunDetail
from regress.service.browse.remembering import remembered
from regress.store import Store

PAGE_SIZE = 100
"""Runs on one page."""


@dataclass(frozen=True, slots=True)
class RunsPage:
    """Some of ``total`` runs (of one machine, when it is named), newest first."""

    machine: str
    rows: tuple[Run, ...]
    total: int


@remembered()
def runs_page(store: Store, machine: str = "", *, first: int = 0, limit: int = PAGE_SIZE) -> RunsPage:
    """The runs from ``first`` on."""
    rows = store.runs(limit, first=first, machine=machine)
    return RunsPage(machine, tuple(rows), store.count_runs(machine))


def run_page(store: Store, run_id: int) -> RunDetail:
    """One run by id. UnknownNameError when there is none."""
    return store.run(run_id)
