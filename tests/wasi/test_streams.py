"""Standard streams: where they come from and go to."""

from __future__ import annotations

import errno
import os
import struct
from pathlib import Path

import pytest

from tests.wasi.harness import Program
from vm.errors import ConfigError
from vm.wasi import WasiConfig
from vm.wasi.abi import Errno


def test_output_gathers_buffers_and_goes_where_it_should(tmp_path: Path) -> None:
    config, taken = WasiConfig(), []
    config.stdout_file = tmp_path / "out"
    config.stderr_custom = taken.append
    program = Program(config)
    program.put(100, b"hello, world")
    program.put(0, struct.pack("<IIII", 107, 5, 100, 5))
    for fd in (1, 2):
        assert program.call("fd_write", fd, 0, 2, 32) is Errno.SUCCESS
        assert program.u32(32) == 10
    assert (tmp_path / "out").read_bytes() == b"worldhello"
    assert taken == [b"worldhello"]


def test_by_default_input_is_empty_and_output_goes_nowhere(program: Program) -> None:
    assert program.read(0) == b""
    program.put(0, struct.pack("<II", 100, 5))
    assert program.call("fd_write", 1, 0, 1, 32) is Errno.SUCCESS
    assert program.u32(32) == 5


def test_input_comes_from_a_file(tmp_path: Path) -> None:
    (tmp_path / "in").write_bytes(b"some input")
    config = WasiConfig()
    config.stdin_file = tmp_path / "in"
    program = Program(config)
    assert program.read(0, 4) == b"some"
    assert program.read(0) == b" input"
    assert program.read(0) == b""


def test_a_missing_input_file_is_named_at_once(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match="nowhere"):
        WasiConfig().stdin_file = tmp_path / "nowhere"


def test_writing_to_input_and_reading_from_output_are_not_allowed(program: Program) -> None:
    assert program.call("fd_write", 0, 0, 0, 0) is Errno.BADF
    assert program.call("fd_read", 1, 0, 0, 0) is Errno.BADF


def test_streams_cannot_be_sought(program: Program) -> None:
    assert program.call("fd_seek", 1, 0, 0, 0) is Errno.SPIPE


def test_too_many_buffers_are_refused(program: Program) -> None:
    assert program.call("fd_write", 1, 0, 1025, 0) is Errno.INVAL


@pytest.mark.parametrize(
    ("returns", "expected", "taken"),
    [
        (None, Errno.SUCCESS, 5),
        (3, Errno.SUCCESS, 3),
        (99, Errno.SUCCESS, 5),
        (-errno.ENOSPC, Errno.NOSPC, 0),
    ],
)
def test_a_callback_says_how_much_it_took(returns: int | None, expected: Errno, taken: int) -> None:
    config = WasiConfig()
    config.stdout_custom = lambda data: returns
    program = Program(config)
    program.put(0, struct.pack("<II", 100, 5))
    assert program.call("fd_write", 1, 0, 1, 32) is expected
    assert program.u32(32) == taken


def test_what_a_callback_raises_is_not_swallowed() -> None:
    def fails(data: bytes) -> None:
        raise KeyError(bytes(data))

    config = WasiConfig()
    config.stderr_custom = fails
    program = Program(config)
    program.put(0, struct.pack("<II", 100, 0))
    with pytest.raises(KeyError):
        program.call("fd_write", 2, 0, 1, 32)


def test_a_reader_that_has_gone_is_an_error_not_a_signal(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "pipe")
    reader = os.open(tmp_path / "pipe", os.O_RDONLY | os.O_NONBLOCK)
    config = WasiConfig()
    config.stdout_file = tmp_path / "pipe"
    program = Program(config)
    os.close(reader)
    assert program.write(1, b"x") is Errno.PIPE
