"""Log-in with a provider: a small real one on this machine, which can be told to cheat."""

from __future__ import annotations

import base64
import hashlib
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs, parse_qsl, urlsplit

import httpx
import pytest
from fastapi import FastAPI, Request
from fastapi.responses import JSONResponse, RedirectResponse
from joserfc import jwt
from joserfc.jwk import RSAKey

from regress.config import AccessConfig, Config
from regress.errors import ConfigError
from regress.store import Store
from tests.web.server import serve
from web.app import create_app

CLIENT, SECRET = "dashboard", "a secret of the client"
KEY, OTHER_KEY = (RSAKey.generate_key(2048, {"kid": "one"}) for _ in range(2))


class Provider:
    """An OpenID provider that asks nobody: whoever comes is Ann. ``lies`` overrules its claims."""

    def __init__(self) -> None:
        self.lies: dict[str, Any] = {}
        self.key = KEY
        self.base = ""
        self._asked: dict[str, dict[str, str]] = {}
        self.app = FastAPI()
        self.app.get("/.well-known/openid-configuration")(self._configuration)
        self.app.get("/keys")(self._keys)
        self.app.get("/authorize")(self._authorize)
        self.app.post("/token")(self._token)

    def _configuration(self) -> JSONResponse:
        told = {"authorization_endpoint": "authorize", "token_endpoint": "token", "jwks_uri": "keys"}
        addresses = {name: f"{self.base}/{path}" for name, path in told.items()}
        return JSONResponse({"issuer": self.lies.get("issuer", self.base), **addresses})

    def _keys(self) -> JSONResponse:
        return JSONResponse({"keys": [KEY.as_dict(private=False)]})

    def _authorize(self, request: Request) -> RedirectResponse:
        asked = dict(request.query_params)
        assert (asked["response_type"], asked["client_id"]) == ("code", CLIENT)
        assert asked["code_challenge_method"] == "S256"
        code = f"code-{len(self._asked)}"
        self._asked[code] = asked
        return RedirectResponse(f"{asked['redirect_uri']}?code={code}&state={asked['state']}", 303)

    async def _token(self, request: Request) -> JSONResponse:
        form = dict(parse_qsl((await request.body()).decode()))
        asked = self._asked.pop(form["code"], None)
        pair = base64.b64encode(f"{CLIENT}:{SECRET}".encode()).decode()
        digest = hashlib.sha256(form["code_verifier"].encode()).digest()
        sound = asked and asked["redirect_uri"] == form["redirect_uri"]
        if not sound or request.headers["authorization"] != f"Basic {pair}":
            return JSONResponse({"error": "invalid_grant"}, 400)
        assert asked is not None
        assert base64.urlsafe_b64encode(digest).rstrip(b"=").decode() == asked["code_challenge"]
        claims = {"iss": self.base, "aud": CLIENT, "sub": "4711", "exp": int(time.time()) + 60}
        claims |= {
            "nonce": asked["nonce"],
            "email": "ann@example.org",
            "email_verified": True,
            "groups": ["perf"],
        }
        token = jwt.encode({"alg": "RS256", "kid": "one"}, claims | self.lies, self.key)
        return JSONResponse({"id_token": token, "access_token": "x", "token_type": "Bearer"})


@pytest.fixture(scope="module")
def provider() -> Iterator[Provider]:
    """The provider, on a port of its own."""
    made = Provider()
    with serve(made.app) as made.base:
        yield made


@pytest.fixture
def site(provider: Provider, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[str]:
    """A dashboard that trusts it."""
    monkeypatch.setenv("REGRESS_OIDC_SECRET", SECRET)
    provider.lies, provider.key = {}, KEY
    access = AccessConfig(
        login="oidc",
        oidc_issuer=provider.base,
        oidc_client=CLIENT,
        oidc_role="none",
        oidc_roles=("group:perf=triager", "boss@example.org=admin"),
    )
    config = Config(root=tmp_path, access=access)
    with serve(create_app(f"sqlite:///{tmp_path / 'regress.db'}", config=config)) as base:
        yield base


def test_who_the_provider_knows_comes_in_with_their_role(site: str, tmp_path: Path) -> None:
    with httpx.Client(base_url=site, follow_redirects=True) as client:
        assert "/login/oidc?next=" in client.get("/events?q=1").text
        landed = client.get("/login/oidc", params={"next": "/events"})
        assert (landed.status_code, landed.url.path) == (200, "/events")
        assert "ann@example.org" in landed.text
        assert client.get("/audit").status_code == 403
    with Store.open(f"sqlite:///{tmp_path / 'regress.db'}") as store:
        (entry,) = store.audit()
    assert (entry.deed.who, entry.deed.how, entry.deed.action) == ("ann@example.org", "oidc", "log in")


@pytest.mark.parametrize(
    "lies",
    [
        {"aud": "another"},
        {"iss": "https://evil.example"},
        {"exp": 1},
        {"nonce": "another"},
        {"sub": "", "email": None},
        {"issuer": "https://evil.example"},
    ],
)
def test_a_token_that_does_not_hold_lets_nobody_in(
    site: str, provider: Provider, lies: dict[str, Any]
) -> None:
    provider.lies = lies
    with httpx.Client(base_url=site, follow_redirects=True) as client:
        assert client.get("/login/oidc").status_code == 401
        assert client.get("/api/v1/overview").status_code == 401


def test_another_key_lets_nobody_in(site: str, provider: Provider) -> None:
    provider.key = OTHER_KEY
    with httpx.Client(base_url=site, follow_redirects=True) as client:
        assert client.get("/login/oidc").status_code == 401


def test_an_address_that_was_not_verified_is_nobodys(site: str, provider: Provider) -> None:
    provider.lies = {"email": "boss@example.org", "email_verified": False, "groups": []}
    with httpx.Client(base_url=site, follow_redirects=True) as client:
        client.get("/login/oidc")
        assert client.get("/api/v1/overview").status_code == 401


def test_a_log_in_ends_where_it_began(site: str) -> None:
    """A code and state that somebody else got must not log this browser in (log-in CSRF)."""
    with httpx.Client(base_url=site) as one, httpx.Client(base_url=site) as other:
        there = one.get("/login/oidc").headers["location"]
        back = httpx.get(there).headers["location"]
        other.get("/login/oidc")
        assert other.get(back).status_code == 401
        assert httpx.get(back).status_code == 401
        assert one.get(back + "x").status_code == 401
        assert parse_qs(urlsplit(back).query)["state"]
        assert one.get("/login/back?error=access_denied").status_code == 401


@pytest.mark.parametrize(
    ("access", "secret", "complaint"),
    [
        (AccessConfig(login="oidc", oidc_client="x"), "y", "access.oidc_issuer: is empty"),
        (AccessConfig(login="oidc", oidc_issuer="https://x", oidc_client="x"), "", "REGRESS_OIDC_SECRET"),
        (
            AccessConfig(login="oidc", oidc_issuer="http://x.example", oidc_client="x"),
            "y",
            "no https address",
        ),
    ],
)
def test_what_is_missing_is_told_at_the_start(
    access: AccessConfig, secret: str, complaint: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("REGRESS_OIDC_SECRET", secret)
    with pytest.raises(ConfigError, match=complaint):
        create_app(f"sqlite:///{tmp_path / 'regress.db'}", config=Config(root=tmp_path, access=access))
