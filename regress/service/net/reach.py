"""Which addresses may be called, and until when.

The address that a name has is looked at before it is called, and that very address is called (a name that
changes its mind in between gains nothing). One deadline holds for the whole exchange, however slowly a server
drips.
"""

from __future__ import annotations

import contextlib
import ipaddress
import socket
import ssl
import time
from collections.abc import Iterable

import httpcore
from httpcore import SOCKET_OPTION

_NAT64 = ipaddress.IPv6Network("64:ff9b::/96")
_PIECE = 1 << 18  # bytes that are written between two looks at the clock


def vetted(host: str, port: int, *, private: bool, allow: str = "") -> list[str]:
    """The addresses of a host that may be called, the likeliest first; OSError when there is none.

    Never one that is no single host's, or link-local, where clouds keep their secrets. ``allow`` is what lets
    private networks be called, for the error.
    """
    found = [str(place[0]) for *_, place in socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)]
    allowed = [address for address in dict.fromkeys(found) if _allowed(address, private=private)]
    if not allowed:
        if private:
            raise OSError(f"{host} is neither on the internet nor in a private network")
        raise OSError(f"{host} is in a private network" + (f": {allow} allows that" if allow else ""))
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


class Clock:
    """How long an exchange may still wait: ``seconds`` in all, ``silence`` at a time."""

    def __init__(self, seconds: float, silence: float) -> None:
        self._ends, self._silence, self._seconds = time.monotonic() + seconds, silence, seconds

    def left(self) -> float:
        """Seconds for the next wait; httpcore's TimeoutException when there are none."""
        left = self._ends - time.monotonic()
        if left <= 0:
            raise httpcore.TimeoutException(f"timed out after {self._seconds:g} s")
        return min(left, self._silence)


class _Stream(httpcore.NetworkStream):
    """A connection of which every wait ends with the exchange's clock."""

    def __init__(self, inner: httpcore.NetworkStream, clock: Clock) -> None:
        self._inner = inner
        self._clock = clock

    def read(self, max_bytes: int, timeout: float | None = None) -> bytes:
        return self._inner.read(max_bytes, self._clock.left())

    def write(self, buffer: bytes, timeout: float | None = None) -> None:
        for at in range(0, len(buffer), _PIECE):
            self._inner.write(buffer[at : at + _PIECE], self._clock.left())

    def close(self) -> None:
        self._inner.close()

    def start_tls(
        self, ssl_context: ssl.SSLContext, server_hostname: str | None = None, timeout: float | None = None
    ) -> httpcore.NetworkStream:
        return _Stream(self._inner.start_tls(ssl_context, server_hostname, self._clock.left()), self._clock)

    def get_extra_info(self, info: str) -> object:
        return self._inner.get_extra_info(info)


class Network(httpcore.NetworkBackend):
    """Connections to vetted addresses only, as long as the clock runs."""

    def __init__(self, clock: Clock, *, private: bool, allow: str = "") -> None:
        self._inner = httpcore.SyncBackend()
        self._clock = clock
        self._private = private
        self._allow = allow

    def connect_tcp(
        self,
        host: str,
        port: int,
        timeout: float | None = None,
        local_address: str | None = None,
        socket_options: Iterable[SOCKET_OPTION] | None = None,
    ) -> httpcore.NetworkStream:
        *others, last = vetted(host, port, private=self._private, allow=self._allow)
        for address in others:
            with contextlib.suppress(httpcore.ConnectError, httpcore.ConnectTimeout):
                return self._connected(address, port, socket_options)
        return self._connected(last, port, socket_options)

    def _connected(
        self, address: str, port: int, options: Iterable[SOCKET_OPTION] | None
    ) -> httpcore.NetworkStream:
        return _Stream(self._inner.connect_tcp(address, port, self._clock.left(), None, options), self._clock)
