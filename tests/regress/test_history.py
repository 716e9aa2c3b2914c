"""History over real git repositories: positions, merges, ranges, and every way a clone can disappoint."""

from __future__ import annotations

import subprocess
from pathlib import Path

import pytest

from regress.domain import ChangedFile
from regress.errors import HistoryError, UnknownRevisionError
from regress.runner.history import History
from regress.service.browse.evidence import tags, touched_files
from tests.regress.fixtures.repos import GitRepo


@pytest.fixture
def repo(tmp_path: Path) -> GitRepo:
    made = GitRepo(tmp_path / "repo")
    for number in range(4):
        made.commit(f"commit {number}")
    return made


def test_positions_count_from_the_root(repo: GitRepo) -> None:
    commits = History(repo.path).commits("main")
    assert [(commit.position, commit.subject) for commit in commits] == [
        (number, f"commit {number}") for number in range(4)
    ]
    assert commits[1].parents == (commits[0].sha,)
    assert commits[1].author == "Grace Hopper"
    assert commits[1].authored_at.isoformat() == "2023-11-14T23:13:20+00:00"
    assert [commit.position for commit in History(repo.path).commits("main", last=2)] == [2, 3]


def test_a_merge_counts_once_and_its_branch_not_at_all(repo: GitRepo) -> None:
    repo("switch", "--quiet", "--create", "topic")
    aside = repo.commit("aside")
    repo("switch", "--quiet", "main")
    repo.commit("on main")
    repo("merge", "--quiet", "--no-ff", "--message", "merge topic", "topic")
    commits = History(repo.path).commits("main")
    assert [commit.subject for commit in commits[-2:]] == ["on main", "merge topic"]
    assert len(commits[-1].parents) == 2
    with pytest.raises(HistoryError, match="is not on branch 'main'") as caught:
        History(repo.path).select(aside, "main")
    assert "--branch" in caught.value.hint


def test_revisions_and_ranges(repo: GitRepo) -> None:
    history = History(repo.path)
    commits = history.commits("main")
    repo("tag", "--annotate", "v1", "--message", "one", commits[1].sha)
    assert history.resolve("v1") == commits[1].sha
    assert history.resolve(commits[2].sha[:9]) == commits[2].sha
    assert history.select("HEAD~1", "main") == [commits[2]]
    assert history.select("v1..main", "main") == commits[2:]
    assert history.select("..v1", "main") == commits[:2]


def test_changed_files_are_counted_whatever_their_names(repo: GitRepo) -> None:
    first = repo("rev-parse", "HEAD").strip()
    (repo.path / "ä\tb.txt").write_text("one\ntwo\n")
    (repo.path / "blob").write_bytes(bytes(range(256)))
    repo("add", ".")
    second = repo.commit("touches")
    found = History(repo.path).changed_files(first, second)
    assert ChangedFile("ä\tb.txt", 2, 0) in found
    assert ChangedFile("blob", None, None) in found
    assert touched_files(repo.path, first, second)[0].path == "ä\tb.txt"
    assert touched_files(repo.path, first, "0" * 40) is None
    assert touched_files(repo.path, first, "--output=x") is None


def test_tags_are_asked_for_again_when_one_changed(repo: GitRepo, monkeypatch: pytest.MonkeyPatch) -> None:
    first, second = (commit.sha for commit in History(repo.path).commits("main")[:2])
    worktree = repo.path.parent / "worktree"
    repo("worktree", "add", "--quiet", "--detach", str(worktree))
    changes = {
        f"tag light {first}": {"light": first},
        f"tag --annotate --message one series/v1 {second}": {"light": first, "series/v1": second},
        f"tag --force light {second}": {"light": second, "series/v1": second},
        "pack-refs --all": {"light": second, "series/v1": second},
        "tag --delete light": {"series/v1": second},
    }
    for command, left in changes.items():
        repo(*command.split())
        for _ in range(2):
            assert tags(repo.path).named == tags(worktree).named == left, command
    monkeypatch.setattr(History, "tags", lambda _: pytest.fail("git was started though no tag had changed"))
    assert tags(repo.path).named == left


