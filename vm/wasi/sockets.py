"""Sockets of preview 1: connections are accepted from listeners the host gives, then read, written, shut."""

from __future__ import annotations

import functools

from vm.wasi.abi import ALL_RIFLAGS, Errno, Fdflags, Rights, WasiError
from vm.wasi.connections import Socket
from vm.wasi.context import WasiContext
from vm.wasi.guest import Guest
from vm.wasi.polling import until_readable, writable
from vm.wasi.rights import CONNECTION


def _socket(context: WasiContext, fd: int, right: int) -> Socket:
    descriptor = context.get(fd)
    if not isinstance(descriptor, Socket):
        raise WasiError(Errno.NOTSOCK)
    descriptor.need(right)
    return descriptor


def sock_accept(context: WasiContext, guest: Guest, fd: int, flags: int, result: int) -> None:
    """Wait for a connection (EAGAIN when ``fd`` does not wait); store the new descriptor's number.

    ``flags`` are the new descriptor's; NONBLOCK is the only one there is for it.
    """
    listener = _socket(context, fd, 0)
    if not listener.rights & Rights.SOCK_ACCEPT:
        raise WasiError(Errno.NOTCAPABLE if listener.preopened else Errno.INVAL)
    if flags & ~Fdflags.NONBLOCK:
        raise WasiError(Errno.INVAL)
    guest.span(result, 4)
    context.check_room()
    until_readable(context, listener)
    connection, _ = listener.host.accept()
    accepted = Socket(connection, CONNECTION & listener.inheriting)
    accepted.set_flags(flags)
    guest.write_u32(result, context.add(accepted))


def sock_recv(
    context: WasiContext, guest: Guest, fd: int, iovs: int, count: int, flags: int, size: int, result: int
) -> None:
    """Receive into the buffers; store the number of bytes. No flag comes back: a stream cuts no messages."""
    connection = _socket(context, fd, Rights.FD_READ)
    if flags & ~ALL_RIFLAGS:
        raise WasiError(Errno.INVAL)
    guest.span(size, 4)
    guest.span(result, 2)
    wait = functools.partial(until_readable, context, connection)
    guest.write_u32(size, connection.receive(guest.iovecs(iovs, count), flags, wait))
    guest.write_u16(result, 0)


def sock_send(
    context: WasiContext, guest: Guest, fd: int, iovs: int, count: int, flags: int, result: int
) -> None:
    """Send the buffers; store the number of bytes taken. ``flags`` has no bit in preview 1."""
    connection = _socket(context, fd, Rights.FD_WRITE)
    if flags:
        raise WasiError(Errno.INVAL)
    guest.span(result, 4)
    guest.write_u32(result, connection.write(writable(context, connection, guest.iovecs(iovs, count))))


def sock_shutdown(context: WasiContext, guest: Guest, fd: int, how: int) -> None:
    """End receiving (RD), sending (WR), or both."""
    connection = _socket(context, fd, Rights.SOCK_SHUTDOWN)
    if not 1 <= how <= 3:
        raise WasiError(Errno.INVAL)
    connection.host.shutdown(how - 1)  # SHUT_RD, SHUT_WR, SHUT_RDWR
