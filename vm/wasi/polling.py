"""Waiting for clocks and streams: ``poll_oneoff``, which ``sleep``, ``poll`` and ``select`` end in."""

from __future__ import annotations

import select
import struct
from dataclasses import dataclass

from vm.wasi.abi import Errno, Rights, WasiError
from vm.wasi.clocks import now
from vm.wasi.context import WasiContext
from vm.wasi.guest import Guest

_SUBSCRIPTION = struct.Struct("<QB39x")
_CLOCK = struct.Struct("<16xI4xQQH6x")
_FD = struct.Struct("<16xI28x")
_EVENT = struct.Struct("<QHBxxxxxQHxxxxxx")
_CLOCK_EVENT, _READ_EVENT, _WRITE_EVENT = range(3)
_ABSOLUTE = 1
_HOST_EVENTS = {_READ_EVENT: select.POLLIN, _WRITE_EVENT: select.POLLOUT}
_RIGHTS = {_READ_EVENT: Rights.FD_READ, _WRITE_EVENT: Rights.FD_WRITE}

MAX_SUBSCRIPTIONS = 4096
"""Most subscriptions taken in one call."""


@dataclass(slots=True)
class _Subscription:
    """One wait: ``wait`` is nanoseconds until a clock is due, ``host`` the descriptor to watch.

    ``errno`` is set at once when the subscription itself is at fault; ``due`` when it is ready.
    """

    userdata: int
    kind: int
    wait: int | None = None
    host: int | None = None
    errno: Errno = Errno.SUCCESS
    due: bool = False


def poll_oneoff(
    context: WasiContext, guest: Guest, subscriptions: int, events: int, count: int, result: int
) -> None:
    """Wait until at least one subscription is due; store an event for each that is, and their number."""
    if not 0 < count <= MAX_SUBSCRIPTIONS:
        raise WasiError(Errno.INVAL)
    raw = guest.span(subscriptions, count * _SUBSCRIPTION.size)
    size = _SUBSCRIPTION.size
    waits = [_subscription(context, bytes(raw[i : i + size])) for i in range(0, len(raw), size)]
    guest.span(events, count * _EVENT.size)
    _wait(waits)
    due = [wait for wait in waits if wait.due]
    for i, wait in enumerate(due):
        guest.write(events + i * _EVENT.size, _EVENT.pack(wait.userdata, wait.errno, wait.kind, 0, 0))
    guest.write_u32(result, len(due))


def _subscription(context: WasiContext, raw: bytes) -> _Subscription:
    userdata, kind = _SUBSCRIPTION.unpack(raw)
    sub = _Subscription(userdata, kind)
    try:
        if kind == _CLOCK_EVENT:
            clock, timeout, _precision, flags = _CLOCK.unpack(raw)
            current = now(clock)
            sub.wait = max(0, timeout - current) if flags & _ABSOLUTE else timeout
        elif kind in _HOST_EVENTS:
            (fd,) = _FD.unpack(raw)
            sub.host = context.get(fd, _RIGHTS[kind]).fileno()
            sub.due = sub.host is None
        else:
            raise WasiError(Errno.INVAL)
    except WasiError as error:
        sub.errno, sub.due = error.errno, True
    return sub


def _wait(waits: list[_Subscription]) -> None:
    """Mark what is due, waiting for the first one when nothing is due yet."""
    poller = select.poll()
    watched: dict[int, int] = {}
    for sub in waits:
        if sub.host is not None:
            watched[sub.host] = watched.get(sub.host, 0) | _HOST_EVENTS[sub.kind]
    for fd, mask in watched.items():
        poller.register(fd, mask)
    clocks = [sub.wait for sub in waits if sub.wait is not None]
    shortest = min(clocks) if clocks else None
    ready = dict(poller.poll(_milliseconds(0 if any(s.due for s in waits) else shortest)))
    for sub in waits:
        if sub.host is not None:
            # An error or hang-up makes both directions ready: the next read or write will say it.
            sub.due = bool(ready.get(sub.host, 0) & ~(sum(_HOST_EVENTS.values()) & ~_HOST_EVENTS[sub.kind]))
        elif sub.wait is not None and sub.wait == shortest:
            sub.due = not ready and not any(s.due for s in waits if s.wait is None)


def _milliseconds(nanoseconds: int | None) -> int | None:
    """For ``poll``: rounded up, so that a clock is never early; None waits for ever.

    A wait is bounded to ``poll``'s largest, 24 days, after which the program sees an early event.
    """
    return None if nanoseconds is None else min(-(-nanoseconds // 1_000_000), (1 << 31) - 1)
