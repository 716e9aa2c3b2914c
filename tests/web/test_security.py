"""Hostile input: texts from a repository stay texts, requests stay small, answers say what may run."""

from __future__ import annotations

import random
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import httpx
import pytest

from regress.config import Config, WebConfig
from regress.domain import ChangePoint, Environment, Failure, FailureKind, Machine, SeriesChange
from regress.store import Store
from tests.web import history as made
from tests.web.server import serve
from web.app import create_app
from web.render import script_json

EVIL = "</script><script>alert(1)</script><img src=x onerror=alert(2)>\"'{{7*7}}&"
HEADERS = ("content-security-policy", "x-content-type-options", "x-frame-options", "referrer-policy")


@pytest.fixture(scope="module")
def hostile(tmp_path_factory: pytest.TempPathFactory) -> Iterator[httpx.Client]:
    """A server over a store in which every text is an attack."""
    url = f"sqlite:///{tmp_path_factory.mktemp('hostile') / 'regress.db'}"
    with Store.open(url) as store:
        fill(store)
    config = Config(root=Path("/nowhere"), web=WebConfig(commit_url="javascript:alert('{sha}')"))
    with serve(create_app(url, config=config)) as base, httpx.Client(base_url=base) as client:
        yield client


def fill(store: Store) -> None:
    """Two commits, one series with a change, two failures; evil all over."""
    commits = [replace(made.commit(i, 2, EVIL), author=EVIL) for i in range(2)]
    store.record_commits(EVIL, commits, default=True)
    series = replace(
        made.key(EVIL), parameters=((EVIL, EVIL),), machine=EVIL, environment=EVIL, branch=EVIL, version=EVIL
    )
    evil_metric = replace(series, metric=replace(made.TIME, name=EVIL, unit=EVIL))
    for at in commits:
        failure = Failure(FailureKind.BENCHMARK, at.sha, EVIL, EVIL, EVIL, benchmark=EVIL)
        build = Failure(FailureKind.BUILD, at.sha, EVIL, EVIL, EVIL)
        taken = [
            replace(made.measure(s, at, 1.0 + at.position, random.Random(1)), series=s)
            for s in (series, evil_metric)
        ]
        delivery = replace(made.delivery(at, taken), machine=Machine(EVIL), environment=Environment(EVIL))
        store.deliver(delivery)
        store.deliver(replace(delivery, digest="failed" + at.sha, measurements=(), failures=(failure, build)))
    ids = {row.key: row.id for row in store.series_list(EVIL)}
    change = ChangePoint(1, 1.0, 2.0, 1.9, 2.1, 0.001)
    store.replace_changes(EVIL, [SeriesChange(ids[series], series, commits[0].sha, commits[1].sha, change)])


@pytest.mark.parametrize(
    "address",
    [
        "/",
        "/benchmarks",
        "/series/1",
        "/series/2",
        "/commits",
        f"/commit/{made.commit(1, 2).sha}",
        f"/compare?a={made.commit(0, 2).sha}&b={made.commit(1, 2).sha}",
        "/events",
        "/event/1",
        "/search?q=alert",
    ],
)
def test_texts_from_the_repository_stay_texts(address: str, hostile: httpx.Client) -> None:
    response = hostile.get(address)
    assert response.status_code == 200
    assert "alert(1)" in response.text
    for breach in ("<script>alert", "<img src=x", "javascript:", "49&"):
        assert breach not in response.text


@pytest.mark.parametrize("page", ["/search", "/benchmarks", "/compare", "/nothing", "/commit", "/"])
def test_texts_from_the_address_stay_texts(page: str, hostile: httpx.Client) -> None:
    params = {"q": EVIL, "a": EVIL, "b": EVIL, "branch": EVIL}
    for response in (hostile.get(page, params=params), hostile.get(f"{page.rstrip('/')}/{EVIL}")):
        assert response.status_code in (200, 404, 422)
        assert "<script>alert" not in response.text
        assert "<img src=x" not in response.text


def test_data_cannot_end_its_script_element() -> None:
    assert "<" not in script_json({"title": EVIL, "note": "<!--\u2028"})


@pytest.mark.parametrize("address", ["/", "/api/v1/overview", "/static/site.css", "/nothing", "/healthz"])
def test_every_answer_carries_the_security_headers(address: str, client: httpx.Client) -> None:
    headers = client.get(address).headers
    assert all(name in headers for name in HEADERS)
    policy = headers["content-security-policy"]
    assert "default-src 'none'" in policy
    assert "unsafe" not in policy
    assert "http" not in policy


@pytest.mark.parametrize("method", ["POST", "PUT", "PATCH", "DELETE", "OPTIONS"])
@pytest.mark.parametrize("address", ["/", "/api/v1/events/1", "/static/site.css"])
def test_only_get(method: str, address: str, client: httpx.Client) -> None:
    response = client.request(method, address)
    assert response.status_code == 405
    assert response.headers["allow"] == "GET"


def test_long_addresses_are_refused(client: httpx.Client) -> None:
    assert client.get("/search", params={"q": "x" * 3_000}).status_code == 414
    assert client.get("/" + "x" * 2_000).status_code == 414
    assert client.get("/search", params={"q": "x" * 201}).status_code == 422


@pytest.mark.parametrize("path", ["/static/../app.py", "/static/%2e%2e/app.py", "/static/..%2fapp.py"])
def test_static_files_stay_in_their_folder(path: str, client: httpx.Client) -> None:
    assert client.get(path).status_code == 404


def test_static_files_asked_for_by_digest_may_be_kept(client: httpx.Client) -> None:
    assert "immutable" in client.get("/static/site.css?v=0123").headers["cache-control"]
    assert client.get("/").headers["cache-control"] == "no-cache"
