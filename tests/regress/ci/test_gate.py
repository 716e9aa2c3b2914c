"""The whole gate on real repositories with the real tools, through the very scripts that the action runs.

The suites measure a clock of their own, which the code under test moves: what is slower is so on any machine.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest
import yaml

from regress.cli import main
from regress.errors import CheckoutBusyError, HistoryError
from regress.runner.history import History
from regress.service.bisect import resume
from regress.service.ci.gate import check_change
from regress.service.ci.surroundings import Surroundings, choose_commits, read_surroundings
from regress.service.project import Project
from regress.service.run import Selection, run
from regress.store import Store
from tests.regress.ci.test_forge import Server, serving
from tests.regress.fixtures.repos import GitRepo

ROOT = Path(__file__).resolve().parents[3]
ACTION = ROOT / ".github/actions/regress"

SOURCE = """\
import random

moment = 0.0


def clock():
    return moment


def work(amount):
    global moment
    moment += 1e-3 * amount * random.SystemRandom().gauss(1.0, 0.0002)
"""

SUITE = """\
import tally


def test_sort(benchmark):
    benchmark.pedantic(tally.work, args=(AMOUNT,), rounds=3)


def test_load(benchmark):
    benchmark.pedantic(LOAD, args=(3.0,), rounds=3)
