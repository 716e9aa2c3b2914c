"""One HTTP client for all: to where it was told, and nowhere else.

Only http and https; no redirect is followed, so that a token goes to the host that was named and to no other;
an answer has a largest size. What ``Terms`` do not say is at its strictest.
"""

from __future__ import annotations

import time
import urllib.request
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from urllib.parse import unquote, urlsplit

import httpcore
import orjson

from regress.errors import HttpError
from regress.service.net.reach import Clock, Network

_SOON = frozenset({408, 425, 429, 500, 502, 503, 504})
"""Answers of a server's moment of weakness."""

_LATER = frozenset({401, 403, 407, 408, 409, 423, 425, 429})
"""Answers of the 4xx family that time may mend, or somebody who mends a token; others are final."""

_TROUBLE = (
    httpcore.NetworkError,
    httpcore.TimeoutException,
    httpcore.ProtocolError,
    httpcore.ProxyError,
    OSError,
    ValueError,  # a header that cannot be sent
)

_LONGEST_WAIT = 6 * 3600.0
_LONGEST_NAP = 60.0  # between two tries in a row


@dataclass(frozen=True, slots=True)
class Terms:
    """What a client may do. ``private``: call private networks, and speak plain http.

    ``proxies``: go through the proxy that the environment names (https_proxy, no_proxy), which then looks
    addresses up itself. An exchange takes ``seconds`` at most, from the look-up to the last byte, and waits
    ``silence`` of them at a time; ``largest`` are the bytes of an answer. ``allow`` names for people what
    would allow private networks.
    """

    private: bool = False
    proxies: bool = False
    seconds: float = 20.0
    silence: float = 20.0
    largest: int = 8 << 20
    tries: int = 1
    allow: str = ""


@dataclass(frozen=True, slots=True)
class Answer:
    """What a server said."""

    status: int
    headers: Mapping[str, str]
    body: bytes

    def json(self) -> object:
        """The body as JSON; ValueError when it is none."""
        return orjson.loads(self.body)


class Client:
    """Calls under ``terms``; ``sleep`` waits between tries."""

    def __init__(self, terms: Terms, *, sleep: Callable[[float], None] = time.sleep) -> None:
        self._terms, self._sleep = terms, sleep

    def call(
        self, method: str, url: str, *, headers: Mapping[str, str], body: object = None, data: bytes = b""
    ) -> Answer:
        """An answer of the 2xx family, else HttpError; ``body`` goes as JSON, ``data`` as it is.

        What seconds may mend is tried as often as the terms say.
        """
        told = {"User-Agent": "regress", "Content-Type": "application/json", **headers}
        content = orjson.dumps(body) if body is not None else data
        for attempt in range(1, self._terms.tries):
            try:
                return self._once(method, url, told, content)
            except HttpError as error:
                if not error.soon:
                    raise
                self._sleep(max(2.0**attempt, min(error.wait, _LONGEST_NAP)))
        return self._once(method, url, told, content)

    def _once(self, method: str, url: str, headers: Mapping[str, str], content: bytes) -> Answer:
        host = self._host(url)  # the only part of an address that is safe to tell: Slack's is a secret
        try:
            with (
                self._pool(url, host) as pool,
                pool.stream(method, url, headers=list(headers.items()), content=content) as response,
            ):
                body = self._read(response.iter_stream(), host)
                said = {name.decode("latin-1").lower(): v.decode("latin-1") for name, v in response.headers}
        except _TROUBLE as error:
            raise HttpError(host, str(error) or type(error).__name__, soon=True) from error
        if not 200 <= response.status < 300:
            raise _refused(Answer(response.status, said, body), host)
        return Answer(response.status, said, body)

    def _pool(self, url: str, host: str) -> httpcore.ConnectionPool:
        terms = self._terms
        clock = Clock(terms.seconds, terms.silence)
        proxy = urllib.request.getproxies().get(urlsplit(url).scheme, "") if terms.proxies else ""
        if not proxy or urllib.request.proxy_bypass(host):
            network = Network(clock, private=terms.private, allow=terms.allow)
            return httpcore.ConnectionPool(network_backend=network)
        parts = urlsplit(proxy if "://" in proxy else f"http://{proxy}")
        name = (unquote(parts.username), unquote(parts.password or "")) if parts.username else None
        place = f"{parts.scheme}://{parts.netloc.rpartition('@')[2]}"
        return httpcore.HTTPProxy(place, proxy_auth=name, network_backend=Network(clock, private=True))

    def _host(self, url: str) -> str:
        try:
            parts = urlsplit(url)
            sound = parts.scheme in ("http", "https") and bool(parts.hostname) and (parts.port or 1) > 0
        except ValueError:
            sound = False
        if not sound:
            raise HttpError("", "its address is no http(s) address", final=True)
        host = parts.hostname or ""
        if parts.scheme == "http" and not self._terms.private:
            hint = "Use https" + (f", or set {self._terms.allow}." if self._terms.allow else ".")
            raise HttpError(host, "plain http sends secrets in the clear", final=True, hint=hint)
        return host

    def _read(self, chunks: Iterable[bytes], host: str) -> bytes:
        body, largest = bytearray(), self._terms.largest
        for chunk in chunks:
            body += chunk
            if len(body) > largest:
                raise HttpError(host, f"its answer is larger than {largest / 2**20:.3g} MiB")
        return bytes(body)


def _refused(answer: Answer, host: str) -> HttpError:
    said, status = _said(answer), answer.status
    message = f"answered {status}" + (f": {said}" if said else "")
    if 300 <= status < 400:
        message += " (redirects are not followed)"
    return HttpError(
        host,
        message,
        status=status,
        body=answer.body,
        soon=status in _SOON,
        final=status < 500 and status not in _LATER,
        wait=_wait(answer.headers),
    )


def _said(answer: Answer) -> str:
    """Why, in the server's words: the message of a JSON object, else how the text begins."""
    try:
        told = answer.json()
    except ValueError:
        told = None
    if isinstance(told, dict):
        why = told.get("message") or told.get("error") or ""
        return str(why)[:200]
    return answer.body[:200].decode("utf-8", "replace").strip()


def _wait(headers: Mapping[str, str]) -> float:
    """The seconds that a server asks for; a date is too rare to be read."""
    text = headers.get("retry-after", "")
    return min(float(text), _LONGEST_WAIT) if text.isdecimal() else 0.0
