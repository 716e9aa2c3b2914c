"""The audit log, a page at a time."""

from __future__ import annotations

from dataclasses import dataclass

from regress.domain import AuditEntry
from regress.store import Store

_SHOWN = 100


@dataclass(frozen=True, slots=True)
class AuditPage:
    """Acts, the newest first; ``older`` is where the next page begins, None at the end."""

    entries: tuple[AuditEntry, ...]
    older: int | None


def audit_page(store: Store, before: int | None = None) -> AuditPage:
    """The newest acts, or the newest before an entry."""
    found = store.audit(_SHOWN + 1, before=before)
    shown = tuple(found[:_SHOWN])
    return AuditPage(shown, shown[-1].id if len(found) > _SHOWN else None)
