"""Every page over HTTP: it answers, shows what the store holds, and says what to do when that is nothing."""

from __future__ import annotations

import csv
import io
import random
import re
from collections.abc import Iterator
from html import unescape
from pathlib import Path

import httpx
import pytest

from regress.config import Config
from regress.service.selftest import selftest
from regress.store import Store
from tests.web import history as made
from tests.web.history import History
from tests.web.server import serve
from web.app import create_app
from web.pages import PAGES

WEB = Path(made.__file__).parents[2] / "web"


def addresses(history: History) -> dict[str, str]:
    """One address for each page of the registry."""
    return {
        "overview": "/",
        "benchmarks": "/benchmarks",
        "series": f"/series/{history.series[made.SMALL.title]}",
        "commits": "/commits?limit=12",
        "commit": f"/commit/{history.culprit.sha}",
        "compare": f"/compare?a={history.commits[40].sha}&b={history.culprit.sha}",
        "events": "/events",
        "event": f"/event/{history.regression}",
        "drift": "/drift",
        "search": "/search?q=render",
        "bisections": "/bisections",
        "bisection": "/bisection/2",
        "bisect": f"/event/{history.regression}/bisect",
        "machines": "/machines",
        "runs": "/runs",
        "run": "/run/60",
        "embed": f"/embed/series/{history.series[made.SMALL.title]}",
        "audit": "/audit",
        "login": "/login",
        "api": "/api",
    }


def text(response: httpx.Response) -> str:
    """What a reader sees, roughly: no tags, single spaces."""
    return re.sub(r"\s+", " ", unescape(re.sub(r"<[^>]*>", " ", response.text)))


@pytest.mark.parametrize("name", PAGES)
def test_page_answers(name: str, client: httpx.Client, history: History) -> None:
    response = client.get(addresses(history)[name])
    assert response.status_code == 200
    assert response.headers["content-type"] == "text/html; charset=utf-8"
    assert response.text.count("<h1>") == 1


@pytest.mark.parametrize("name", PAGES)
def test_no_page_has_inline_script_or_style(name: str, client: httpx.Client, history: History) -> None:
    body = client.get(addresses(history)[name]).text
    assert not re.search(r"<style|\sstyle=|\son\w+=|javascript:", body)
    for tag in re.findall(r"<script[^>]*>", body):
        assert "src=" in tag or 'type="application/json"' in tag


def test_registry_folder_and_templates_agree() -> None:
    modules = {path.stem for path in (WEB / "pages").glob("*.py")} - {"__init__"}
    templates = {path.stem for path in (WEB / "templates").glob("*.html")} - {"base", "parts", "error"}
    assert modules == templates == set(PAGES)


def test_internal_links_lead_somewhere(client: httpx.Client, history: History) -> None:
    bodies = [client.get(address).text for address in addresses(history).values()]
    links = {unescape(href) for body in bodies for href in re.findall(r'(?:href|src)="(/[^"]*)"', body)}
    assert len(links) > 30
    assert [href for href in sorted(links) if client.get(href).status_code != 200] == []


def test_overview_tells_the_news(client: httpx.Client, history: History) -> None:
    page = text(client.get("/"))
    assert "1 open regression" in page
    regressions = page[page.index("Regressions") : page.index("Improvements")]
    assert "+15.0 %" in regressions
    assert "+14.1 to +15.9 %" in regressions
    assert made.SMALL.title in regressions
    assert "and 1 more" in regressions
    assert history.culprit.sha[:10] in regressions
    assert history.culprit.author in regressions
    improvements = page[page.index("Improvements") : page.index("Stale or failing")]
    assert "−25.0 %" in improvements
    assert made.FONTS.title in improvements
    attention = page[page.index("Stale or failing") :]
    assert "net.time_fetch" in attention
    assert "ConnectionError: no route to host" in attention
    assert made.STALE.title in attention
    assert "Last data 3 hours ago" in page
    assert "4.7× what matters" in regressions
    assert re.search(r"new nobody’s yet due in 3 days found (just now|\d+ \w+ ago)", regressions)
    assert "bench-1 3 hours ago 60 1 1" in page[page.index("Machines") :]


