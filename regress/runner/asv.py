"""Drives ``asv run`` for one commit at a time (asv 0.6).

What asv does, as found by trying it, and what follows for us:

- It needs a machine file and asks questions when it has none: ``ensure_machine_file`` answers first.
- Benchmarks are discovered from the *checkout's* suite and run against each commit's build, so that a new
  benchmark gets its past.
- A commit that does not build gives exit status 1 (nothing else could be built either) or 0 (the suite was
  discovered through a branch's tip) and a result file full of nulls; ``AsvOutput`` tells which it was.
- A failing benchmark gives exit status 2 and a null; its traceback is only printed (``--show-stderr``).
- ``existing`` environments cannot be given a commit: asv refuses; we say so before.
- The result file of a commit also holds what earlier calls measured of it: with ``benchmarks``, only these
  are new, and only these are given.
- Each call installs the commit into the kept environment, unless it is the one that was installed last: two
  commits in turns would be installed each time, so ``one_process`` gives each a place of its own.
"""

from __future__ import annotations

import hashlib
import re
import sys
import time
from collections.abc import Sequence
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path

from regress import ingest
from regress.config import SuiteConfig
from regress.domain import Commit, Delivery, Environment, Failure, FailureKind, Machine
from regress.errors import ConfigError, RunnerError
from regress.runner.asv_config import AsvConfig, ensure_machine_file, find_asv_config, read_asv_config
from regress.runner.asv_output import AsvOutput
from regress.runner.base import Outcome, log_end, on_branch
from regress.runner.events import Listener, Progress
from regress.runner.process import Finished, run_process

PLACES_FOLDER = "regress-ci"
"""The folder, among asv's environments, with those of the places."""

_IN_PLACE = str(Path(__file__).with_name("asv_places.py"))


