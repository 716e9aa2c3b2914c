"""A compiler's process: takes requests from a socket, gives artefacts back, ends when the socket does.

    module   a module to come, by number; its bytes come along             forget   one that is not needed
    make     a request about one of them; counts of the program's own      -> made, failed
    finish   what to do when the socket closes: what is left, for so many seconds of a processor at most

One thread reads, so that the end of the program ends this process at once, even inside LLVM; another
compiles. Nothing that a request says about the program's memory is known here: modules are decoded anew.
"""

from __future__ import annotations

import functools
import os
import queue
import resource
import signal
import socket
import sys
import threading
import time
from contextlib import suppress

from vm.config import KNOBS, Config
from vm.errors import VMError
from vm.jit import faults, makers
from vm.jit.claims import claim
from vm.jit.library import find, keep
from vm.jit.request import Request
from vm.jit.wire import Reader, pack
from vm.module.decoder import decode
from vm.module.model import ModuleData
from vm.module.validator import validate_module
from vm.typed import Any, NoReturn

MEMORY = 8 << 30
"""Bytes of address space that a worker may use. Compiling takes LLVM a hundredth of that, but for a module
that is made for it; what does not fit fails, and is left in its tier."""

_NICE = 10

_SLOWEST = 12
"""Seconds that pass, while others work, for each second of a processor that a worker may go on for."""

_LOOK = 0.5
"""Seconds between two looks at how much that was."""

_STACK = 64 << 20
"""Bytes of stack for LLVM, whose recursion follows that of the code it is given."""


