"""Runs one tool as a child process: output line by line, a bounded log, a clean end on Ctrl-C.

The child gets a session of its own, so that the terminal's Ctrl-C reaches this process only, which then
tells the child (SIGINT first, that it may tidy up) and kills what does not listen.
"""

from __future__ import annotations

import codecs
import contextlib
import os
import signal
import subprocess
from collections import deque
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from regress.errors import RunnerError

LOG_LIMIT = 4 << 20
"""Bytes of a tool's output that are kept in its log file; the rest is counted only."""

TAIL_LINES = 400
"""Lines of output kept in memory, for failures' logs."""

GRACE_SECONDS = 10.0
"""How long a child that was told to stop may take."""


@dataclass(frozen=True, slots=True)
class Finished:
    """How a tool ended: its exit status, the last lines it wrote, and where the whole log is."""

    status: int
    tail: tuple[str, ...]
    log_path: Path


LineListener = Callable[[str, bool], None]
"""Called with each line, and with True; with an unfinished line whenever it grows, and False."""


def run_process(
    argv: Sequence[str],
    *,
    cwd: Path,
    log_path: Path,
    on_line: LineListener,
    env: Mapping[str, str] | None = None,
) -> Finished:
    """Run ``argv`` (never through a shell) to its end. RunnerError when it cannot be started.

    On KeyboardInterrupt the child is stopped and the exception goes on.
    """
    log_path.parent.mkdir(parents=True, exist_ok=True)
    try:
        child = subprocess.Popen(
            list(argv),
            cwd=cwd,
            env={**_inherited(), **(env or {})},
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            start_new_session=True,
        )
    except OSError as error:
        raise RunnerError(argv[0], f"cannot be started: {error.strerror}") from error
    tail: deque[str] = deque(maxlen=TAIL_LINES)

    def keep(line: str, ended: bool) -> None:
        if ended:
            tail.append(line)
        on_line(line, ended)

    with child:
        try:
            _read(child, log_path, keep)
            status = child.wait()
        except BaseException:
            _stop(child)
            raise
    return Finished(status, tuple(tail), log_path)


def _inherited() -> dict[str, str]:
    """The environment, without what would make a suite think it is part of a test run that started us."""
    return {name: value for name, value in os.environ.items() if not name.startswith("PYTEST_XDIST")}


def _read(child: subprocess.Popen[bytes], log_path: Path, on_line: LineListener) -> None:
    assert child.stdout is not None
    decoder = codecs.getincrementaldecoder("utf-8")("replace")
    pending, written = "", 0
    with log_path.open("wb") as log:
        while chunk := os.read(child.stdout.fileno(), 1 << 16):
            log.write(chunk[: max(0, LOG_LIMIT - written)])
            written += len(chunk)
            *lines, pending = (pending + decoder.decode(chunk)).split("\n")
            for line in lines:
                on_line(line.rstrip("\r"), True)
            if pending:
                on_line(pending, False)
        if written > LOG_LIMIT:
            log.write(f"\n... {written - LOG_LIMIT} more bytes not kept\n".encode())
    if pending:
        on_line(pending, True)


def _stop(child: subprocess.Popen[bytes]) -> None:
    """End the child politely, then by force (at once on a second Ctrl-C), and whatever it has started."""
    try:
        if child.poll() is None:
            child.send_signal(signal.SIGINT)
            child.wait(GRACE_SECONDS)
    except subprocess.TimeoutExpired:
        pass
    finally:
        with contextlib.suppress(ProcessLookupError):
            os.killpg(child.pid, signal.SIGKILL)
        child.wait()
