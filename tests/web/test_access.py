"""Who may do what: hosts, log-in, sessions, CSRF, roles and the audit log, over real servers."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from pathlib import Path
from typing import Annotated

import httpx
import pytest
from fastapi import APIRouter, FastAPI, Request
from fastapi.responses import HTMLResponse, PlainTextResponse
from fastapi.routing import APIRoute

from regress.config import AccessConfig, Config
from regress.domain import Role
from regress.errors import ConfigError, RegressError
from regress.service.access import PasswordFile, passwords, signing_key
from regress.store import Store
from tests.web.server import serve
from web.api import router as api_router
from web.app import create_app
from web.pages import PAGES, login
from web.render import csrf_field
from web.security import Write, writes
from web.security.doors import oidc_role
from web.security.rates import Rate

PASSWORD = "correct horse battery"


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    """A project's folder with three people."""
    folder = tmp_path_factory.mktemp("access")
    cheap = pytest.MonkeyPatch()
    cheap.setattr(passwords, "_COST", (16, 8, 1))  # the real cost is for who guesses
    people = PasswordFile(folder / ".regress" / "passwords")
    for name, role in (("ann", Role.TRIAGER), ("ben", Role.VIEWER), ("eve", Role.ADMIN)):
        people.add(name, role, PASSWORD)
    passwords._nobody.cache_clear()
    yield folder
    cheap.undo()
    passwords._nobody.cache_clear()


def app_of(folder: Path, access: AccessConfig) -> FastAPI:
    """The dashboard over a folder's database, with a route that writes."""
    app = create_app(f"sqlite:///{folder / 'regress.db'}", config=Config(root=folder, access=access))
    app.include_router(noting(), include_in_schema=False)
    return app


def noting() -> APIRouter:
    """A page's form that writes to the store."""
    router = APIRouter()

    @router.get("/form")
    def form(request: Request) -> HTMLResponse:
        return HTMLResponse(csrf_field(request))

    @router.post("/note")
    def note(write: Annotated[Write, writes(Role.TRIAGER, "note")]) -> PlainTextResponse:
        write.store("event 7", write.form.get("text", "")).record_commits("noted", [])
        return PlainTextResponse(write.who)

    return router


@pytest.fixture
def base(folder: Path) -> Iterator[str]:
    """A dashboard with passwords."""
    with serve(app_of(folder, AccessConfig(login="password"))) as base:
        yield base


def token_in(page: str) -> str:
    """The CSRF token of a form."""
    found = re.search(r'name="csrf" value="([0-9a-f]{64})"', page)
    assert found
    return found[1]


Browser = Callable[[str], httpx.Client]


@pytest.fixture
def browser() -> Iterator[Browser]:
    """Makes clients with cookies of their own."""
    with ExitStack() as stack:
        yield lambda base: stack.enter_context(httpx.Client(base_url=base))


def log_in(client: httpx.Client, name: str, password: str = PASSWORD) -> httpx.Response:
    """The answer to a filled-in form."""
    form = {
        "csrf": token_in(client.get("/login").text),
        "name": name,
        "password": password,
        "next": "/events",
    }
    return client.post("/login", data=form)


def test_reading_takes_a_log_in_and_leads_back(base: str, browser: Browser) -> None:
    turned_away = httpx.get(f"{base}/events?state=open")
    assert turned_away.status_code == 303
    assert turned_away.headers["location"] == "/login?next=/events%3Fstate%3Dopen"
    api = httpx.get(f"{base}/api/v1/overview")
    assert api.status_code == 401
    assert set(api.json()) == {"error", "hint", "near"}
    client = browser(base)
    answer = log_in(client, "ben")
    assert (answer.status_code, answer.headers["location"]) == (303, "/events")
    cookie = answer.headers["set-cookie"]
    assert all(word in cookie for word in ("HttpOnly", "SameSite=Lax", "Path=/"))
    assert "ben" in client.get("/events").text
    assert client.get("/api/v1/overview").status_code == 200


def test_log_out_ends_it(base: str, folder: Path, browser: Browser) -> None:
    client = browser(base)
    log_in(client, "ben")
    token = token_in(client.get("/").text)
    assert client.post("/logout").status_code == 403
    stolen = {"Cookie": "; ".join(f"{name}={value}" for name, value in client.cookies.items())}
    assert httpx.get(f"{base}/", headers=stolen).status_code == 200
    assert client.post("/logout", data={"csrf": token}).status_code == 303
    assert client.get("/").status_code == 303
    assert httpx.get(f"{base}/", headers=stolen).status_code == 303
    with serve(app_of(folder, AccessConfig(login="password"))) as again:  # it stays dead after a restart
        assert httpx.get(f"{again}/", headers=stolen).status_code == 303


