"""Tokens: kept as digests, so that who reads the database cannot use them."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

from sqlalchemy import select, update
from sqlalchemy.orm import Session

from regress.domain import Scope, Token
from regress.errors import UnknownNameError
from regress.store.models import TokenRow

USED_EVERY = timedelta(hours=1)
"""How exactly ``used_at`` is kept: a write for each request would be more work than what is asked for."""


def add(session: Session, project_id: int, token: Token, digest: str) -> Token:
    """See ``Store.add_token``."""
    row = TokenRow(
        project_id=project_id,
        name=token.name,
        digest=digest,
        scopes=" ".join(token.scopes),
        made_at=token.made_at,
        made_by=token.made_by,
        expires_at=token.expires_at,
    )
    session.add(row)
    session.flush()
    return _token(row)


def find(session: Session, project_id: int, digest: str) -> Token | None:
    """See ``Store.token``."""
    row = session.scalar(select(TokenRow).where(TokenRow.project_id == project_id, TokenRow.digest == digest))
    return None if row is None else _token(row)


def load_all(session: Session, project_id: int) -> list[Token]:
    """See ``Store.tokens``."""
    rows = session.scalars(
        select(TokenRow).where(TokenRow.project_id == project_id).order_by(TokenRow.id.desc())
    )
    return [_token(row) for row in rows]


def revoke(session: Session, project_id: int, name: str) -> Token:
    """See ``Store.revoke_token``."""
    rows = list(session.scalars(select(TokenRow).where(TokenRow.project_id == project_id)))
    named = [row for row in rows if name in (row.name, str(row.id))]
    if not named:
        raise UnknownNameError("token", name, [row.name for row in rows])
    row = next((row for row in named if row.revoked_at is None), named[0])
    row.revoked_at = row.revoked_at or datetime.now(UTC)
    return _token(row)


def touch(session: Session, token_id: int, at: datetime) -> None:
    """Remember that a token was used."""
    session.execute(update(TokenRow).where(TokenRow.id == token_id).values(used_at=at))


def _token(row: TokenRow) -> Token:
    return Token(
        id=row.id,
        name=row.name,
        scopes=tuple(Scope(word) for word in row.scopes.split()),
        made_at=row.made_at,
        made_by=row.made_by,
        expires_at=row.expires_at,
        revoked_at=row.revoked_at,
        used_at=row.used_at,
    )
