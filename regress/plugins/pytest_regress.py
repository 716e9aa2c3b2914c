"""``pytest --regress``: is what I have here slower than where I came from?

The session's benchmarks (tests that take pytest-benchmark's ``benchmark``) that passed are measured in
turns at the base commit and at the work tree as it is, uncommitted changes to tracked files included, until
each is decided, as ``regress ci`` does. Something slower fails the session. Nothing of Regress is imported
without the option.
"""

from __future__ import annotations

import os
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

if TYPE_CHECKING:
    from regress.service.ci.report import CiReport

_MEASURING = "REGRESS_MEASURING"  # set by regress.runner.pytest_benchmark, which is not imported here


def pytest_addoption(parser: pytest.Parser) -> None:
    """Declare the options."""
    group = parser.getgroup("regress", "regress: is it slower than the base commit?")
    text = "Measure the session's benchmarks in turns with a base commit (else: where the branch left)."
    group.addoption("--regress", nargs="?", const="", default=None, metavar="BASE", help=text)
    text = "Slowdowns that must be found, in per cent (5)."
    group.addoption("--regress-effect", type=float, metavar="PERCENT", help=text)
    text = "Minutes after which measuring stops, decided or not (10)."
    group.addoption("--regress-minutes", type=float, default=10.0, metavar="N", help=text)


def pytest_configure(config: pytest.Config) -> None:
    """Start to watch, when asked; workers of pytest-xdist and measured processes leave it to who asked."""
    asked = config.getoption("--regress", default=None) is not None
    if asked and _MEASURING not in os.environ and not hasattr(config, "workerinput"):
        config.pluginmanager.register(_Session(config), "regress-session")


class _Session:
    """Remembers the benchmarks that passed, measures them at the end, and says what was found."""

    def __init__(self, config: pytest.Config) -> None:
        self._config = config
        self._passed: dict[str, Path] = {}
        self._report: CiReport | None = None
        self._error = ""

    @pytest.hookimpl(wrapper=True)
    def pytest_runtest_makereport(self, item: pytest.Item, call: pytest.CallInfo[None]) -> Any:
        """Note a benchmark that passed."""
        report = yield
        if call.when == "call" and report.passed and "benchmark" in getattr(item, "fixturenames", ()):
            self._passed[item.nodeid] = item.path
        return report

    @pytest.hookimpl(tryfirst=True)
    def pytest_sessionfinish(self, session: pytest.Session) -> None:
        """Measure; a slowdown makes the session fail."""
        if not self._passed:
            if self._config.getoption("numprocesses", None):  # asked for, and yet nothing would ever be found
                self._error = "pytest-xdist switches benchmarks off: pass -n 0"
                session.exitstatus = pytest.ExitCode.USAGE_ERROR
            return
        from regress.errors import RegressError

        try:
            self._report = self._measure()
        except RegressError as error:
            self._error = f"{error}  {error.hint}".strip()
            session.exitstatus = pytest.ExitCode.USAGE_ERROR
            return
        from regress.service.ci.report import Decision

        if self._report.decision in (Decision.SLOWER, Decision.BROKEN) and not session.exitstatus:
            session.exitstatus = pytest.ExitCode.TESTS_FAILED

    def pytest_terminal_summary(self, terminalreporter: pytest.TerminalReporter) -> None:
        """Say what was found."""
        from regress.domain import Verdict
        from regress.foreign import one_line
        from regress.service.ci import words

        terminalreporter.section("regress")
        if self._error:
            terminalreporter.line(f"not measured: {self._error}", red=True)
        elif self._report is None:
            terminalreporter.line("no benchmark passed: nothing to measure")
        else:
            terminalreporter.line(words.first_line(self._report), bold=True)
            for verdict in Verdict:
                for row in self._report.of(verdict):
                    terminalreporter.line(one_line(words.sentence(row)))
            terminalreporter.line(words.coverage(self._report))

    def _measure(self) -> CiReport:
        from regress.config import SuiteConfig
        from regress.runner.events import Note
        from regress.runner.pytest_benchmark import PytestBenchmarkRunner
        from regress.service.ci.gate import check_change
        from regress.service.ci.pairs import Budget
        from regress.service.project import Project

        project = Project.open(self._config.rootpath)
        files = sorted({str(path.relative_to(project.history.root)) for path in self._passed.values()})
        tool = PytestBenchmarkRunner.tool
        configured = next((s.args for s in project.config.suite if s.tool == tool), ())
        options = [word for word in configured if word.startswith("-")]
        suite = SuiteConfig(tool=tool, args=(*files, *options))
        reporter = self._config.pluginmanager.get_plugin("terminalreporter")

        def listen(event: object) -> None:
            if reporter is not None and isinstance(event, Note):
                reporter.write_line(event.text)

        effect = self._config.getoption("--regress-effect")
        return check_change(
            project,
            base=self._config.getoption("--regress"),
            head=project.history.snapshot(),
            effect=None if effect is None else effect / 100,
            budget=Budget(seconds=60 * self._config.getoption("--regress-minutes")),
            benchmarks=sorted(self._passed),
            runners=[PytestBenchmarkRunner.from_suite(project.history.root, suite, project.state / "logs")],
            listen=listen,
        )
