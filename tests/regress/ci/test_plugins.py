"""Regress inside other tools: real pytest and real asv on real repositories."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import pytest

from tests.regress.ci.test_gate import ROOT, make
from tests.regress.fixtures.asv import MakeRepo, asv_environments, asv_home, make_asv_repo

__all__ = ["asv_environments", "asv_home", "make_asv_repo"]

ASV = "from asv import plugin_manager; import regress.plugins.asv_entry; from asv.main import main; main()"
"""asv as the wheel makes it: with our command among its plugins."""


PYTEST = ("-m", "pytest", "-p", "no:regress", "-p", "regress.plugins.pytest_regress")
"""pytest with our plugin, once: where the wheel is installed, its entry point ("regress") is passed over."""


def call(folder: Path, *words: str) -> subprocess.CompletedProcess[str]:
    """Run this Python in ``folder``."""
    return subprocess.run([sys.executable, *words], cwd=folder, capture_output=True, text=True, check=False)


@pytest.mark.slow
def test_pytest_measures_what_is_not_committed_yet(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    repo = make(tmp_path / "repo")
    repo("switch", "--quiet", "docs")
    suite = (repo.path / "tests/test_speed.py").read_text()
    repo.write("tests/test_speed.py", suite.replace("args=(1.0,)", "args=(1.4,)"))
    monkeypatch.setenv("PYTHONPATH", f"{ROOT}:{repo.path}/src")
    done = call(repo.path, *PYTEST, "--benchmark-timer=tally.clock", "--regress", "-k", "sort", "tests")
    assert done.returncode == 1, done.stdout + done.stderr
    assert "Slower: 1 of 1 benchmark, by +40.0 %" in done.stdout
    assert "1 passed" in done.stdout
    assert repo("stash", "list") == ""
    assert "1.4" in (repo.path / "tests/test_speed.py").read_text()


def test_pytest_without_the_option_or_a_repository(tmp_path: Path) -> None:
    (tmp_path / "test_it.py").write_text("def test_it(benchmark):\n    benchmark(int)\n")
    asked = call(tmp_path, *PYTEST, "-p", "no:cacheprovider", "--regress", "--benchmark-disable")
    assert asked.returncode == 4, asked.stdout
    assert "not measured:" in asked.stdout
    assert "not a git repository" in asked.stdout
    spread = call(tmp_path, *PYTEST, "-p", "no:cacheprovider", "--regress", "-n", "1")
    assert spread.returncode == 4, spread.stdout
    assert "not measured: pytest-xdist switches benchmarks off: pass -n 0" in spread.stdout
    code = "import sys, regress.plugins.pytest_regress; print(*sys.modules)"
    loaded = call(ROOT, "-c", code).stdout.split()
    assert [name for name in loaded if name.startswith("regress")] == [
        "regress",
        "regress.plugins",
        "regress.plugins.pytest_regress",
    ]


@pytest.mark.slow
def test_asv_has_the_command(make_asv_repo: MakeRepo) -> None:
    """Two commits whose exact counts differ by a third: decided by counting, in real asv environments."""
    repo = make_asv_repo(commits=3, slow_at=2, factor=1.34)
    name = "speed.track_checksum_steps"
    done = call(repo.path, "-c", ASV, "regress", "HEAD~1", "--bench", name)
    assert done.returncode == 1, done.stderr
    assert done.stdout.startswith(
        f"Slower: 1 of 1 benchmark, by +33.9 % exactly.\n  {name} [checksum steps]: worse"
    )
    told = json.loads((repo.path / ".regress/ci/report.json").read_text())
    assert (told["rounds"], told["benchmarks"][0]["path"]) == (6, "bench/speed.py")
    # asv's files still hold the steps of these commits: what is not measured now is not compared.
    same = call(repo.path, "-c", ASV, "regress", "HEAD~1", "HEAD", "--bench", "speed.track_distinct_words")
    assert same.returncode == 0, same.stderr
    assert same.stdout.startswith("No change: none of 1 benchmark")
    for sha in repo.shas[-2:]:  # each stayed installed in its place
        said = (repo.path / f".regress/logs/asv-{sha[:12]}.log").read_text()
        assert "Running 1 total benchmarks" in said
        assert "Installing" not in said
    wrong = call(repo.path, "-c", ASV, "regress", "no-such-commit")
    assert (wrong.returncode, wrong.stdout) == (2, "")
    assert "unknown revision 'no-such-commit'" in wrong.stderr