def nurse(descriptor: int) -> None:
    """Load what compilers need, then fork one whenever the program asks (``vm.jit.nursery``)."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    _warm()
    channel = socket.socket(fileno=descriptor)
    reader = Reader(channel)
    stays = False
    while reader.receive():
        for head, _ in reader.messages():
            if head["do"] == "fork":
                _fork(reader)
            elif head["do"] == "finish":
                stays = True
            else:
                code = os.waitstatus_to_exitcode(os.waitpid(head["process"], 0)[1])
                channel.sendall(pack({"process": head["process"], "code": code}))
    with suppress(ChildProcessError):  # there is none left
        while stays:
            os.wait()
    os._exit(0)


def _fork(reader: Reader) -> None:
    """Start a worker. It keeps nothing that is meant for others: their sockets must close with them."""
    own, errors = reader.descriptor(), reader.descriptor()
    if os.fork() == 0:
        reader.close()
        os.dup2(errors, 2)
        os.close(errors)
        main(own)
    os.close(own)
    os.close(errors)


def _warm() -> None:
    """Import what every task needs."""
    from vm.native.pipeline import target

    for kind in makers.MAKERS:
        makers.maker(kind)
    makers.ways()
    for level in (0, 1, 2):
        target(level)


def _confine() -> None:
    """When memory runs short, a compiler goes, not the program that it works for."""
    soft, hard = resource.getrlimit(resource.RLIMIT_AS)
    if soft == resource.RLIM_INFINITY or soft > MEMORY:
        resource.setrlimit(resource.RLIMIT_AS, (MEMORY, hard))
    with suppress(OSError), open("/proc/self/oom_score_adj", "w", encoding="ascii") as file:
        file.write("500")  # not every system has it


def main(descriptor: int) -> NoReturn:
    """Work until nobody wants any more."""
    _confine()
    channel = socket.socket(fileno=descriptor)
    tasks: queue.SimpleQueue[dict[str, Any]] = queue.SimpleQueue()
    threading.stack_size(_STACK)
    worker = Worker(channel, tasks)
    thread = threading.Thread(target=worker.run, daemon=True)
    thread.start()
    reader = Reader(channel)
    seconds = 0
    while reader.receive():
        for head, body in reader.messages():
            if head["do"] == "finish":
                seconds, worker.alone = head["seconds"], True
                os.setpriority(os.PRIO_PROCESS, thread.native_id or 0, _NICE)  # whatever else runs goes first
                continue
            if head["do"] == "module":
                head["binary"] = reader.content()
            if head["do"] == "make":
                head["observed"] = body
            tasks.put(head)
    if seconds:
        tasks.put({"do": "end"})
        _finish(worker, seconds)
    os._exit(0)


def _finish(worker: Worker, seconds: int) -> None:
    """Let it work off what it has. On a busy machine it may take long to get its seconds of a processor."""
    most, last = time.process_time() + seconds, time.monotonic() + seconds * _SLOWEST
    while not worker.ended.wait(_LOOK) and time.process_time() < most and time.monotonic() < last:
        pass


class Worker:
    """What the process does, over a channel; tasks come by a queue."""

    def __init__(self, channel: socket.socket, tasks: queue.SimpleQueue[dict[str, Any]]) -> None:
        self._channel = channel
        self._tasks = tasks
        self._modules: dict[int, ModuleData] = {}
        self.ended = threading.Event()
        self.alone = False
        """Whether the program that wanted it has ended: what is made is for others, who may make it, too."""

    def run(self) -> None:
        """Do one thing after the other; a fault of this program itself ends it."""
        try:
            self._answer(pack({"did": "start", "process": os.getpid()}))
            while True:
                self.do(self._tasks.get())
        except BaseException:
            sys.excepthook(*sys.exc_info())
            os._exit(1)

    def do(self, head: dict[str, Any]) -> None:
        """One message."""
        match head["do"]:
            case "module":
                module = decode(head["binary"], lazy=True)
                validate_module(module)
                module.validated = head["validated"]
                self._modules[head["module"]] = module
            case "forget":
                del self._modules[head["module"]]
            case "make":
                self._answer(self._make(head))
            case "end":
                self.ended.set()

    def _answer(self, message: bytes) -> None:
        with suppress(OSError):  # nobody listens any more: the thread that reads knows what that means
            self._channel.sendall(message)

    def _make(self, head: dict[str, Any]) -> bytes:
        started = time.thread_time()
        try:
            request = self._request(head)
            with claim(request) as ours:
                if self.alone and (not ours or find(request) is not None):
                    return pack({"did": "skip"})
                artefact = makers.make(request)
                keep(request, artefact)
                makers.keep_ways(request, artefact)
        except Exception as error:
            return pack({"did": "fail", "fault": faults.to_data(error)})
        seconds = time.thread_time() - started
        return pack({"did": "make", "seconds": seconds}, artefact.to_bytes())

    def _request(self, head: dict[str, Any]) -> Request:
        module, config = self._modules[head["module"]], Config(**head["knobs"])
        _inform(module, head["counts"], config)
        observed = None
        if head.get("observed"):
            from vm.jit.counts import from_bytes

            observed = from_bytes(head["observed"], module)
        return Request(
            module,
            tuple(head["functions"]),
            config,
            head["level"],
            head["scope"],
            frozenset(head["compiled"]),
            head["kind"],
            tuple((name, value) for name, value in head["options"]),
            head["most_moves"],
            observed,
        )


def _inform(module: ModuleData, key: str, config: Config) -> None:
    """Let what is known of a module be the counts with this key, which come from their file."""
    if not key:
        module.counts = None
    elif module.counts is None or module.counts.key != key:
        from vm.jit.counts import load

        module.counts = load(config.profile, module)
        if module.counts.key != key:
            raise VMError(f"{config.profile}: this profile has changed while it is in use")


def describe(request: Request, number: int) -> dict[str, Any]:
    """What to tell a worker that is to make ``request``, whose module it knows by ``number``; what the
    program observed goes along as the message's body.
    """
    known = request.module.counts
    return {
        "do": "make",
        "module": number,
        "functions": request.functions,
        "knobs": _changed(request.config),
        "level": request.level,
        "scope": request.scope,
        "compiled": sorted(request.compiled),
        "kind": request.kind,
        "options": request.options,
        "most_moves": request.most_moves,
        "counts": known.key if known is not None else "",
    }


@functools.cache
def _changed(config: Config) -> dict[str, Any]:
    """The knobs that are not as they come."""
    knobs = {name: getattr(config, name) for name in KNOBS}
    return {name: value for name, value in knobs.items() if value != KNOBS[name].default}
