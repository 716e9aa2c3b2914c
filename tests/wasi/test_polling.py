"""Waiting: clocks and descriptors."""

from __future__ import annotations

import struct
import time

from tests.wasi.harness import Program
from vm.wasi.abi import Errno, Rights


def test_sleeping_lasts_as_long_as_asked(program: Program) -> None:
    program.put(0, struct.pack("<QB7xI4xQQH6x", 77, 0, 1, 20_000_000, 0, 0))
    start = time.monotonic()
    assert program.call("poll_oneoff", 0, 100, 1, 200) is Errno.SUCCESS
    assert time.monotonic() - start >= 0.02
    assert program.u32(200) == 1
    assert struct.unpack_from("<QHB", program.memory, 100) == (77, 0, 0)


def test_polling_returns_what_is_ready_and_what_is_wrong(program: Program) -> None:
    _, fd = program.open(b"hello.txt", rights=Rights.FD_READ | Rights.POLL_FD_READWRITE)
    program.put(0, struct.pack("<QB7xI28x", 1, 1, fd))
    program.put(48, struct.pack("<QB7xI28x", 2, 1, 99))
    program.put(96, struct.pack("<QB7xI4xQQH6x", 3, 0, 1, 10**12, 0, 0))
    assert program.call("poll_oneoff", 0, 512, 3, 200) is Errno.SUCCESS
    assert program.u32(200) == 2
    assert struct.unpack_from("<QHB", program.memory, 512) == (1, 0, 1)
    assert struct.unpack_from("<QHB", program.memory, 544) == (2, Errno.BADF, 1)


def test_polling_nothing_is_an_error(program: Program) -> None:
    assert program.call("poll_oneoff", 0, 512, 0, 200) is Errno.INVAL
