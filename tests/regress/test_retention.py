"""Retention on every database: what goes, what stays for ever, and what the commands say."""

from __future__ import annotations

import json
from dataclasses import replace
from datetime import timedelta
from pathlib import Path

import pytest

from regress.cli import main
from regress.config import Config, RetentionConfig
from regress.errors import ConfigError
from regress.service import upkeep
from regress.service.analyse import analyse
from regress.store import Store
from regress.store.upkeep import check
from tests.regress.fixtures.repos import GitRepo
from tests.regress.fixtures.stores import KEY, START, commit, delivery, measured

AT = 40
"""Where the level shifts, of eighty commits an hour apart."""


@pytest.fixture
def stepped(store: Store) -> Store:
    """A series with raw samples whose level shifts, analysed; beside it one that does not shift."""
    store.record_commits("main", [commit(i) for i in range(80)], default=True)
    steady = replace(KEY, benchmark="steady")
    for i in range(80):
        value = 1.0 + 0.001 * (i % 3)
        store.deliver(
            delivery(measured(i, value + 0.5 * (i >= AT), hours=i), measured(i, value, steady, hours=i))
        )
    analyse(store, Config(root=Path(".")), "main")
    assert len(store.events()) == 1
    return store


def with_samples(store: Store, benchmark: str) -> list[int]:
    """Positions of the points that have raw samples."""
    (series,) = (s for s in store.all_series("main") if s.key.benchmark == benchmark)
    return [point.position for point in series.points if point.samples]


def test_old_samples_go_and_those_around_a_change_stay(stepped: Store, url: str) -> None:
    before = {s.key: [replace(p, samples=()) for p in s.points] for s in stepped.all_series("main")}
    told = stepped.prune(START + timedelta(hours=70), 5, dry_run=True)
    assert with_samples(stepped, "bench") == list(range(80))
    assert stepped.prune(START + timedelta(hours=70), 5) == told
    assert with_samples(stepped, "steady") == list(range(70, 80))
    kept = with_samples(stepped, "bench")
    assert set(range(AT - 5, AT + 6)) <= set(kept)
    assert [i for i in kept if i < AT - 8 or AT + 8 < i < 70] == []
    assert told.measurements == 160 - 10 - len(kept)
    assert told.bytes == told.measurements * 17
    assert {s.key: [replace(p, samples=()) for p in s.points] for s in stepped.all_series("main")} == before
    assert stepped.prune(START + timedelta(hours=70), 5).measurements == 0
    assert check(url).sound


def test_samples_that_alone_tell_the_spread_or_have_no_time_stay(store: Store) -> None:
    bare = replace(measured(1, 1.0), low=None, high=None)
    unplaced = measured(200, 1.0)  # a commit that no branch has
    store.deliver(delivery(bare, measured(2, 1.0, hours=None), unplaced, measured(3, 1.0)))
    assert store.prune(START + timedelta(days=1), 5).measurements == 1
    assert with_samples(store, "bench") == [1, 2]


def test_without_a_limit_nothing_is_pruned(store: Store) -> None:
    with pytest.raises(ConfigError, match="all raw samples are kept"):
        upkeep.prune(store, RetentionConfig(), START, dry_run=False)


def test_the_command_follows_the_configuration(
    stepped: Store, url: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    repo = GitRepo(tmp_path / "repo")
    repo.write("regress.toml", "[retention]\nraw_days = 1\naround = 5\n")
    repo.commit("first")
    said = []
    for more in (["--dry-run", "--json"], [], ["--days", "2", "--json"]):
        with pytest.raises(SystemExit) as ended:
            main(["db", "prune", "--repo", str(repo.path), "--db", url, *more])
        assert ended.value.code == 0
        said.append(capsys.readouterr().out)
    assert said[1].startswith(f"{json.loads(said[0])['measurements']} measurements lost raw samples")
    assert json.loads(said[2])["measurements"] == 0
