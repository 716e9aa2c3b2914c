"""Understands what ``asv run`` prints (asv 0.6): progress, failed benchmarks' output, failed builds.

asv's result files hold a null where a benchmark or a build failed and nothing about why; the reason stands
only in its output, which looks like this::

    · Discovering benchmarks
    ·· Installing 1f893dbd <main~1> into virtualenv-py3.11
    [ 0.00%] ·· Building for virtualenv-py3.11
    [ 0.00%] ··· Error running ... (exit status 1)
                 STDERR -------->
    [ 0.00%] ·· Skipping virtualenv-py3.11
    [ 0.00%] ·· Benchmarking virtualenv-py3.11
    [33.33%] ··· speed.Mix.time_mix                                     ok
    [66.67%] ··· speed.time_boom                                    failed
    [66.67%] ···· For parameters: 'quickjs'
                  Traceback (most recent call last):
                    ...
"""

from __future__ import annotations

import re
from collections import defaultdict
from dataclasses import dataclass, field
from itertools import pairwise

_STEP = re.compile(r"^(?:\[ *(?P<percent>[\d.]+)%\] )?(?P<dots>·+) (?P<text>.*)$")
_RESULT = re.compile(r"^(?P<name>\S+)\s+(?P<info>\S.*)$")
_NO_SUITE = "Failed to build the project and import the benchmark suite"
_FOR_PARAMETERS = "For parameters: "
_INTO = re.compile(r"^Installing .* into (?P<environment>\S+)$")


@dataclass
class AsvOutput:
    """Fed line by line; afterwards says what failed and why."""

    fraction: float | None = None
    text: str = ""
    environments: list[str] = field(default_factory=list)
    """Every environment the output names, in order."""
    unbuilt: dict[str, list[str]] = field(default_factory=dict)
    """Environments into which the commit could not be built, with what was printed meanwhile."""
    benchmark_logs: dict[str, list[str]] = field(default_factory=lambda: defaultdict(list))
    """What failed benchmarks printed, by name."""
    no_suite: bool = False
    """Whether asv gave up: it could neither build this commit nor find benchmarks anywhere."""
    _building: str = ""
    _section: list[str] = field(default_factory=list)
    _failed: str = ""
    _explains: bool = False
    _indent: int = 0

    def log_of(self, benchmark: str, parameters: tuple[tuple[str, str], ...]) -> list[str]:
        """What a failed benchmark printed with these parameters, or at all; empty when it printed nothing."""
        lines = self.benchmark_logs.get(benchmark, [])
        head = _FOR_PARAMETERS + ", ".join(value for _, value in parameters)
        starts = [at for at, line in enumerate(lines) if line.strip().startswith(_FOR_PARAMETERS)]
        for start, end in pairwise([*starts, len(lines)]):
            if lines[start].strip() == head:
                return lines[start + 1 : end]
        return list(lines)

    def feed(self, line: str, ended: bool) -> bool:
        """Take a line (``ended`` tells whether it is whole); True when ``fraction`` or ``text`` changed."""
        step = _STEP.match(line)
        if not step:
            if ended:
                indent = line[: self._indent]
                self._detail(line[self._indent :] if indent.isspace() else line)
            return False
        self._indent = step.start("text")
        if step["percent"]:
            self.fraction = float(step["percent"]) / 100
        self.text = _short(step["text"])
        if ended:
            self._step(len(step["dots"]), step["text"])
        return True

    def _step(self, depth: int, text: str) -> None:
        if depth >= 3 and self._building:
            self._section.append(text)
        elif depth == 3 and text.startswith("="):
            return  # the table of a parameterised benchmark, under its line
        elif depth == 3:
            self._explains = False
            result = _RESULT.match(text)
            self._failed = result["name"] if result and "failed" in result["info"] else ""
        elif depth > 3:
            self._explains = True
            self._detail(text)
        else:
            self._heading(text)

    def _heading(self, text: str) -> None:
        self._failed = ""
        word, _, name = text.partition(" ")
        if text.startswith("Building for "):
            self._building, self._section = text.removeprefix("Building for "), []
        elif word == "Skipping":
            self.unbuilt[name] = self._section
            self._building = ""
        elif word == "Benchmarking":
            self._building = ""
        if word in ("Skipping", "Benchmarking") and name not in self.environments:
            self.environments.append(name)
        into = _INTO.match(text)
        if into and into["environment"] not in self.environments:
            self.environments.append(into["environment"])
        self.no_suite = self.no_suite or _NO_SUITE in text

    def _detail(self, line: str) -> None:
        if self._building:
            self._section.append(line)
        elif self._failed and self._explains:
            self.benchmark_logs[self._failed].append(line)


def _short(text: str) -> str:
    return " ".join(text.split())[:120]
