"""Sockets."""

from __future__ import annotations

import pytest

from tests.wasi.harness import Program
from vm.wasi import functions
from vm.wasi.abi import Errno


@pytest.mark.parametrize("name", ["sock_accept", "sock_recv", "sock_send", "sock_shutdown"])
def test_nothing_is_a_socket(program: Program, name: str) -> None:
    extra = len(functions(program.context)[name][0].params) - 1
    assert program.call(name, 1, *[0] * extra) is Errno.NOTSOCK
    assert program.call(name, 99, *[0] * extra) is Errno.BADF
