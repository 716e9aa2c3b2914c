"""Pages over several machines, environments and runs."""

from __future__ import annotations

import random
import re
from collections.abc import Iterator
from dataclasses import replace

import httpx
import pytest

from regress.domain import Environment, Machine
from regress.store import Store
from tests.web import history as made
from tests.web.server import serve
from web.app import create_app

OTHER = Machine("bench-2", (("cpu", "made-up"),))


@pytest.fixture(scope="module")
def url(tmp_path_factory: pytest.TempPathFactory) -> str:
    """A store with two machines, the second half as fast, and two environments."""
    url = f"sqlite:///{tmp_path_factory.mktemp('wide') / 'regress.db'}"
    noise = random.Random(3)
    with Store.open(url) as store:
        commits = [made.commit(i, 12) for i in range(12)]
        store.record_commits(made.BRANCH, commits, default=True)
        for machine, speed in ((made.MACHINE, 1.0), (OTHER, 2.0)):
            for environment in (made.ENVIRONMENT, Environment("py3.12")):
                for at in commits:
                    told = [
                        made.measure(
                            replace(key, machine=machine.name, environment=environment.name), at, speed, noise
                        )
                        for key in (made.SMALL, made.LARGE, made.FONTS)
                    ]
                    digest = f"{machine.name} {environment.name} {at.sha}"
                    sent = made.delivery(at, told)
                    store.deliver(replace(sent, digest=digest, machine=machine, environment=environment))
    return url


@pytest.fixture(scope="module")
def wide(url: str) -> Iterator[httpx.Client]:
    """A client of a server over it."""
    with serve(create_app(url)) as base, httpx.Client(base_url=base) as client:
        yield client


def test_machines_are_compared_at_one_commit(wide: httpx.Client) -> None:
    assert "any machine" in wide.get("/compare").text
    asked = "/compare.md?a=latest&b=latest&machine_a=bench-1&machine_b=bench-2"
    told = wide.get(asked).text
    assert "6 slower" in told
    assert re.search(r"geometric mean \+(9\d\.\d|10\d) %", told)
    assert "bench-1" not in told.split("|", 1)[1]
    page = wide.get(asked.replace(".md", "")).text
    assert '<details class="narrow" open>' in page
    assert "<option selected>bench-2</option>" in page