def test_overview_of_nothing_says_what_to_do(empty_client: httpx.Client) -> None:
    page = text(empty_client.get("/"))
    assert "No measurements yet" in page
    assert "regress run --last 3" in page


@pytest.mark.parametrize(
    "address",
    ["/benchmarks", "/commits", "/compare", "/events", "/search", "/machines", "/runs", "/api", "/healthz"],
)
def test_pages_of_nothing_answer(address: str, empty_client: httpx.Client) -> None:
    assert empty_client.get(address).status_code == 200


def test_series_lists_changes_and_failures(client: httpx.Client, history: History) -> None:
    page = text(client.get(f"/series/{history.series[made.SMALL.title]}"))
    assert "+15.0 %" in page
    assert "12.50 ms" in page
    assert "tiles.c:12: error: expected ';'" in page
    assert "59 measurements" in page
    assert made.LARGE.title in page


def test_the_overview_shows_the_newest_self_test(tmp_path: Path) -> None:
    url = f"sqlite:///{tmp_path}/regress.db"
    with Store.open(url) as store:
        made.build(store)
    with serve(create_app(url)) as base, httpx.Client(base_url=base) as client:
        assert "known slowdowns" not in client.get("/").text
        with Store.open(url) as store:
            found = selftest(store, Config(root=Path("/nowhere")), "main")
        told = re.sub(r"<[^>]+>", " ", client.get("/").text)
        assert "known slowdowns" in told
        assert "20 % slower found" in told
        (machine,) = client.get("/api/v1/overview").json()["self_test"]["machines"]
        assert (machine["machine"], machine["rate"]) == ("bench-1", found.machines[0].rate)


def test_a_point_by_itself_has_its_samples(client: httpx.Client, history: History) -> None:
    address = f"/series/{history.series[made.SMALL.title]}/point"
    told = text(client.get(f"{address}/{made.SLOWER_AT}"))
    assert re.search(r"\+1\d\.\d % against the measurement before", told)
    assert "5 raw samples" in told
    assert "against the measurement before" not in text(client.get(f"{address}/0"))
    assert client.get(f"{address}/{made.BROKEN_AT}").status_code == 404


def test_a_series_page_says_what_the_series_sees(client: httpx.Client, history: History) -> None:
    id_ = history.series[made.SMALL.title]
    told = re.sub(r"<[^>]+>", "", client.get(f"/series/{id_}").text)
    assert re.search(
        r"Sees changes of [\d.]+ % or more within 12 commits \(noise 0\.[234]\d* %, steady\)", told
    )
    sees = client.get(f"/api/v1/series/{id_}").json()["sees"]
    assert 0.002 < sees["noise"] < 0.004 < sees["smallest"] < 0.02  # noise is even, ± 0.6 %
    assert sees["mode"] == "steady"
    assert 0 < sees["target"] < sees["smallest"]


