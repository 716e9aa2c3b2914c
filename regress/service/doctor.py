"""``regress doctor``: looks at everything a run depends on, and says what to do about what it finds.

One function a check, listed in ``CHECKS``. A check never raises for what it looks at: a broken database is a
finding, not an error.
"""

from __future__ import annotations

import enum
import os
import shutil
import subprocess
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from importlib import metadata
from itertools import chain
from pathlib import Path

from regress.errors import RegressError
from regress.runner.asv import PLACES_FOLDER, AsvRunner
from regress.service.project import Project

STALE_AFTER = timedelta(days=7)
"""Without new results for longer, a dashboard misleads."""


class Level(enum.StrEnum):
    """How bad it is: ``warn`` disturbs results, ``fail`` stops the work."""

    OK = "ok"
    WARN = "warn"
    FAIL = "fail"


@dataclass(frozen=True, slots=True)
class Finding:
    """What one check saw, and what to do (empty when nothing)."""

    check: str
    level: Level
    text: str
    advice: str = ""


def doctor(folder: Path, *, database: str | None = None, system: Path = Path("/")) -> list[Finding]:
    """All findings about the checkout at ``folder`` and this machine; /sys and /proc are below ``system``."""
    findings = [*_git()]
    try:
        project = Project.open(folder, database=database)
    except RegressError as error:
        findings.append(_fail("project", error))
    else:
        findings += [finding for check in CHECKS for finding in check(project)]
    return [*findings, *machine_noise(system)]


def _git() -> Iterator[Finding]:
    if not shutil.which("git"):
        yield Finding("git", Level.FAIL, "not found", "Install git and put it on PATH.")
        return
    version = subprocess.run(["git", "--version"], capture_output=True, text=True, check=False).stdout
    yield Finding("git", Level.OK, version.strip())


def _repository(project: Project) -> Iterator[Finding]:
    history = project.history
    if history.is_shallow():
        advice = "git fetch --unshallow"
        yield Finding("repository", Level.FAIL, f"{history.root} is a shallow clone", advice)
        return
    try:
        commits = history.commits(project.branch, last=1)
    except RegressError as error:
        yield _fail("repository", error)
        return
    text = f"{history.root}, branch {project.branch}, {commits[-1].position + 1} commits"
    yield Finding("repository", Level.OK, text)
    if history.is_dirty():
        advice = "Commit what should be measured; the benchmark files themselves are used as they are."
        yield Finding("work tree", Level.WARN, "uncommitted changes are not measured", advice)


def _configuration(project: Project) -> Iterator[Finding]:
    path = project.config.path
    yield Finding("configuration", Level.OK, str(path) if path else "no regress.toml: defaults hold")


def _suites(project: Project) -> Iterator[Finding]:
    try:
        runners = project.runners
        for runner in runners:
            text = f"{runner.tool} {metadata.version(runner.tool)}, machine {runner.machine()!r}"
            yield Finding("suite", Level.OK, text)
    except RegressError as error:
        yield _fail("suite", error)
        return
    for runner in runners:
        if isinstance(runner, AsvRunner):
            yield from _asv_environments(runner)


def _asv_environments(runner: AsvRunner) -> Iterator[Finding]:
    """Environments whose interpreter is gone measure nothing; asv notices late and says little."""
    folders = (runner.config.environments.glob(pattern) for pattern in ("*", f"{PLACES_FOLDER}/*/*"))
    for folder in sorted(chain.from_iterable(folders)):
        python = folder / "bin" / "python"
        if python.is_symlink() and not python.exists():
            yield Finding("asv environment", Level.WARN, f"{folder}: its Python is gone", f"Delete {folder}")


def _database(project: Project) -> Iterator[Finding]:
    try:
        with project.open_store() as store:
            with store.lock("regress doctor", wait=False):
                newest = next((run.delivered_at for run in store.runs(limit=1)), None)
            text = f"{store.url}, {store.count_series()} series"
    except RegressError as error:
        yield _fail("database", error)
        return
    yield Finding("database", Level.OK, text)
    if newest is None:
        yield Finding("results", Level.WARN, "none yet", "regress run --last 3")
    elif datetime.now(UTC) - newest > STALE_AFTER:
        yield Finding(
            "results", Level.WARN, f"the last ones came {newest:%Y-%m-%d}", "regress run --since-last"
        )


