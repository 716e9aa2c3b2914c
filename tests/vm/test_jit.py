"""The parallel compiler, with real processes: what it gives, what it survives, what it leaves behind."""

from __future__ import annotations

import asyncio
import os
import select
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.vm.engines import binary
from vm.config import Config
from vm.errors import CompileError, ValidationError, VMError
from vm.jit import makers, pool
from vm.jit.artefact import Artefact
from vm.jit.compiler import Compiler, compile_now
from vm.jit.objects import Objects
from vm.jit.request import Request
from vm.jit.scheduler import Priority
from vm.jit.ticket import Ticket
from vm.module.decoder import decode
from vm.records import replace

WAT = """(module (memory 1)
  (func (export "double") (param i32) (result i32) (call $add (local.get 0) (local.get 0)))
  (func $add (param i32 i32) (result i32) (i32.add (local.get 0) (local.get 1))))"""
INVALID = bytes.fromhex("0061736d01000000 0105016000017f 03020100 0a05010300010b")
"""A function that is to give an i32 and has a nop."""

SECONDS = 60


@pytest.fixture(scope="module")
def compiler() -> Iterator[Compiler]:
    made = Compiler(2)
    yield made
    made.close()


@pytest.fixture
def request_() -> Request:
    return Request(decode(binary(WAT)), (0, 1), Config(cache_bytes=0), 1)


def code(artefact: Artefact) -> list[tuple[bytes, tuple[int, ...], tuple[int, ...]]]:
    """What is in it, without the time it took."""
    return [(part.binary, part.functions, part.visible) for part in artefact.parts]


@pytest.mark.parametrize("level", [0, 3])
@pytest.mark.parametrize("scope", ["exact", "reachable", "module"])
def test_it_gives_what_this_process_would(
    compiler: Compiler, request_: Request, level: int, scope: str
) -> None:
    wanted = replace(request_, level=level, scope=scope, functions=(0,))
    assert code(compiler.submit(wanted).result(SECONDS)) == code(compile_now(wanted))


def test_tickets_can_be_awaited_and_call_back(compiler: Compiler, request_: Request) -> None:
    called: list[Ticket] = []

    async def both() -> list[Artefact]:
        tickets = [compiler.submit(replace(request_, level=level)) for level in (0, 1)]
        done = threading.Event()
        for ticket in tickets:
            ticket.add_done_callback(lambda ticket: (called.append(ticket), len(called) == 2 and done.set()))
        results = [await ticket for ticket in tickets]
        assert await asyncio.to_thread(done.wait, SECONDS)
        return results

    assert [result.functions for result in asyncio.run(both())] == [(0, 1)] * 2
    assert {ticket.request.level for ticket in called} == {0, 1}


def test_errors_arrive_as_they_are(compiler: Compiler, request_: Request) -> None:
    invalid = replace(request_, module=decode(INVALID), functions=(0,))
    with pytest.raises(ValidationError) as here:
        compile_now(invalid)
    with pytest.raises(ValidationError) as there:
        compiler.submit(invalid).result(SECONDS)
    assert str(there.value) == str(here.value)
    assert there.value.function == here.value.function == 0
    with pytest.raises(VMError, match="no kind of code called 'cake'"):
        compiler.submit(replace(request_, kind="cake")).result(SECONDS)
    with pytest.raises(CompileError, match="ModuleNotFoundError"):
        compiler.submit(replace(request_, kind="vm.no.such:place")).result(SECONDS)


def test_a_killed_worker_is_replaced_and_its_task_tried_again(
    compiler: Compiler, request_: Request, tmp_path: Path
) -> None:
    noted = tmp_path / "process"
    accident = replace(request_, kind="tests.vm.makers:killed_once", options=(("noted", str(noted)),))
    others = [compiler.submit(request_) for _ in range(5)]
    assert compiler.submit(accident, Priority.HIGH).result(SECONDS).visible == (0, 1)
    assert all(other.result(SECONDS).visible == (0, 1) for other in others)
    stats = compiler.stats()
    assert stats["retried"] >= 1
    assert sum(worker["crashes"] for worker in stats["workers"]) >= 1
    assert int(noted.read_text()) not in [worker.get("process") for worker in stats["workers"]]