"""


def make(path: Path) -> GitRepo:
    """A repository whose branch ``pr`` made ``sort`` slower by 30 %, and ``docs`` touched a text only."""
    repo = GitRepo(path)
    suite = '[[suite]]\ntool = "pytest-benchmark"\nargs = ["tests", "--benchmark-timer=tally.clock"]\n'
    repo.write("regress.toml", suite)
    repo.write("src/tally.py", SOURCE)
    repo.write("tests/test_speed.py", SUITE.replace("AMOUNT", "1.0").replace("LOAD", "tally.work"))
    repo.write(".gitignore", "__pycache__/\n.regress/\n")
    repo.commit("start")
    repo("switch", "--quiet", "--create", "docs")
    repo.write("README.md", "words")
    repo.commit("words")
    repo("switch", "--quiet", "--create", "pr", "main")
    repo.write("tests/test_speed.py", SUITE.replace("AMOUNT", "1.3").replace("LOAD", "tally.gone"))
    repo.commit("slower")
    return repo


def measure(repo: GitRepo, tmp_path: Path, **variables: str) -> subprocess.CompletedProcess[str]:
    """The action's second step, in an environment like a job's."""
    tools = tmp_path / "bin"
    tools.mkdir(exist_ok=True)
    call = f"#!/bin/sh\nexec {sys.executable} -c 'from regress.cli import main; main()' \"$@\"\n"
    (tools / "regress").write_text(call)
    (tools / "regress").chmod(0o755)
    kept = {name: value for name, value in os.environ.items() if not name.startswith(("GITHUB_", "CI"))}
    job = {
        **kept,
        "PATH": f"{tools}:{os.environ['PATH']}",
        "PYTHONPATH": str(ROOT),
        "REGRESS_DIRECTORY": str(repo.path),
        "REGRESS_OUT": str(tmp_path / "out"),
        "GITHUB_ACTIONS": "true",
        "GITHUB_OUTPUT": str(tmp_path / "output"),
        "GITHUB_STEP_SUMMARY": str(tmp_path / "summary"),
    }
    script = ["bash", str(ACTION / "measure.sh")]
    return subprocess.run(script, env={**job, **variables}, capture_output=True, text=True, check=False)


def pull_request(tmp_path: Path, server: Server, head: str, token: str) -> dict[str, str]:
    """What GitHub tells the job of a pull request."""
    event = tmp_path / "event.json"
    event.write_text(json.dumps({"pull_request": {"number": 5, "head": {"sha": head}}}))
    return {
        "GITHUB_EVENT_PATH": str(event),
        "GITHUB_REPOSITORY": "o/r",
        "GITHUB_API_URL": server.address,
        "GITHUB_BASE_REF": "main",
        "GITHUB_HEAD_REF": "pr",
        "REGRESS_TOKEN": token,
    }


def test_a_head_that_cannot_be_measured_is_no_answer(tmp_path: Path) -> None:
    """The shortest way through all of it: one pair, a comment on the request, and exit code 3."""
    repo = make(tmp_path / "repo")
    repo.write("tests/test_speed.py", "def test_sort(benchmark:\n")
    head = repo.commit("broken")
    with serving() as server:
        done = measure(repo, tmp_path, **pull_request(tmp_path, server, head, token="t"))
        comment = server.comments[-1]["body"]
    assert done.returncode == 3, done.stderr
    assert done.stdout.startswith("No answer: head could not be measured.")
    assert "SyntaxError" in comment
    assert comment == (tmp_path / "summary").read_text()
    assert "decision=no answer" in (tmp_path / "output").read_text()


@pytest.mark.slow
def test_a_change_of_words_passes_and_a_fork_gets_the_summary(tmp_path: Path) -> None:
    repo = make(tmp_path / "repo")
    repo("switch", "--quiet", "docs")
    with serving() as server:
        variables = pull_request(tmp_path, server, "", token="")
        done = measure(repo, tmp_path, **variables, REGRESS_NAME="$(touch pwned) `x`")
        assert server.seen == []
    assert done.returncode == 0, done.stderr
    assert done.stdout.startswith("No change: none of 2 benchmarks")
    assert "no token" in done.stderr
    assert "### 🟢 No change" in (tmp_path / "summary").read_text()
    told = json.loads((tmp_path / "out/report.json").read_text())
    assert (told["base"], told["head"]) == (repo("rev-parse", "main"), repo("rev-parse", "docs"))
    assert [(b["pairs"], b["path"], b["line"]) for b in told["benchmarks"]] == [
        (3, "tests/test_speed.py", 8),
        (3, "tests/test_speed.py", 4),
    ]
    assert GitRepo.status(repo.path) == ""


@pytest.mark.slow
def test_a_slower_pull_request_fails_and_is_told_once(tmp_path: Path) -> None:
    repo = make(tmp_path / "repo")
    head = repo("rev-parse", "pr")
    with serving() as server:
        ours = server.written_by(server.user)
        server.comments = [{"id": 7, "body": "<!-- regress ci: repo -->\nof yesterday", **ours}]
        done = measure(
            repo, tmp_path, **pull_request(tmp_path, server, head, token="t"), REGRESS_CHECK="true"
        )
        (comment, check) = server.comments
    assert done.returncode == 1, done.stderr
    assert "Slower: 1 of 1 benchmark, by +30.0 % (" in done.stdout
    assert "1 benchmark stopped working." in done.stdout
    assert (
        "::error file=tests/test_speed.py,line=4,title=Regress::tests/test_speed.py::test_sort: worse"
        in done.stdout
    )
    assert "Slower: 1 of 1" in comment["body"]
    assert (check["head_sha"], check["conclusion"]) == (head, "failure")
    assert "decision=slower" in (tmp_path / "output").read_text()
    told = json.loads((tmp_path / "out/report.json").read_text())
    assert told["broken"] == ["tests/test_speed.py::test_load"]
    with Store.open(f"sqlite:///{repo.path}/.regress/regress.db") as store:
        assert set(store.branches()) == {"main", "pr"}
        ((_, kept),) = store.measurements_at(head)
        assert kept.samples == tuple(told["benchmarks"][0]["head_values"])


def test_one_measures_with_a_checkout_at_a_time(tmp_path: Path) -> None:
    """Two would check out beside each other what the other measures."""
    project = Project.open(make(tmp_path / "repo").path)
    with project.open_store() as store, project.measuring("regress ci"):
        for measure_too in (
            lambda: check_change(project, base="main", head="pr"),
            lambda: run(project, store, Selection(last=1)),
            lambda: resume(project, store),
        ):
            with pytest.raises(
                CheckoutBusyError, match=rf"repo: regress ci \(process {os.getpid()} .* measures"
            ):
                measure_too()
        assert (store.holder(), project.measured_by()[:10]) == ("", "regress ci")
    assert project.measured_by() == ""


def test_the_action_hands_every_input_to_its_scripts() -> None:
    action = yaml.safe_load((ACTION / "action.yml").read_text())
    given = {value for step in action["runs"]["steps"] for value in step["env"].values()}
    assert given == {f"${{{{ inputs.{name} }}}}" for name in action["inputs"]}
    readers = [*ACTION.glob("*.sh"), ROOT / "regress/service/ci/surroundings.py"]
    scripts = "".join(path.read_text() for path in readers)
    for step in action["runs"]["steps"]:
        assert all(name in scripts for name in step["env"])
        assert (ACTION / step["run"].split("/")[-1].rstrip('"')).is_file()
    assert "${{" not in "".join(path.read_text() for path in ACTION.glob("*.sh"))


@pytest.mark.parametrize(
    ("said", "installed"), [("self", str(ROOT)), ("regress==1; touch x", "regress==1; touch x")]
)
def test_the_install_step_hands_pip_what_is_meant(said: str, installed: str, tmp_path: Path) -> None:
    shim = tmp_path / "python"
    shim.write_text('#!/bin/sh\nprintf "%s\\n" "$REGRESS_FRONTEND" "$@"\n')
    shim.chmod(0o755)
    env = {"PATH": f"{tmp_path}:/usr/bin:/bin", "REGRESS_INSTALL": said}
    done = subprocess.run(
        ["bash", str(ACTION / "install.sh")], env=env, capture_output=True, text=True, check=True
    )
    assert done.stdout.splitlines() == ["skip", "-m", "pip", "install", "--quiet", installed]


def test_this_repository_uses_its_own_action() -> None:
    job = yaml.safe_load((ROOT / ".github/workflows/performance.yml").read_text())["jobs"]["regress"]
    (step,) = (step for step in job["steps"] if "actions/regress" in step["uses"])
    assert (ROOT / step["uses"] / "action.yml").is_file()
    assert set(step["with"]) <= set(yaml.safe_load((ACTION / "action.yml").read_text())["inputs"])


def test_slow_tests_have_what_the_gate_has() -> None:
    """The suite of WebAssembly, a browser, the whole history: without these they would skip, and go stale."""
    jobs = yaml.safe_load((ROOT / ".github/workflows/ci.yml").read_text())["jobs"]
    *made, gate = jobs["gate"]["steps"]
    *ready, install, slow = jobs["slow"]["steps"]
    assert slow == {"run": "python -m pytest -m slow", "env": gate["env"]}
    assert install == {"run": "python -m pip install '.[test]'"}
    assert [step for step in ready if "with" not in step] == [step for step in made if "with" not in step]
    assert ready[0] == made[0]


def test_examples_are_what_the_action_and_the_command_take() -> None:
    folder = ROOT / "regress/service/ci/examples"
    job = yaml.safe_load((folder / "github.yml").read_text())["jobs"]["regress"]
    inputs = yaml.safe_load((ACTION / "action.yml").read_text())["inputs"]
    assert set(job["steps"][-1]["with"]) <= set(inputs)
    gitlab = yaml.safe_load((folder / "gitlab.yml").read_text())["performance"]
    assert any(line.startswith("regress ci ") for line in gitlab["script"])
    shown = subprocess.run(
        [sys.executable, "-c", "from regress.cli import main; main()", "ci", "--example", "gitlab"],
        capture_output=True, text=True, check=True,
    )  # fmt: skip
    assert shown.stdout == (folder / "gitlab.yml").read_text()


def test_which_commits_are_compared(tmp_path: Path) -> None:
    repo = make(tmp_path / "repo")
    history = History(repo.path)
    main, pr, docs = (repo("rev-parse", name) for name in ("main", "pr", "docs"))
    nobody = Surroundings()
    assert choose_commits(history, nobody, "main", "", "") == (main, pr)
    assert choose_commits(history, nobody, "main", "docs", "pr") == (docs, pr)
    assert choose_commits(history, Surroundings(target="docs"), "main", "", "") == (main, pr)
    assert choose_commits(history, Surroundings(before=main), "pr", "", "pr") == (main, pr)
    gone = Surroundings(before="f" * 40)  # a force push
    assert choose_commits(history, gone, "pr", "", "pr") == (main, pr)
    with pytest.raises(HistoryError, match="same commit"):
        choose_commits(history, nobody, "main", "pr", "pr")
    with pytest.raises(HistoryError, match="first commit"):
        choose_commits(history, nobody, "main", "", "main")
    subprocess.run(
        ["git", "clone", "-q", "--depth=1", f"file://{repo.path}", tmp_path / "shallow"], check=True
    )
    with pytest.raises(HistoryError, match="shallow") as caught:
        choose_commits(History(tmp_path / "shallow"), nobody, "pr", "", "")
    assert "fetch-depth: 0" in caught.value.hint
    repo("checkout", "--quiet", "--orphan", "island")
    repo.commit("nothing in common")
    with pytest.raises(HistoryError, match="no commit in common"):
        choose_commits(History(repo.path), nobody, "main", "", "island")


def test_what_ci_systems_tell(tmp_path: Path) -> None:
    assert read_surroundings({}) == Surroundings()
    broken = tmp_path / "event"
    broken.write_text("[1, ")
    github = read_surroundings({"GITHUB_ACTIONS": "true", "GITHUB_EVENT_PATH": str(broken)})
    assert (github.kind, github.request, github.api) == ("github", "", "https://api.github.com")
    gitlab = read_surroundings(
        {
            "GITLAB_CI": "true",
            "CI_MERGE_REQUEST_IID": "12",
            "CI_PROJECT_ID": "3",
            "REGRESS_TOKEN": "t",
            "CI_MERGE_REQUEST_TARGET_BRANCH_NAME": "main",
        }
    )
    assert (gitlab.kind, gitlab.request, gitlab.target, gitlab.token) == ("gitlab", "12", "main", "t")
    for job in ("GITHUB", "GITLAB"):
        kind = {"GITHUB_ACTIONS": "true"} if job == "GITHUB" else {"GITLAB_CI": "true"}
        dashboard = {**kind, "REGRESS_TOKEN": "regress_" + "x" * 43}  # no forge may see it
        assert read_surroundings(dashboard).token == ""
        assert read_surroundings({**dashboard, f"{job}_TOKEN": "own"}).token == "own"


def test_nothing_is_measured_for_a_report_that_cannot_be_written(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    repo = make(tmp_path / "repo")
    (tmp_path / "file").touch()
    with pytest.raises(SystemExit) as caught:
        main(["ci", "--repo", str(repo.path), "--out", str(tmp_path / "file" / "deep")])
    said = capsys.readouterr()
    assert (caught.value.code, said.out) == (2, "")
    assert said.err.startswith(f"error: {tmp_path / 'file' / 'deep'}: --out: Not a directory\nhint: ")