def test_series_page_without_chart_library_shows_the_table(
    client: httpx.Client, history: History, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("web.render.CHART_LIBRARY", ("vendor/not-there.js",))
    response = client.get(f"/series/{history.series[made.SMALL.title]}")
    assert "The chart library is missing" in text(response)
    assert "<details open>" in response.text
    assert "series.js" not in response.text


def test_commit_compares_with_the_commit_before(client: httpx.Client, history: History) -> None:
    page = text(client.get(f"/commit/{history.culprit.sha[:9]}"))
    assert history.culprit.subject in page
    assert f"compared with {history.commits[40].sha[:10]}" in page
    assert "slower" in page
    assert "Regression +15.0 %" in page


def test_commit_that_does_not_build_shows_the_log(client: httpx.Client, history: History) -> None:
    page = text(client.get(f"/commit/{history.commits[made.BROKEN_AT].sha}"))
    assert "build failed" in page
    assert "make: *** Error 1" in page
    assert "Nothing is measured at this commit" in page


def test_commit_after_a_broken_one_is_compared_across_it(client: httpx.Client, history: History) -> None:
    page = text(client.get(f"/commit/{history.commits[made.BROKEN_AT + 1].sha}"))
    assert f"compared with {history.commits[made.BROKEN_AT - 1].sha[:10]}" in page


def test_compare_filters_live_in_the_address(client: httpx.Client, history: History) -> None:
    base = "/compare?a=main~20&b=latest"
    everything, slower = text(client.get(base)), text(client.get(base + "&verdict=slower"))
    assert "geometric mean of 3 series" in everything
    assert made.LOADING.title in everything
    assert made.SMALL.title in slower
    assert made.LOADING.title not in slower
    assert made.SMALL.title not in text(client.get(base + "&q=peakmem"))
    assert "None of the 5 series passes" in text(client.get(base + "&q=nothing+like+this"))


def test_what_compare_shows_is_exported(client: httpx.Client, hostile: httpx.Client) -> None:
    asked = "a=main~20&b=latest&verdict=slower&group=suite"
    page = client.get(f"/compare?{asked}").text
    assert f'href="/compare.csv?{asked.replace("&", "&amp;")}"' in page
    rows = list(csv.DictReader(io.StringIO(client.get(f"/compare.csv?{asked}").text)))
    assert {row["series"] for row in rows} == {made.SMALL.title, made.LARGE.title}
    assert all(float(row["ratio"]) > 1.1 and float(row["factor"]) > 1 for row in rows)
    told = client.get(f"/compare.md?{asked}").text
    assert "**time · scene**, 2 series: geometric mean +15" in told
    assert r"| scene.time\_render(tiles=4096) (bench-1, py3.11) |" in told
    wild = hostile.get("/compare.md?a=latest~1&b=latest").text
    assert "<img" not in wild.replace(r"\<img", "")


def test_changes_filters_live_in_the_address(client: httpx.Client) -> None:
    worse = client.get("/events?kind=regression")
    assert made.SMALL.title in text(worse)
    assert made.FONTS.title not in text(worse)
    assert 'href="/events?branch=main&amp;kind=regression&amp;state=new"' in worse.text
    assert made.SMALL.title in text(client.get("/events?branch=main&kind=regression&state=new"))
    assert "No change matches" in text(client.get("/events?state=went away"))


def test_compare_accepts_branches_and_steps_back(client: httpx.Client, history: History) -> None:
    page = text(client.get("/compare?a=main~3&b=main"))
    assert history.commits[-4].sha[:10] in page
    assert history.commits[-1].sha[:10] in page


def test_branches_with_slashes_are_found(tmp_path: Path) -> None:
    url = f"sqlite:///{tmp_path / 'branches.db'}"
    with Store.open(url) as store:
        store.record_commits("main", [made.commit(0)], default=True)
        store.record_commits("feature/faster & better", [made.commit(0), made.commit(1)])
    with serve(create_app(url)) as base, httpx.Client(base_url=base) as client:
        assert made.commit(1).sha in client.get("/commit/feature/faster%20%26%20better").text
        near = client.get("/commit/feature/faster%20%26%20bettr")
        assert near.status_code == 404
        assert 'href="/commit/feature/faster%20%26%20better"' in near.text
        assert "feature/faster &amp; better" in client.get("/").text


def test_event_names_the_only_suspect(client: httpx.Client, history: History) -> None:
    page = text(client.get(f"/event/{history.regression}"))
    assert "2 affected series" in page
    assert "the shift starts here" in page
    assert "Raw samples before and after of scene.time_render(tiles=64)" in page
    assert "Before, 12 commits 60" in page
    assert re.search(r"After, 12 commits 60 14\.\d+ ms 14\.\d+ ms to 14\.\d+ ms 14\.\d+ ms", page)
    assert "tell nothing different of bench-1, py3.11" in page
    assert f"regress compare {history.commits[40].sha[:10]} {history.culprit.sha[:10]}" in page
    assert "98.7 % sure after 14 runs, verified against its parent" in page
    assert (
        f"https://example.org/commit/{history.culprit.sha}" in client.get(f"/event/{history.regression}").text
    )


def test_search_finds_benchmarks_and_commits(client: httpx.Client, history: History) -> None:
    assert made.SMALL.title in text(client.get("/search?q=RENDER"))
    assert history.culprit.sha[:10] in text(client.get(f"/search?q={history.culprit.sha[:7]}"))
    assert "Did you mean scene.time_render" in text(client.get("/search?q=scene.tim_rendr"))


@pytest.mark.parametrize(
    ("address", "status", "says"),
    [
        ("/benchmark", 404, "Did you mean /benchmarks"),
        ("/benchmarks/", 404, "Did you mean /benchmarks"),
        ("/commit", 404, "Did you mean /commits"),
        ("/commit/", 404, "unknown commit"),
        ("/series/9999", 404, "unknown series"),
        ("/event/9999", 404, "unknown event"),
        ("/commit/feedfacefeed", 404, "unknown commit"),
        ("/commit/mian", 404, "Did you mean main"),
        ("/?branch=mian", 404, "Did you mean main"),
        ("/compare?a=main&b=main~9999", 404, "unknown commit"),
        ("/series/first", 422, "series_id"),
        ("/benchmarks?page=0", 422, "page"),
    ],
)
def test_wrong_addresses_say_what_was_wrong(
    address: str, status: int, says: str, client: httpx.Client
) -> None:
    response = client.get(address)
    assert response.status_code == status
    assert says in text(response)


def test_reload_shows_what_was_stored_meanwhile(tmp_path: Path) -> None:
    url = f"sqlite:///{tmp_path / 'live.db'}"
    with serve(create_app(url)) as base, httpx.Client(base_url=base) as client:
        assert "No measurements yet" in text(client.get("/"))
        with Store.open(url) as store:
            at = made.commit(0)
            store.record_commits(made.BRANCH, [at], default=True)
            store.deliver(made.delivery(at, [made.measure(made.SMALL, at, 1.0, random.Random(1))]))
        assert "1 series on main" in text(client.get("/"))


@pytest.fixture
def broken_client(tmp_path: Path) -> Iterator[httpx.Client]:
    """A client of a server with one page that fails inside."""
    app = create_app(f"sqlite:///{tmp_path / 'gone.db'}")

    @app.get("/boom")
    def boom() -> None:
        raise RuntimeError("secret detail")

    with serve(app) as base, httpx.Client(base_url=base) as client:
        yield client


def test_a_crash_is_a_page_without_details(broken_client: httpx.Client) -> None:
    response = broken_client.get("/boom")
    assert response.status_code == 500
    assert "This went wrong" in text(response)
    assert "secret detail" not in response.text
    assert "default-src 'none'" in response.headers["content-security-policy"]


def test_benchmarks_show_open_changes_as_a_list_and_as_a_grid(client: httpx.Client, history: History) -> None:
    for query, cells in (("", "<tr><td>"), ("&view=grid", "<li><span")):
        body = client.get(f"/benchmarks?q=time{query}").text
        assert body.count(cells) == 4
        found = re.findall(r'verdict (\w+)" href="/event/(\d+)"[^>]*>([^<]+)</a>', body)
        assert sorted(found) == [
            ("better", str(history.improvement), "\u221225.0 %"),
            *[("worse", str(history.regression), "+15.0 %")] * 2,
        ]
        assert body.count('<polyline class="worse"') == 2
    assert 'name="view" value="grid"' in body
