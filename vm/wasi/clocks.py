"""Clocks: wall time, monotonic time, and processor time of this process and thread."""

from __future__ import annotations

import time

from vm.wasi.abi import Errno, WasiError
from vm.wasi.context import WasiContext
from vm.wasi.guest import Guest

HOST_CLOCKS = (
    time.CLOCK_REALTIME,
    time.CLOCK_MONOTONIC,
    time.CLOCK_PROCESS_CPUTIME_ID,
    time.CLOCK_THREAD_CPUTIME_ID,
)
"""The host's clocks by ``clockid``."""

WAITABLE = (0, 1)
"""The clocks one can wait for: real and monotonic time. The others stand still meanwhile."""


def now(clock: int) -> int:
    """Nanoseconds on the clock of that ``clockid``; EINVAL when there is none."""
    return time.clock_gettime_ns(_host_clock(clock))


def clock_time_get(context: WasiContext, guest: Guest, clock: int, precision: int, result: int) -> None:
    """Store the time in nanoseconds; ``precision`` (how stale it may be) is not needed."""
    guest.write_u64(result, now(clock))


def clock_res_get(context: WasiContext, guest: Guest, clock: int, result: int) -> None:
    """Store the clock's resolution in nanoseconds."""
    guest.write_u64(result, max(1, round(time.clock_getres(_host_clock(clock)) * 1e9)))


def _host_clock(clock: int) -> int:
    if clock >= len(HOST_CLOCKS):
        raise WasiError(Errno.INVAL)
    return HOST_CLOCKS[clock]
