"""The table of descriptors: preopens, rights, renumbering, limits."""

from __future__ import annotations

import os

import pytest

from tests.wasi.harness import Program
from vm.wasi import WasiContext, functions
from vm.wasi.abi import MAX_DESCRIPTORS, Errno, Filetype, Rights


def test_preopened_directories_are_found_by_asking(program: Program) -> None:
    assert program.call("fd_prestat_get", 3, 0) is Errno.SUCCESS
    assert (program.u32(0), program.u32(4)) == (0, 5)
    assert program.call("fd_prestat_dir_name", 3, 8, 5) is Errno.SUCCESS
    assert bytes(program.memory[8:13]) == b"/data"
    assert program.call("fd_prestat_dir_name", 3, 8, 4) is Errno.NAMETOOLONG
    assert program.call("fd_prestat_get", 4, 0) is Errno.BADF
    assert program.call("fd_prestat_get", 0, 0) is Errno.BADF


@pytest.mark.parametrize("name", [name for name in functions(WasiContext()) if name.startswith("fd_")])
def test_every_descriptor_call_knows_a_bad_descriptor(program: Program, name: str) -> None:
    extra = len(functions(program.context)[name][0].params) - 1
    assert program.call(name, 99, *[0] * extra) is Errno.BADF


def test_rights_can_only_be_given_up(program: Program) -> None:
    _, fd = program.open(b"hello.txt", rights=Rights.FD_READ | Rights.FD_SEEK)
    assert program.call("fd_fdstat_set_rights", fd, Rights.FD_SEEK, 0) is Errno.SUCCESS
    assert program.call("fd_fdstat_get", fd, 0) is Errno.SUCCESS
    assert (program.memory[0], program.u64(8)) == (Filetype.REGULAR_FILE, Rights.FD_SEEK)
    assert program.call("fd_read", fd, 0, 0, 0) is Errno.BADF
    assert program.call("fd_fdstat_set_rights", fd, Rights.FD_READ, 0) is Errno.NOTCAPABLE


def test_renumbering_moves_and_closes(program: Program) -> None:
    _, a = program.open(b"hello.txt")
    _, b = program.open(b"sub/inner.txt")
    assert program.call("fd_renumber", a, b) is Errno.SUCCESS
    assert program.read(b) == b"hello, world\n"
    assert program.call("fd_read", a, 0, 0, 0) is Errno.BADF
    assert program.call("fd_renumber", b, b) is Errno.SUCCESS
    assert program.call("fd_renumber", b, a) is Errno.BADF


def test_descriptors_run_out_before_the_hosts_do(program: Program) -> None:
    numbers = [program.open(b"hello.txt") for _ in range(MAX_DESCRIPTORS - 4)]
    assert {errno for errno, _ in numbers} == {Errno.SUCCESS}
    before = len(os.listdir("/proc/self/fd"))
    assert program.open(b"hello.txt")[0] is Errno.MFILE
    assert len(os.listdir("/proc/self/fd")) == before
    program.context.close()
    assert len(os.listdir("/proc/self/fd")) <= before - len(numbers)
