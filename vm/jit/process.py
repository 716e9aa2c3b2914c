"""One compiler's process, as the program sees it."""

from __future__ import annotations

import os
import signal
import socket
from collections import OrderedDict
from contextlib import suppress

from vm.jit.nursery import Nursery, ending, last_words
from vm.jit.request import Request
from vm.jit.wire import Reader, pack, send_content
from vm.jit.worker import describe
from vm.module.model import ModuleData

MODULES = 8
"""Modules that a worker keeps."""


class Process:
    """A worker. Requests go to it one at a time; modules when they are first needed.

    ``number`` is the process's, once it has said so.
    """

    def __init__(self, nursery: Nursery) -> None:
        self.channel, theirs = socket.socketpair()
        self.reader = Reader(self.channel)
        self.number = 0
        self.nursery = nursery
        self._errors = os.memfd_create("wasm-compiler")
        self._known: OrderedDict[int, None] = OrderedDict()
        try:
            with theirs:
                nursery.fork(theirs.fileno(), self._errors)
        except OSError:
            self.leave()
            raise

    def send(self, request: Request, number: int) -> None:
        """Give it ``request``, whose module has this number among all that the program compiles."""
        if number not in self._known:
            self._send_module(request.module, number)
        self._known.move_to_end(number)
        observed = request.counts if request.observed is not None else None
        body = observed.to_bytes() if observed is not None else b""
        self.channel.sendall(pack(describe(request, number), body))

    def _send_module(self, module: ModuleData, number: int) -> None:
        if len(self._known) >= MODULES:
            oldest, _ = self._known.popitem(last=False)
            self.channel.sendall(pack({"do": "forget", "module": oldest}))
        head = {"do": "module", "module": number, "validated": module.validated}
        send_content(self.channel, head, module.binary)
        self._known[number] = None

    def release(self, seconds: int) -> None:
        """Let it go on without us, for so many seconds of a processor, with what it has been sent, and
        will be until this object is gone: from now on, nobody waits when it takes no more.
        """
        self.channel.setblocking(False)
        self.channel.sendall(pack({"do": "finish", "seconds": seconds}))

    def kill(self) -> None:
        """End it now; ``why`` says so afterwards. Its number stays its own until somebody waits for it."""
        if self.number:
            with suppress(ProcessLookupError):
                os.kill(self.number, signal.SIGKILL)

    def leave(self) -> None:
        """Let it end, and wait for that."""
        self.channel.close()
        if self.number:
            self.nursery.wait(self.number)
        os.close(self._errors)

    def why(self) -> str:
        """How it ended, after it has, with the last it said."""
        code = self.nursery.wait(self.number) if self.number else None
        self.number = 0
        last = last_words(self._errors) or ("" if code is not None else self.nursery.said())
        return f"the compiler's process ended{ending(code)}" + (f": {last}" if last else "")

    def forget(self) -> None:
        """Nobody here waits for it any more: in a forked child, whose parent does, or once it is released."""
        self.channel.close()
        os.close(self._errors)
