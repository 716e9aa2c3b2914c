"""Log-in with a provider: OpenID Connect's authorization code flow, with PKCE, state and nonce.

The browser goes to the provider and comes back with a code; the server changes the code for an ID token, and
believes it when its signature, issuer, audience, time and nonce are right (OpenID Connect Core 1.0, 3.1.3.7).
What ties the two halves together is in a signed cookie of ten minutes.
"""

from __future__ import annotations

import base64
import hashlib
import os
import secrets
import time
from dataclasses import dataclass
from typing import Any
from urllib.parse import urlencode, urlsplit

from itsdangerous import BadSignature, URLSafeTimedSerializer

from regress.config import AccessConfig
from regress.errors import AccessError, ConfigError, HttpError
from web.security.guard import is_loopback

SECRET = "REGRESS_OIDC_SECRET"  # noqa: S105 # the variable's name
SECONDS = 600
"""How long somebody may take at the provider."""

_ALGORITHMS = ["RS256", "RS384", "RS512", "PS256", "ES256", "ES384", "EdDSA"]  # never "none", nor shared keys
_FILE = "regress.toml"
_TIMEOUT = 10.0
_LARGEST = 1_000_000  # bytes of the provider's answers
_KEPT = 3_600.0  # seconds for which its addresses and keys are not asked for again
_LEEWAY = 60  # seconds that two clocks may differ


@dataclass(frozen=True, slots=True)
class Person:
    """Who the provider says they are: a verified e-mail address, else its own name for them; and groups."""

    name: str
    groups: tuple[str, ...]


