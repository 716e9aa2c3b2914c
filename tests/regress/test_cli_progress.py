"""What a run looks like while it goes on: bars on a terminal, lines elsewhere."""

from __future__ import annotations

import io
from datetime import UTC, datetime
from pathlib import Path

import pytest
from rich.console import Console

from regress.cli.progress import files_shown, shown
from regress.domain import Commit
from regress.runner.events import CommitFinished, CommitStarted, Event, Note, Progress, RunStarted

WHEN = datetime(2024, 1, 1, tzinfo=UTC)
COMMITS = tuple(Commit(f"{n:040x}", (), "Ada", WHEN, WHEN, f"[red]subject {n}", n) for n in range(3))
STORY: tuple[Event, ...] = (
    Note("waiting for [process 7]"),
    RunStarted("main", COMMITS[:2], COMMITS[2:]),
    CommitStarted(COMMITS[0], 0, 2),
    Progress(COMMITS[0].sha, None, "Installing"),
    Progress(COMMITS[0].sha, 0.5, "bench.time_it"),
    CommitFinished(COMMITS[0], measured=4, failed=1, built=True, seconds=75.0, left=75.0),
    CommitStarted(COMMITS[1], 1, 2),
    CommitFinished(COMMITS[1], measured=0, failed=1, built=False, seconds=1.0, left=0.0),
)


def drawn(terminal: bool) -> str:
    file = io.StringIO()
    console = Console(file=file, force_terminal=terminal, width=120, color_system=None, soft_wrap=True)
    with shown(console) as listen:
        for event in STORY:
            listen(event)
    return file.getvalue()


def test_a_log_has_a_line_for_each_fact_and_no_control_codes() -> None:
    text = drawn(terminal=False)
    assert text.splitlines() == [
        "waiting for [process 7]",
        "2 commits of main to measure, 1 known already",
        f"1/2  {COMMITS[0].sha[:10]}  [red]subject 0",
        "     4 results, 1 failure in 1 min 15 s, about 1 min 15 s left",
        f"2/2  {COMMITS[1].sha[:10]}  [red]subject 1",
        "     does not build  (1.0 s)",
    ]


@pytest.mark.parametrize("shown_text", ["[red]subject 0", "1/2", "about 1 min 15 s left", "does not build"])
def test_a_terminal_has_bars_and_keeps_finished_commits(shown_text: str) -> None:
    text = drawn(terminal=True)
    assert "\x1b[" in text
    assert shown_text in text


def test_files_are_drawn_on_a_terminal_and_nowhere_else() -> None:
    told = {}
    for terminal in (True, False):
        out = io.StringIO()
        with files_shown(Console(file=out, force_terminal=terminal, width=120)) as listen:
            listen(3, 8, Path("folder/[odd] name.json"))
        told[terminal] = out.getvalue()
    assert "3/8" in told[True]
    assert "[odd] name.json" in told[True]
    assert told[False] == ""
