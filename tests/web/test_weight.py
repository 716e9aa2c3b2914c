"""What the overview weighs where there is a lot to say: changes, failures of a whole suite, stale series."""

from __future__ import annotations

import random
import re
from dataclasses import replace
from html import unescape
from pathlib import Path

import httpx

from regress.domain import ChangePoint, Failure, FailureKind, SeriesChange
from regress.store import Store
from tests.web import history as made
from tests.web.server import serve
from web.app import create_app

SERIES, COMMITS, BRANCHES = 300, 28, 60
MOST = 250_000
"""Bytes of the page with its scripts and styles, before anything is packed."""

LOG = "\n".join(f'  File "/some/where/package/module.py", line {i}, in function_{i}' for i in range(400))
TEMPLATE = made.measure(made.SMALL, made.commit(0), 1.0, random.Random(1))


def fill(store: Store) -> None:
    """A third of the series changed, a third went stale, and all of them fail at the newest commit."""
    commits = [made.commit(i, COMMITS) for i in range(COMMITS)]
    store.record_commits(made.BRANCH, commits, default=True)
    for number in range(BRANCHES):
        store.record_commits(f"feature/some-long-name-of-a-branch-{number}", [])
    names = [f"package.module_{i % 20}.TimeSomethingWithALongName.time_operation_{i}" for i in range(SERIES)]
    keys = [made.key(name, shape="(1000, 1000)", dtype="float64") for name in names]
    for index, at in enumerate(commits[:-1]):
        kept = keys if index < COMMITS // 2 else keys[: SERIES * 2 // 3]
        store.deliver(made.delivery(at, [replace(TEMPLATE, series=key, commit=at.sha) for key in kept]))
    newest, place = commits[-1], (made.MACHINE.name, made.ENVIRONMENT.name)
    broken = [
        Failure(FailureKind.BENCHMARK, newest.sha, LOG, *place, key.benchmark, key.parameters) for key in keys
    ]
    store.deliver(made.delivery(newest, [], broken))
    ids = {row.key: row.id for row in store.series_list(made.BRANCH)}
    changes = []
    for i, key in enumerate(keys[: SERIES // 3]):
        size, at = (1.2 if i // 13 % 2 else 0.8), 1 + 2 * (i % 13)
        level = ChangePoint(at, 1.0, size, size, size, p_value=1e-9)
        changes.append(SeriesChange(ids[key], key, commits[at - 1].sha, commits[at].sha, level))
    store.replace_changes(made.BRANCH, changes)


def test_the_overview_of_a_large_project_is_light(tmp_path: Path) -> None:
    url = f"sqlite:///{tmp_path / 'regress.db'}"
    with Store.open(url) as store:
        fill(store)
    with serve(create_app(url)) as base, httpx.Client(base_url=base) as client:
        page = client.get("/")
        files = re.findall(r'(?:href|src)="(/static/[^"]+)"', page.text.partition("</head>")[0])
        parts = [client.get(unescape(file)) for file in files]
    assert page.text.count('<li class="event') == 24
    assert f"{SERIES} failures in all" in page.text
    assert "function_399" in page.text
    assert all(part.status_code == 200 for part in parts)
    weight = {part.url.path: len(part.content) for part in (page, *parts)}
    assert "/static/site.css" in weight
    assert sum(weight.values()) < MOST, weight