class Provider:
    """One provider, as ``[access]`` names it. Its methods wait for the network: call them from a thread."""

    def __init__(self, access: AccessConfig, key: str) -> None:
        """ConfigError where something is missing."""
        self._issuer, self._client = access.oidc_issuer.rstrip("/"), access.oidc_client
        self._secret = os.environ.get(SECRET, "")
        self._signer = URLSafeTimedSerializer(key, salt="regress oidc")
        self.cookie = f"regress_oidc_{hashlib.sha256(key.encode()).hexdigest()[:8]}"
        self._known: dict[str, tuple[float, dict[str, Any]]] = {}
        needed = {"oidc_issuer": self._issuer, "oidc_client": self._client, SECRET: self._secret}
        for name in (name for name, given in needed.items() if not given):
            where = name if name == SECRET else f"access.{name}"
            raise ConfigError(_FILE, where, "is empty", hint='login = "oidc" under [access] needs it.')
        _checked(self._issuer)
        try:
            import joserfc  # noqa: F401 # here, so that it is missed at the start and not at a log-in
        except ModuleNotFoundError as error:
            hint = "pip install 'regress[oidc]'"
            raise ConfigError(
                "regress.toml", "access.login", "oidc needs the extra oidc", hint=hint
            ) from error

    def begin(self, back: str, wanted: str) -> tuple[str, str]:
        """Where the browser is to go, and the cookie that it must come back with."""
        state, nonce, verifier = (secrets.token_urlsafe(32) for _ in range(3))
        asked = {
            "response_type": "code",
            "client_id": self._client,
            "redirect_uri": back,
            "scope": "openid email profile",
            "state": state,
            "nonce": nonce,
            "code_challenge": _challenge(verifier),
            "code_challenge_method": "S256",
        }
        endpoint = self._addresses()["authorization_endpoint"]
        joint = "&" if "?" in endpoint else "?"
        return f"{endpoint}{joint}{urlencode(asked)}", self._signer.dumps([state, nonce, verifier, wanted])

    def finish(self, back: str, cookie: str, state: str, code: str) -> tuple[Person, str]:
        """Who came back, and where they wanted to go. AccessError where anything does not fit."""
        try:
            begun, nonce, verifier, wanted = self._signer.loads(cookie, max_age=SECONDS)
        except (BadSignature, ValueError, TypeError):
            raise _failed("it was begun elsewhere, or too long ago") from None
        if not secrets.compare_digest(begun.encode(), state.encode("utf-8", "replace")):
            raise _failed("it was begun elsewhere")
        form = {
            "grant_type": "authorization_code",
            "code": code,
            "redirect_uri": back,
            "code_verifier": verifier,
        }
        told = self._fetch(self._addresses()["token_endpoint"], form)
        return self._person(self._claims(str(told.get("id_token", "")), nonce)), wanted

    def _claims(self, token: str, nonce: str) -> dict[str, Any]:
        from joserfc import jwt
        from joserfc.errors import JoseError
        from joserfc.jwk import KeySet

        rules = jwt.JWTClaimsRegistry(
            leeway=_LEEWAY,
            iss={"essential": True, "value": self._addresses()["issuer"]},
            aud={"essential": True, "value": self._client},
            exp={"essential": True},
            nonce={"essential": True, "value": nonce},
        )
        try:
            keys = KeySet.import_key_set(self._cached(self._addresses()["jwks_uri"]))  # type: ignore[arg-type]
            claims = jwt.decode(token, keys, algorithms=_ALGORITHMS).claims
            rules.validate(claims)
        except (JoseError, ValueError) as error:
            self._known.clear()  # its keys may be new ones: the next log-in asks again
            raise _failed(f"its token does not hold ({error})") from error
        return dict(claims)

    def _person(self, claims: dict[str, Any]) -> Person:
        email, groups = claims.get("email"), claims.get("groups")
        verified = isinstance(email, str) and claims.get("email_verified") is True
        name = email if verified else claims.get("sub")
        if not isinstance(name, str) or not name:
            raise _failed("it names nobody")
        named = groups if isinstance(groups, list) else []
        return Person(name[:200], tuple(group for group in named[:50] if isinstance(group, str)))

    def _addresses(self) -> dict[str, Any]:
        found = self._cached(f"{self._issuer}/.well-known/openid-configuration")
        if str(found.get("issuer", "")).rstrip("/") != self._issuer:
            raise _failed("it gives itself another name than [access] oidc_issuer")
        return found

    def _cached(self, url: str) -> dict[str, Any]:
        at, found = self._known.get(url, (0.0, {}))
        if not found or time.monotonic() - at > _KEPT:
            found = self._fetch(url)
            self._known[url] = (time.monotonic(), found)
        return found

    def _fetch(self, url: str, form: dict[str, str] | None = None) -> dict[str, Any]:
        """A JSON object of the provider's; with a form, posted under the client's name and secret."""
        from regress.service.net.http import Client, Terms  # a server starts sooner without

        _checked(url)
        terms = Terms(private=True, proxies=True, seconds=_TIMEOUT, silence=_TIMEOUT, largest=_LARGEST)
        headers = {"Accept": "application/json"}
        if form is not None:
            pair = f"{self._client}:{self._secret}".encode()
            headers["Authorization"] = f"Basic {base64.b64encode(pair).decode()}"
        method, data = ("GET", b"") if form is None else ("POST", urlencode(form).encode())
        if data:
            headers["Content-Type"] = "application/x-www-form-urlencoded"
        try:
            told = Client(terms).call(method, url, headers=headers, data=data).json()
        except HttpError as error:
            said = f"it answers {error.status}" if error.status else f"it cannot be reached ({error})"
            raise _failed(said) from error
        except ValueError as error:
            raise _failed("its answer is none") from error
        if not isinstance(told, dict):
            raise _failed("its answer is none")
        return told


def _checked(url: str) -> None:
    """Only https, and http to this machine."""
    parts = urlsplit(url)
    if parts.scheme != "https" and not (parts.scheme == "http" and is_loopback(parts.hostname or "")):
        raise ConfigError(_FILE, "access.oidc_issuer", f"is no https address: {url[:100]}")


def _challenge(verifier: str) -> str:
    """RFC 7636, S256."""
    return base64.urlsafe_b64encode(hashlib.sha256(verifier.encode()).digest()).rstrip(b"=").decode()


def _failed(why: str) -> AccessError:
    return AccessError(f"The log-in with your provider failed: {why}", hint="Try again.", unknown=True)
