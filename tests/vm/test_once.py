"""What a process has one of is one, whichever threads ask for it first."""

from __future__ import annotations

import subprocess
import sys
import threading

from tests.conftest import ROOT
from vm.once import once

MANY = 8


def test_threads_that_ask_together_get_the_same() -> None:
    begin, made = threading.Barrier(MANY), []

    @once
    def make(number: int) -> object:
        made.append(number)
        threading.Event().wait(0.01)  # lets others in, if they can get in
        return object()

    results: list[object] = []

    def ask() -> None:
        begin.wait()
        results.append(make(1))

    threads = [threading.Thread(target=ask) for _ in range(MANY)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert made == [1]
    assert len(results) == MANY
    assert len(set(map(id, results))) == 1
    assert make(2) is not make(1)


FIRST_USE = """
import sys, threading
import vm.api as w
sys.setswitchinterval(1e-6)
config = w.Config()
config.tier = "threaded"
begin = threading.Barrier(4)
right = []
def work():
    begin.wait()
    store = w.Store(w.Engine(config))
    module = w.Module(store.engine, '(module (func (export "f") (result i32) (i32.const 7)))')
    right.append(w.Instance(store, module, []).exports(store)["f"](store))
threads = [threading.Thread(target=work) for _ in range(4)]
[thread.start() for thread in threads]
[thread.join() for thread in threads]
assert right == [7] * 4, right
"""


def test_threads_may_be_the_first_to_use_the_engine() -> None:
    """Each used to make glue of its own; code of the one that was not kept was freed while it ran."""
    for _ in range(5):
        done = subprocess.run([sys.executable, "-c", FIRST_USE], cwd=ROOT, capture_output=True, text=True)
        assert done.returncode == 0, done.stderr[-2000:]
