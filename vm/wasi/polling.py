"""Waiting for clocks and descriptors: ``poll_oneoff``, which ``sleep``, ``poll`` and ``select`` end in."""

from __future__ import annotations

import fcntl
import os
import select
import stat
import struct
import termios
import time
from collections.abc import Sequence

from vm.records import Record
from vm.wasi.abi import HANGUP, Errno, Fdflags, Rights, WasiError
from vm.wasi.clocks import WAITABLE, now
from vm.wasi.context import WasiContext
from vm.wasi.descriptors import Descriptor, front
from vm.wasi.guest import Guest

_SUBSCRIPTION = struct.Struct("<QB39x")
_CLOCK = struct.Struct("<16xI4xQQH6x")
_FD = struct.Struct("<16xI28x")
_EVENT = struct.Struct("<QHBxxxxxQHxxxxxx")
_CLOCK_EVENT, _READ_EVENT, _WRITE_EVENT = range(3)
_ABSOLUTE = 1
_HOST_EVENTS = {_READ_EVENT: select.POLLIN, _WRITE_EVENT: select.POLLOUT}
_EXCEPTIONAL = select.POLLERR | select.POLLHUP | select.POLLNVAL

MAX_SUBSCRIPTIONS = 4096
"""Most subscriptions taken in one call."""

MAX_WAIT = 1_000_000_000
"""Longest wait at a stretch, in nanoseconds, while there is a clock: the wall clock may be set meanwhile."""

_SLICE = 20_000_000
"""The same while there may be a deadline."""


class _Subscription(Record):
    """One wait: until ``clock`` shows ``deadline`` (nanoseconds), or until the host descriptor is ready.

    ``errno`` is set at once when the subscription itself is at fault; ``due`` when it is ready.
    """

    userdata: int
    kind: int
    clock: int = 0
    deadline: int | None = None
    host: int | None = None
    errno: Errno = Errno.SUCCESS
    due: bool = False
    size: int = 0
    flags: int = 0

    def remaining(self) -> int:
        """Nanoseconds until the deadline."""
        return 0 if self.deadline is None else max(0, self.deadline - now(self.clock))


def poll_oneoff(
    context: WasiContext, guest: Guest, subscriptions: int, events: int, count: int, result: int
) -> None:
    """Wait until at least one subscription is due; store an event for each that is, and their number."""
    if not 0 < count <= MAX_SUBSCRIPTIONS:
        raise WasiError(Errno.INVAL)
    raw = guest.span(subscriptions, count * _SUBSCRIPTION.size)
    size = _SUBSCRIPTION.size
    guest.span(events, count * _EVENT.size)
    guest.span(result, 4)
    waits = [_subscription(context, bytes(raw[i : i + size])) for i in range(0, len(raw), size)]
    _wait(context, waits)
    due = [wait for wait in waits if wait.due]
    for i, wait in enumerate(due):
        event = (wait.userdata, wait.errno, wait.kind, wait.size, wait.flags)
        guest.write(events + i * _EVENT.size, _EVENT.pack(*event))
    guest.write_u32(result, len(due))


def _subscription(context: WasiContext, raw: bytes) -> _Subscription:
    userdata, kind = _SUBSCRIPTION.unpack(raw)
    sub = _Subscription(userdata, kind)
    try:
        if kind == _CLOCK_EVENT:
            sub.clock, timeout, _precision, flags = _CLOCK.unpack(raw)
            if flags & ~_ABSOLUTE or sub.clock not in WAITABLE:
                raise WasiError(Errno.INVAL)
            sub.deadline = timeout if flags & _ABSOLUTE else now(sub.clock) + timeout
        elif kind in _HOST_EVENTS:
            (fd,) = _FD.unpack(raw)
            sub.host = context.get(fd, Rights.POLL_FD_READWRITE).fileno()
            sub.due = sub.host is None
        else:
            raise WasiError(Errno.INVAL)
    except WasiError as error:
        sub.errno, sub.due = error.errno, True
    return sub


def until_readable(context: WasiContext, descriptor: Descriptor) -> None:
    """Before a read that may wait: wait here, where a deadline is noticed."""
    _until_ready(context, descriptor, select.POLLIN)


def writable(
    context: WasiContext, descriptor: Descriptor, buffers: Sequence[memoryview]
) -> Sequence[memoryview]:
    """Before a write that may wait: wait here; returns as much of the buffers as will not wait again."""
    return front(buffers, select.PIPE_BUF) if _until_ready(context, descriptor, select.POLLOUT) else buffers


def _until_ready(context: WasiContext, descriptor: Descriptor, event: int) -> bool:
    """Whether there is a deadline to notice, and a host that could make the program miss it."""
    host = descriptor.fileno()
    if context.look is None or host is None or descriptor.has_places or descriptor.flags & Fdflags.NONBLOCK:
        return False
    poller = select.poll()
    poller.register(host, event)
    while not poller.poll(_SLICE // 1_000_000):
        context.look()
    return True


def _wait(context: WasiContext, waits: list[_Subscription]) -> None:
    """Mark what is due, waiting for the first one when nothing is due yet."""
    watched = [sub for sub in waits if sub.host is not None]
    clocks = [sub for sub in waits if sub.deadline is not None]
    while True:
        _look(watched, _patience(context, waits, clocks))
        for sub in clocks:
            sub.due = not sub.remaining()
        if any(sub.due for sub in waits):
            return
        if context.look is not None:
            context.look()


def _patience(context: WasiContext, waits: list[_Subscription], clocks: list[_Subscription]) -> int | None:
    """How long to wait at a stretch, in nanoseconds; None is for ever."""
    if any(sub.due for sub in waits):
        return 0
    bounds = [sub.remaining() for sub in clocks]
    if clocks:
        bounds.append(MAX_WAIT)
    if context.look is not None:
        bounds.append(_SLICE)
    return min(bounds, default=None)


def _look(watched: list[_Subscription], timeout: int | None) -> None:
    """Mark the descriptors that are ready within ``timeout`` nanoseconds; None waits for ever."""
    if not watched:
        time.sleep((timeout or 0) / 1e9)
        return
    poller = select.poll()
    masks: dict[int, int] = {}
    for sub in watched:
        if sub.host is not None:
            masks[sub.host] = masks.get(sub.host, 0) | _HOST_EVENTS[sub.kind]
    for fd, mask in masks.items():
        poller.register(fd, mask)
    # Rounded up, so that a clock is never early.
    ready = dict(poller.poll(None if timeout is None else -(-timeout // 1_000_000)))
    for sub in watched:
        if sub.host in ready:
            _mark(sub, ready[sub.host])


def _mark(sub: _Subscription, ready: int) -> None:
    """An error or hang-up makes both directions ready: the next read or write will say it."""
    sub.due = bool(ready & (_HOST_EVENTS[sub.kind] | _EXCEPTIONAL))
    sub.flags = HANGUP if ready & select.POLLHUP else 0
    if sub.due and sub.kind == _READ_EVENT and sub.host is not None:
        sub.size = _readable(sub.host)


def _readable(host: int) -> int:
    """How many bytes can be read at once; 0 where the host cannot say."""
    try:
        status = os.fstat(host)
        if stat.S_ISREG(status.st_mode):
            return max(0, status.st_size - os.lseek(host, 0, os.SEEK_CUR))
        count: int = struct.unpack("i", fcntl.ioctl(host, termios.FIONREAD, bytes(4)))[0]
    except OSError:
        return 0
    return count
