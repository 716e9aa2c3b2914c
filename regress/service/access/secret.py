"""The key that signs sessions: from the environment, or made once and kept beside the configuration."""

from __future__ import annotations

import os
import secrets
from pathlib import Path

from regress.errors import ConfigError

VARIABLE = "REGRESS_SECRET"
"""Environment variable that holds the key; several servers of one dashboard need the same."""

_LEAST = 32
"""Characters of a key: fewer could be guessed."""


def signing_key(root: Path | None) -> str:
    """The key: REGRESS_SECRET's, or the one in ``root``/.regress/secret, made (mode 0600) when missing.

    Without a folder a fresh one: sessions then end with the process. ConfigError for one that is too short.
    """
    given = os.environ.get(VARIABLE)
    if given is not None:
        return _checked(given, Path(VARIABLE))
    if root is None:
        return secrets.token_hex(32)
    path = root / ".regress" / "secret"
    if not path.exists():
        _make(path)
    return _checked(path.read_text(encoding="utf-8").strip(), path)


def _checked(key: str, where: Path) -> str:
    if len(key) < _LEAST:
        hint = "For example the output of: openssl rand -hex 32."
        raise ConfigError(where, "", f"a signing key has {_LEAST} characters or more", hint=hint)
    return key


def _make(path: Path) -> None:
    """Write a new key, whole before it has its name; of two processes one wins, and both read its key."""
    path.parent.mkdir(exist_ok=True)
    ignore = path.parent / ".gitignore"
    if not ignore.exists():
        ignore.write_text("*\n", encoding="utf-8")
    fresh = path.with_name(f"secret.{os.getpid()}")
    handle = os.open(fresh, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
    with os.fdopen(handle, "w", encoding="utf-8") as file:
        file.write(secrets.token_hex(32) + "\n")
        file.flush()
        os.fsync(file.fileno())
    try:
        os.link(fresh, path)
    except FileExistsError:
        pass
    finally:
        fresh.unlink()
