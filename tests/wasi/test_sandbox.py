"""Attacks on the borders of a preopened directory: nothing outside can be opened, read or asked about."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from tests.wasi.harness import Program
from vm.wasi import WasiConfig
from vm.wasi.abi import Errno, Oflags, Rights
from vm.wasi.sandbox import MAX_DEPTH

SECRET = b"nobody may read this"


@pytest.fixture
def jail(tmp_path: Path) -> Path:
    """A directory to give away, beside a secret file and a secret directory."""
    (tmp_path / "secret").write_bytes(SECRET)
    (tmp_path / "outside").mkdir()
    (tmp_path / "outside" / "secret").write_bytes(SECRET)
    inside = tmp_path / "inside"
    (inside / "a" / "b").mkdir(parents=True)
    (inside / "open.txt").write_bytes(b"fine")
    (inside / "up").symlink_to("..")
    (inside / "out").symlink_to("../secret")
    (inside / "absolute").symlink_to(tmp_path / "secret")
    (inside / "absolute_inside").symlink_to(inside / "open.txt")
    (inside / "a" / "two_up").symlink_to("../../outside")
    (inside / "chain1").symlink_to("chain2")
    (inside / "chain2").symlink_to("a/two_up/secret")
    (inside / "loop1").symlink_to("loop2")
    (inside / "loop2").symlink_to("loop1")
    (inside / "a" / "fine").symlink_to("../open.txt")
    (inside / "dangling").symlink_to("nothing")
    os.mkfifo(inside / "fifo")
    return inside


@pytest.fixture
def program(jail: Path) -> Program:
    config = WasiConfig()
    config.preopen_dir(str(jail), ".")
    return Program(config)


ESCAPES = [
    b"..",
    b"../secret",
    b"../inside/open.txt",
    b"a/../../secret",
    b"a/b/../../../secret",
    b"./../secret",
    b"a/./b/.././../../secret",
    b"/etc/passwd",
    b"/",
    b"//etc/passwd",
    b"up",
    b"up/secret",
    b"up/inside/open.txt",
    b"out",
    b"absolute",
    b"absolute_inside",
    b"a/two_up",
    b"a/two_up/secret",
    b"chain1",
]


@pytest.mark.parametrize("path", ESCAPES)
def test_no_path_leads_out(program: Program, path: bytes) -> None:
    assert program.open(path)[0] is Errno.PERM
    assert program.stat(path) is Errno.PERM
    assert program.open(path, oflags=Oflags.CREAT)[0] is Errno.PERM
    assert program.open(path, oflags=Oflags.DIRECTORY)[0] is Errno.PERM


@pytest.mark.parametrize("path", [b"up", b"out", b"absolute"])
def test_a_link_that_leads_out_is_not_opened_by_asking_not_to_follow(program: Program, path: bytes) -> None:
    assert program.open(path, follow=False)[0] is Errno.LOOP


def test_nothing_is_left_open_by_paths_that_fail(program: Program) -> None:
    before = len(os.listdir("/proc/self/fd"))
    for path in [*ESCAPES, b"loop1/x", b"a/b/nothing", b"open.txt/x"]:
        assert program.open(path)[0] is not Errno.SUCCESS
    assert len(os.listdir("/proc/self/fd")) == before


def test_a_path_of_very_many_steps_uses_no_more_of_the_hosts_descriptors_than_it_goes_deep(
    program: Program,
) -> None:
    assert program.open(b"a/../" * 800 + b"open.txt")[0] is Errno.SUCCESS


def test_how_deep_a_path_may_lead_is_bounded(program: Program, jail: Path) -> None:
    folder = os.open(jail, os.O_RDONLY)
    for depth in range(MAX_DEPTH + 2):
        os.mkdir("d", dir_fd=folder)
        below = os.open("d", os.O_RDONLY, dir_fd=folder)
        if depth == MAX_DEPTH - 2:
            os.close(os.open("file", os.O_CREAT | os.O_WRONLY, dir_fd=below))
        os.close(folder)
        folder = below
    os.close(folder)
    assert program.open(b"d/" * (MAX_DEPTH - 1) + b"file")[0] is Errno.SUCCESS
    assert program.open(b"d/" * (MAX_DEPTH + 2))[0] is Errno.NAMETOOLONG


def test_a_device_of_the_hosts_opens_as_what_it_is(program: Program, jail: Path) -> None:
    """Device files in a directory are its owner's doing: they are no way around the walk, and not hidden."""
    _, fd = program.open(b"fifo", rights=Rights.FD_READ | Rights.FD_SEEK)
    assert program.call("fd_seek", fd, 0, 0, 0) is Errno.SPIPE


def test_an_absolute_links_target_is_not_told(program: Program) -> None:
    assert program.call("path_readlink", 3, 1024, program.put(1024, b"absolute"), 0, 100, 200) is Errno.PERM


@pytest.mark.parametrize(
    "path", [b"a/fine", b"a/b/../../open.txt", b"a/../open.txt", b"./open.txt", b"a//fine"]
)
def test_paths_that_stay_inside_work(program: Program, path: bytes) -> None:
    errno, fd = program.open(path)
    assert errno is Errno.SUCCESS
    assert program.read(fd) == b"fine"


@pytest.mark.parametrize(
    ("path", "errno"),
    [
        (b"loop1", Errno.LOOP),
        (b"loop1/x", Errno.LOOP),
        (b"dangling", Errno.NOENT),
        (b"dangling/..", Errno.NOENT),
        (b"nothing/../open.txt", Errno.NOENT),
        (b"open.txt/", Errno.NOTDIR),
        (b"open.txt/.", Errno.NOTDIR),
        (b"open.txt/..", Errno.NOTDIR),
        (b"", Errno.NOENT),
        (b"a\0b", Errno.INVAL),
        (b"\xff\xfe", Errno.ILSEQ),
        (b"x" * 5000, Errno.NAMETOOLONG),
        (b"x" * 300, Errno.NAMETOOLONG),
    ],
)
def test_odd_paths_fail_as_posix_says(program: Program, path: bytes, errno: Errno) -> None:
    assert program.open(path)[0] is errno


def test_a_fifo_does_not_block_the_host(program: Program) -> None:
    errno, fd = program.open(b"fifo")
    assert errno is Errno.SUCCESS
    assert program.read(fd) == b""


def test_a_file_is_not_a_directory_to_start_from(program: Program) -> None:
    _, fd = program.open(b"open.txt")
    assert program.open(b"x", fd=fd)[0] is Errno.NOTDIR
    assert program.open(b"x", fd=1)[0] is Errno.NOTDIR


def test_a_directory_without_the_right_opens_nothing(program: Program) -> None:
    _, fd = program.open(b"a", oflags=Oflags.DIRECTORY, rights=Rights.FD_READDIR)
    assert program.open(b"fine", fd=fd)[0] is Errno.NOTCAPABLE
