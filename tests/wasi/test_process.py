"""Arguments, environment, clocks, randomness, and how a program ends."""

from __future__ import annotations

import time

import pytest

from tests.wasi.harness import Program
from vm.errors import ConfigError, ExitTrap
from vm.wasi import WasiConfig, WasiContext, functions
from vm.wasi.abi import Errno


def test_arguments_and_environment_are_c_strings_with_their_addresses() -> None:
    config = WasiConfig()
    config.argv = ["prog", "größe"]
    config.env = [("HOME", "/"), ("EMPTY", "")]
    program = Program(config)
    for sizes, get, expected in (
        ("args_sizes_get", "args_get", [b"prog", "größe".encode()]),
        ("environ_sizes_get", "environ_get", [b"HOME=/", b"EMPTY="]),
    ):
        assert program.call(sizes, 0, 4) is Errno.SUCCESS
        assert (program.u32(0), program.u32(4)) == (2, sum(len(e) + 1 for e in expected))
        assert program.call(get, 8, 100) is Errno.SUCCESS
        starts = [program.u32(8), program.u32(12)]
        assert [bytes(program.memory[s : program.memory.index(0, s)]) for s in starts] == expected


def test_a_nul_in_an_argument_is_refused_when_the_program_is_set_up() -> None:
    config = WasiConfig()
    config.argv = ["a\0b"]
    with pytest.raises(ConfigError, match="NUL"):
        WasiContext(config)


@pytest.mark.parametrize(("clock", "host"), [(0, time.time_ns), (1, time.monotonic_ns)])
def test_clocks_are_the_hosts(program: Program, clock: int, host: object) -> None:
    before = host()  # type: ignore[operator]
    assert program.call("clock_time_get", clock, 0, 0) is Errno.SUCCESS
    assert before <= program.u64(0) <= host()  # type: ignore[operator]
    assert program.call("clock_res_get", clock, 8) is Errno.SUCCESS
    assert 1 <= program.u64(8) <= 10_000_000


def test_there_is_no_fifth_clock(program: Program) -> None:
    assert program.call("clock_time_get", 4, 0, 0) is Errno.INVAL


def test_random_fills_exactly_what_was_asked(program: Program) -> None:
    assert program.call("random_get", 100, 40_000) is Errno.SUCCESS
    assert not any(program.memory[:100])
    assert not any(program.memory[40_100:])
    assert len(set(program.memory[100:40_100])) == 256


def test_exit_carries_its_code(program: Program) -> None:
    with pytest.raises(ExitTrap) as caught:
        functions(program.context)["proc_exit"][1](memoryview(b""), 7)
    assert caught.value.exit_code == 7


def test_signals_are_not_offered_and_yielding_is(program: Program) -> None:
    assert program.call("proc_raise", 9) is Errno.NOTSUP
    assert program.call("sched_yield") is Errno.SUCCESS
