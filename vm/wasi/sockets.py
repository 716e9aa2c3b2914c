"""Preview 1's socket calls. No descriptor here is a socket, so they fail as POSIX says: ENOTSOCK."""

from __future__ import annotations

from vm.wasi.abi import Errno, WasiError
from vm.wasi.context import WasiContext
from vm.wasi.guest import Guest


def _no_socket(context: WasiContext, fd: int) -> None:
    context.get(fd)
    raise WasiError(Errno.NOTSOCK)


def sock_accept(context: WasiContext, guest: Guest, fd: int, flags: int, result: int) -> None:
    """ENOTSOCK."""
    _no_socket(context, fd)


def sock_recv(
    context: WasiContext, guest: Guest, fd: int, iovs: int, count: int, flags: int, size: int, result: int
) -> None:
    """ENOTSOCK."""
    _no_socket(context, fd)


def sock_send(
    context: WasiContext, guest: Guest, fd: int, iovs: int, count: int, flags: int, size: int
) -> None:
    """ENOTSOCK."""
    _no_socket(context, fd)


def sock_shutdown(context: WasiContext, guest: Guest, fd: int, how: int) -> None:
    """ENOTSOCK."""
    _no_socket(context, fd)
