"""The process that measures for a worker: ``python -m regress.service.cluster.child``.

A job comes in on standard input as a pickle; out go progress and at last the result, pickles too. When
standard input ends, the worker is dead or wants no more: the tool is told to stop, as by Ctrl-C.
"""

from __future__ import annotations

import os
import pickle
import signal
import sys
import threading
from pathlib import Path
from typing import BinaryIO

from regress.errors import RegressError
from regress.runner import make_runner
from regress.runner.events import Event, Listener
from regress.service.cluster.checkout import checkout
from regress.service.cluster.jobs import Job, Result, Trouble, logs_of, on_machine
from regress.service.cluster.turn import turn

INTERRUPTED = 130


def main() -> None:
    """Serve one job."""
    signal.signal(signal.SIGINT, signal.default_int_handler)  # a shell's background jobs ignore it
    out = os.fdopen(os.dup(sys.stdout.fileno()), "wb")
    os.dup2(sys.stderr.fileno(), sys.stdout.fileno())  # what tools print is not for the worker
    job: Job = pickle.load(sys.stdin.buffer)  # noqa: S301 - from the worker that started us
    threading.Thread(target=_watch, args=(threading.get_ident(),), daemon=True).start()
    try:
        result = measured(job, lambda event: _send(out, event))
    except KeyboardInterrupt:
        os._exit(INTERRUPTED)  # the watcher still sits in its read
    _send(out, result)


def measured(job: Job, listen: Listener) -> Result:
    """Measure a commit with every suite, when it is our turn on this host."""
    try:
        with turn(listen):
            if job.source.here:
                place, logs = Path(job.source.places[0]), Path(job.source.here)
            else:
                place = checkout(job.source, job.commit.sha)
                logs = logs_of(place)
            runners = [make_runner(place / job.source.folder, suite, logs) for suite in job.suites]
            outcomes = [
                runner.measure(job.commit, branch=job.branch, benchmarks=job.benchmarks, listen=listen)
                for runner in runners
            ]
    except RegressError as error:
        return Result(trouble=Trouble(str(error), getattr(error, "log", ""), error.hint))
    return Result(tuple(on_machine(outcome, job.machine) for outcome in outcomes))


def _send(out: BinaryIO, told: Event | Result) -> None:
    pickle.dump(told, out)
    out.flush()


def _watch(main_thread: int) -> None:
    """Interrupt the measurement when nobody waits for it any more."""
    while os.read(0, 1):
        pass
    signal.pthread_kill(main_thread, signal.SIGINT)


if __name__ == "__main__":
    main()
