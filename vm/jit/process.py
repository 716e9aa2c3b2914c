"""One compiler's process, as the program sees it."""

from __future__ import annotations

import json
import os
import signal
import socket
import subprocess
import sys
from collections import OrderedDict
from pathlib import Path

import vm
from vm.jit.request import Request
from vm.jit.wire import Reader, pack, send_content
from vm.jit.worker import describe
from vm.module.model import ModuleData

_BOOT = (
    "import json, sys; sys.path[:] = json.loads(sys.argv[2]); "
    "from vm.jit.worker import main; main(int(sys.argv[1]))"
)
"""What the process runs. It looks for modules where this process does, and nowhere else: not in the folder
that it is started in."""

MODULES = 8
"""Modules that a worker keeps."""

_TOLD = 300
"""Characters of what a process said last that are told when it ends."""


class Process:
    """A running worker. Requests go to it one at a time; modules when they are first needed."""

    def __init__(self) -> None:
        self.channel, theirs = socket.socketpair()
        self.reader = Reader(self.channel)
        self._errors = os.memfd_create("wasm-compiler")
        self._known: OrderedDict[int, None] = OrderedDict()
        descriptor = theirs.fileno()
        with theirs:
            self._process = subprocess.Popen(
                [sys.executable, "-I", "-S", "-c", _BOOT, str(descriptor), json.dumps(_paths())],
                pass_fds=[descriptor],
                stdin=subprocess.DEVNULL,
                stdout=subprocess.DEVNULL,
                stderr=self._errors,
                process_group=0,  # Ctrl-C is for the program, which ends its workers itself
            )
        self.number = self._process.pid

    def send(self, request: Request, number: int) -> None:
        """Give it ``request``, whose module has this number among all that the program compiles."""
        if number not in self._known:
            self._send_module(request.module, number)
        self._known.move_to_end(number)
        self.channel.sendall(pack(describe(request, number)))

    def _send_module(self, module: ModuleData, number: int) -> None:
        if len(self._known) >= MODULES:
            oldest, _ = self._known.popitem(last=False)
            self.channel.sendall(pack({"do": "forget", "module": oldest}))
        head = {"do": "module", "module": number, "validated": module.validated}
        send_content(self.channel, head, module.binary)
        self._known[number] = None

    def kill(self) -> None:
        """End it now; ``why`` says so afterwards."""
        self._process.kill()

    def leave(self) -> None:
        """Let it end, and wait for that."""
        self.channel.close()
        try:
            self._process.wait(2)
        except subprocess.TimeoutExpired:
            self._process.kill()
            self._process.wait()
        os.close(self._errors)

    def why(self) -> str:
        """How it ended, after it has, with the last it said."""
        code = self._process.wait()
        how = f"by {signal.Signals(-code).name}" if code < 0 else f"with exit code {code}"
        said = os.pread(self._errors, 1 << 16, max(0, os.fstat(self._errors).st_size - (1 << 16)))
        last = said.decode(errors="replace").strip()[-_TOLD:]
        return f"the compiler's process ended {how}" + (f": {last}" if last else "")

    def forget(self) -> None:
        """In a forked child: this is the parent's. Let its end of the socket be the only one."""
        self.channel.close()
        os.close(self._errors)
        self._process.returncode = 0  # not ours to wait for


def _paths() -> list[str]:
    """Where the worker finds modules: this package first, then where this process looks."""
    own = str(Path(vm.__file__).parent.parent)
    return list(dict.fromkeys([own, *(os.path.abspath(place) for place in sys.path if place)]))
