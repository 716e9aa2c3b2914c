"""Messages between the program and its compilers, over a pair of sockets.

    length of the head, length of the body (32 bits each), head (JSON, an object), body (bytes)

A module travels as a file in memory whose descriptor comes along, so its bytes are not copied through a pipe.
"""

from __future__ import annotations

import json
import os
import socket
import struct
from collections import deque
from collections.abc import Iterator, Mapping

from vm.typed import Any

_LENGTHS = struct.Struct("<II")
_CHUNK = 1 << 16
_DESCRIPTORS = 8

Message = tuple[dict[str, Any], bytes]


def pack(head: Mapping[str, Any], body: bytes = b"") -> bytes:
    """A message as bytes."""
    text = json.dumps(head, separators=(",", ":")).encode()
    return _LENGTHS.pack(len(text), len(body)) + text + body


def send_content(channel: socket.socket, head: Mapping[str, Any], content: bytes) -> None:
    """A message together with ``content`` as a file in memory."""
    descriptor = os.memfd_create("wasm-module")
    try:
        with open(descriptor, "wb", closefd=False) as file:
            file.write(content)
        message = pack(head)
        sent = socket.send_fds(channel, [message], [descriptor])
        channel.sendall(message[sent:])
    finally:
        os.close(descriptor)


class Reader:
    """Takes messages off a socket as they arrive."""

    def __init__(self, channel: socket.socket) -> None:
        self._channel = channel
        self._pending = bytearray()
        self._descriptors: deque[int] = deque()

    def receive(self) -> bool:
        """Take what has arrived, waiting if nothing has; False when there will be no more."""
        try:
            content, descriptors, _, _ = socket.recv_fds(self._channel, _CHUNK, _DESCRIPTORS)
        except BlockingIOError:
            return True
        except OSError:
            return False
        self._descriptors += descriptors
        self._pending += content
        return bool(content)

    def messages(self) -> Iterator[Message]:
        """The messages that are complete."""
        while len(self._pending) >= _LENGTHS.size:
            head, body = _LENGTHS.unpack_from(self._pending)
            end = _LENGTHS.size + head + body
            if len(self._pending) < end:
                return
            middle = _LENGTHS.size + head
            text, content = self._pending[_LENGTHS.size : middle], bytes(self._pending[middle:end])
            del self._pending[:end]
            yield json.loads(text), content

    def descriptor(self) -> int:
        """The next descriptor that came along with a message."""
        return self._descriptors.popleft()

    def content(self) -> bytes:
        """What came along with the message that ``send_content`` sent."""
        descriptor = self.descriptor()
        with open(descriptor, "rb") as file:
            size = os.fstat(descriptor).st_size
            return os.pread(file.fileno(), size, 0)

    def close(self) -> None:
        """Close the socket, and descriptors that nobody asked for."""
        self._channel.close()
        while self._descriptors:
            os.close(self.descriptor())