def test_wrong_names_and_passwords_look_alike(base: str, browser: Browser) -> None:
    client = browser(base)
    for name in ("ann", "nobody", "", "ann:triager", "\x00"):
        answer = log_in(client, name, "wrong wrong wrong")
        assert answer.status_code == 401
        assert "not the name and password of anybody" in answer.text


def test_guessing_is_slowed_down(folder: Path, browser: Browser) -> None:
    with serve(app_of(folder, AccessConfig(login="password"))) as base:
        client = browser(base)
        form = {"csrf": token_in(client.get("/login").text), "name": "ann", "password": "x"}
        answers = [client.post("/login", data=form) for _ in range(11)]
    assert [answer.status_code for answer in answers] == [401] * 10 + [429]
    assert int(answers[-1].headers["retry-after"]) > 0


def test_a_write_needs_origin_token_and_role(base: str, folder: Path, browser: Browser) -> None:
    client = browser(base)
    log_in(client, "ann")
    form = {"csrf": token_in(client.get("/").text), "text": "<b>looked at</b>"}
    assert client.post("/note", data=form).text == "ann"
    assert client.post("/note", data=form, headers={"Origin": base}).status_code == 200
    assert client.post("/note", headers={"X-CSRF-Token": form["csrf"]}).status_code == 200
    foreign: list[dict[str, str]] = [{"Origin": "https://evil.example"}, {"Origin": "null"}]
    foreign += [{"Sec-Fetch-Site": "cross-site"}, {"Sec-Fetch-Site": "same-site"}]
    for headers in foreign:
        assert client.post("/note", data=form, headers=headers).status_code == 403
    for wrong in ("", "0" * 64, token_in(httpx.get(f"{base}/login").text)):
        assert client.post("/note", data={**form, "csrf": wrong}).status_code == 403
    assert client.post("/note", data={**form, "text": "x" * 70_000}).status_code == 413
    viewer = browser(base)
    log_in(viewer, "ben")
    refused = viewer.post("/note", data={"csrf": token_in(viewer.get("/").text)})
    assert refused.status_code == 403
    assert "role triager" in refused.text
    with Store.open(f"sqlite:///{folder / 'regress.db'}") as store:
        (*_, first) = store.audit(target="event 7")
        assert (first.deed.who, first.deed.how, first.deed.action) == ("ann", "password", "note")
        assert first.deed.detail == "<b>looked at</b>"
        refusals = [entry.deed for entry in store.audit() if entry.deed.refused and entry.deed.who == "ben"]
    assert [deed.action for deed in refusals] == ["note"]


def test_only_an_admin_reads_the_audit_log(base: str, browser: Browser) -> None:
    client = browser(base)
    log_in(client, "ann")
    assert client.get("/audit").status_code == 403
    admin = browser(base)
    log_in(admin, "eve")
    page = admin.get("/audit").text
    assert "log in" in page
    assert "<b>looked" not in page


def test_a_new_password_role_or_absence_holds_at_once(base: str, folder: Path, browser: Browser) -> None:
    people = PasswordFile(folder / ".regress" / "passwords")
    people.add("tom", Role.VIEWER, PASSWORD)
    client = browser(base)
    log_in(client, "tom")
    form = {"csrf": token_in(client.get("/").text)}
    assert client.post("/note", data=form).status_code == 403
    people.set_role("tom", Role.TRIAGER)
    assert client.post("/note", data=form).status_code == 200
    people.set_password("tom", PASSWORD + "!")
    assert client.get("/").status_code == 303
    client = browser(base)
    log_in(client, "tom", PASSWORD + "!")
    people.remove("tom")
    assert client.get("/").status_code == 303


def test_a_cookie_that_was_tampered_with_is_nobodys(base: str, browser: Browser) -> None:
    client = browser(base)
    log_in(client, "eve")
    (name, value), *_ = client.cookies.items()
    head, _, tail = value.partition(".")
    for forged in (head[:-2] + "AA." + tail, value[:-3] + "xxx", "", "a.b.c", "é"):
        answer = httpx.get(f"{base}/", headers={"Cookie": f"{name}={forged}".encode()})
        assert answer.status_code == 303


def test_this_machine_may_do_what_is_configured_and_a_proxy_is_not_this_machine(
    folder: Path, browser: Browser
) -> None:
    with serve(app_of(folder, AccessConfig(local="triager", hosts=("dash.example",)))) as base:
        client = browser(base)
        form = {"csrf": token_in(client.get("/form").text)}
        assert client.post("/note", data=form).text == "local"
        assert client.post("/note").status_code == 403
        for headers in ({"Host": "dash.example"}, {"X-Forwarded-For": "192.0.2.7"}, {"Forwarded": "for=x"}):
            assert client.get("/", headers=headers).status_code == 200
            assert client.post("/note", data=form, headers=headers).status_code == 403


