"""HTTP for channels: to where the configuration says, and nowhere else.

Only http and https; no redirect is followed, no proxy asked; the address that a name has is looked at before
it is called, and that very address is called (a name that changes its mind in between gains nothing). One
deadline holds for the whole exchange, however slowly a server drips, and an answer has a largest size.
"""

from __future__ import annotations

import contextlib
import ipaddress
import socket
import ssl
import time
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from urllib.parse import urlsplit

import httpcore
import orjson
from httpcore import SOCKET_OPTION

from regress.errors import NotifyError

SECONDS = 20.0
"""How long one exchange may take, from the look-up to the last byte."""

LARGEST = 8 << 20
"""Bytes of an answer: a hundred of GitHub's longest issues."""

_LATER = frozenset({401, 403, 407, 408, 409, 423, 425, 429})
"""Answers of the 4xx family that time may mend, or somebody who mends a token; others are final."""

_LONGEST_WAIT = 6 * 3600.0
_NAT64 = ipaddress.IPv6Network("64:ff9b::/96")


@dataclass(frozen=True, slots=True)
class Answer:
    """What a server said."""

    status: int
    headers: Mapping[str, str]
    body: bytes

    def json(self) -> object:
        """The body as JSON; ValueError when it is none."""
        return orjson.loads(self.body)


def vetted(host: str, port: int, *, private: bool) -> list[str]:
    """The addresses of a host that may be called, the likeliest first; OSError when there is none.

    Never one that is no single host's, or link-local, where clouds keep their secrets.
    """
    found = [str(place[0]) for *_, place in socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)]
    allowed = [address for address in dict.fromkeys(found) if _allowed(address, private=private)]
    if not allowed:
        raise OSError(f"{host} is in a private network: `private = true` in its channel allows that")
    return allowed


def _allowed(text: str, *, private: bool) -> bool:
    address = ipaddress.ip_address(text.partition("%")[0])
    if isinstance(address, ipaddress.IPv6Address):  # which may lead to a host of the older sort
        address = address.ipv4_mapped or address.sixtofour or _behind_nat64(address) or address
    never = address.is_link_local or address.is_multicast or address.is_unspecified
    return not never and (address.is_global or (private and (address.is_private or address.is_loopback)))


def _behind_nat64(address: ipaddress.IPv6Address) -> ipaddress.IPv4Address | None:
    """The host behind a translator of the well-known prefix (RFC 6052)."""
    return ipaddress.IPv4Address(int(address) & 0xFFFF_FFFF) if address in _NAT64 else None


class _Stream(httpcore.NetworkStream):
    """A connection of which every wait ends with the exchange's deadline."""

    def __init__(self, inner: httpcore.NetworkStream, deadline: float) -> None:
        self._inner = inner
        self._deadline = deadline

    def _left(self) -> float:
        return max(0.001, self._deadline - time.monotonic())

    def read(self, max_bytes: int, timeout: float | None = None) -> bytes:
        return self._inner.read(max_bytes, self._left())

    def write(self, buffer: bytes, timeout: float | None = None) -> None:
        self._inner.write(buffer, self._left())

    def close(self) -> None:
        self._inner.close()

    def start_tls(
        self, ssl_context: ssl.SSLContext, server_hostname: str | None = None, timeout: float | None = None
    ) -> httpcore.NetworkStream:
        return _Stream(self._inner.start_tls(ssl_context, server_hostname, self._left()), self._deadline)

    def get_extra_info(self, info: str) -> object:
        return self._inner.get_extra_info(info)


class _Network(httpcore.NetworkBackend):
    """Connections to vetted addresses only."""

    def __init__(self, deadline: float, *, private: bool) -> None:
        self._inner = httpcore.SyncBackend()
        self._deadline = deadline
        self._private = private

    def connect_tcp(
        self,
        host: str,
        port: int,
        timeout: float | None = None,
        local_address: str | None = None,
        socket_options: Iterable[SOCKET_OPTION] | None = None,
    ) -> httpcore.NetworkStream:
        *others, last = vetted(host, port, private=self._private)
        for address in others:
            with contextlib.suppress(httpcore.ConnectError, httpcore.ConnectTimeout):
                return self._connected(address, port, socket_options)
        return self._connected(last, port, socket_options)

    def _connected(
        self, address: str, port: int, options: Iterable[SOCKET_OPTION] | None
    ) -> httpcore.NetworkStream:
        left = max(0.001, self._deadline - time.monotonic())
        return _Stream(self._inner.connect_tcp(address, port, left, None, options), self._deadline)


class Http:
    """Calls on behalf of one channel; ``private`` allows private networks and plain http."""

    def __init__(self, channel: str, *, private: bool) -> None:
        self._channel = channel
        self._private = private

    def call(
        self, method: str, url: str, *, headers: Mapping[str, str], body: object = None, data: bytes = b""
    ) -> Answer:
        """One exchange; ``body`` goes as JSON. NotifyError unless the answer is of the 2xx family."""
        told = {"User-Agent": "regress", "Content-Type": "application/json", **headers}
        content = orjson.dumps(body) if body is not None else data
        answer = self._exchange(method, url, told, content)
        if not 200 <= answer.status < 300:
            raise self._refused(answer, url)
        return answer

    def _exchange(self, method: str, url: str, headers: Mapping[str, str], content: bytes) -> Answer:
        host = self._host(url)  # the only part of an address that is safe to tell: Slack's is a secret
        network = _Network(time.monotonic() + SECONDS, private=self._private)
        try:
            with (
                httpcore.ConnectionPool(network_backend=network) as pool,
                pool.stream(method, url, headers=list(headers.items()), content=content) as response,
            ):
                body = self._read(response.iter_stream(), host)
                said = {name.decode("latin-1").lower(): v.decode("latin-1") for name, v in response.headers}
                return Answer(response.status, said, body)
        except (httpcore.NetworkError, httpcore.TimeoutException, httpcore.ProtocolError, OSError) as error:
            what = str(error) or type(error).__name__
            raise NotifyError(self._channel, f"{host}: {what}") from error

    def _host(self, url: str) -> str:
        parts = urlsplit(url)
        if parts.scheme not in ("http", "https") or not parts.hostname:
            raise NotifyError(self._channel, "its address is no http(s) address", final=True)
        if parts.scheme == "http" and not self._private:
            hint = "Use https, or set `private = true` in its channel."
            message = f"{parts.hostname}: plain http sends secrets in the clear"
            raise NotifyError(self._channel, message, final=True, hint=hint)
        return parts.hostname

    def _read(self, chunks: Iterable[bytes], host: str) -> bytes:
        body = bytearray()
        for chunk in chunks:
            body += chunk
            if len(body) > LARGEST:
                raise NotifyError(self._channel, f"{host}: its answer is larger than {LARGEST >> 20} MiB")
        return bytes(body)

    def _refused(self, answer: Answer, url: str) -> NotifyError:
        host, said = urlsplit(url).hostname, answer.body[:200].decode("utf-8", "replace").strip()
        message = f"{host}: answered {answer.status}" + (f": {said}" if said else "")
        if 300 <= answer.status < 400:
            return NotifyError(self._channel, f"{message} (redirects are not followed)", final=True)
        final = answer.status < 500 and answer.status not in _LATER
        return NotifyError(self._channel, message, final=final, wait=_wait(answer.headers))


def _wait(headers: Mapping[str, str]) -> float:
    """The seconds that a server asks for; a date is too rare to be read."""
    text = headers.get("retry-after", "")
    return min(float(text), _LONGEST_WAIT) if text.isdecimal() else 0.0