def _analysis(project: Project) -> Iterator[Finding]:
    """Whether somebody looks for changes in what arrives."""
    from regress.service.examining import settings_of  # the detector, which needs numpy

    try:
        with project.open_store() as store:
            behind = store.unanalysed(settings_of(project.config.detection))
            at, measured = store.analysed_at(project.branch), store.count_runs()
    except RegressError:
        return  # the database's own finding says it
    when = f"{project.branch} last {at:%Y-%m-%d %H:%M} UTC" if at else f"{project.branch} not yet"
    if behind:
        advice = "`regress serve` looks at it by itself (attend under [web]); `regress analyse` does so now."
        names = ", ".join(behind[:5]) + (", ..." if behind[5:] else "")
        yield Finding("analysis", Level.WARN, f"{when}; new results wait on {names}", advice)
    elif measured:
        yield Finding("analysis", Level.OK, f"{when}; nothing waits")


def _notifications(project: Project) -> Iterator[Finding]:
    """Channels that lack something; nobody is called."""
    if not project.config.notify.channel:
        return
    from regress.service.notify.sending import channels, made  # who tells nobody pays nothing

    try:
        for chosen in channels(project.config):
            made(project.config, chosen)
            yield Finding("notify", Level.OK, f"{chosen.name}: {chosen.kind}, ready to be tried")
    except RegressError as error:
        yield Finding("notify", Level.WARN, str(error), error.hint)


CHECKS: tuple[Callable[[Project], Iterator[Finding]], ...] = (
    _repository,
    _configuration,
    _suites,
    _database,
    _analysis,
    _notifications,
)
"""What is checked of a project, in order."""


def machine_noise(system: Path = Path("/")) -> Iterator[Finding]:
    """What on this machine makes timings differ from run to run (the list is that of ``pyperf system``)."""
    cpu = system / "sys/devices/system/cpu"
    governor = _read(cpu / "cpu0/cpufreq/scaling_governor")
    if governor and governor != "performance":
        advice = "sudo cpupower frequency-set --governor performance"
        yield Finding("cpu frequency", Level.WARN, f"governor {governor}: the clock follows the load", advice)
    if _read(cpu / "intel_pstate/no_turbo") == "0":
        advice = "echo 1 | sudo tee /sys/devices/system/cpu/intel_pstate/no_turbo"
        yield Finding("turbo", Level.WARN, "on: speed depends on temperature and neighbours", advice)
    if _read(cpu / "smt/active") == "1":
        advice = "Benchmark on one thread of each core, or: echo off | sudo tee .../cpu/smt/control"
        yield Finding("hyper-threading", Level.WARN, "on: two threads share a core's units", advice)
    if " hypervisor" in _read(system / "proc/cpuinfo", limit=1 << 16):
        advice = "Trust counters more than times here, or use hardware of your own."
        yield Finding("virtual machine", Level.WARN, "neighbours on the host disturb timings", advice)
    yield _load(_read(system / "proc/loadavg"))


def _load(text: str) -> Finding:
    load = float(text.split()[0]) if text else 0.0
    cores = os.cpu_count() or 1
    if load > 0.5 * cores:
        advice = "Run benchmarks when nothing else runs."
        return Finding("load", Level.WARN, f"{load:g} on {cores} cores: others are at work", advice)
    return Finding("load", Level.OK, f"{load:g} on {cores} cores")


def _read(path: Path, limit: int = 4096) -> str:
    """The beginning of a file of the kernel's; empty where this kernel has no such file."""
    try:
        with path.open("rb") as file:
            return file.read(limit).decode("utf-8", "replace").strip()
    except OSError:
        return ""


def _fail(check: str, error: RegressError) -> Finding:
    return Finding(check, Level.FAIL, str(error), error.hint)
