"""Self-tests: kept whole as JSON, since nothing is asked of them but to be shown again."""

from __future__ import annotations

import json
from dataclasses import asdict
from datetime import datetime
from typing import Any

from sqlalchemy import select
from sqlalchemy.orm import Session

from regress.domain import MachineTest, Power, SelfTest
from regress.store import history
from regress.store.models import BranchRow, SelfTestRow
from regress.store.types import storable


def save(session: Session, project_id: int, record: SelfTest) -> None:
    """See ``Store.save_self_test``."""
    branch = history.branch_id(session, project_id, storable(record.branch), create=True)
    text = storable(json.dumps(asdict(record), default=datetime.isoformat, ensure_ascii=False))
    session.add(SelfTestRow(branch_id=branch, recorded_at=record.recorded_at, record=text))


def latest(session: Session, project_id: int, branch: str) -> SelfTest | None:
    """See ``Store.latest_self_test``."""
    text = session.scalar(
        select(SelfTestRow.record)
        .join(BranchRow, BranchRow.id == SelfTestRow.branch_id)
        .where(BranchRow.project_id == project_id, BranchRow.name == branch)
        .order_by(SelfTestRow.recorded_at.desc(), SelfTestRow.id.desc())
        .limit(1)
    )
    return None if text is None else _self_test(json.loads(text))


def _self_test(told: dict[str, Any]) -> SelfTest:
    machines = tuple(
        MachineTest(**{**machine, "powers": tuple(Power(**power) for power in machine["powers"])})
        for machine in told["machines"]
    )
    return SelfTest(
        **{**told, "recorded_at": datetime.fromisoformat(told["recorded_at"]), "machines": machines}
    )
