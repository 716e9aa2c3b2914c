"""``WasiConfig``: wasmtime-py's names and shapes, and errors that come when the mistake is made."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from pathlib import Path

import pytest
import wasmtime

from tests.wasi.harness import Program
from vm.errors import ConfigError
from vm.wasi import DirPerms, FilePerms, WasiConfig, WasiContext
from vm.wasi.abi import Errno, Oflags


def test_what_wasmtimes_has_is_here() -> None:
    theirs = {name for name in vars(wasmtime.WasiConfig) if not name.startswith("_")}
    assert theirs
    assert theirs <= set(dir(WasiConfig()))


def test_everything_can_be_inherited(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sys, "argv", ["me", "x"])
    monkeypatch.setenv("SURELY", "set")
    config = WasiConfig()
    for name in ("argv", "env", "stdin", "stdout", "stderr"):
        getattr(config, f"inherit_{name}")()
    context = WasiContext(config)
    assert context.argv == [b"me", b"x"]
    assert b"SURELY=set" in context.environ
    assert [context.get(fd).fileno() for fd in range(3)] == [0, 1, 2]
    context.close()
    for fd in range(3):
        os.fstat(fd)  # still open: they were only lent


@pytest.mark.parametrize(
    ("arguments", "names", "writable"),
    [
        ((), {}, True),
        ((True,), {}, True),
        ((False,), {}, False),
        ((), {"fs_mutable": False}, False),
        ((DirPerms.READ_ONLY, FilePerms.READ_ONLY), {}, False),
        ((), {"dir_perms": DirPerms.READ_WRITE, "file_perms": FilePerms.READ_WRITE}, True),
        ((), {"dir_perms": DirPerms.READ_ONLY}, False),
    ],
)
def test_directories_are_given_as_wasmtimes_versions_do(
    tree: Path, arguments: tuple[object, ...], names: dict[str, object], writable: bool
) -> None:
    config = WasiConfig()
    config.preopen_dir(tree, "/", *arguments, **names)  # type: ignore[arg-type]
    made = Program(config).open(b"new", oflags=Oflags.CREAT)[0]
    assert made is (Errno.SUCCESS if writable else Errno.ROFS)
    assert (tree / "new").exists() == writable


def test_mistakes_are_named_at_once(tree: Path) -> None:
    config = WasiConfig()
    with pytest.raises(ConfigError, match=r"not a directory: .*hello\.txt"):
        config.preopen_dir(tree / "hello.txt", "/")
    with pytest.raises(ConfigError, match=r"cannot write .*nowhere"):
        config.stdout_file = tree / "nowhere" / "out"
    with pytest.raises(ConfigError, match=r"no such file: .*nothing"):
        config.stdin_file = tree / "nothing"


def test_a_directory_that_has_gone_meanwhile_is_named(tree: Path) -> None:
    config = WasiConfig()
    config.preopen_dir(tree / "sub", "/")
    (tree / "sub" / "inner.txt").unlink()
    (tree / "sub").rmdir()
    with pytest.raises(ConfigError, match=r"cannot open .*sub"):
        WasiContext(config)


SLEEPS = """(module
  (import "wasi_snapshot_preview1" "poll_oneoff" (func $poll (param i32 i32 i32 i32) (result i32)))
  (import "wasi_snapshot_preview1" "fd_write" (func $write (param i32 i32 i32 i32) (result i32)))
  (memory (export "memory") 1)
  (func (export "_start")
    (i32.store (i32.const 0) (i32.const 100)) (i32.store (i32.const 4) (i32.const 1))
    (drop (call $write (i32.const 1) (i32.const 0) (i32.const 1) (i32.const 8)))
    (i32.store (i32.const 0x210) (i32.const 1))
    (i64.store (i32.const 0x218) (i64.const 1000000000000000))
    (drop (call $poll (i32.const 0x200) (i32.const 0x300) (i32.const 1) (i32.const 0x400)))))"""


def test_ctrl_c_ends_a_program_that_sleeps(tmp_path: Path) -> None:
    (tmp_path / "sleeps.wat").write_text(SLEEPS)
    command = [sys.executable, "-m", "vm.cli", "run", str(tmp_path / "sleeps.wat")]
    with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE) as process:
        assert process.stdout is not None
        assert process.stdout.read(1) == b"\0"
        process.send_signal(signal.SIGINT)
        assert process.communicate(timeout=60) == (b"", b"wasmvm: interrupted\n")
    assert process.returncode == 130
