"""A job on its Dask worker: the process that measures, watched until its result is there or nobody wants it.

Dask cannot stop a function that runs. This one looks for itself whether its task was cancelled (the user
pressed Ctrl-C, or is gone) or its worker closes, and then ends its process, which stops the tool.
"""

from __future__ import annotations

import contextlib
import pickle
import queue
import subprocess
import sys
import tempfile
import threading
import time
from typing import IO, Any

from regress.runner.events import CommitStarted, Note, Progress
from regress.service.cluster.jobs import Job, Result, Trouble

LOOK_SECONDS = 0.2
"""Between two looks at whether the result is still wanted."""

TELL_SECONDS = 1.0
"""Between two words on progress: they all pass the scheduler."""

GRACE_SECONDS = 15.0
"""How long the process may take to stop its tool."""


def measure(job: Job) -> Result:
    """Measure on the worker that runs this; it is a task's function."""
    from distributed import get_worker

    worker = get_worker()
    key = worker.get_current_task()
    with tempfile.TemporaryFile() as errors, _started(job, errors) as process:
        told = _Told(process)
        try:
            while (result := told.next(LOOK_SECONDS)) is None:
                if not _wanted(worker, key):
                    return Result(trouble=Trouble("cancelled"))  # nobody reads it
                if text := told.news():
                    worker.log_event(job.topic, (job.machine, job.commit.sha, *text))
            return result
        except EOFError:
            process.wait()
            errors.seek(0)
            log = errors.read()[-4000:].decode("utf-8", "replace")
            last = log.strip().splitlines()[-1:] or [f"ended with {process.returncode}"]
            return Result(trouble=Trouble(f"the measuring process failed: {last[0]}", log))
        finally:
            _end(process)


def _started(job: Job, errors: IO[bytes]) -> subprocess.Popen[bytes]:
    process = subprocess.Popen(
        [sys.executable, "-m", "regress.service.cluster.child"],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=errors,
        start_new_session=True,  # the terminal's Ctrl-C is for who asked
    )
    assert process.stdin is not None
    with contextlib.suppress(BrokenPipeError):  # it died at once: its output tells
        pickle.dump(job, process.stdin)
        process.stdin.flush()
    return process


def _end(process: subprocess.Popen[bytes]) -> None:
    """Let the process stop its tool, or make it."""
    assert process.stdin is not None
    with contextlib.suppress(BrokenPipeError):
        process.stdin.close()
    try:
        process.wait(GRACE_SECONDS)
    except subprocess.TimeoutExpired:
        process.kill()


def _wanted(worker: Any, key: object) -> bool:
    """Whether the task is still to be done, and the worker is to stay."""
    task = worker.state.tasks.get(key)
    return task is not None and task.state == "executing" and worker.status.name == "running"


class _Told:
    """What a process tells, read by a thread: the result at last, and now and then what it is at."""

    def __init__(self, process: subprocess.Popen[bytes]) -> None:
        assert process.stdout is not None
        self._source = process.stdout
        self._came: queue.Queue[Any] = queue.Queue()
        self._text: tuple[float | None, str] | None = None
        self._next = 0.0
        threading.Thread(target=self._read, daemon=True).start()

    def _read(self) -> None:
        try:
            while True:
                self._came.put(pickle.load(self._source))  # noqa: S301 - from the process that we started
        except (EOFError, OSError, ValueError, pickle.UnpicklingError):
            self._came.put(None)

    def next(self, seconds: float) -> Result | None:
        """The result when it is there, after so long at most; EOFError when there will be none."""
        with contextlib.suppress(queue.Empty):
            told = self._came.get(timeout=seconds)
            while True:
                match told:
                    case Result():
                        return told
                    case Progress(_, fraction, text):
                        self._text = (fraction, text)
                    case Note(text):
                        self._text = (None, text)
                    case CommitStarted():
                        pass
                    case None:
                        raise EOFError
                told = self._came.get_nowait()
        return None

    def news(self) -> tuple[float | None, str] | None:
        """What it is at, if that is news, and not too often."""
        text, now = self._text, time.monotonic()
        if text is None or now < self._next:
            return None
        self._text, self._next = None, now + TELL_SECONDS
        return text
