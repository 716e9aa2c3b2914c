"""Runners: measure a commit with a tool. ``history`` walks the repository, ``events`` tell what happens.

Add a runner: a file with a class that fulfils ``base.Runner``, a row in ``RUNNERS``, its name in
``regress.config.TOOLS``, and, if its suites can be recognised, a line in ``find_suites``.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from pathlib import Path

from regress.config import SuiteConfig
from regress.errors import RunnerError
from regress.runner.asv import AsvRunner
from regress.runner.asv_config import find_asv_config
from regress.runner.base import Outcome, Runner
from regress.runner.pytest_benchmark import PytestBenchmarkRunner, find_benchmark_tests

__all__ = ["RUNNERS", "Outcome", "Runner", "find_suites", "make_runner"]

RUNNERS: Mapping[str, Callable[[Path, SuiteConfig, Path], Runner]] = {
    AsvRunner.tool: AsvRunner.from_suite,
    PytestBenchmarkRunner.tool: PytestBenchmarkRunner.from_suite,
}
"""Tool name to what makes its runner from (repository root, suite, folder for logs)."""


def make_runner(root: Path, suite: SuiteConfig, logs: Path) -> Runner:
    """The runner of a configured suite. ConfigError or RunnerError when the suite cannot be used."""
    return RUNNERS[suite.tool](root, suite, logs)


def find_suites(root: Path) -> tuple[SuiteConfig, ...]:
    """The suite of a repository that has no configuration: asv's, else the tests that use ``benchmark``.

    RunnerError when there is neither.
    """
    asv = find_asv_config(root)
    if asv:
        return (SuiteConfig(tool=AsvRunner.tool, config=str(asv.relative_to(root))),)
    tests = find_benchmark_tests(root)
    if tests:
        return (SuiteConfig(tool=PytestBenchmarkRunner.tool, args=tests),)
    hint = "`asv quickstart` makes an asv suite; or name one in regress.toml (`regress init` writes it)."
    raise RunnerError("regress", f"{root}: no asv.conf.json and no pytest-benchmark tests found", hint=hint)
