"""Who makes what, of processes that share a cache: nobody makes at leisure what another one is making."""

from __future__ import annotations

import os
import queue
import socket
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.vm.engines import binary
from vm.config import Config
from vm.jit.claims import claim, claimed
from vm.jit.library import find
from vm.jit.objects import objects
from vm.jit.request import Request
from vm.jit.wire import Reader
from vm.jit.worker import Worker, describe
from vm.module.decoder import decode
from vm.records import replace

WAT = """(module (func (export "f") (param i32) (result i32) (local.get 0)))"""


@pytest.fixture
def wanted(tmp_path: Path) -> Request:
    return Request(decode(binary(WAT)), (0,), Config(cache_folder=str(tmp_path)), 1)


def test_one_has_it_and_leaves_nothing(wanted: Request, tmp_path: Path) -> None:
    assert not claimed(wanted)
    with claim(wanted) as first, claim(wanted) as second:
        assert (first, second, claimed(wanted)) == (True, False, True)
        assert objects(wanted.config).entries() == []
    assert not claimed(wanted)
    assert list(tmp_path.iterdir()) == []


def test_a_claim_that_was_left_says_nothing(wanted: Request) -> None:
    """As by a process that was killed."""
    Path(objects(wanted.config).claim(wanted.key())).touch()
    assert not claimed(wanted)
    with claim(wanted) as ours:
        assert ours


def test_nobody_waits_for_what_others_put_there(wanted: Request, tmp_path: Path) -> None:
    place = Path(objects(wanted.config).claim(wanted.key()))
    os.mkfifo(place)
    assert not claimed(wanted)
    place.unlink()
    place.symlink_to(tmp_path / "elsewhere")
    with claim(wanted) as first:
        assert (first, claimed(wanted)) == (True, False)
    assert not (tmp_path / "elsewhere").exists()


def test_who_has_no_folder_is_alone(wanted: Request, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    for folder in ("off", "missing"):
        homeless = replace(wanted, config=wanted.config.with_(cache_folder=folder))
        with claim(homeless) as first, claim(homeless) as second:
            assert (first, second, claimed(homeless)) == (True, True, False)
    assert list(tmp_path.iterdir()) == []


@pytest.fixture
def worker(wanted: Request) -> Iterator[tuple[Worker, Reader]]:
    """A worker that knows the module, and what hears its answers."""
    ours, theirs = socket.socketpair()
    with ours, theirs:
        made = Worker(theirs, queue.SimpleQueue())
        made.do({"do": "module", "module": 0, "validated": True, "binary": wanted.module.binary})
        yield made, Reader(ours)


def answer(worker: tuple[Worker, Reader], request: Request) -> str:
    worker[0].do(describe(request, 0))
    worker[1].receive()
    ((head, _),) = worker[1].messages()
    return str(head["did"])


def test_a_worker_makes_what_its_program_waits_for(wanted: Request, worker: tuple[Worker, Reader]) -> None:
    """Whoever else makes it: that one may be stopped."""
    with claim(wanted):
        assert answer(worker, wanted) == "make"
    assert find(wanted) is not None


def test_a_worker_without_a_program_makes_what_nobody_makes(
    wanted: Request, worker: tuple[Worker, Reader]
) -> None:
    worker[0].alone = True
    with claim(wanted):
        assert answer(worker, wanted) == "skip"
    assert find(wanted) is None
    assert answer(worker, wanted) == "make"
    assert find(wanted) is not None
    assert answer(worker, wanted) == "skip"