def test_an_assertion_of_llvm_ends_no_program(compiler: Compiler, request_: Request) -> None:
    bad = compiler.submit(replace(request_, kind="tests.vm.makers:aborted"))
    with pytest.raises(CompileError, match=r"function 0: .* ended by SIGABRT: LLVM ERROR: failed to perform"):
        bad.result(SECONDS)
    assert compiler.submit(request_).result(SECONDS).visible == (0, 1)


def test_a_compiler_has_no_more_memory_than_it_may(compiler: Compiler, request_: Request) -> None:
    with pytest.raises(CompileError, match="MemoryError"):
        compiler.submit(replace(request_, kind="tests.vm.makers:greedy")).result(SECONDS)
    assert compiler.submit(request_).result(SECONDS).visible == (0, 1)


def test_workers_come_from_another_parent_when_theirs_is_killed(
    compiler: Compiler, request_: Request, tmp_path: Path
) -> None:
    compiler.submit(request_).result(SECONDS)
    parent = compiler.stats()["parent"]
    os.kill(parent, signal.SIGKILL)
    options = (("noted", str(tmp_path / "process")),)
    accident = replace(request_, kind="tests.vm.makers:killed_once", options=options)
    assert compiler.submit(accident).result(SECONDS).visible == (0, 1)
    assert compiler.submit(request_).result(SECONDS).visible == (0, 1)
    assert compiler.stats()["parent"] != parent


@pytest.mark.parametrize("python", ["/bin/false", "/there/is/none", "", "frozen"])
def test_without_a_python_that_has_llvm_nothing_hangs(
    request_: Request, monkeypatch: pytest.MonkeyPatch, python: str
) -> None:
    """Nothing is left open either. A frozen program's Python is the program, which would start once more."""
    if python == "frozen":
        monkeypatch.setattr(sys, "frozen", True, raising=False)
    else:
        monkeypatch.setattr(sys, "executable", python)
    nobody = Compiler(2)
    try:
        tickets = [nobody.submit(request_) for _ in range(3)]
        for ticket in tickets:
            with pytest.raises(CompileError, match="no compiler can be started"):
                ticket.result(SECONDS)
    finally:
        nobody.close()


def test_what_waits_can_be_taken_back_or_made_urgent(request_: Request, tmp_path: Path) -> None:
    begun, told = tmp_path / "begun", tmp_path / "told"
    os.mkfifo(begun)
    os.mkfifo(told)
    alone = Compiler(1)
    order: list[int] = []
    try:
        options = (("begun", str(begun)), ("told", str(told)))
        first = alone.submit(replace(request_, kind="tests.vm.makers:until_told", options=options))
        assert begun.read_text() == "begun"
        waiting = [alone.submit(replace(request_, level=level), Priority.LOW) for level in (0, 1, 2, 3)]
        for ticket in (first, *waiting):
            ticket.add_done_callback(
                lambda ticket: None if ticket.cancelled() else order.append(ticket.request.level)
            )
        assert waiting[1].cancel()
        assert waiting[1].cancelled()
        assert waiting[3].change(Priority.HIGH)
        assert not first.cancel()
        assert not first.change(Priority.HIGH)
        told.write_text("go")
        waiting[2].result(SECONDS)
    finally:
        alone.close()
    assert order == [1, 3, 0, 2]
    assert alone.stats()["cancelled"] == 1
    with pytest.raises(CompileError, match="closed"):
        alone.submit(request_)


