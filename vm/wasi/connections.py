"""Stream sockets: the host's listeners and the connections they accept.

The ``socket`` module is imported where it is used: start-up matters, and few programs have sockets.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Sequence

from vm.errors import ConfigError
from vm.typed import TYPE_CHECKING
from vm.wasi.abi import Fdflags, Filetype, Riflags, Rights
from vm.wasi.descriptors import Descriptor, behind
from vm.wasi.rights import CONNECTION, LISTENER

if TYPE_CHECKING:
    import socket


class Socket(Descriptor):
    """A stream socket; ours to close and to change. ``preopened`` marks the host's listeners."""

    kind = Filetype.SOCKET_STREAM

    def __init__(self, host: socket.socket, rights: int, *, preopened: bool = False) -> None:
        super().__init__(rights)
        self.inheriting = CONNECTION if rights & Rights.SOCK_ACCEPT else 0
        self.host = host
        self.preopened = preopened

    @classmethod
    def listener(cls, source: str | socket.socket) -> Socket:
        """What a program is given: a listener on an address, or a copy of a socket that listens already."""
        return cls(bind(source) if isinstance(source, str) else source.dup(), LISTENER, preopened=True)

    def read(self, buffers: Sequence[memoryview]) -> int:
        """What has come, at least one byte; 0 when the other side has finished."""
        return self.host.recvmsg_into(buffers)[0] if buffers else 0

    def receive(
        self, buffers: Sequence[memoryview], flags: int, wait: Callable[[], None] = lambda: None
    ) -> int:
        """What has come; with WAITALL as much as there is room for, unless the other side finishes.

        ``wait`` is called before each look. PEEK leaves the bytes there, and never waits for more of them.
        """
        from socket import MSG_PEEK

        whole = flags == Riflags.WAITALL
        room, received = sum(map(len, buffers)), 0
        while True:
            wait()
            try:
                more = self.host.recvmsg_into(
                    behind(buffers, received), 0, MSG_PEEK if flags & Riflags.PEEK else 0
                )[0]
            except BlockingIOError:
                if received:
                    return received
                raise
            received += more
            if not whole or not more or received >= room:
                return received

    def write(self, buffers: Sequence[memoryview]) -> int:
        """As much as there is room for."""
        from socket import MSG_NOSIGNAL

        return self.host.sendmsg(buffers, [], MSG_NOSIGNAL) if buffers else 0

    def set_flags(self, flags: int) -> None:
        """NONBLOCK; the others mean nothing on a socket and are only remembered."""
        os.set_blocking(self.host.fileno(), not flags & Fdflags.NONBLOCK)
        super().set_flags(flags)

    def status(self) -> os.stat_result:
        """The host's ``fstat``."""
        return os.fstat(self.host.fileno())

    def fileno(self) -> int:
        """The host descriptor."""
        return self.host.fileno()

    def close(self) -> None:
        """Close it."""
        self.host.close()


def bind(address: str) -> socket.socket:
    """A TCP socket that listens on ``HOST:PORT`` or ``[HOST]:PORT``; port 0 lets the system choose one."""
    import socket

    host, colon, port = address.rpartition(":")
    if not colon or not port.isdigit() or int(port) > 0xFFFF:
        raise ConfigError("preopen_socket", f"expected HOST:PORT, not {address!r}")
    host = host.removeprefix("[").removesuffix("]")
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    try:
        return socket.create_server((host, int(port)), family=family)
    except OSError as error:
        raise ConfigError("preopen_socket", f"cannot listen on {address}: {error.strerror}") from error
