"""A program that waits in a WASI call is stopped by its store's deadline, whatever it waits for."""

from __future__ import annotations

import os
import socket
import struct
from collections.abc import Iterator
from pathlib import Path

import pytest

import vm.api
from tests.wasi.harness import PAGE
from vm.errors import Trap, TrapCode
from vm.wasi import WasiConfig

FUNCTIONS = {
    "fd_read": "i32 i32 i32 i32",
    "fd_write": "i32 i32 i32 i32",
    "poll_oneoff": "i32 i32 i32 i32",
    "sock_accept": "i32 i32 i32",
}


def module(name: str, arguments: str, memory: bytes) -> str:
    """A module that calls one function for ever, over memory that begins with ``memory``."""
    data = "".join(f"\\{byte:02x}" for byte in memory)
    constants = " ".join(f"(i32.const {number})" for number in arguments.split())
    return f"""(module
      (import "wasi_snapshot_preview1" "{name}" (func $f (param {FUNCTIONS[name]}) (result i32)))
      (memory (export "memory") 1)
      (data (i32.const 0) "{data}")
      (func (export "_start") (loop (drop (call $f {constants})) (br 0))))"""


@pytest.fixture
def config(tmp_path: Path) -> Iterator[WasiConfig]:
    """stdin is a pipe in which nothing comes, stdout one that nobody empties, 3 a listener nobody calls."""
    ends = []
    for name in ("in", "out"):
        os.mkfifo(tmp_path / name)
        ends.append(os.open(tmp_path / name, os.O_RDWR))
    config = WasiConfig()
    config.stdin_file = tmp_path / "in"
    config.stdout_file = tmp_path / "out"
    with socket.create_server(("127.0.0.1", 0)) as listener:
        config.preopen_socket(3, listener)
        yield config
    for end in ends:
        os.close(end)


IOVEC = struct.pack("<II", 0, PAGE // 2)
WAITS = {
    "read": ("fd_read", "0 0 1 100", IOVEC),
    "write": ("fd_write", "1 0 1 100", IOVEC),
    "accept": ("sock_accept", "3 0 100", b""),
    "sleep": ("poll_oneoff", "0 100 1 200", struct.pack("<QB7xI4xQQH6x", 1, 0, 1, 10**15, 0, 0)),
    "poll": ("poll_oneoff", "0 100 1 200", struct.pack("<QB7xI28x", 1, 1, 0)),
}


@pytest.mark.parametrize("wait", WAITS)
def test_a_deadline_ends_a_wait(config: WasiConfig, wait: str) -> None:
    settings = vm.api.Config()
    settings.epoch_interruption = True
    store = vm.api.Store(vm.api.Engine(settings))
    linker = vm.api.Linker(store.engine)
    linker.define_wasi()
    store.set_wasi(config)
    store.set_deadline(60)
    instance = linker.instantiate(store, vm.api.Module(store.engine, module(*WAITS[wait])))
    start = instance.exports(store)["_start"]
    assert isinstance(start, vm.api.Func)
    store.set_deadline(0.05)
    with pytest.raises(Trap) as caught:
        start(store)
    assert caught.value.code is TrapCode.INTERRUPT
