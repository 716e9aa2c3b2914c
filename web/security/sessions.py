"""Sessions: a signed cookie that says who somebody is, and the CSRF token that goes with it.

The cookie is signed and ends by itself; a person's role is looked up at each request. Kept are only the
sessions that were ended by a log-out: the audit log has them, so that a copied cookie stays dead when the
server starts again.
The CSRF token is a keyed digest of the cookie's random part, so that who cannot read the page cannot know it,
and a cookie that somebody else planted is of no use without the key.
"""

from __future__ import annotations

import hashlib
import hmac
import secrets
from collections.abc import Iterable
from dataclasses import dataclass

from itsdangerous import BadSignature, URLSafeTimedSerializer

from regress.domain import Role, Scope

ANONYMOUS = ""
_ENDED = 100_000  # sessions: more than end in the hours that one lasts


@dataclass
class Visit:
    """Who asks. ``role`` is None where they may do nothing; ``how`` is how we know, for the audit log.

    ``session`` is the random part of their cookie, and empty for who has none; ``changed`` asks for the
    cookie to be set with the answer. ``groups`` are the log-in provider's, ``scopes`` a token's.
    """

    name: str = ANONYMOUS
    role: Role | None = None
    how: str = "nobody"
    stamp: str = ""
    session: str = ""
    address: str = ""
    changed: bool = False
    groups: tuple[str, ...] = ()
    scopes: tuple[Scope, ...] = ()

    @property
    def logged_in(self) -> bool:
        """Whether a person or machine is known by name."""
        return self.name != ANONYMOUS

    def may(self, needed: str) -> bool:
        """Whether that role is theirs, or more."""
        return self.role is not None and self.role.may(Role(needed))


class Sessions:
    """Makes and reads cookies, with one key."""

    def __init__(self, key: str, hours: int) -> None:
        self._key = key.encode()
        self._signer = URLSafeTimedSerializer(key, salt="regress session")
        self.seconds = hours * 3600
        self._ended: dict[str, None] = {}
        self.cookie = f"regress_{hashlib.sha256(self._key).hexdigest()[:8]}"  # two dashboards on one host

    def read(self, cookies: dict[str, str]) -> Visit:
        """Who the cookie says they are, not yet what they may; nobody without a cookie that is ours."""
        try:
            session, name, how, stamp, groups = self._signer.loads(
                cookies.get(self.cookie, ""), max_age=self.seconds
            )
        except (BadSignature, ValueError, TypeError):
            return Visit()
        if fingerprint(session) in self._ended:
            return Visit()
        return Visit(name=name, how=how, stamp=stamp, session=session, groups=tuple(groups))

    def end(self, fingerprints: Iterable[str]) -> None:
        """Let these sessions be nobody's from now on."""
        self._ended |= dict.fromkeys(fingerprints)
        while len(self._ended) > _ENDED:
            del self._ended[next(iter(self._ended))]

    def header(self, visit: Visit, *, secure: bool) -> str:
        """The Set-Cookie header of a visit."""
        value = self._signer.dumps([visit.session, visit.name, visit.how, visit.stamp, list(visit.groups)])
        text = f"{self.cookie}={value}; Path=/; Max-Age={self.seconds}; HttpOnly; SameSite=Lax"
        return f"{text}; Secure" if secure else text

    def csrf(self, visit: Visit) -> str:
        """The token that a form of this visit carries; a visit without a session gets one."""
        if not visit.session:
            renew(visit)
        return hmac.new(self._key, b"csrf\0" + visit.session.encode(), hashlib.sha256).hexdigest()

    def holds(self, visit: Visit, token: str) -> bool:
        """Whether a form of this visit carried that token."""
        given = token.encode("utf-8", "replace")
        return bool(visit.session) and hmac.compare_digest(self.csrf(visit).encode(), given)


def fingerprint(session: str) -> str:
    """How a session is named where others may read it."""
    return hashlib.sha256(session.encode()).hexdigest()[:16]


def renew(visit: Visit) -> None:
    """Give a visit a new session, as when somebody logs in: what was known of the old one is of no use."""
    visit.session, visit.changed = secrets.token_urlsafe(18), True
