"""Counts what passed, per configuration and kind of assertion, and prints it below pytest's results.

Each test leaves its counts in its report, which travels from xdist's workers to the main process.
"""

from __future__ import annotations

from collections import Counter
from typing import TYPE_CHECKING

if TYPE_CHECKING:  # the main process of a run loads this, too, and needs none of it
    import pytest
    from _pytest.terminal import TerminalReporter

    from vm.wast.judge import Outcome

PROPERTY = "spec_tally"

COLUMNS = {
    "assert_return": "returns",
    "assert_trap": "traps",
    "assert_exhaustion": "traps",
    "assert_exception": "exceptions",
    "assert_invalid": "invalid",
    "assert_invalid_custom": "invalid",
    "assert_malformed": "malformed",
    "assert_malformed_custom": "malformed",
    "assert_unlinkable": "unlinkable",
}
"""What a command's kind is counted as; the others are definitions and bare actions."""

_GAPS, _OTHER = "known gaps", "definitions"


def record(request: pytest.FixtureRequest, configuration: str, outcomes: list[Outcome]) -> None:
    """Leave the counts of one file in one configuration in the running test's report."""
    request.node.user_properties.append((PROPERTY, [configuration, dict(Counter(map(column, outcomes)))]))


def column(outcome: Outcome) -> str:
    """What an outcome is counted as."""
    return _GAPS if outcome.status.value != "passed" else COLUMNS.get(outcome.kind, _OTHER)


def pytest_terminal_summary(terminalreporter: TerminalReporter) -> None:
    """One line a configuration."""
    tallies: dict[str, Counter[str]] = {}
    for reports in terminalreporter.stats.values():
        for report in reports:
            for name, value in getattr(report, "user_properties", ()):
                if name == PROPERTY and getattr(report, "when", "") == "call":
                    configuration, counts = value
                    tallies.setdefault(configuration, Counter()).update(counts)
    for configuration, counts in sorted(tallies.items()):
        columns = [*dict.fromkeys(COLUMNS.values()), _OTHER, _GAPS]
        terminalreporter.write_line(
            f"official suite, {configuration}: " + ", ".join(f"{counts[name]} {name}" for name in columns)
        )
