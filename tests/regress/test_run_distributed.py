"""``regress run`` on Dask: real clusters and repositories; workers that die, users who lose patience."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import threading
import time
import warnings
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest

from regress.errors import RunnerError, UnknownNameError
from regress.runner.events import CommitFinished, Event
from regress.service.project import Project
from regress.service.run import Selection
from regress.service.run_distributed import Where, measured_on, run_distributed
from tests.regress.fixtures.repos import GitRepo

pytestmark = pytest.mark.filterwarnings("ignore")  # Dask's own business with ports and asyncio

SUITE = """\
import os, pathlib, time

def test_speed(benchmark):
    place = pathlib.Path({place!r})
    (place / "measuring").open("a").write(f"{{os.getpid()}}\\n")
    while (place / "hold").exists():
        time.sleep(0.02)
    assert benchmark.pedantic(sum, args=(range(2000),), rounds=3) >= 0
"""


@pytest.fixture
def place(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Where suite and test meet; workers keep their clones and their lock under it."""
    for variable in ("XDG_CACHE_HOME", "TMPDIR"):
        folder = tmp_path / variable
        folder.mkdir()
        monkeypatch.setenv(variable, str(folder))
    return tmp_path


@pytest.fixture
def repo(place: Path) -> GitRepo:
    made = GitRepo(place / "repo")
    made.write("tests/test_speed.py", SUITE.format(place=str(place)))
    made.write(".gitignore", "__pycache__/\n.regress/\n")
    for n in range(3):
        made.write("n.txt", str(n))
        made.commit(f"commit {n}")
    return made


@contextmanager
def workers(*machines: str) -> Iterator[Any]:
    """A scheduler with a worker process for each of some machines."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        from distributed import Nanny, Scheduler, SpecCluster

        options = {"nthreads": 1, "silence_logs": 50, "dashboard_address": None}
        spec = {
            number: {"cls": Nanny, "options": {**options, "resources": {f"machine-{name}": 1}}}
            for number, name in enumerate(machines)
        }
        scheduler = {"cls": Scheduler, "options": {"dashboard_address": None, "host": "127.0.0.1"}}
        with SpecCluster(spec, scheduler=scheduler, silence_logs=50) as cluster:
            yield cluster


def until(condition: Callable[[], Any]) -> Any:
    """What a condition says when it first says something true."""
    end = time.monotonic() + 120
    while not (found := condition()):
        assert time.monotonic() < end, "it never came true"
        time.sleep(0.02)
    return found


def measuring(place: Path) -> list[int]:
    """The processes that have measured, so far."""
    file = place / "measuring"
    return [int(line) for line in file.read_text().split()] if file.exists() else []


def test_an_embedded_cluster_measures_here_what_is_not_known(repo: GitRepo) -> None:
    project, events = Project.open(repo.path), list[Event]()
    with project.open_store() as store:
        report = run_distributed(project, store, Selection(last=1), Where(), listen=events.append)
        here = project.runners[0].machine()
        assert (report.machines, len(report.measured), report.remaining) == ((here,), 1, ())
        assert all(measured_on(store, commit.sha) == {here} for commit in report.measured)
        again = run_distributed(project, store, Selection(last=2), Where())
        assert (len(again.measured), len(again.skipped)) == (1, 1)
        assert len(store.runs()) == 2
    finished = [event for event in events if isinstance(event, CommitFinished)]
    assert [(event.machine, event.measured, event.built) for event in finished] == [(here, 1, True)]


def test_a_lost_workers_job_is_done_again_and_stored_once(repo: GitRepo, place: Path) -> None:
    """Two machines; the worker that measures first is killed, and its nanny starts another."""
    (place / "hold").touch()
    project, killed = Project.open(repo.path), list[int]()

    def kill() -> None:
        try:
            (first,) = until(lambda: measuring(place))
            os.kill(worker_of(first), signal.SIGKILL)
            until(lambda: not Path(f"/proc/{first}").exists())  # what the dead worker had started
            killed.append(first)
        finally:
            (place / "hold").unlink()

    with workers("atlas", "bell") as cluster, project.open_store() as store:
        until(lambda: len(cluster.scheduler.workers) == 2)
        thread = threading.Thread(target=kill)
        thread.start()
        address = cluster.scheduler_address
        report = run_distributed(project, store, Selection(last=1), Where(address))
        thread.join()
        assert (report.machines, len(report.measured), report.remaining) == (("atlas", "bell"), 1, ())
        assert Counter(run.machine for run in store.runs()) == {"atlas": 1, "bell": 1}
        (commit,) = report.measured
        assert {m.series.machine for _, m in store.measurements_at(commit.sha)} == {"atlas", "bell"}
        assert (len(killed), len(measuring(place))) == (1, 3)
        with pytest.raises(UnknownNameError, match="machine 'bel'"):
            run_distributed(project, store, Selection(last=1), Where(address, ("bel",)))
        nowhere = Where(address, ("atlas",), source=str(place / "nowhere"))
        with pytest.raises(RunnerError, match=r"machine atlas: git fetch: \w+ is in none of"):
            run_distributed(project, store, Selection(last=2), nowhere)


def worker_of(pid: int) -> int:
    """The worker's process above one that measures: the parent of the ``child`` module's."""
    while True:
        parent = int(Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[1])
        if "regress.service.cluster.child" in Path(f"/proc/{pid}/cmdline").read_text():
            return parent
        pid = parent


def test_dask_is_silent_from_its_first_use_on() -> None:
    """In a process that has not imported it yet."""
    code = """if True:
        import logging, sys
        from regress.service.cluster.machines import _hushed
        assert "distributed" not in sys.modules
        with _hushed():
            import distributed
            for name in ("client", "core", "scheduler"):
                print(logging.getLogger(f"distributed.{name}").level)
    """
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False)
    assert done.stdout.split() == ["50"] * 3, done.stderr


def test_ctrl_c_ends_what_measures_and_says_what_is_left(repo: GitRepo, place: Path) -> None:
    (place / "hold").touch()
    code = "from regress.cli import main; main()"
    command = [sys.executable, "-c", code, "run", "--last", "2", "--distributed"]
    process = subprocess.Popen(command, cwd=repo.path, stderr=subprocess.PIPE, text=True)
    (tool,) = until(lambda: measuring(place))
    process.send_signal(signal.SIGINT)
    _, said = process.communicate(timeout=60)
    assert process.returncode == 130
    assert "interrupted: 0 of 2 commits are stored" in said
    assert "Traceback" not in said
    assert not Path(f"/proc/{tool}").exists()
