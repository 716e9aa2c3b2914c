"""Ending the program, signals, and giving way."""

from __future__ import annotations

import os

from vm.errors import ExitTrap
from vm.wasi.abi import Errno, WasiError
from vm.wasi.context import WasiContext
from vm.wasi.guest import Guest

SIGNALS = 31
"""How many values ``signal`` has: "none" and thirty signals."""


def proc_exit(context: WasiContext, guest: Guest, code: int) -> None:
    """Stop the program with an exit code; it travels as an :class:`vm.errors.ExitTrap`."""
    raise ExitTrap(code)


def proc_raise(context: WasiContext, guest: Guest, signal: int) -> None:
    """ENOTSUP: a sandboxed program sends no signals (wasmtime refuses likewise); EINVAL for what is none."""
    raise WasiError(Errno.NOTSUP if signal < SIGNALS else Errno.INVAL)


def sched_yield(context: WasiContext, guest: Guest) -> None:
    """Give way to other threads of the host."""
    os.sched_yield()
