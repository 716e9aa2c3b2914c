"""Tokens as their holders see them: made once, shown once, known by their digest ever after."""

from __future__ import annotations

import hashlib
import re
import secrets
from collections.abc import Sequence
from datetime import UTC, datetime, timedelta

from regress.domain import Deed, Scope, Token
from regress.errors import RegressError, UnknownNameError
from regress.store import Store

_PREFIX = "regress_"  # so that scanners for leaked secrets, and people, know what it is
_SHAPE = re.compile(_PREFIX + r"[A-Za-z0-9_-]{43}")
_LONGEST_NAME = 100


def make_token(
    store: Store, deed: Deed, name: str, scopes: Sequence[str] = ("push",), days: int | None = None
) -> tuple[Token, str]:
    """A new token for the store's project that lasts ``days`` (None: until revoked), and its secret.

    RegressError for an empty, long or taken name; UnknownNameError (kind "scope").
    """
    if not name.strip() or len(name) > _LONGEST_NAME or not name.isprintable():
        raise RegressError(f"a token's name has 1 to {_LONGEST_NAME} printable characters")
    now = datetime.now(UTC)
    if any(token.name == name and token.holds(now) for token in store.tokens()):
        hint = "Choose another name, or end the old one: regress token revoke NAME."
        raise RegressError(f"there is a token {name!r} already", hint=hint)
    secret = _PREFIX + secrets.token_urlsafe(32)
    ends = None if days is None else now + timedelta(days=days)
    token = Token(0, name, tuple(_scope(word) for word in dict.fromkeys(scopes)), now, deed.who, ends)
    return store.on_behalf(deed).add_token(token, _digest(secret)), secret


def find_token(store: Store, secret: str) -> Token | None:
    """The token that a secret belongs to, if it still holds."""
    token = store.token(_digest(secret)) if looks_like_token(secret) else None
    return token if token is not None and token.holds(datetime.now(UTC)) else None


def looks_like_token(secret: str) -> bool:
    """Whether a text has a token's shape."""
    return _SHAPE.fullmatch(secret) is not None


def _digest(secret: str) -> str:
    """Plain SHA-256: of 256 random bits none can be guessed, so that slow hashing would only cost time."""
    return hashlib.sha256(secret.encode()).hexdigest()


def _scope(word: str) -> Scope:
    try:
        return Scope(word)
    except ValueError:
        raise UnknownNameError("scope", word, [scope.value for scope in Scope]) from None
