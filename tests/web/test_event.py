"""The page of a regression: two ranges, a wide range to search, numbers without samples, what people said."""

from __future__ import annotations

import re
from html import unescape
from pathlib import Path

import httpx

from regress.domain import ChangePoint, Decision, SeriesChange, SeriesKey, State
from regress.service.browse.common import whole
from regress.service.browse.event import event_page
from regress.store import Store
from tests.web import history as made
from tests.web.server import serve
from web.app import create_app


def test_a_wide_event_in_two_ranges_with_a_history(tmp_path: Path) -> None:
    url = f"sqlite:///{tmp_path}/regress.db"
    with Store.open(url) as store:
        built = made.build(store)
        shas = [commit.sha for commit in built.commits]

        def change(series: SeriesKey, before: int, after: int) -> SeriesChange:
            found = ChangePoint(after - 1, 1.0, 1.15, 1.14, 1.16, 1e-9)
            return SeriesChange(built.series[series.title], series, shas[before], shas[after], found)

        store.replace_changes("main", [change(made.SMALL, 40, 42), change(made.LARGE, 40, 44)])
        said = Decision(State.ACKNOWLEDGED, "ada", note="<b>cold</b> cache")
        store.decide(built.regression, said, "grace")
        page = event_page(store, built.regression)
        assert {(group.last_before, group.first_after) for group in page.groups} == {
            (shas[40], shas[42]),
            (shas[40], shas[44]),
        }
        assert page.evidence is not None
        assert page.evidence.raw
        assert page.files is None
    with serve(create_app(url)) as base, httpx.Client(base_url=base) as client:
        body = client.get(f"/event/{built.regression}").text
    told = re.sub(r"\s+", " ", unescape(re.sub(r"<[^>]*>", " ", body)))
    assert "2 commits lie between" in told
    assert "takes 1 measurement or more" in told
    assert "due in 14 days" in told
    assert "grace said it is acknowledged" in told
    assert "grace gave it to ada" in told
    assert "<b>cold</b> cache" in told
    assert "<b>cold</b>" not in body


def test_a_whole_history_is_thinned_with_its_mark() -> None:
    points = [(str(i), float(i)) for i in range(600)]
    line = whole(points, "300")
    assert (len(line.values), line.mark) == (60, 30)
    assert list(line.values) == [i * 10 + 5.0 for i in range(60)]
    assert whole(points[:3]).values == (0.0, 1.0, 2.0)
    assert whole([]).values == ()
