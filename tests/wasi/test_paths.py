"""Looking at files and directories by path, and listing them."""

from __future__ import annotations

import struct

import pytest

from tests.wasi.harness import Program
from vm.wasi.abi import Errno, Filetype, Oflags, Rights


def test_a_file_is_read_sought_told_and_closed(program: Program) -> None:
    errno, fd = program.open(b"hello.txt", rights=Rights.FD_READ | Rights.FD_SEEK | Rights.FD_TELL)
    assert (errno, fd) == (Errno.SUCCESS, 4)
    assert program.read(fd, 5) == b"hello"
    assert program.call("fd_tell", fd, 0) is Errno.SUCCESS
    assert program.u64(0) == 5
    assert program.call("fd_seek", fd, 2**64 - 6, 2, 0) is Errno.SUCCESS
    assert program.u64(0) == 7
    assert program.read(fd) == b"world\n"
    program.put(16, struct.pack("<II", 8192, 100))
    assert program.call("fd_pread", fd, 16, 1, 0, 8) is Errno.SUCCESS
    assert program.u32(8) == 13
    assert program.call("fd_seek", fd, 0, 3, 0) is Errno.INVAL
    assert program.call("fd_seek", fd, 2**64 - 1, 0, 0) is Errno.INVAL
    assert program.call("fd_close", fd) is Errno.SUCCESS
    assert program.call("fd_close", fd) is Errno.BADF


@pytest.mark.parametrize(
    ("path", "kind", "size"),
    [
        (b"hello.txt", Filetype.REGULAR_FILE, 13),
        (b"sub", Filetype.DIRECTORY, None),
        (b"sub/../hello.txt", Filetype.REGULAR_FILE, 13),
        (b"link", Filetype.REGULAR_FILE, 5),
        (b".", Filetype.DIRECTORY, None),
        (b"sub/", Filetype.DIRECTORY, None),
        (b"sub/..", Filetype.DIRECTORY, None),
    ],
)
def test_what_a_path_names_is_told(program: Program, path: bytes, kind: Filetype, size: int | None) -> None:
    assert program.stat(path) is Errno.SUCCESS
    assert program.memory[2048 + 16] == kind
    if size is not None:
        assert program.u64(2048 + 32) == size


def test_a_link_itself_can_be_asked_and_read(program: Program) -> None:
    assert program.stat(b"link", follow=False) is Errno.SUCCESS
    assert program.memory[2048 + 16] == Filetype.SYMBOLIC_LINK
    assert program.call("path_readlink", 3, 1024, program.put(1024, b"link"), 0, 5, 100) is Errno.SUCCESS
    assert bytes(program.memory[: program.u32(100)]) == b"sub/i"


def test_an_open_directory_serves_as_a_start(program: Program) -> None:
    _, sub = program.open(b"sub", oflags=Oflags.DIRECTORY, rights=Rights.PATH_OPEN)
    errno, inner = program.open(b"inner.txt", fd=sub)
    assert errno is Errno.SUCCESS
    assert program.read(inner) == b"inner"
    assert program.open(b"../hello.txt", fd=sub)[0] is Errno.PERM


def _entries(program: Program, size: int) -> list[tuple[bytes, int]]:
    """Walk the directory with a buffer of ``size`` bytes, as wasi-libc does."""
    found, cookie = [], 0
    while True:
        assert program.call("fd_readdir", 3, 8192, size, cookie, 0) is Errno.SUCCESS
        used, at = program.u32(0), 8192
        while at + 24 <= 8192 + used:
            following, _, length, kind = struct.unpack_from("<QQIB", program.memory, at)
            if at + 24 + length > 8192 + used:
                break
            found.append((bytes(program.memory[at + 24 : at + 24 + length]), kind))
            cookie, at = following, at + 24 + length
        if used < size:
            return found


@pytest.mark.parametrize("size", [40, 64, 4096])
def test_directories_are_listed_whole_through_any_buffer(program: Program, size: int) -> None:
    kind = Filetype
    assert _entries(program, size) == [
        (b".", kind.DIRECTORY),
        (b"..", kind.DIRECTORY),
        (b"hello.txt", kind.REGULAR_FILE),
        (b"link", kind.SYMBOLIC_LINK),
        (b"sub", kind.DIRECTORY),
    ]


def test_a_listing_past_its_end_is_empty(program: Program) -> None:
    assert program.call("fd_readdir", 3, 8192, 100, 2**64 - 1, 0) is Errno.SUCCESS
    assert program.u32(0) == 0
