"""The password file: one person a line, ``name:role:scrypt$n$r$p$salt$hash``; passwords stand nowhere.

The file is read again when it changes, so that a role or password that changes holds at once.
"""

from __future__ import annotations

import base64
import binascii
import hashlib
import hmac
import os
import secrets
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from pathlib import Path

from filelock import FileLock

from regress.domain import Role
from regress.errors import ConfigError, RegressError, UnknownNameError

LEAST = 10
"""Characters of a password; NIST SP 800-63B asks for eight, and more where there is no second factor."""

MOST = 1_000
"""Characters of a password that are looked at."""

_COST = (2**15, 8, 1)  # scrypt's n, r, p: 32 MB and some 80 ms a try; OWASP's advice of 2023 for 32 MB
_MAX_COST = (2**18, 16, 4)
_MEMORY = 2 * 128 * _MAX_COST[0] * _MAX_COST[1]
_LONGEST_NAME = 64


@dataclass(frozen=True, slots=True)
class User:
    """A person who may log in. ``stamp`` changes with the password: sessions of the old one end."""

    name: str
    role: Role
    hashed: str

    @property
    def stamp(self) -> str:
        """A few characters of a digest of the password's hash."""
        return hashlib.sha256(self.hashed.encode()).hexdigest()[:16]

    def knows(self, password: str) -> bool:
        """Whether that is the password; takes as long whatever it is."""
        return _matches(password, self.hashed)


class PasswordFile:
    """The people who may log in. A missing file has nobody in it."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self._seen: tuple[int, int, int] | None = None
        self._users: Mapping[str, User] = {}

    def users(self) -> Mapping[str, User]:
        """All of them, by name. ConfigError where the file is not what ``regress user`` writes."""
        try:
            stat = self.path.stat()
        except FileNotFoundError:
            self._seen, self._users = None, {}
            return self._users
        seen = (stat.st_mtime_ns, stat.st_size, stat.st_ino)
        if seen != self._seen:
            self._users, self._seen = _parse(self.path), seen
        return self._users

    def check(self, name: str, password: str) -> User | None:
        """The user of that name, if that is their password; unknown names take as long to refuse."""
        user = self.users().get(name)
        if user is None:
            _matches(password, _nobody())
            return None
        return user if user.knows(password) else None

    def add(self, name: str, role: Role, password: str) -> None:
        """A new person; RegressError for a name that is taken or strange, or a short password."""
        if (
            not name
            or len(name) > _LONGEST_NAME
            or not name.isprintable()
            or ":" in name
            or name != name.strip()
        ):
            raise RegressError(
                f"a name has 1 to {_LONGEST_NAME} printable characters without colons: {name!r}"
            )
        with self._changing() as users:
            if name in users:
                hint = "`regress user password NAME` and `regress user role NAME ROLE` change them."
                raise RegressError(f"there is a user {name!r} already", hint=hint)
            users[name] = User(name, role, hashed(password))

    def set_role(self, name: str, role: Role) -> None:
        """Change what somebody may do. UnknownNameError (kind "user")."""
        with self._changing() as users:
            users[name] = User(name, role, _known(users, name).hashed)

    def set_password(self, name: str, password: str) -> None:
        """Change somebody's password, which ends their sessions."""
        with self._changing() as users:
            users[name] = User(name, _known(users, name).role, hashed(password))

    def remove(self, name: str) -> None:
        """Forget somebody, which ends their sessions."""
        with self._changing() as users:
            del users[_known(users, name).name]

    def _changing(self) -> _Change:
        return _Change(self.path)


class _Change:
    """The users as a dictionary, written back whole when the context ends well; one process at a time."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self._lock = FileLock(f"{path}.lock")

    def __enter__(self) -> dict[str, User]:
        self._path.parent.mkdir(parents=True, exist_ok=True)
        self._lock.acquire()
        try:
            self._users = dict(_parse(self._path)) if self._path.exists() else {}
        except BaseException:
            self._lock.release()
            raise
        return self._users

    def __exit__(self, kind: type[BaseException] | None, *_: object) -> None:
        try:
            if kind is None:
                self._write()
        finally:
            self._lock.release()

    def _write(self) -> None:
        fresh = self._path.with_name(f"{self._path.name}.{os.getpid()}")
        with os.fdopen(os.open(fresh, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600), "w") as file:
            file.writelines(f"{u.name}:{u.role.value}:{u.hashed}\n" for u in self._users.values())
            file.flush()
            os.fsync(file.fileno())
        fresh.replace(self._path)


def hashed(password: str) -> str:
    """A password as it is kept; RegressError for a short one."""
    if not LEAST <= len(password) <= MOST:
        raise RegressError(f"a password has {LEAST} to {MOST:,} characters")
    salt = secrets.token_bytes(16)
    n, r, p = _COST
    return "$".join(("scrypt", str(n), str(r), str(p), _text(salt), _text(_scrypt(password, salt, n, r, p))))


def _scrypt(password: str, salt: bytes, n: int, r: int, p: int) -> bytes:
    raw = password[:MOST].encode("utf-8", "replace")
    return hashlib.scrypt(raw, salt=salt, n=n, r=r, p=p, maxmem=_MEMORY, dklen=32)


def _matches(password: str, kept: str) -> bool:
    _, n, r, p, salt, wanted = kept.split("$")
    found = _scrypt(password, base64.b64decode(salt), int(n), int(r), int(p))
    return hmac.compare_digest(found, base64.b64decode(wanted))


@cache
def _nobody() -> str:
    """The hash of a password that nobody has."""
    return hashed(secrets.token_hex(16))


def _text(raw: bytes) -> str:
    return base64.b64encode(raw).decode()


def _known(users: Mapping[str, User], name: str) -> User:
    if name not in users:
        raise UnknownNameError("user", name, users)
    return users[name]


def _parse(path: Path) -> dict[str, User]:
    users = {}
    try:
        lines = path.read_text(encoding="utf-8").splitlines()
    except UnicodeDecodeError as error:
        raise ConfigError(path, f"byte {error.start}", "not UTF-8 text") from error
    for number, line in enumerate(lines, start=1):
        if line.strip():
            name, _, rest = line.partition(":")
            role, _, kept = rest.partition(":")
            if role not in set(Role) or not _is_hash(kept):
                hint = "Let `regress user` write it."
                raise ConfigError(path, f"line {number}", "expected name:role:scrypt$...", hint=hint)
            users[name] = User(name, Role(role), kept)
    return users


def _is_hash(kept: str) -> bool:
    """Whether that is a hash of ours, of a cost that a log-in may take."""
    try:
        kind, n, r, p, salt, wanted = kept.split("$")
        cost = (int(n), int(r), int(p))
        sound = all(0 < given <= most for given, most in zip(cost, _MAX_COST, strict=True))
        power = cost[0] & (cost[0] - 1) == 0 and cost[0] > 1
        whole = len(base64.b64decode(wanted, validate=True)) == 32 and base64.b64decode(salt, validate=True)
    except (ValueError, binascii.Error):
        return False
    return kind == "scrypt" and sound and power and bool(whole)