def test_an_unknown_revision_names_near_ones(repo: GitRepo) -> None:
    repo("tag", "release-1.2")
    with pytest.raises(UnknownRevisionError, match="unknown revision 'relase") as caught:
        History(repo.path).resolve("relase-1.2")
    assert "release-1.2" in caught.value.hint
    with pytest.raises(UnknownRevisionError):
        History(repo.path).resolve("--upload-pack=evil")


@pytest.mark.parametrize("name", ["main", "master", "trunk", "wanderlust"])
def test_the_default_branch_goes_by_any_name(tmp_path: Path, name: str) -> None:
    repo = GitRepo(tmp_path, branch=name)
    repo.commit("first")
    assert History(tmp_path).default_branch() == name


def test_the_remotes_head_wins_and_a_detached_head_works(repo: GitRepo, tmp_path: Path) -> None:
    repo("branch", "--move", "main", "stable")
    clone = tmp_path / "clone"
    subprocess.run(["git", "clone", "--quiet", str(repo.path), str(clone)], check=True)
    for command in (["checkout", "--quiet", "--detach"], ["branch", "--delete", "--force", "stable"]):
        subprocess.run(["git", *command], cwd=clone, check=True, capture_output=True)
    history = History(clone)
    assert history.default_branch() == "stable"
    assert len(history.commits("stable")) == 4


def test_a_shallow_clone_says_how_to_complete_it(repo: GitRepo, tmp_path: Path) -> None:
    clone = tmp_path / "shallow"
    url = f"file://{repo.path}"
    subprocess.run(["git", "clone", "--quiet", "--depth=2", url, str(clone)], check=True)
    with pytest.raises(HistoryError, match="shallow clone") as caught:
        History(clone).commits("main")
    assert "git fetch --unshallow" in caught.value.hint
    subprocess.run(["git", "fetch", "--quiet", "--unshallow"], cwd=clone, check=True)
    assert len(History(clone).commits("main")) == 4


def test_no_repository_and_no_commits(tmp_path: Path) -> None:
    with pytest.raises(HistoryError, match="not a git repository"):
        History(tmp_path)
    GitRepo(tmp_path / "unborn")
    history = History(tmp_path / "unborn")
    with pytest.raises(HistoryError, match="has no commits yet"):
        history.default_branch()
    with pytest.raises(HistoryError, match="has no commits yet"):
        history.resolve("HEAD")


def test_a_subject_in_another_encoding_stays_printable(repo: GitRepo) -> None:
    blob = (
        b"tree "
        + repo("rev-parse", "HEAD^{tree}").encode()
        + b"\nparent "
        + repo("rev-parse", "HEAD").encode()
    )
    blob += (
        b"\nauthor J\xfcrgen <j@example.org> 1700100000 +0000\ncommitter J <j@example.org> 1700100000 +0000\n"
    )
    blob += b"\ncaf\xe9\n"
    made = subprocess.run(
        ["git", "hash-object", "-t", "commit", "-w", "--stdin", "--literally"],
        input=blob,
        cwd=repo.path,
        capture_output=True,
        check=True,
    )
    commit = History(repo.path).commits(made.stdout.decode().strip())[-1]
    assert commit.subject.encode("utf-8").startswith(b"caf")
    assert commit.author.startswith("J")


def test_no_text_of_a_commit_breaks_its_record(repo: GitRepo) -> None:
    subject = "unit \x1f record \x1e escape \x1b[31m return \r tab\t[bold] é"
    sha = repo.commit(subject)
    found = History(repo.path).commits("main")[-1]
    assert (found.sha, found.subject, found.position) == (sha, subject, 4)


def test_a_date_beyond_all_calendars_is_their_last_second(repo: GitRepo) -> None:
    tree, parent = repo("rev-parse", "HEAD^{tree}"), repo("rev-parse", "HEAD")
    text = f"tree {tree}\nparent {parent}\nauthor A <a@b> 9999999999999 +0000\n"
    (repo.path / "odd").write_text(text + "committer A <a@b> 1700000000 +0000\n\nfar future\n")
    sha = repo("hash-object", "-t", "commit", "-w", "odd")
    repo("update-ref", "refs/heads/main", sha)
    assert History(repo.path).commits("main")[-1].authored_at.year == 9999