def test_without_a_log_in_nothing_is_written(tmp_path: Path, browser: Browser) -> None:
    with serve(app_of(tmp_path, AccessConfig())) as base:
        assert not (tmp_path / ".regress").exists()
        client = browser(base)
        assert client.get("/").status_code == 200
        assert "set-cookie" not in client.get("/").headers
        assert client.post("/note").status_code == 403


@pytest.mark.parametrize(
    ("host", "status"),
    [
        ("evil.example", 421),
        ("127.0.0.1.evil.example", 421),
        ("localhost.evil.example:80", 421),
        ("dash.example", 421),
        ("localhost", 200),
        ("LOCALHOST:8000", 200),
        ("[::1]:8000", 200),
        ("192.0.2.7", 200),
    ],
)
def test_unknown_hosts_are_refused(client: httpx.Client, host: str, status: int) -> None:
    """DNS rebinding: a page of another name, made to point here, must not be answered."""
    assert client.get("/", headers={"Host": host}).status_code == status


def test_head_is_answered_like_get_without_a_body(client: httpx.Client) -> None:
    for address, status in (("/", 200), ("/nothing", 404), ("/static/site.css", 200), ("/healthz", 200)):
        head, got = client.head(address), client.get(address)
        assert (head.status_code, head.content) == (status, b"")
        assert head.headers["content-type"] == got.headers["content-type"]


def test_every_route_that_writes_is_guarded() -> None:
    open_doors = {"/login", "/logout"}  # which check by themselves: see the tests above
    routes = [route for router in (*PAGES.values(), api_router) for route in router.routes]
    writing = [route for route in routes if isinstance(route, APIRoute) and route.methods - {"GET"}]
    assert writing
    for route in writing:
        calls = [dependency.call for dependency in route.dependant.dependencies]
        guarded = any(getattr(call, "guards_writes", False) for call in calls)
        assert guarded or route.path in open_doors, route.path


@pytest.mark.parametrize("wanted", ["//evil.example", "https://evil.example", "/\\evil", "/a\nb", "", "evil"])
def test_the_log_in_leads_nowhere_else(wanted: str) -> None:
    assert login.local_path(wanted) == "/"


def test_passwords_stand_nowhere(folder: Path) -> None:
    path = folder / ".regress" / "passwords"
    assert PASSWORD not in path.read_text()
    assert path.stat().st_mode & 0o077 == 0
    hashes = [line.split(":")[2] for line in path.read_text().splitlines()]
    assert len(set(hashes)) == len(hashes)


@pytest.mark.parametrize(
    "line",
    [
        "ann",
        "ann:boss:scrypt$2$8$1$AA==$AA==",
        "ann:viewer:md5$1",
        "ann:viewer:scrypt$99999999$8$1$AA==$AA==",
    ],
)
def test_a_damaged_password_file_is_named(tmp_path: Path, line: str) -> None:
    (tmp_path / "passwords").write_text(f"\n{line}\n")
    with pytest.raises(ConfigError, match=r"passwords: line 2: expected name:role:scrypt"):
        PasswordFile(tmp_path / "passwords").users()


@pytest.mark.parametrize(
    ("name", "password"), [("a:b", PASSWORD), ("", PASSWORD), ("ann", "short"), ("a\n", "x")]
)
def test_strange_names_and_short_passwords_are_refused(tmp_path: Path, name: str, password: str) -> None:
    with pytest.raises(RegressError):
        PasswordFile(tmp_path / "passwords").add(name, Role.VIEWER, password)
    assert not (tmp_path / "passwords").exists()


def test_the_signing_key_is_made_once_and_is_nobody_elses(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    first = signing_key(tmp_path)
    assert signing_key(tmp_path) == first != signing_key(None)
    assert (tmp_path / ".regress" / "secret").stat().st_mode & 0o077 == 0
    monkeypatch.setenv("REGRESS_SECRET", "short")
    with pytest.raises(ConfigError, match="32 characters"):
        signing_key(tmp_path)


def test_a_rate_lets_a_burst_through_and_names_the_wait() -> None:
    rate = Rate(60, 3)
    assert [rate.wait("a") > 0 for _ in range(4)] == [False, False, False, True]
    assert 0 < rate.wait("a") <= 1
    assert rate.wait("b") == 0
    assert Rate(0, 0).wait("a") == 0


def test_what_a_provider_grants() -> None:
    more = ("ann@example.org=admin", "group:perf=triager")
    assert oidc_role("none", more, "tom@example.org", ()) is None
    assert oidc_role("viewer", more, "tom@example.org", ()) is Role.VIEWER
    assert oidc_role("viewer", more, "tom@example.org", ("perf",)) is Role.TRIAGER
    assert oidc_role("none", more, "ann@example.org", ("perf",)) is Role.ADMIN
