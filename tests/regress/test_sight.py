"""What stored series can see, and what a closer look costs: from the history that is in the store."""

from __future__ import annotations

import json
from datetime import timedelta
from pathlib import Path

import numpy as np
import pytest

from regress.cli import main
from regress.config import Config
from regress.domain import Measurement
from regress.service.analyse import analyse
from regress.service.sight import sights
from regress.store import Store
from tests.regress.fixtures.repos import GitRepo
from tests.regress.fixtures.stores import KEY, START, commit, delivery, sha

COMMITS = 60


def fill(store: Store, *, slow_at: int = 30) -> None:
    """A series with 1 % noise and a step; another one that starts 10 seconds after it, each time."""
    rng = np.random.default_rng(1)
    store.record_commits("main", [commit(i) for i in range(COMMITS)], default=True)
    other = type(KEY)("other", (), KEY.metric, KEY.machine, KEY.environment, "main", "v1")
    told = []
    for i in range(COMMITS):
        at = START + timedelta(hours=i)
        value = (1.2 if i >= slow_at else 1.0) * (1 + 0.01 * rng.standard_normal())
        told.append(Measurement(KEY, sha(i), value, measured_at=at))
        told.append(Measurement(other, sha(i), 2.0, measured_at=at + timedelta(seconds=10)))
    store.deliver(delivery(*told, digest="filled"))


def test_noise_is_that_of_the_levels_and_the_price_that_of_starts(store: Store) -> None:
    fill(store)
    config = Config(root=Path("/nowhere"))
    before = {one.key.benchmark: one for one in sights(store, "main", config)}
    analyse(store, config, "main")
    found = {one.key.benchmark: one for one in sights(store, "main", config)}
    noisy, exact = found["bench"], found["other"]
    assert noisy.sees is not None
    assert noisy.sees.noise == pytest.approx(0.01, rel=0.3)
    assert before["bench"].sees is not None
    assert before["bench"].sees.noise > 2 * noisy.sees.noise  # nobody had found the step yet
    assert (noisy.seconds, exact.seconds) == (10.0, None)
    assert noisy.sees.more is not None
    assert noisy.price == 10.0 * noisy.sees.more
    assert exact.sees is not None
    assert exact.sees.smallest == 0.0


def test_show_says_it_as_a_table_and_as_json(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    repo = GitRepo(tmp_path / "repo")
    repo.commit("first")
    url = f"sqlite:///{tmp_path}/regress.db"
    with Store.open(url) as store:
        fill(store)
    base = ["show", "--repo", str(repo.path), "--db", url, "--branch", "main"]
    with pytest.raises(SystemExit, match="0"):
        main(base)
    assert "every change" in capsys.readouterr().out
    with pytest.raises(SystemExit, match="0"):
        main([*base, "bench", "--json"])
    (told,) = json.loads(capsys.readouterr().out)
    assert (told["benchmark"], told["sees"]["points"]) == ("bench(n=1)", COMMITS)
    with pytest.raises(SystemExit, match="2"):
        main([*base, "benhc"])
    assert "Did you mean 'bench'?" in capsys.readouterr().err
