"""Drives a pytest-benchmark suite: each commit is checked out into a work tree of its own and measured there.

The tests run with this interpreter and the commit's sources first on the path (its root, and ``src`` when it
has one), so pure-Python projects need no installation. Projects that must be built are asv's job.
"""

from __future__ import annotations

import hashlib
import os
import platform
import re
import shutil
import subprocess
import sys
import time
from collections.abc import Sequence
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path

from regress import ingest
from regress.config import SuiteConfig
from regress.domain import Commit, Delivery, Environment, Failure, FailureKind, Machine
from regress.errors import RunnerError
from regress.runner.base import Outcome, log_end, on_branch
from regress.runner.events import Listener, Progress
from regress.runner.process import Finished, run_process

MEASURING = "REGRESS_MEASURING"
"""Set in processes that measure for somebody: with ``pytest --regress`` they would measure in turn."""

_PASSED, _SOME_FAILED, _USAGE, _NOTHING = 0, 1, 4, 5
"""pytest's exit statuses (https://docs.pytest.org/en/stable/reference/exit-codes.html)."""

_FOLDERS = ("tests", "test", "benchmarks", "benchmark", "bench")
_USES_FIXTURE = re.compile(r"^ *(async )?def test_\w+\([^)]*\bbenchmark\b", re.MULTILINE)
_TEST_FILE_LIMIT = 1 << 20


class PytestBenchmarkRunner:
    """Measures commits of ``root`` with ``pytest --benchmark-only`` and the given extra arguments."""

    tool = "pytest-benchmark"

    def __init__(self, root: Path, arguments: Sequence[str], logs: Path) -> None:
        """``logs`` also holds the work tree and the result files."""
        self._root = root
        self._arguments = tuple(arguments)
        self._logs = logs.resolve()
        self._tree = self._logs / "worktree"

    @classmethod
    def from_suite(cls, root: Path, suite: SuiteConfig, logs: Path) -> PytestBenchmarkRunner:
        """The runner of a suite of ``regress.toml``: its ``args`` go to pytest."""
        return cls(root, suite.args, logs)

    def machine(self) -> str:
        """The name pytest-benchmark gives this host."""
        return platform.node()

    def one_process(self, place: str = "") -> PytestBenchmarkRunner:
        """Itself: pytest measures in one process, and nothing is installed."""
        return self

    def measure(
        self, commit: Commit, *, branch: str, benchmarks: Sequence[str] = (), listen: Listener
    ) -> Outcome:
        """Check the commit out and run its benchmarks, or those whose names are given."""
        started = time.monotonic()
        listen(Progress(commit.sha, None, "Checking out"))
        self._check_out(commit.sha)
        result = self._logs / f"pytest-{commit.sha[:12]}.json"
        result.unlink(missing_ok=True)

        def on_line(line: str, ended: bool) -> None:
            if ended and "::" in line:
                listen(Progress(commit.sha, _fraction(line), line.split(" ", 1)[0]))

        done = run_process(
            self._command(result, benchmarks),
            cwd=self._tree,
            log_path=self._logs / f"pytest-{commit.sha[:12]}.log",
            on_line=on_line,
            env={
                "PYTHONPATH": self._path(),
                "PYTHONDONTWRITEBYTECODE": "1",
                "COLUMNS": "200",
                MEASURING: "1",
            },
        )
        deliveries = self._deliveries(commit.sha, branch, result, done)
        return Outcome(commit.sha, deliveries, time.monotonic() - started, done.log_path)

    def _command(self, result: Path, benchmarks: Sequence[str]) -> list[str]:
        # parameters may hold anything, "::" among it
        names = [name.partition("[")[0].rsplit("::", 1)[-1] for name in benchmarks]
        only = ["-k", " or ".join(names)] if names else []
        options = ["--benchmark-only", f"--benchmark-json={result}", "-p", "no:cacheprovider", "-v", "-rfE"]
        return [sys.executable, "-m", "pytest", *options, *only, *self._arguments]

    def _path(self) -> str:
        sources = [folder for folder in (self._tree / "src", self._tree) if folder.is_dir()]
        return os.pathsep.join([*map(str, sources), *filter(None, [os.environ.get("PYTHONPATH")])])

    def _check_out(self, sha: str) -> None:
        if (self._tree / ".git").exists():
            if self._git(self._tree, "checkout", "--quiet", "--force", "--detach", sha) == 0:
                self._git(self._tree, "clean", "--quiet", "-fdx")
                return
            shutil.rmtree(self._tree)
        self._logs.mkdir(parents=True, exist_ok=True)
        self._git(self._root, "worktree", "prune")
        if self._git(self._root, "worktree", "add", "--quiet", "--force", "--detach", str(self._tree), sha):
            raise RunnerError("git worktree", f"could not check {sha[:12]} out into {self._tree}")

    def _git(self, folder: Path, *arguments: str) -> int:
        return subprocess.run(["git", *arguments], cwd=folder, capture_output=True, check=False).returncode

    def _deliveries(self, sha: str, branch: str, result: Path, done: Finished) -> tuple[Delivery, ...]:
        if done.status == _USAGE and not any("file or directory not found" in line for line in done.tail):
            raise RunnerError("pytest", "refused its arguments", log=log_end(done.tail), hint=_hint(done))
        failed = [line for line in done.tail if line.startswith(("FAILED ", "ERROR "))]
        if not result.is_file() or done.status not in (_PASSED, _SOME_FAILED):
            return (self._unmeasured(sha, done),)
        found = [_at(delivery, sha, branch) for delivery in ingest.read(result)]
        if failed and found:
            found[0] = _with_failures(found[0], sha, failed, done)
        return tuple(found) or (self._unmeasured(sha, done),)

    def _unmeasured(self, sha: str, done: Finished) -> Delivery:
        machine, environment = Machine(self.machine()), Environment(_environment())
        log = "no benchmark was collected" if done.status == _NOTHING else log_end(done.tail)
        failure = Failure(FailureKind.BUILD, sha, log, machine.name, environment.name)
        return Delivery(
            source=self.tool,
            origin=str(done.log_path),
            digest=hashlib.sha256(repr(failure).encode()).hexdigest(),
            machine=machine,
            environment=environment,
            failures=(failure,),
            delivered_at=datetime.now(UTC),
        )


