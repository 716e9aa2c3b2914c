"""Many push, many read, and the server is killed: nothing is lost and nothing is there twice."""

from __future__ import annotations

from pathlib import Path

import pytest

from benchmarks.platform import load
from tests.regress.fixtures.stores import postgres_uri, url

__all__ = ["postgres_uri", "url"]


@pytest.mark.slow
def test_nothing_is_lost_or_stored_twice_though_the_server_is_killed(tmp_path: Path, url: str) -> None:
    place = tmp_path / "server"
    place.mkdir()
    outcome = load.load(place, url, pushes=12, results=100, readers=4, kills=2)
    assert outcome.sound, outcome
    assert outcome.kills > 0
    assert (outcome.stored, outcome.runs, outcome.wrong) == (1_200, 12, 0)
    assert outcome.read[200] > 0
