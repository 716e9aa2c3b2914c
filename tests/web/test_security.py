"""Hostile input: texts from a repository stay texts, requests stay small, answers say what may run."""

from __future__ import annotations

import httpx
import pytest

from tests.web import history as made
from tests.web.hostile import EVIL
from web.render import script_json

HEADERS = ("content-security-policy", "x-content-type-options", "x-frame-options", "referrer-policy")


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
        "/event/1/bisect",
        "/bisections",
        "/bisection/1",
        "/search?q=alert",
        "/audit",
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
def test_what_only_reads_takes_nothing(method: str, address: str, client: httpx.Client) -> None:
    response = client.request(method, address)
    assert response.status_code == 405
    assert "POST" not in response.headers.get("allow", "")


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


@pytest.mark.parametrize(
    "path",
    ["/series/{}", "/event/{}", "/bisection/{}", "/api/v1/series/{}", "/api/v1/series/{}/points"],
)
def test_an_id_that_no_database_holds_is_the_visitors_mistake(hostile: httpx.Client, path: str) -> None:
    assert hostile.get(path.format(2**31 - 1)).status_code == 404
    assert hostile.get(path.format(2**31)).status_code == 422