class AsvRunner:
    """Measures commits with the asv suite that ``config_path`` configures."""

    tool = "asv"

    def __init__(
        self, config_path: Path, logs: Path, options: Sequence[str] = (), place: Path | None = None
    ) -> None:
        """ConfigError when the configuration cannot be read, RunnerError when it measures no commits.

        ``options`` go to ``asv run`` besides; environments are kept in ``place``, else where the
        configuration says.
        """
        self._options = tuple(options)
        self._place = place
        self.config: AsvConfig = read_asv_config(config_path)
        self._logs = logs
        self._machine_name = ""
        if self.config.environment_type == "existing":
            hint = 'Set "environment_type" to "virtualenv" in it.'
            raise RunnerError("asv", f"{config_path}: an existing environment measures no commits", hint=hint)

    @classmethod
    def from_suite(cls, root: Path, suite: SuiteConfig, logs: Path) -> AsvRunner:
        """The runner of a suite of ``regress.toml``; its configuration is found when it names none."""
        path = root / suite.config if suite.config else find_asv_config(root)
        if path is None:
            raise ConfigError(root, "suite.config", "no asv.conf.json found", hint="Name it in regress.toml.")
        return cls(path, logs)

    def machine(self) -> str:
        """The name under which asv files this host's results; makes asv's machine file when it is missing."""
        if not self._machine_name:
            self._logs.mkdir(parents=True, exist_ok=True)
            self._machine_name = ensure_machine_file(self.config.path, self._logs / "asv-machine.log")
        return self._machine_name

    def one_process(self, place: str = "") -> AsvRunner:
        """A runner that makes one round (asv's word for a process) of each benchmark, whatever the suite
        says, in environments of its own when it has a ``place``.
        """
        options = (*self._options, "--attribute", "rounds=1")
        folder = self.config.environments / PLACES_FOLDER / place if place else self._place
        return AsvRunner(self.config.path, self._logs, options, folder)

    def measure(
        self, commit: Commit, *, branch: str, benchmarks: Sequence[str] = (), listen: Listener
    ) -> Outcome:
        """Build the commit in every environment of asv's matrix and run the suite (or ``benchmarks``)."""
        self.machine()
        started, wall = time.monotonic(), time.time()
        output = AsvOutput()

        def on_line(line: str, ended: bool) -> None:
            if output.feed(line, ended):
                listen(Progress(commit.sha, output.fraction, output.text))

        done = run_process(
            self._command(commit.sha, benchmarks),
            cwd=self.config.path.parent,
            log_path=self._logs / f"asv-{commit.sha[:12]}.log",
            on_line=on_line,
            # asv draws with "·", cuts names to the terminal's width, and needs neither colours nor prompts.
            env={"PYTHONIOENCODING": "utf-8", "COLUMNS": "250", "LINES": "50"},
        )
        deliveries = self._deliveries(commit.sha, branch, done, output, since=wall)
        deliveries = tuple(_asked(delivery, benchmarks) for delivery in deliveries)
        return Outcome(commit.sha, deliveries, time.monotonic() - started, done.log_path)

    def _command(self, sha: str, benchmarks: Sequence[str]) -> list[str]:
        only = [part for name in benchmarks for part in ("--bench", rf"^{re.escape(name)}(\(.*\))?$")]
        options = ["--record-samples", "--show-stderr", "--config", str(self.config.path)]
        options += self._options
        asv = ["-P", _IN_PLACE, str(self._place)] if self._place else ["-m", "asv"]
        return [sys.executable, *asv, "run", f"{sha}^!", *options, *only]

    def _deliveries(
        self, sha: str, branch: str, done: Finished, output: AsvOutput, *, since: float
    ) -> tuple[Delivery, ...]:
        if output.no_suite:
            names = output.environments or ["unknown"]
            return tuple(self._unbuilt(sha, Environment(name), done.tail) for name in names)
        if done.status not in (0, 2):
            last = next((line for line in reversed(done.tail) if line.strip()), "no output").strip(" ·")
            hint = f"Its whole output is in {done.log_path}"
            raise RunnerError("asv run", last, log=log_end(done.tail), hint=hint)
        found = [
            self._delivery(delivery, sha, branch, output)
            for path in self._result_files(sha, since)
            for delivery in ingest.read(path)
        ]
        if not found:
            hint = f"Its whole output is in {done.log_path}"
            raise RunnerError("asv run", f"left no result for {sha[:12]}", log=log_end(done.tail), hint=hint)
        return tuple(found)

    def _result_files(self, sha: str, since: float) -> list[Path]:
        pattern = f"*/{sha[: self.config.hash_length]}-*.json"
        # File times may be coarser than the clock: one second of grace.
        fresh = (path for path in self.config.results.glob(pattern) if path.stat().st_mtime >= since - 1)
        return sorted(fresh)

    def _delivery(self, delivery: Delivery, sha: str, branch: str, output: AsvOutput) -> Delivery:
        if delivery.environment.name in output.unbuilt:
            return self._unbuilt(sha, delivery.environment, output.unbuilt[delivery.environment.name])
        failures = tuple(
            replace(failure, log=log_end(output.log_of(failure.benchmark, failure.parameters)) or failure.log)
            for failure in delivery.failures
        )
        return on_branch(replace(delivery, failures=failures), branch)

    def _unbuilt(self, sha: str, environment: Environment, log: Sequence[str]) -> Delivery:
        machine = Machine(self.machine())
        failure = Failure(FailureKind.BUILD, sha, log_end(log), machine.name, environment.name)
        digest = hashlib.sha256(repr((failure.commit, machine.name, environment.name, failure.log)).encode())
        return Delivery(
            source="asv",
            origin=str(self.config.path),
            digest=digest.hexdigest(),
            machine=machine,
            environment=environment,
            failures=(failure,),
            delivered_at=datetime.now(UTC),
        )


def _asked(delivery: Delivery, benchmarks: Sequence[str]) -> Delivery:
    """What a delivery says of ``benchmarks`` (all when empty): the rest of its file is from earlier calls."""
    if not benchmarks:
        return delivery
    names = set(benchmarks)
    measurements = tuple(m for m in delivery.measurements if names & {m.series.benchmark, m.series.title})
    failures = tuple(f for f in delivery.failures if not f.benchmark or f.benchmark in names)
    return replace(delivery, measurements=measurements, failures=failures)
