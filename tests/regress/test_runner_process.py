"""Child processes: lines as they come, logs with a bound, and a clean end when the user stops."""

from __future__ import annotations

import os
import sys
import time
from pathlib import Path

import pytest

from regress.errors import RunnerError
from regress.runner import process
from regress.runner.process import run_process


def python(code: str, tmp_path: Path, on_line: process.LineListener) -> process.Finished:
    return run_process([sys.executable, "-c", code], cwd=tmp_path, log_path=tmp_path / "log", on_line=on_line)


def test_lines_and_status(tmp_path: Path) -> None:
    seen: list[str] = []
    done = python(
        "import sys; print('one\\ntwö'); sys.stderr.write('three'); sys.exit(3)",
        tmp_path,
        lambda line, ended: seen.append(line) if ended else None,
    )
    assert done.status == 3
    assert sorted(seen) == ["one", "three", "twö"]
    assert sorted(done.tail) == sorted(seen)
    assert done.log_path.read_text() in ("one\ntwö\nthree", "threeone\ntwö\n")


def test_the_log_is_bounded(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(process, "LOG_LIMIT", 1000)
    done = python(
        "print('x' * 99 + '\\n' * 1, end='')\nfor _ in range(99): print('y' * 99)", tmp_path, ignore
    )
    text = done.log_path.read_text()
    assert len(text) < 1100
    assert "9000 more bytes not kept" in text
    assert done.tail[-1] == "y" * 99


def ignore(_line: str, _ended: bool) -> None: ...


def test_a_missing_tool_is_one_clear_error(tmp_path: Path) -> None:
    with pytest.raises(RunnerError, match="no-such-tool: cannot be started: No such file"):
        run_process(["no-such-tool"], cwd=tmp_path, log_path=tmp_path / "log", on_line=ignore)


@pytest.mark.parametrize("listens", [True, False])
def test_an_interrupt_ends_the_child(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, listens: bool) -> None:
    monkeypatch.setattr(process, "GRACE_SECONDS", 0.3)
    code = "import os, signal, time\n"
    code += "" if listens else "signal.signal(signal.SIGINT, signal.SIG_IGN)\n"
    code += "print(os.getpid(), flush=True)\ntime.sleep(60)"
    pids: list[int] = []

    def stop(line: str, ended: bool) -> None:
        if ended and line.isdigit():
            pids.append(int(line))
            raise KeyboardInterrupt

    started = time.monotonic()
    with pytest.raises(KeyboardInterrupt):
        python(code, tmp_path, stop)
    assert time.monotonic() - started < 20
    with pytest.raises(ProcessLookupError):
        os.kill(pids[0], 0)
