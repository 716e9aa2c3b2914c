"""Pages over several machines, environments and runs."""

from __future__ import annotations

import random
import re
from collections.abc import Iterator
from dataclasses import replace
from xml.etree import ElementTree

import httpx
import pytest

from regress.domain import Environment, Machine, SeriesKey
from regress.service import browse
from regress.service.browse.series import Relation
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


def test_machines_tell_their_noise(wide: httpx.Client) -> None:
    page = wide.get("/machines").text
    assert page.count('<svg class="spark"') == 0  # six series of a run are too few
    assert page.count("too few series") == 2
    assert "made-up" in page
    assert '<a href="/runs?machine=bench-2">' in page


def test_noise_of_a_machine_is_found(url: str) -> None:
    noise = random.Random(5)
    with Store.open(url) as store:
        commits = store.commits(made.BRANCH)
        for i, at in enumerate(commits):
            wild = 0.2 if i == len(commits) - 1 else 0.01
            told = [
                replace(
                    made.measure(replace(made.SMALL, benchmark=f"many.time_{n}"), at, 1.0, noise),
                    value=1 + noise.gauss(0, wild),
                )
                for n in range(60)
            ]
            store.deliver(replace(made.delivery(at, told), digest=f"many {at.sha}"))
        quiet, (other, *_) = browse.machines_page(store).rows[0], browse.machines_page(store).rows[1:]
    assert quiet.usual == pytest.approx(0.01, rel=0.5)
    assert quiet.restless
    assert len(quiet.noise) == 11
    assert other.newest is None


def test_runs_are_listed_by_machine_and_tell_their_facts(wide: httpx.Client) -> None:
    page = wide.get("/runs?machine=bench-2").text
    assert "24 deliveries of bench-2" in page
    last = re.findall(r'href="(/run/\d+)"', page)[0]
    assert "made-up" in wide.get(last).text
    assert wide.get("/run/99999").status_code == 404


def test_a_run_shows_its_logs(client: httpx.Client, history: made.History) -> None:
    page = client.get(f"/run/{made.COMMITS}").text
    assert "ConnectionError: no route to host" in page
    assert history.commits[-1].sha[:10] in page


def test_the_feed_tells_changes(client: httpx.Client, hostile: httpx.Client, history: made.History) -> None:
    answer = client.get("/feed.atom")
    assert answer.headers["content-type"] == "application/atom+xml"
    names = {"a": "http://www.w3.org/2005/Atom"}
    entries = ElementTree.fromstring(answer.content).findall("a:entry", names)
    titles = {entry.findtext("a:title", namespaces=names) for entry in entries}
    assert f"Regression +15.0 %: {made.SMALL.title} and 1 more" in titles
    links = {entry.find("a:link", names).attrib["href"] for entry in entries}
    assert str(client.base_url.join(f"/event/{history.regression}")) in links
    assert len(ElementTree.fromstring(hostile.get("/feed.atom").content).findall("a:entry", names)) == 1


def test_other_sites_may_show_badges_and_charts_only(
    client: httpx.Client, empty_client: httpx.Client, history: made.History
) -> None:
    badge = client.get("/embed/badge.svg")
    assert ElementTree.fromstring(badge.content).findtext("{*}title") == "performance: 1 regression"
    assert "no data" in empty_client.get("/embed/badge.svg").text
    chart = client.get(f"/embed/series/{history.series[made.SMALL.title]}")
    for answer in (badge, chart):
        assert "frame-ancestors *" in answer.headers["content-security-policy"]
        assert "x-frame-options" not in answer.headers
    assert "<form" not in chart.text
    assert client.get("/").headers["x-frame-options"] == "DENY"


def test_a_series_lists_its_relations_by_what_they_share(url: str, wide: httpx.Client) -> None:
    with Store.open(url) as store:
        (own,) = [row for row in store.series_list(machine="bench-2") if row.key == _here(made.SMALL)]
    body = wide.get(f"/series/{own.id}").text
    parameters, places, others = (body.index(f"<h3>{sort.value}</h3>") for sort in Relation)
    assert parameters < body.index(">scene.time_render(tiles=4096)</a>") < places
    assert places < body.index(">bench-1 · py3.11</a>") < body.index(">bench-2 · py3.12</a>") < others
    assert body[others:].count("data-line=") == 3


def _here(key: SeriesKey) -> SeriesKey:
    return replace(key, machine="bench-2", environment="py3.11")
