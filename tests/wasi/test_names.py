"""Names as bytes, descriptors and sizes at their bounds: what has no meaning has a defined answer."""

from __future__ import annotations

import os
import struct
from pathlib import Path

import pytest

from tests.wasi.harness import Program
from vm.wasi.abi import MAX_IOVECS, MAX_PATH, Errno, Filetype, Oflags, Rights

LATIN = b"caf\xe9"
"""A name of the host's that is no UTF-8."""


def test_a_name_that_is_no_utf8_is_listed_and_cannot_be_named(program: Program, tree: Path) -> None:
    (Path(os.fsdecode(os.fsencode(tree) + b"/" + LATIN))).write_bytes(b"")
    assert program.call("fd_readdir", 3, 8192, 4096, 0, 0) is Errno.SUCCESS
    used = program.u32(0)
    assert LATIN in bytes(program.memory[8192 : 8192 + used])
    assert program.open(LATIN)[0] is Errno.ILSEQ
    assert program.stat(LATIN) is Errno.ILSEQ
    for name in ("path_create_directory", "path_remove_directory", "path_unlink_file"):
        assert program.with_path(name, LATIN, 3) is Errno.ILSEQ
    assert program.with_paths("path_rename", b"hello.txt", LATIN) is Errno.ILSEQ
    assert program.with_paths("path_link", b"hello.txt", LATIN, lookup=(0,)) is Errno.ILSEQ


def test_a_links_target_that_is_no_utf8_is_told_as_it_is(program: Program, tree: Path) -> None:
    os.symlink(LATIN, os.fsencode(tree) + b"/strange")
    assert program.with_path("path_readlink", b"strange", 3, after=(0, 10, 100)) is Errno.SUCCESS
    assert bytes(program.memory[: program.u32(100)]) == LATIN
    Path(os.fsdecode(os.fsencode(tree) + b"/" + LATIN)).write_bytes(b"found")
    errno, fd = program.open(b"strange")
    assert errno is Errno.SUCCESS
    assert program.read(fd) == b"found"


@pytest.mark.parametrize("name", ["größe", "日本", "a b\n", "\u202e", "-", "..."])
def test_any_utf8_is_a_name(program: Program, tree: Path, name: str) -> None:
    assert program.open(name.encode(), oflags=Oflags.CREAT | Oflags.EXCL)[0] is Errno.SUCCESS
    assert (tree / name).exists()


def test_paths_are_bounded(program: Program) -> None:
    long = b"./" * (MAX_PATH // 2 - 5) + b"hello.txt"
    assert program.open(long)[0] is Errno.SUCCESS
    assert program.open(b"./" * 4 + long)[0] is Errno.NAMETOOLONG
    assert program.call("path_open", 3, 0, 0, 2**32 - 1, 0, 0, 0, 0, 0) is Errno.NAMETOOLONG
    assert program.open(b"x" * 256, oflags=Oflags.CREAT)[0] is Errno.NAMETOOLONG


def test_as_many_buffers_as_the_host_takes(program: Program) -> None:
    _, fd = program.open(b"many", oflags=Oflags.CREAT, rights=Rights.FD_WRITE)
    program.put(8192, struct.pack("<II", 0, 1) * MAX_IOVECS)
    assert program.call("fd_write", fd, 8192, MAX_IOVECS, 32768) is Errno.SUCCESS
    assert program.u32(32768) == MAX_IOVECS
    assert program.call("fd_write", fd, 8192, MAX_IOVECS + 1, 32768) is Errno.INVAL


def test_sockets_and_pipes_of_the_hosts_are_told_apart(program: Program, tree: Path) -> None:
    os.mkfifo(tree / "pipe")
    assert program.stat(b"pipe") is Errno.SUCCESS
    assert program.memory[2048 + 16] == Filetype.UNKNOWN
