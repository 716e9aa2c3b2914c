"""Ledgers of slow drift: the newest of each branch, whole as JSON."""

from __future__ import annotations

import json
from dataclasses import asdict
from datetime import datetime
from typing import Any

from sqlalchemy import delete, select
from sqlalchemy.orm import Session

from regress.domain import Direction, Ledger, LedgerCommit, LedgerEntry, LedgerStep, Metric, SeriesKey
from regress.store import history
from regress.store.models import BranchRow, LedgerRow
from regress.store.types import storable


def save(session: Session, project_id: int, record: Ledger) -> None:
    """See ``Store.save_ledger``."""
    branch = history.branch_id(session, project_id, storable(record.branch), create=True)
    text = storable(json.dumps(asdict(record), default=datetime.isoformat, ensure_ascii=False))
    session.execute(delete(LedgerRow).where(LedgerRow.branch_id == branch))
    session.add(LedgerRow(branch_id=branch, recorded_at=record.recorded_at, record=text))


def load(session: Session, project_id: int, branch: str) -> Ledger | None:
    """See ``Store.ledger``."""
    text = session.scalar(
        select(LedgerRow.record)
        .join(BranchRow, BranchRow.id == LedgerRow.branch_id)
        .where(BranchRow.project_id == project_id, BranchRow.name == branch)
    )
    return None if text is None else _ledger(json.loads(text))


def _ledger(told: dict[str, Any]) -> Ledger:
    entries = tuple(entry_of(entry) for entry in told["entries"])
    commits = tuple(LedgerCommit(**commit) for commit in told["commits"])
    at = datetime.fromisoformat(told["recorded_at"])
    return Ledger(told["branch"], told["budget"], at, entries, commits)


def entry_of(told: dict[str, Any]) -> LedgerEntry:
    """An entry from its JSON."""
    steps = tuple(LedgerStep(**step) for step in told["steps"])
    return LedgerEntry(**{**told, "series": _key(told["series"]), "steps": steps})


def _key(told: dict[str, Any]) -> SeriesKey:
    metric = Metric(**{**told["metric"], "direction": Direction(told["metric"]["direction"])})
    pairs = tuple((str(name), str(value)) for name, value in told["parameters"])
    return SeriesKey(**{**told, "metric": metric, "parameters": pairs})
