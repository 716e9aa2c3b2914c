"""The command line as users meet it: real repositories, real asv, real processes."""

from __future__ import annotations

import json
import os
import re
import signal
import subprocess
import sys
import urllib.request
from pathlib import Path
from typing import IO

import pytest

from regress.cli import main
from regress.cli.app import COMMANDS
from regress.store import Store
from tests.regress.fixtures.asv import MakeRepo, asv_environments, asv_home, make_asv_repo
from tests.regress.fixtures.repos import GitRepo

__all__ = ["asv_environments", "asv_home", "make_asv_repo"]


class Ran:
    """What a command did: its exit code, and what it said."""

    def __init__(self, code: int, out: str, err: str) -> None:
        self.code, self.out, self.err = code, out, err


@pytest.fixture
def regress(capsys: pytest.CaptureFixture[str]):
    """Run a command in this process."""

    def run(*arguments: str | Path) -> Ran:
        handler = signal.getsignal(signal.SIGTERM)
        with pytest.raises(SystemExit) as exit_:
            main([str(argument) for argument in arguments])
        signal.signal(signal.SIGTERM, handler)
        said = capsys.readouterr()
        return Ran(int(exit_.value.code or 0), said.out, said.err)

    return run


def start(*arguments: str | Path, cwd: Path) -> subprocess.Popen[str]:
    """A command as a process of its own, its output piped."""
    return subprocess.Popen(
        [sys.executable, "-c", "from regress.cli import main; main()", *map(str, arguments)],
        cwd=cwd, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True,
    )  # fmt: skip


def read_until(pattern: str, stream: IO[str] | None) -> re.Match[str]:
    """Lines of a pipe up to the one that holds ``pattern``."""
    assert stream is not None
    seen = []
    for line in stream:
        seen.append(line)
        if found := re.search(pattern, line):
            return found
    raise AssertionError(f"{pattern!r} not in {''.join(seen)!r}")


@pytest.mark.parametrize("name", [*COMMANDS, ""])
def test_help_has_an_example(regress, name: str) -> None:
    ran = regress(*([name] if name else []), "--help")
    assert ran.code == 0
    assert f"regress {name}".strip() in ran.out
    assert "Example" in ran.out or not name


def test_run_measures_resumes_compares_and_tells(make_asv_repo: MakeRepo, regress) -> None:
    """One story on one repository: run, run again, compare, analyse, ingest, doctor."""
    repo = make_asv_repo(commits=5, slow_at=3, factor=1.5, broken={2})
    first = regress("run", "--last", 2, "--repo", repo.path)
    assert first.code == 0, first.err
    assert "2 commits of main to measure" in first.err
    assert "1/2" in first.err
    assert "left" in first.err

    again = regress("run", "--last", 5, "--json", "--repo", repo.path)
    told = json.loads(again.out)
    assert again.code == 0
    assert sorted(told["measured"]) == sorted(repo.shas[:2])
    assert told["skipped"] == list(repo.shas[3:])
    assert told["unbuilt"] == [repo.shas[2]]
    assert "does not build" in again.err
    assert (
        "0 commits of main to measure, 5 known already"
        in regress("run", "--last", 5, "--repo", repo.path).err
    )

    with Store.open(f"sqlite:///{repo.path}/.regress/regress.db") as store:
        statuses = store.commit_statuses("main")
    assert [status.commit.sha for status in statuses] == list(repo.shas)
    assert [status.measured for status in statuses] == [6, 6, 0, 6, 6]
    assert "SyntaxError" in statuses[2].failures[0].log
    assert GitRepo.status(repo.path) == "", "a run leaves nothing that git would see"

    compared = regress("compare", "HEAD~3", "HEAD", "--json", "--repo", repo.path)
    verdicts = {one["benchmark"]: one for one in json.loads(compared.out)}
    assert verdicts["speed.track_checksum_steps"]["verdict"] == "slower"
    assert verdicts["speed.track_checksum_steps"]["ratio"] == pytest.approx(1.5, abs=0.01)
    assert verdicts["speed.track_distinct_words"]["verdict"] == "same"
    assert "track_checksum_steps" in regress("compare", "HEAD~3", "HEAD", "--repo", repo.path).out

    unmeasured = regress("compare", "HEAD~2", "HEAD", "--repo", repo.path)
    assert unmeasured.code == 2
    assert f"regress run {repo.shas[2][:10]}" in unmeasured.err

    ingested = regress(
        "ingest", repo.path / ".asv/results", "--db", repo.path / "other.db", "--repo", repo.path
    )
    assert (ingested.code, "5 files" in ingested.out) == (0, True), ingested.out + ingested.err
    assert regress("analyse", "--json", "--repo", repo.path).code == 0
    assert regress("gate", "--since", "HEAD", "--repo", repo.path).code == 0
    findings = {f["check"]: f for f in json.loads(regress("doctor", "--json", "--repo", repo.path).out)}
    assert findings["suite"]["level"] == "ok"
    assert "6 series" in findings["database"]["text"]


