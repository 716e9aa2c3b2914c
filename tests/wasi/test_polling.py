"""Waiting: clocks and descriptors."""

from __future__ import annotations

import contextlib
import os
import struct
import threading
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.wasi.harness import Program
from vm.wasi import WasiConfig
from vm.wasi.abi import HANGUP, Errno, Fdflags, Rights, WasiError
from vm.wasi.descriptors import HostFile
from vm.wasi.rights import STREAM_IN


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


def fd_wait(userdata: int, kind: int, fd: int) -> bytes:
    return struct.pack("<QB7xI28x", userdata, kind, fd)


def clock_wait(userdata: int, nanoseconds: int, clock: int = 1) -> bytes:
    return struct.pack("<QB7xI4xQQH6x", userdata, 0, clock, nanoseconds, 0, 0)


def poll(program: Program, *waits: bytes) -> list[tuple[int, int, int, int, int]]:
    """(userdata, errno, type, bytes, flags) of each event."""
    program.put(0, b"".join(waits))
    assert program.call("poll_oneoff", 0, 4096, len(waits), 8192) is Errno.SUCCESS
    return [struct.unpack_from("<QHB5xQH", program.memory, 4096 + 32 * i) for i in range(program.u32(8192))]


@pytest.fixture
def pipe(tmp_path: Path) -> Iterator[tuple[Program, int]]:
    """A program whose stdin is a pipe, and the end to write to."""
    os.mkfifo(tmp_path / "pipe")
    opener = os.open(tmp_path / "pipe", os.O_RDWR)  # or opening either end alone would wait for the other
    config = WasiConfig()
    config.stdin_file = tmp_path / "pipe"
    program = Program(config)
    end = os.open(tmp_path / "pipe", os.O_WRONLY)
    os.close(opener)
    yield program, end
    program.context.close()
    with contextlib.suppress(OSError):
        os.close(end)


def test_an_empty_pipe_is_not_ready_and_the_clock_is(pipe: tuple[Program, int]) -> None:
    program, _ = pipe
    assert poll(program, fd_wait(1, 1, 0), clock_wait(2, 1_000_000)) == [(2, 0, 0, 0, 0)]


def test_a_pipe_is_ready_with_what_is_in_it(pipe: tuple[Program, int]) -> None:
    program, end = pipe
    os.write(end, b"12345")
    assert poll(program, clock_wait(2, 10**15), fd_wait(1, 1, 0)) == [(1, 0, 1, 5, 0)]
    assert program.read(0) == b"12345"


def test_a_pipe_that_was_hung_up_is_ready_and_says_so(pipe: tuple[Program, int]) -> None:
    program, end = pipe
    os.close(end)
    assert poll(program, fd_wait(1, 1, 0)) == [(1, 0, 1, 0, HANGUP)]
    assert program.read(0) == b""


def test_what_comes_later_ends_the_wait(pipe: tuple[Program, int]) -> None:
    program, end = pipe
    writer = threading.Timer(0.02, os.write, (end, b"x"))
    writer.start()
    assert poll(program, fd_wait(1, 1, 0)) == [(1, 0, 1, 1, 0)]
    writer.join()


def test_two_who_wait_for_one_stream_are_both_told(pipe: tuple[Program, int]) -> None:
    program, end = pipe
    os.write(end, b"x")
    events = poll(program, fd_wait(1, 1, 0), fd_wait(2, 1, 0), fd_wait(3, 2, 1))
    assert [event[0] for event in events] == [1, 2, 3]


def test_a_stream_that_is_lent_is_not_made_to_wait_or_not() -> None:
    """NONBLOCK on this process's own stdin is the program's alone: whoever shares it is left in peace."""
    read, write = os.pipe()
    try:
        descriptor = HostFile(read, STREAM_IN, owned=False, stream=True)
        descriptor.set_flags(Fdflags.NONBLOCK)
        assert os.get_blocking(read)
        with pytest.raises(WasiError) as caught:
            descriptor.read([memoryview(bytearray(1))])
        assert caught.value.errno is Errno.AGAIN
        os.write(write, b"x")
        assert descriptor.read([memoryview(bytearray(9))]) == 1
    finally:
        os.close(read)
        os.close(write)


def test_without_the_right_there_is_no_waiting(program: Program) -> None:
    _, fd = program.open(b"hello.txt", rights=Rights.FD_READ)
    (event,) = poll(program, fd_wait(1, 1, fd))
    assert event[1] == Errno.NOTCAPABLE


def test_a_clock_that_does_not_go_on_is_not_waited_for(program: Program) -> None:
    (event,) = poll(program, clock_wait(1, 0, clock=2), clock_wait(2, 10**15))
    assert event[:2] == (1, Errno.INVAL)
