"""The whole loop as one story: a real repository of 40 commits, an asv suite, one commit that does 15 % more.

``regress run`` measures it, the dashboard shows that commit and no other, ``regress gate`` stops on it,
``regress bisect`` names it. Everything runs as users run it: processes, asv, SQLite, Chromium.
"""

from __future__ import annotations

import json
import re
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
from playwright.sync_api import Browser, Page, expect

from tests.regress.fixtures.asv import asv_home
from tests.regress.fixtures.repos import PlantedRepo, make_repo

__all__ = ["asv_home"]

# One group, so that one worker builds the repository once; what measures time is alone.
pytestmark = pytest.mark.xdist_group("loop")

COMMITS, SLOW_AT, FACTOR = 40, 27, 1.15


def regress(repo: PlantedRepo, *arguments: str) -> subprocess.CompletedProcess[str]:
    """The command as a user runs it, in the repository."""
    return subprocess.run(command(*arguments), cwd=repo.path, capture_output=True, text=True, timeout=900)


def command(*arguments: str) -> list[str]:
    """``regress`` from this interpreter, whatever is on PATH."""
    return [sys.executable, "-c", "from regress.cli import main; main()", *arguments]


@pytest.fixture(scope="module")
def repo(tmp_path_factory: pytest.TempPathFactory, asv_home: Path) -> PlantedRepo:
    """The repository, nothing measured yet."""
    return make_repo(tmp_path_factory.mktemp("loop") / "tally", COMMITS, SLOW_AT, FACTOR)


@pytest.fixture(scope="module")
def measured(repo: PlantedRepo) -> PlantedRepo:
    """Every commit measured by ``regress run``, which names the culprit."""
    ran = regress(repo, "run", "--last", str(COMMITS))
    assert ran.returncode == 0, ran.stderr
    assert f"measured {COMMITS} commits" in ran.stdout
    assert "1 regression" in ran.stdout
    assert repo.culprit[:10] in ran.stdout
    return repo


@pytest.fixture
def dashboard(measured: PlantedRepo) -> Iterator[str]:
    """The address of ``regress serve`` over the measured repository."""
    server = subprocess.Popen(
        command("serve", "--port", "0"), cwd=measured.path, stdout=subprocess.PIPE, text=True
    )
    try:
        assert server.stdout is not None
        found = next(filter(None, (re.search(r"http://127\.0\.0\.1:\d+", line) for line in server.stdout)))
        yield found[0]
    finally:
        server.terminate()
        server.communicate(timeout=20)


def test_bisect_names_it_without_any_history(repo: PlantedRepo, tmp_path: Path) -> None:
    """In an empty database: the ends are measured first, then as few commits as it takes."""
    found = regress(
        repo, "bisect", "--good", repo.shas[0], "--bad", repo.shas[-1],
        "--benchmark", "speed.track_checksum_steps", "--db", str(tmp_path / "empty.db"), "--json",
    )  # fmt: skip
    assert found.returncode == 0, found.stderr
    bisection = json.loads(found.stdout)
    assert bisection["culprit"] == repo.culprit
    assert bisection["runs"] < COMMITS / 2


@pytest.mark.alone
def test_only_the_culprit_is_flagged_and_with_its_size(measured: PlantedRepo) -> None:
    report = json.loads(regress(measured, "analyse", "--json").stdout)
    open_events = report["events"]
    assert [event["first_after"] for event in open_events] == [measured.culprit]
    assert open_events[0]["kind"] == "regression"
    changed = {change["benchmark"]: change for change in open_events[0]["changes"]}
    assert all("checksum" in name for name in changed)
    assert len(changed) == 3, "both sizes and the exact count of steps"
    assert changed["speed.track_checksum_steps"]["ratio"] == pytest.approx(FACTOR, abs=0.01)
    for change in changed.values():
        assert change["ratio"] == pytest.approx(FACTOR, abs=0.05)


def test_gate_stops_on_it(measured: PlantedRepo) -> None:
    stopped = regress(measured, "gate")
    assert (stopped.returncode, measured.culprit[:10] in stopped.stdout) == (1, True), stopped.stdout
    assert regress(measured, "gate", "--since", measured.culprit).returncode == 0, "later commits may go in"
    assert regress(measured, "gate", "--threshold", "40").returncode == 0, "not a 40 % slowdown"


def test_gate_lets_pass_what_somebody_expected(measured: PlantedRepo) -> None:
    blocking = json.loads(regress(measured, "gate", "--json").stdout)["blocking"]
    event = str(blocking[0]["id"])
    assert regress(measured, "triage", event, "expected").returncode == 0
    try:
        assert regress(measured, "gate").returncode == 0
    finally:
        assert regress(measured, "triage", event, "new").returncode == 0
    assert regress(measured, "gate").returncode == 1


@pytest.mark.browser
def test_the_dashboard_shows_it(measured: PlantedRepo, dashboard: str, browser: Browser) -> None:
    context = browser.new_context(base_url=dashboard)
    page: Page = context.new_page()
    try:
        page.goto("/")
        regressions = page.get_by_role("region", name="Regressions").locator("li.event")
        expect(regressions).to_have_count(1)
        expect(regressions.first).to_contain_text(measured.culprit[:7])
        size = re.search(r"([\d.]+)\s*%", regressions.first.inner_text())
        assert size is not None
        assert float(size[1]) == pytest.approx(100 * (FACTOR - 1), abs=5)
        expect(regressions.first).to_contain_text(f"Revision {SLOW_AT} of tally")
        expect(page.get_by_role("region", name="Improvements").locator("li.event")).to_have_count(0)
    finally:
        context.close()


@pytest.mark.alone
def test_bisect_names_it(measured: PlantedRepo) -> None:
    """From the whole history, as somebody asks who does not trust the flag."""
    found = regress(
        measured, "bisect", "--good", measured.shas[0], "--bad", measured.shas[-1],
        "--benchmark", "speed.Checksum.time_checksum", "--json",
    )  # fmt: skip
    assert found.returncode == 0, found.stderr
    bisection = json.loads(found.stdout)
    assert bisection["culprit"] == measured.culprit
    assert bisection["verified"] is True
    assert bisection["low"] - 0.03 <= FACTOR <= bisection["high"] + 0.03