def test_ctrl_c_keeps_what_is_finished_and_the_next_run_goes_on(make_asv_repo: MakeRepo) -> None:
    repo = make_asv_repo(commits=3, slow_at=9)
    process = start("run", "--last", "3", cwd=repo.path)
    read_until(r"results in", process.stderr)
    read_until(r"^2/3", process.stderr)
    process.send_signal(signal.SIGINT)
    err = process.stderr.read() if process.stderr else ""
    process.communicate(timeout=60)
    assert process.returncode == 130
    assert "interrupted: 1 of 3 commits are stored; the same command goes on where this stopped" in err
    process = start("run", "--last", "3", cwd=repo.path)
    out, err = process.communicate(timeout=120)
    assert (process.returncode, "2 commits of main to measure, 1 known already" in err) == (0, True), err
    assert "measured 2 commits" in out


def test_serve_answers_and_a_taken_port_is_one_clear_line(tmp_path: Path, regress) -> None:
    repo = GitRepo(tmp_path / "repo")
    repo.commit("first")
    process = start("serve", "--port", "0", cwd=repo.path)
    try:
        address = read_until(r"http://127\.0\.0\.1:(\d+)/", process.stdout)
        with urllib.request.urlopen(address[0], timeout=20) as answer:
            assert answer.status == 200
        taken = regress("serve", "--port", address[1], "--repo", repo.path)
        assert taken.code == 2
        assert re.fullmatch(r"error: cannot serve on 127.0.0.1:\d+: .*in use\nhint: .*\n", taken.err)
    finally:
        process.send_signal(signal.SIGINT)
        process.communicate(timeout=20)
    assert process.returncode == 0