def find_benchmark_tests(root: Path) -> tuple[str, ...]:
    """Test files (relative to ``root``) in the usual folders that take the ``benchmark`` fixture."""
    found = [
        path
        for folder in _FOLDERS
        for pattern in ("test_*.py", "*_test.py")
        for path in sorted((root / folder).rglob(pattern))
        if path.stat().st_size < _TEST_FILE_LIMIT and _USES_FIXTURE.search(path.read_text("utf-8", "replace"))
    ]
    return tuple(str(path.relative_to(root)) for path in found)


def _environment() -> str:
    """The name of the interpreter, as the adapter of pytest-benchmark's files gives it."""
    return f"{platform.python_implementation()} {platform.python_version()}"


def _at(delivery: Delivery, sha: str, branch: str) -> Delivery:
    """The delivery told its commit: a detached work tree knows no branch."""
    measurements = tuple(replace(m, commit=sha) for m in delivery.measurements)
    return on_branch(replace(delivery, measurements=measurements), branch)


def _with_failures(delivery: Delivery, sha: str, failed: Sequence[str], done: Finished) -> Delivery:
    failures = tuple(
        Failure(
            FailureKind.BENCHMARK,
            sha,
            f"{line}\n\n{log_end(done.tail)}",
            delivery.machine.name,
            delivery.environment.name,
            benchmark=line.split()[1],
        )
        for line in failed
    )
    return replace(delivery, failures=(*delivery.failures, *failures))


def _fraction(line: str) -> float | None:
    """How far pytest is: its lines end with "[ 42%]"."""
    head, found, percent = line.rstrip().rpartition("[")
    text = percent.rstrip("%]").strip()
    return int(text) / 100 if head and found and text.isdigit() else None


def _hint(done: Finished) -> str:
    last = next((line for line in reversed(done.tail) if line.startswith("ERROR")), "")
    return f"{last} (its whole output is in {done.log_path})".strip()
