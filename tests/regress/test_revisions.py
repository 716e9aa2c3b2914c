"""The commits that people name on pages: by tag, by branch, by hash; what is said of other names."""

from __future__ import annotations

from pathlib import Path

import pytest

from regress.config import Config
from regress.errors import UnknownNameError
from regress.runner.history import History
from regress.service.browse import compare_page, compare_start, resolve
from regress.service.browse.evidence import tags
from regress.store import Store
from tests.regress.fixtures.repos import GitRepo


@pytest.fixture
def repo(tmp_path: Path) -> GitRepo:
    made = GitRepo(tmp_path / "repo")
    for number in range(5):
        made.commit(f"commit {number}")
    made("tag", "v1.0", "HEAD~3")
    made("tag", "--annotate", "--message", "second", "release/2.0", "HEAD~1")
    made("tag", "main", "HEAD~4")
    made("checkout", "--quiet", "--orphan", "other")
    made.commit("elsewhere")
    made("tag", "v3.0")
    return made


def test_tags_are_revisions(repo: GitRepo, tmp_path: Path) -> None:
    history = History(repo.path).commits("heads/main")
    short = history[4].sha[:5]
    repo("tag", short, history[2].sha)
    with Store.open(f"sqlite:///{tmp_path}/regress.db") as store:
        store.record_commits("main", history, default=True)
        found = {
            text: resolve(store, text, tags(repo.path))
            for text in ("v1.0", "v1.0~1", "release/2.0", "main", short, history[4].sha[:9], history[3].sha)
        }
        assert [commit.position for commit in found.values()] == [1, 0, 3, 4, 2, 4, 3]
        page = compare_page(store, "v1.0", "release/2.0", config=Config(root=repo.path))
        assert (page.a, page.b) == (history[1], history[3])
        assert compare_start(store, repo.path).tags == ("release/2.0", short, "v1.0")

        with pytest.raises(UnknownNameError) as unknown:
            resolve(store, "v1.1", tags(repo.path))
        assert unknown.value.near[0] == "v1.0"
        assert "Known are branches main and tags" in unknown.value.hint
        assert "release/2.0, v1.0" in unknown.value.hint
        assert "v3.0" not in unknown.value.hint, "it is a commit of which nothing is known here"
        with pytest.raises(UnknownNameError) as unknown:
            resolve(store, "zzz", tags(repo.path))
        assert unknown.value.hint.startswith("Known are branches main and tags"), "told once, not twice"
        with pytest.raises(UnknownNameError, match=r"v3\.0 \([0-9a-f]{10}\)"):
            resolve(store, "v3.0", tags(repo.path))
        with pytest.raises(UnknownNameError, match=r"unknown commit 'v1\.0'"):
            resolve(store, "v1.0", tags(tmp_path))


def test_tags_are_those_of_the_repository_that_is_there(repo: GitRepo, tmp_path: Path) -> None:
    first = tags(repo.path)
    assert tags(repo.path) is first, "nobody starts git while the files of its refs look the same"
    repo("tag", "--delete", "v3.0")
    assert set(first.named) - set(tags(repo.path).named) == {"v3.0"}
    repo.path.rename(tmp_path / "away")
    assert tags(repo.path).named == {}
    other = GitRepo(repo.path)
    other.commit("another repository")
    other("tag", "v9")
    assert set(tags(repo.path).named) == {"v9"}
