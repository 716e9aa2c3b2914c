"""Sockets: a C program serves a client of ours; what is no socket; where listeners come from."""

from __future__ import annotations

import functools
import importlib
import os
import socket
from pathlib import Path

import pytest

from tests.wasi.harness import Program
from tests.wasi.test_programs import wrong
from vm.errors import ConfigError
from vm.tiers import TIERS
from vm.wasi import WasiConfig, WasiContext, functions
from vm.wasi.abi import Errno


class Client:
    """Does what the program's output asks, as it comes; TCP's backlog lets one thread play both sides."""

    def __init__(self, address: tuple[str, int]) -> None:
        self.address = address
        self.printed = ""
        self._sockets: list[socket.socket] = []

    def take(self, data: bytes) -> None:
        """Standard output of the program."""
        self.printed += data.decode()
        for line in data.decode().splitlines():
            if line.startswith("# "):
                verb, _, text = line[2:].partition(" ")
                getattr(self, f"_{verb}")(text)

    def close(self) -> None:
        while self._sockets:
            self._sockets.pop().close()

    def _connect(self, _: str) -> None:
        self._sockets.append(socket.create_connection(self.address, timeout=30))

    def _send(self, text: str) -> None:
        self._sockets[-1].sendall(text.encode())

    def _finish(self, _: str) -> None:
        self._sockets[-1].shutdown(socket.SHUT_WR)

    def _receive(self, text: str) -> None:
        wanted = text.encode()
        if not wanted:
            assert self._sockets[-1].recv(1) == b""
        while wanted:
            got = self._sockets[-1].recv(len(wanted))
            assert got
            assert wanted.startswith(got)
            wanted = wanted[len(got) :]


@pytest.mark.parametrize("tier", TIERS)
def test_a_server_serves(build: functools._lru_cache_wrapper[Path], tier: str, tmp_path: Path) -> None:
    api = importlib.import_module("vm.api")
    (tmp_path / "greeting").write_text("hello")
    config = api.Config()
    config.tier = tier
    engine = api.Engine(config)
    store, linker, wasi = api.Store(engine), api.Linker(engine), api.WasiConfig()
    linker.define_wasi()
    with socket.create_server(("127.0.0.1", 0)) as listener:
        client = Client(listener.getsockname())
        wasi.stdout_custom = client.take
        wasi.preopen_socket(3, listener)
        wasi.preopen_dir(tmp_path, "/")
        store.set_wasi(wasi)
        try:
            linker.instantiate(store, api.Module.from_file(engine, str(build("serving")))).exports(store)[
                "_start"
            ](store)
        finally:
            client.close()
    assert wrong(client.printed, 2) == []


def test_a_listener_is_opened_on_the_address_asked_for(tmp_path: Path) -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        config = WasiConfig()
        config.preopen_socket(5, f"127.0.0.1:{port}")
        with pytest.raises(ConfigError, match=f"cannot listen on 127.0.0.1:{port}"):
            WasiContext(config)
    config.preopen_dir(tmp_path, "/")
    program = Program(config)
    with socket.create_connection(("127.0.0.1", port), timeout=30) as client:
        assert program.call("sock_accept", 5, 0, 0) is Errno.SUCCESS
        assert program.u32(0) == 4, "the lowest free number: directories come from 3 on"
        client.sendall(b"hi")
        assert program.read(4) == b"hi"
    program.context.close()
    with pytest.raises(ConnectionRefusedError):
        socket.create_connection(("127.0.0.1", port), timeout=30)


@pytest.mark.parametrize("address", ["80", ":x", "localhost:70000", "localhost:"])
def test_an_address_that_is_none_is_refused(address: str) -> None:
    config = WasiConfig()
    config.preopen_socket(3, address)
    with pytest.raises(ConfigError, match="expected HOST:PORT"):
        WasiContext(config)


def test_a_listener_has_a_number_of_its_own() -> None:
    config = WasiConfig()
    config.preopen_socket(3, "127.0.0.1:0")
    for number, why in ((3, "taken"), (2, "from 3"), (5000, "from 3")):
        with pytest.raises(ConfigError, match=why):
            config.preopen_socket(number, "127.0.0.1:0")


def test_connections_are_closed_with_the_program() -> None:
    with socket.create_server(("127.0.0.1", 0)) as listener:
        config = WasiConfig()
        config.preopen_socket(3, listener)
        program = Program(config)
        before = len(os.listdir("/proc/self/fd"))
        with socket.create_connection(listener.getsockname(), timeout=30) as client:
            assert program.call("sock_accept", 3, 0, 0) is Errno.SUCCESS
            program.context.close()
            assert client.recv(1) == b""
        assert len(os.listdir("/proc/self/fd")) == before - 1
        socket.create_connection(listener.getsockname(), timeout=30).close()  # the caller's still listens


@pytest.mark.parametrize("name", ["sock_accept", "sock_recv", "sock_send", "sock_shutdown"])
def test_what_is_no_socket_says_so(program: Program, name: str) -> None:
    extra = len(functions(program.context)[name][0].params) - 1
    assert program.call(name, 1, *[0] * extra) is Errno.NOTSOCK
    assert program.call(name, 99, *[0] * extra) is Errno.BADF
