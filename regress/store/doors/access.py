"""Tokens and the audit log."""

from __future__ import annotations

from datetime import datetime

from regress.domain import AuditEntry, Deed, Token
from regress.store import audit, tokens
from regress.store.doors.base import Door


class Access(Door):
    """Who may come in, and who did what."""

    def record_deed(self, deed: Deed) -> None:
        """Add to the audit log what changed nothing here: a log-in, or what was refused."""
        with self._db.on_behalf(deed).write(quiet=True):
            pass

    def audit(
        self,
        limit: int = 100,
        *,
        before: int | None = None,
        target: str | None = None,
        action: str | None = None,
    ) -> list[AuditEntry]:
        """The audit log (of one target, one action, smaller ids than ``before``), newest first."""
        with self._db.read() as session:
            return audit.entries(session, self._db.project_id, limit, before, target, action)

    def add_token(self, token: Token, digest: str) -> Token:
        """Keep a new token by the digest of its secret; the token with its id."""
        with self._db.write() as session:
            return tokens.add(session, self._db.project_id, token, digest)

    def token(self, digest: str) -> Token | None:
        """The token whose secret has that digest, whether or not it still holds."""
        with self._db.read() as session:
            return tokens.find(session, self._db.project_id, digest)

    def tokens(self) -> list[Token]:
        """All tokens, newest first."""
        with self._db.read() as session:
            return tokens.load_all(session, self._db.project_id)

    def revoke_token(self, name: str) -> Token:
        """End a token, by its name or id; one that still holds first. UnknownNameError (kind "token")."""
        with self._db.write() as session:
            return tokens.revoke(session, self._db.project_id, name)

    def touch_token(self, token: Token, at: datetime) -> None:
        """Remember when a token was used, to the hour."""
        if token.used_at is None or at - token.used_at >= tokens.USED_EVERY:
            with self._db.write(quiet=True) as session:
                tokens.touch(session, token.id, at)
