"""Another process turns directories into links to the outside, and back, while a program walks over them."""

from __future__ import annotations

import os
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from itertools import count
from pathlib import Path

import pytest

from tests.wasi.harness import Program
from vm.wasi import WasiConfig
from vm.wasi.abi import Errno, Oflags, Rights

SECRET = b"nobody may read this"
ROUNDS = 1500


@pytest.fixture
def jail(tmp_path: Path) -> Path:
    """A directory to give away, beside a directory and a file that are not."""
    (tmp_path / "outside").mkdir()
    (tmp_path / "outside" / "secret").write_bytes(SECRET)
    inside = tmp_path / "inside"
    (inside / "a" / "b").mkdir(parents=True)
    return inside


@pytest.fixture
def program(jail: Path) -> Program:
    config = WasiConfig()
    config.preopen_dir(jail, ".")
    return Program(config)


SWAP = """
import os, sys, threading
place, spare, between = sys.argv[1:]
done = threading.Event()
threading.Thread(target=lambda: (sys.stdin.read(), done.set())).start()
print(flush=True)
while not done.is_set():
    # renameat2(EXCHANGE) is not in Python: three renames make the same two states visible.
    os.rename(place, between)
    os.rename(spare, place)
    os.rename(place, spare)
    os.rename(between, place)
"""


@contextmanager
def swapping(place: Path, spare: Path) -> Iterator[None]:
    """``place`` and ``spare`` change names as fast as they can, in another process."""
    command = [sys.executable, "-S", "-c", SWAP, str(place), str(spare), str(place.parent / "t")]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE) as swapper:
        assert swapper.stdout is not None
        swapper.stdout.readline()
        try:
            yield
        finally:
            swapper.communicate(b"")
    assert swapper.returncode == 0


@pytest.fixture
def directory_or_link(jail: Path) -> Iterator[None]:
    """a/b alternates between a directory and a link to the outside."""
    spare = jail / "a" / "spare"
    spare.symlink_to("../../outside")
    with swapping(jail / "a" / "b", spare):
        yield


@pytest.mark.usefixtures("directory_or_link")
def test_reading_never_leads_out(program: Program, jail: Path) -> None:
    program.open(b"a/b/secret", oflags=Oflags.CREAT)
    seen = set()
    for _ in range(ROUNDS):
        errno, fd = program.open(b"a/b/secret")
        seen.add(errno)
        if errno is Errno.SUCCESS:
            assert program.read(fd) == b""
            program.call("fd_close", fd)
    # NOENT: between two renames; NOTDIR: it was a link when we stepped on it, too often.
    assert seen <= {Errno.SUCCESS, Errno.PERM, Errno.NOENT, Errno.NOTDIR, Errno.LOOP}


CHANGES: dict[str, Callable[[Program], Errno]] = {
    "create": lambda p: p.open(b"a/b/new", oflags=Oflags.CREAT, rights=Rights.FD_WRITE)[0],
    "truncate": lambda p: p.open(b"a/b/secret", oflags=Oflags.TRUNC, rights=Rights.FD_WRITE)[0],
    "mkdir": lambda p: p.with_path("path_create_directory", b"a/b/dir", 3),
    "unlink": lambda p: p.with_path("path_unlink_file", b"a/b/secret", 3),
    "rename": lambda p: p.with_paths("path_rename", b"a/b/secret", b"a/b/stolen"),
    "take": lambda p: p.with_paths("path_rename", b"a/b/secret", b"stolen"),
    "link": lambda p: p.with_paths("path_link", b"a/b/secret", b"stolen", lookup=(1,)),
    "symlink": lambda p: p.call("path_symlink", 1024, p.put(1024, b"x"), 3, 2048, p.put(2048, b"a/b/x")),
    "times": lambda p: p.with_path("path_filestat_set_times", b"a/b/secret", 3, 1, after=(0, 0, 5)),
}


@pytest.mark.usefixtures("directory_or_link")
@pytest.mark.parametrize("name", CHANGES)
def test_changing_never_reaches_out(program: Program, jail: Path, name: str) -> None:
    outside = jail.parent / "outside"
    before = (outside / "secret").stat()
    for _ in range(ROUNDS // 3):
        assert CHANGES[name](program) in Errno
        for number in range(4, 20):
            program.call("fd_close", number)
    assert os.listdir(outside) == ["secret"]
    assert (outside / "secret").read_bytes() == SECRET
    after = (outside / "secret").stat()
    assert (after.st_mtime_ns, after.st_nlink) == (before.st_mtime_ns, before.st_nlink)


@pytest.mark.parametrize("follow", [True, False])
def test_a_file_that_turns_into_a_link_is_not_written_through(
    program: Program, jail: Path, follow: bool
) -> None:
    (jail / "file").write_bytes(b"mine")
    (jail / "spare").symlink_to("../outside/secret")
    seen = set()
    until = time.monotonic() + 60
    with swapping(jail / "file", jail / "spare"):
        for number in count():
            if number >= ROUNDS and (Errno.SUCCESS in seen or time.monotonic() > until):
                break  # on a busy machine, the other process may have had no turn before
            errno, fd = program.open(b"file", follow=follow, rights=Rights.FD_WRITE, oflags=Oflags.TRUNC)
            seen.add(errno)
            if errno is Errno.SUCCESS:
                assert program.write(fd, b"x") is Errno.SUCCESS
                program.call("fd_close", fd)
    assert Errno.SUCCESS in seen
    assert seen <= {Errno.SUCCESS, Errno.PERM, Errno.NOENT, Errno.LOOP}
    assert (jail.parent / "outside" / "secret").read_bytes() == SECRET