def test_the_second_run_says_who_holds_the_database(tmp_path: Path, regress) -> None:
    repo = GitRepo(tmp_path)
    (tmp_path / "asv.conf.json").write_text('{"repo": "."}')
    repo.commit("first")
    with Store.open(f"sqlite:///{tmp_path}/held.db") as store, store.lock("regress run", wait=False):
        ran = regress("run", "--repo", tmp_path, "--db", tmp_path / "held.db")
    assert ran.code == 2
    assert str(os.getpid()) in ran.err
    assert "--wait" in ran.err


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (["run", "nonesuch"], r"error: .*unknown revision 'nonesuch'"),
        (["run", "HEAD..HEAD"], r"error: no commits in HEAD..HEAD"),
        (["run", "--last", "0"], r"error: Invalid value for '--last'.*1\nhint: "),
        (["triage", "9" * 20, "expected"], r"error: Invalid value for 'EVENT'"),
        (["run", "HEAD", "--last", "2"], r"error: .*one of them\nhint"),
        (
            ["run", "--last", "1"],
            r"error: .*no asv.conf.json and no pytest-benchmark tests found\nhint: .*asv",
        ),
        (["gate"], r"error: nothing is measured yet\nhint: .*regress run"),
        (["gaet"], r"error: No such command 'gaet'.*\nhint"),
        (["gate", "--sinse", "HEAD"], r"error: No such option.*--sin"),
        (["compare", "HEAD"], r"error: Missing argument 'B'"),
        (["gate", "--since", "mian"], r"unknown revision 'mian'\nhint: Did you mean 'main'"),
        (
            ["compare", "HEAD", "HEAD"],
            r"error: nothing was measured at both HEAD and HEAD\nhint: .*regress run",
        ),
        (["bisect"], r"error: there is no open regression to bisect\nhint: .*--benchmark"),
        (["bisect", "-b", "nope"], r"error: unknown benchmark 'nope'"),
        (["ingest", "absent.json"], r"error: absent.json: "),
        (["serve", "--db", "text.db"], r"error: sqlite.*text.db"),
    ],
)
def test_bad_input_is_one_line_and_exit_code_2(
    tmp_path: Path, regress, monkeypatch: pytest.MonkeyPatch, arguments: list[str], said: str
) -> None:
    repo = GitRepo(tmp_path)
    repo.commit("first")
    (tmp_path / "text.db").write_text("no database " * 200)
    monkeypatch.chdir(tmp_path)
    ran = regress(*arguments)
    assert ran.code == 2, ran.out + ran.err
    assert re.search(said, ran.err), ran.err
    assert "Traceback" not in ran.err


def test_outside_a_repository(tmp_path: Path, regress) -> None:
    ran = regress("run", "--repo", tmp_path)
    assert ran.code == 2
    assert "not a git repository" in ran.err


def test_a_wrong_configuration_names_its_key(tmp_path: Path, regress) -> None:
    GitRepo(tmp_path).commit("first")
    (tmp_path / "regress.toml").write_text("[web]\nport = 'high'\n")
    ran = regress("run", "--repo", tmp_path)
    assert ran.code == 2
    assert "regress.toml: web.port: expected a whole number" in ran.err


def test_ingest_takes_what_a_file_does_not_name_from_the_caller(tmp_path: Path, regress) -> None:
    repo = GitRepo(tmp_path / "repo")
    first, second = repo.commit("first"), repo.commit("second")
    bench = tmp_path / "bench.txt"
    bench.write_text("BenchmarkSum-2 1000 5.0 ns/op\n")
    ran = regress("ingest", bench, "--repo", repo.path, "--machine", "builder", "--json")
    assert (ran.code, json.loads(ran.out)["commits"]) == (0, [second]), ran.err
    older = regress("ingest", bench, "--repo", repo.path, "--machine", "builder", "--commit", "HEAD~1")
    assert (older.code, "1 new result," in older.out) == (0, True), older.out + older.err
    with Store.open(f"sqlite:///{repo.path}/.regress/regress.db") as store:
        (series,) = store.all_series("main")
    assert (series.key.machine, [point.commit for point in series.points]) == ("builder", [first, second])
    bench.with_suffix(".jsonl").write_text('{"benchmark": "b", "value": null}')
    failed = regress("ingest", bench.with_suffix(".jsonl"), "--repo", repo.path, "--machine", "builder")
    assert (failed.code, "1 result without a number" in failed.out) == (0, True), failed.out + failed.err
    wrong = regress("ingest", bench, "--repo", repo.path, "--commit", "nonesuch")
    assert (wrong.code, "unknown revision 'nonesuch'" in wrong.err) == (2, True)


def test_init_writes_what_it_found_once(tmp_path: Path, regress) -> None:
    repo = GitRepo(tmp_path)
    repo.write("asv_bench/asv.conf.json", '{"repo": ".."}')
    repo.commit("first")
    ran = regress("init", "--repo", tmp_path)
    assert ran.code == 0
    assert "suite: asv asv_bench/asv.conf.json" in ran.out
    assert 'config = "asv_bench/asv.conf.json"' in (tmp_path / "regress.toml").read_text()
    second = regress("init", "--repo", tmp_path)
    assert (second.code, "exists already" in second.err) == (2, True)
