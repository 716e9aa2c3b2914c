"""The machine's instruction counter, through Linux's ``perf_event_open``.

Virtual machines and containers often hide it; then there is no figure, rather than a wrong one.
"""

from __future__ import annotations

import ctypes
import os
import platform
import struct
from collections.abc import Callable

# Numbers of the system call by machine (arch/*/entry/syscalls, asm-generic/unistd.h).
_SYSCALL = {"x86_64": 298, "aarch64": 241}

# linux/perf_event.h: PERF_TYPE_HARDWARE, PERF_COUNT_HW_INSTRUCTIONS, and perf_event_attr's first version.
_TYPE_HARDWARE = 0
_COUNT_INSTRUCTIONS = 1
_ATTR_SIZE = 64
_DISABLED, _EXCLUDE_KERNEL, _EXCLUDE_HYPERVISOR = 1 << 0, 1 << 5, 1 << 6
_IOC_ENABLE, _IOC_DISABLE, _IOC_RESET = 0x2400, 0x2401, 0x2403


def _open() -> int:
    """A descriptor of a stopped counter for this thread; OSError when there is none."""
    number = _SYSCALL.get(platform.machine())
    if number is None or platform.system() != "Linux":
        raise OSError("no perf_event_open here")
    flags = _DISABLED | _EXCLUDE_KERNEL | _EXCLUDE_HYPERVISOR
    attributes = struct.pack("<IIQQQQQ", _TYPE_HARDWARE, _ATTR_SIZE, _COUNT_INSTRUCTIONS, 0, 0, 0, flags)
    buffer = ctypes.create_string_buffer(attributes, _ATTR_SIZE)
    libc = ctypes.CDLL(None, use_errno=True)
    descriptor: int = libc.syscall(number, buffer, 0, -1, -1, 0)
    if descriptor < 0:
        raise OSError(ctypes.get_errno(), "perf_event_open")
    return descriptor


def require_instructions() -> None:
    """Raise NotImplementedError, which asv takes as a skip, when the machine does not count instructions."""
    try:
        os.close(_open())
    except OSError as error:
        raise NotImplementedError(f"this machine counts no instructions: {error}") from None


def instructions(work: Callable[[], object]) -> int:
    """User-mode instructions that this thread retires in ``work``."""
    import fcntl

    counter = _open()
    try:
        fcntl.ioctl(counter, _IOC_RESET, 0)
        fcntl.ioctl(counter, _IOC_ENABLE, 0)
        work()
        fcntl.ioctl(counter, _IOC_DISABLE, 0)
        return int(struct.unpack("<Q", os.read(counter, 8))[0])
    finally:
        os.close(counter)