def test_a_task_that_does_not_end_is_ended(
    request_: Request, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(pool, "TASK_SECONDS", 0.1)
    monkeypatch.setattr(pool, "_LOOK_SECONDS", 0.05)
    begun, told = tmp_path / "begun", tmp_path / "told"
    os.mkfifo(told)
    options = (("begun", str(begun)), ("told", str(told)))
    alone = Compiler(1)
    try:
        endless = alone.submit(replace(request_, kind="tests.vm.makers:until_told", options=options))
        with pytest.raises(CompileError, match="ended by SIGKILL"):
            endless.result(SECONDS)
        assert alone.stats()["retried"] == 0
    finally:
        alone.close()


def test_a_start_that_does_not_end_is_ended(
    request_: Request, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    os.mkfifo(tmp_path / "pipe")
    endless = tmp_path / "python"
    endless.write_text(f"#!/bin/sh\nread line < {tmp_path / 'pipe'}\n")
    endless.chmod(0o755)
    monkeypatch.setattr(sys, "executable", str(endless))
    monkeypatch.setattr(pool, "START_SECONDS", 0.1)
    monkeypatch.setattr(pool, "_LOOK_SECONDS", 0.05)
    alone = Compiler(1)
    try:
        with pytest.raises(CompileError, match="no compiler can be started"):
            alone.submit(request_).result(SECONDS)
    finally:
        alone.close()


def test_a_worker_without_work_is_ended(request_: Request, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(pool, "IDLE_SECONDS", 0.0)
    monkeypatch.setattr(pool, "_LOOK_SECONDS", 0.01)
    alone = Compiler(1)
    try:
        for starts in (1, 2):
            alone.submit(request_).result(SECONDS)
            (worker,) = alone.stats()["workers"]
            if "process" in worker:
                assert_gone(str(worker["process"]))
            assert worker["starts"] == starts
        assert alone.stats()["workers"][0]["crashes"] == 0
    finally:
        alone.close()


def test_ten_thousand_tasks_can_wait(compiler: Compiler, request_: Request) -> None:
    tickets = [compiler.submit(request_, Priority.LOW) for _ in range(10_000)]
    urgent = compiler.submit(request_, Priority.HIGH)
    assert urgent.result(SECONDS).visible == (0, 1)
    done = sum(not ticket.cancel() for ticket in tickets)
    assert done < 5_000
    assert compiler.submit(request_).result(SECONDS).visible == (0, 1)
    assert compiler.stats()["queued"] == 0


def test_what_is_on_disk_needs_no_worker(request_: Request, tmp_path: Path) -> None:
    kept = replace(request_, config=Config(cache_folder=str(tmp_path / "objects")))
    made = compile_now(kept)
    fresh = Compiler(1)
    try:
        assert code(fresh.submit(kept).result(SECONDS)) == code(made)
        assert [worker["starts"] for worker in fresh.stats()["workers"]] == [0]
    finally:
        fresh.close()


PROGRAM = """
import os, signal, sys
from vm.config import Config
from vm.errors import CompileError
from vm.jit.compiler import Compiler
from vm.jit.request import Request
from vm.module.decoder import decode
compiler = Compiler(2)
request = Request(decode(bytes.fromhex(sys.argv[1])), (0,), Config(cache_bytes=0), 1)
for ticket in [compiler.submit(request) for _ in range(20)]:
    ticket.result()
stats = compiler.stats()
print(stats["parent"], *(worker["process"] for worker in stats["workers"] if "process" in worker), flush=True)
"""


def run(ending: str) -> subprocess.CompletedProcess[str]:
    """A program that compiles, prints its workers' processes, and ends so."""
    command = [sys.executable, "-c", PROGRAM + ending, binary(WAT).hex()]
    return subprocess.run(command, capture_output=True, text=True, timeout=SECONDS, check=False)


def assert_gone(processes: str) -> None:
    """They end by themselves, soon."""
    for number in map(int, processes.split()):
        try:
            descriptor = os.pidfd_open(number)
        except ProcessLookupError:
            continue
        try:
            assert select.select([descriptor], [], [], SECONDS)[0], f"process {number} is left"
        finally:
            os.close(descriptor)


def test_a_program_that_is_killed_leaves_no_process() -> None:
    done = run("[compiler.submit(request) for _ in range(1000)]; os.kill(os.getpid(), signal.SIGKILL)")
    assert done.returncode == -signal.SIGKILL
    assert len(done.stdout.split()) > 1
    assert_gone(done.stdout)


def test_a_program_ends_although_tasks_wait() -> None:
    done = run("[compiler.submit(request) for _ in range(1000)]")
    assert (done.returncode, done.stderr) == (0, "")
    assert_gone(done.stdout)


LEFT = """
import sys
from vm.config import Config
from vm.jit.compiler import compiler_of
from vm.jit.request import Request
from vm.module.decoder import decode
config = Config(cache_folder=sys.argv[2], compile_afterwards=int(sys.argv[3]))
compiler = compiler_of(config)
for level in (1, 2):
    compiler.submit(Request(decode(bytes.fromhex(sys.argv[1])), (0,), config, level))
while compiler.stats()["parent"] is None:
    pass
print(compiler.stats()["parent"])
"""


@pytest.mark.parametrize("seconds", [0, SECONDS])
def test_what_was_asked_for_is_kept_after_the_program_ended(seconds: int, tmp_path: Path) -> None:
    """By workers that go on for a while, without holding anybody up; or not at all."""
    command = [sys.executable, "-W", "error", "-c", LEFT, binary(WAT).hex(), str(tmp_path), str(seconds)]
    done = subprocess.run(command, capture_output=True, text=True, timeout=SECONDS, check=True)
    assert done.stderr == ""
    assert_gone(done.stdout)
    assert len(Objects(tmp_path, 1 << 20).entries()) == (2 if seconds else 0)


def test_a_forked_process_has_a_compiler_of_its_own() -> None:
    done = run("""
waiting = [compiler.submit(request) for _ in range(100)]
child = os.fork()
if child == 0:
    assert sum(isinstance(ticket.exception(), CompileError) for ticket in waiting) > 0
    own = compiler.submit(request).result()
    assert own.visible == (0,)
    sys.exit(7)
assert os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) == 7
assert all(ticket.result().visible == (0,) for ticket in waiting)
print("both")
""")
    assert (done.returncode, done.stderr) == (0, "")
    assert done.stdout.endswith("both\n")


def test_a_compiler_starts_where_the_program_looks_for_modules(tmp_path: Path) -> None:
    """Nothing in the folder that a program runs in is imported by its workers."""
    (tmp_path / "json.py").write_text("raise SystemExit('the wrong module')")
    command = [sys.executable, "-P", "-c", PROGRAM, binary(WAT).hex()]
    done = subprocess.run(command, cwd=tmp_path, capture_output=True, text=True, timeout=SECONDS, check=False)
    assert (done.returncode, done.stderr) == (0, "")


def test_makers_are_where_the_table_says() -> None:
    for kind in makers.MAKERS:
        assert callable(makers.maker(kind))


@pytest.mark.usefixtures("only_what_is_new")
def test_what_code_has_cost_is_what_it_cost_wherever_it_was_made() -> None:
    """In the main thread LLVM gets a thread of its own; in one with room enough it does not."""
    body = "".join(
        f"(local.set 0 (i32.rotl (i32.xor (local.get 0) (i32.const {i})) (local.get 1)))" for i in range(400)
    )
    module = decode(binary(f"(module (func (param i32 i32) (loop {body} (br_if 0 (local.get 0)))))"))
    whole = Request(module, (0,), Config(cache_bytes=0), 3)
    loop = module.bodies[0].start + 2
    ratios: list[float] = []

    def measure() -> None:
        for request in (whole, replace(whole, kind="loop", options=(("loop", loop),))):
            started = time.process_time()
            ratios.append(makers.make(request).seconds / (time.process_time() - started))

    makers.make(whole)  # imports what it takes
    measure()
    threading.stack_size(64 << 20)
    try:
        roomy = threading.Thread(target=measure)
        roomy.start()
    finally:
        threading.stack_size(0)
    roomy.join()
    assert len(ratios) == 4
    assert all(0.5 < ratio < 1.1 for ratio in ratios), ratios
