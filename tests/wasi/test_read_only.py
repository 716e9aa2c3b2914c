"""A directory given for reading: everything can be looked at, and nothing changes."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from tests.wasi.harness import Program
from vm.wasi import DirPerms, FilePerms, WasiConfig
from vm.wasi.abi import Errno, Fstflags, Oflags, Rights


@pytest.fixture
def program(tree: Path) -> Program:
    config = WasiConfig()
    config.preopen_dir(tree, "/data", False)
    return Program(config)


@pytest.mark.parametrize("right", [Rights.FD_WRITE, Rights.FD_ALLOCATE, Rights.FD_FILESTAT_SET_SIZE])
def test_opening_to_change_is_refused(program: Program, right: Rights) -> None:
    assert program.open(b"hello.txt", rights=right)[0] is Errno.ROFS


def test_creating_is_refused_unless_there_is_nothing_to_create(program: Program, tree: Path) -> None:
    before = sorted(os.listdir(tree))
    assert program.open(b"new", oflags=Oflags.CREAT)[0] is Errno.ROFS
    assert program.open(b"hello.txt", oflags=Oflags.CREAT)[0] is Errno.SUCCESS
    assert program.open(b"hello.txt", oflags=Oflags.CREAT | Oflags.EXCL)[0] is Errno.EXIST
    assert program.open(b"hello.txt", oflags=Oflags.TRUNC)[0] is Errno.ROFS
    assert sorted(os.listdir(tree)) == before
    assert (tree / "hello.txt").read_bytes() == b"hello, world\n"


CHANGES = {
    "path_create_directory": (3, 0, 1),
    "path_filestat_set_times": (3, 0, 0, 1, 0, 0, 0),
    "path_link": (3, 0, 0, 1, 3, 0, 1),
    "path_remove_directory": (3, 0, 1),
    "path_rename": (3, 0, 1, 3, 0, 1),
    "path_symlink": (0, 1, 3, 0, 1),
    "path_unlink_file": (3, 0, 1),
}


@pytest.mark.parametrize("name", CHANGES)
def test_whatever_would_change_a_directory_says_read_only(program: Program, name: str) -> None:
    program.put(0, b"x")
    assert program.call(name, *CHANGES[name]) is Errno.ROFS


def test_a_files_times_do_not_change_either(program: Program, tree: Path) -> None:
    before = (tree / "hello.txt").stat().st_mtime_ns
    _, fd = program.open(b"hello.txt", rights=Rights.FD_READ | Rights.FD_FILESTAT_SET_TIMES)
    assert program.call("fd_filestat_set_times", fd, 0, 0, Fstflags.MTIM) is Errno.NOTCAPABLE
    assert program.call("fd_filestat_set_times", 3, 0, 0, Fstflags.MTIM) is Errno.ROFS
    assert (tree / "hello.txt").stat().st_mtime_ns == before


def test_a_directory_below_is_read_only_too(program: Program) -> None:
    _, sub = program.open(b"sub", oflags=Oflags.DIRECTORY, rights=Rights.PATH_OPEN | Rights.PATH_UNLINK_FILE)
    assert program.open(b"inner.txt", fd=sub, rights=Rights.FD_WRITE)[0] is Errno.ROFS
    assert program.with_path("path_unlink_file", b"inner.txt", sub) is Errno.ROFS


def test_entries_and_files_are_allowed_apart(tree: Path) -> None:
    config = WasiConfig()
    config.preopen_dir(tree, "files", dir_perms=DirPerms.READ_ONLY, file_perms=FilePerms.READ_WRITE)
    config.preopen_dir(tree, "entries", DirPerms.READ_WRITE, FilePerms.READ_ONLY)
    config.preopen_dir(tree, "blind", DirPerms.WRITE_ONLY, FilePerms.WRITE_ONLY)
    files, entries, blind = 3, 4, 5
    program = Program(config)
    _, fd = program.open(b"hello.txt", fd=files, rights=Rights.FD_WRITE)
    assert program.write(fd, b"J") is Errno.SUCCESS
    assert (tree / "hello.txt").read_bytes() == b"Jello, world\n"
    assert program.open(b"new", fd=files, oflags=Oflags.CREAT)[0] is Errno.ROFS
    assert program.open(b"hello.txt", fd=entries, rights=Rights.FD_WRITE)[0] is Errno.ROFS
    assert program.open(b"new", fd=entries, oflags=Oflags.CREAT)[0] is Errno.SUCCESS
    assert program.open(b"hello.txt", fd=blind)[0] is Errno.PERM
    assert program.call("fd_readdir", blind, 0, 100, 0, 200) is Errno.PERM


@pytest.mark.parametrize("name", ["path_link", "path_rename"])
def test_a_file_does_not_become_writable_under_another_name(tree: Path, name: str) -> None:
    (tree / "writable").mkdir()
    config = WasiConfig()
    config.preopen_dir(tree, "entries", DirPerms.READ_WRITE, FilePerms.READ_ONLY)
    config.preopen_dir(tree / "writable", "both")
    program = Program(config)
    program.put(100, b"hello.txtstolen")
    lookup = (0,) if name == "path_link" else ()
    assert program.call(name, 3, *lookup, 100, 9, 4, 109, 6) is Errno.XDEV
    assert os.listdir(tree / "writable") == []
