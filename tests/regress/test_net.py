"""The one HTTP client: where it goes, how long it waits, how much it reads, and what it tries again."""

from __future__ import annotations

import threading
from collections.abc import Iterator

import pytest

from regress.errors import HttpError
from regress.service.net.http import Client, Terms
from regress.service.net.reach import vetted
from tests.regress.fixtures.receivers import Call, Receiver, receiving

INSIDE = Terms(private=True)


@pytest.fixture
def receiver() -> Iterator[Receiver]:
    with receiving() as made:
        yield made


def refused(terms: Terms, url: str) -> HttpError:
    """The error that a GET ends with."""
    with pytest.raises(HttpError) as told:
        Client(terms).call("GET", url, headers={})
    return told.value


def test_private_networks_and_plain_http_are_refused(receiver: Receiver) -> None:
    for host in (
        "127.0.0.1",
        "10.0.0.1",
        "::1",
        "::ffff:10.0.0.1",
        "64:ff9b::a00:1",
        "2002:a00:1::",
        "localhost",
    ):
        with pytest.raises(OSError, match="in a private network"):
            vetted(host, 80, private=False)
    for host in ("169.254.169.254", "0.0.0.0", "fe80::1", "224.0.0.1", "::ffff:169.254.169.254"):
        with pytest.raises(OSError, match="neither on the internet nor"):
            vetted(host, 80, private=True)
    assert vetted("93.184.216.34", 80, private=False) == ["93.184.216.34"]
    for url in (
        "file:///etc/passwd",
        "gopher://x",
        "http:///",
        "http://[",
        "http://a:0",
        "http://example.org",
    ):
        assert refused(Terms(), url).final
    inside = refused(Terms(allow="`x = true`"), receiver.url.replace("http:", "https:"))
    assert "private network: `x = true` allows that" in str(inside)
    assert receiver.calls == []


def test_an_answer_that_is_too_large_or_never_ends_is_given_up(receiver: Receiver) -> None:
    receiver.answer = lambda _call: (200, {}, b"x" * 1001)
    assert "larger" in str(refused(Terms(private=True, largest=1000), receiver.url))
    receiver.answer = lambda _call: (200, {"Content-Length": "9"}, b"x")  # and never more
    assert refused(INSIDE, receiver.url).soon
    enough = threading.Event()
    receiver.answer = lambda _call: (200 if enough.wait(60) else 500, {}, b"")
    for terms in (Terms(private=True, seconds=0.2), Terms(private=True, silence=0.2)):
        assert "timed out" in str(refused(terms, receiver.url))
    enough.set()


def test_a_redirect_is_told_and_not_followed(receiver: Receiver) -> None:
    receiver.answer = lambda _call: (302, {"Location": f"{receiver.url}/stolen"}, b"")
    error = refused(Terms(private=True, tries=3), receiver.url)
    assert (error.status, error.final, len(receiver.calls)) == (302, True, 1)


def test_what_seconds_may_mend_is_tried_again(receiver: Receiver) -> None:
    answers = [(502, {}, b""), (429, {"Retry-After": "7"}, b""), (200, {}, b"[1]")]
    receiver.answer = lambda _call: answers.pop(0)
    naps: list[float] = []
    client = Client(Terms(private=True, tries=3), sleep=naps.append)
    assert client.call("POST", receiver.url, headers={}, body={"a": 1}).json() == [1]
    assert naps == [2.0, 7.0]
    assert {call.body for call in receiver.calls} == {b'{"a":1}'}
    receiver.answer = lambda _call: (403, {}, b'{"message": "not yours"}')
    error = refused(Terms(private=True, tries=3), receiver.url)
    assert (error.soon, error.final, len(receiver.calls)) == (False, False, 4)
    assert str(error).endswith("answered 403: not yours")


def test_a_proxy_is_asked_only_where_the_terms_say_so(
    receiver: Receiver, monkeypatch: pytest.MonkeyPatch
) -> None:
    def answer(call: Call) -> tuple[int, dict[str, str], bytes]:
        return 200, {}, call.headers.get("proxy-authorization", "").encode()

    receiver.answer = answer
    monkeypatch.delenv("no_proxy", raising=False)
    monkeypatch.delenv("NO_PROXY", raising=False)
    monkeypatch.setenv("http_proxy", receiver.url.replace("http://", "ann:s%40x@"))
    behind = Client(Terms(private=True, proxies=True))
    said = behind.call("GET", "http://forge.invalid/api", headers={})
    assert said.body == b"Basic YW5uOnNAeA=="
    assert receiver.calls[0].path == "http://forge.invalid/api"
    assert refused(INSIDE, "http://127.0.0.1:1/").soon  # straight, and nobody is there
    assert len(receiver.calls) == 1
    monkeypatch.setenv("no_proxy", "127.0.0.1")
    behind.call("GET", f"{receiver.url}/here", headers={})
    assert receiver.calls[1].path == "/here"
    assert len(receiver.calls) == 2
