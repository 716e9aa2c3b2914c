"""The process that compilers are forked from: it has LLVM loaded, and does nothing itself.

Loading takes some 150 ms of processor time, a fork 1 ms, so the second worker, and the one that takes the
place of another that an assertion ended, cost next to nothing. It ends with its socket, as workers do.
"""

from __future__ import annotations

import contextlib
import json
import os
import select
import signal
import socket
import subprocess
import sys

import vm
from vm.jit.wire import Reader, pack

_BOOT = (
    "import json, sys; sys.path[:] = json.loads(sys.argv[2]); "
    "from vm.jit.worker import nurse; nurse(int(sys.argv[1]))"
)
"""What the process runs. It looks for modules where this process does, and nowhere else: not in the folder
that it is started in."""

_PATIENCE = 5.0
"""Seconds to wait for the end of a process whose socket is closed."""

_TOLD = 300
"""Characters of what a process said last that are told when it ends."""


class Nursery:
    """That process, as the program sees it. Raises ``OSError`` where it cannot be started or is gone."""

    def __init__(self) -> None:
        if not sys.executable or hasattr(sys, "frozen"):  # packed with a program, which would start again
            raise OSError(0, "this Python does not know its own program")
        with contextlib.ExitStack() as failed:
            self._channel, theirs = map(failed.enter_context, socket.socketpair())
            self._reader = Reader(self._channel)
            self._errors = os.memfd_create("wasm-compilers")
            failed.callback(os.close, self._errors)
            self._process = _start(theirs.fileno(), self._errors)
            failed.pop_all()
            theirs.close()
        self.number = self._process.pid
        self._said = ""

    @property
    def alive(self) -> bool:
        """Whether it can start workers."""
        return self._process.poll() is None

    def fork(self, channel: int, errors: int) -> None:
        """Let it start a worker that has these descriptors; the worker says when it is there."""
        socket.send_fds(self._channel, [pack({"do": "fork"})], [channel, errors])

    def wait(self, worker: int) -> int | None:
        """The exit code of a worker whose socket is closed, as ``subprocess`` has it; None: nobody knows."""
        try:
            self._channel.sendall(pack({"do": "wait", "process": worker}))
            while select.select([self._channel], [], [], _PATIENCE)[0] and self._reader.receive():
                for head, _ in self._reader.messages():
                    if head["process"] == worker:  # not the late answer about another
                        code: int = head["code"]
                        return code
        except OSError:
            pass
        return None

    def said(self) -> str:
        """The last it said, also after it has left."""
        return last_words(self._errors) if self._errors >= 0 else self._said

    def leave(self) -> None:
        """Let it end, and wait for that."""
        self._channel.close()
        try:
            self._process.wait(_PATIENCE)
        except subprocess.TimeoutExpired:
            self._process.kill()
            self._process.wait()
        self._said = self.said()
        os.close(self._errors)
        self._errors = -1

    def release(self) -> None:
        """Let it stay for its workers, which go on without us, and end with the last."""
        with contextlib.suppress(OSError):
            self._channel.sendall(pack({"do": "finish"}))
        self.forget()

    def kill(self) -> None:
        """End it now."""
        self._process.kill()

    def forget(self) -> None:
        """Nobody here waits for it any more: in a forked child, whose parent does, and at the end."""
        self._channel.close()
        os.close(self._errors)
        self._process.returncode = 0  # what tells ``subprocess`` so


def _start(channel: int, errors: int) -> subprocess.Popen[bytes]:
    return subprocess.Popen(
        [sys.executable, "-I", "-S", "-c", _BOOT, str(channel), json.dumps(_paths())],
        pass_fds=[channel],
        stdin=subprocess.DEVNULL,
        stdout=subprocess.DEVNULL,
        stderr=errors,
        process_group=0,  # Ctrl-C is for the program, which ends its workers itself
    )


def last_words(errors: int) -> str:
    """The end of what was written to a file."""
    size = os.fstat(errors).st_size
    return os.pread(errors, 4 * _TOLD, max(0, size - 4 * _TOLD)).decode(errors="replace").strip()[-_TOLD:]


def ending(code: int | None) -> str:
    """How a process ended, in words."""
    if code is None:
        return ""
    return f" by {signal.Signals(-code).name}" if code < 0 else f" with exit code {code}"


def _paths() -> list[str]:
    """Where modules are found: this package first, then where this process looks."""
    own = os.path.dirname(os.path.dirname(os.path.abspath(vm.__file__)))
    return list(dict.fromkeys([own, *(os.path.abspath(place) for place in sys.path if place)]))
