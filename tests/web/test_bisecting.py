"""Bisections that pages ask for: by whom, at what price; done by a server that is ended in their middle."""

from __future__ import annotations

import re
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path

import httpx
import pytest
from playwright.sync_api import Browser, expect

from regress.cli.serving import may_bisect
from regress.config import AccessConfig, Config, WebConfig
from regress.domain import ChangePoint, SeriesChange
from regress.runner.events import ignore
from regress.service import browse
from regress.service.attend.bisecting import Bisector, bisecting
from regress.service.browse.bisections import Status
from regress.service.cluster.turn import turn
from regress.service.project import Project
from regress.service.run import Selection, run
from regress.store import Store
from tests.regress.fixtures.counted import few_plugins, make_counted_repo
from tests.regress.fixtures.repos import GitRepo
from tests.web import history as made
from tests.web.history import History
from tests.web.server import serve
from tests.web.test_accessibility import AXE, violations
from tests.web.test_browser import quiet_page
from tests.web.test_pages import text
from web.app import create_app
from web.render import htmx_present

__all__ = ["few_plugins"]

MAINTAINER = AccessConfig(local="maintainer")
PATIENCE = 90.0  # seconds until a test gives up


def until(true: Callable[[], object]) -> None:
    """Wait until something is true."""
    end = time.monotonic() + PATIENCE
    while not true():
        assert time.monotonic() < end, "it never came to be"
        time.sleep(0.02)


@pytest.fixture
def history(tmp_path: Path) -> History:
    """A history of our own, to write to."""
    with Store.open(f"sqlite:///{tmp_path}/regress.db") as store:
        return made.build(store)


@contextmanager
def server(history: History, folder: Path, access: AccessConfig, machine: str = "") -> Iterator[str]:
    """A server whose host measures under the history's machine's name (or another), and has not begun to."""
    repo = GitRepo(folder / "checkout")
    repo.write("notes.txt", "one")
    repo.commit("first")
    bisector = Bisector(Project.open(repo.path))
    bisector.machines = (machine or made.MACHINE.name,)
    config = Config(root=Path("/nowhere"), access=access)
    with serve(create_app(history.url, config=config, bisector=bisector)) as base:
        yield base


def token(client: httpx.Client, address: str) -> str:
    """The CSRF token of a page's form."""
    found = re.findall(r'name="csrf" value="([^"]+)"', client.get(address).text)
    assert found, f"no form on {address}"
    return str(found[0])


def test_maintainers_ask_and_it_is_in_the_audit_log(tmp_path: Path, history: History) -> None:
    address = f"/event/{history.regression}/bisect"
    with server(history, tmp_path, MAINTAINER) as base, httpx.Client(base_url=base) as client:
        told = text(client.get(address))
        assert re.search(r"Searched are 3 commits, \w+ to \w+ , by measuring scene.time_render", told)
        assert re.search(r"far above the noise: such a search takes about \d+ runs , 150 at most", told)
        both = [history.series[key.title] for key in (made.SMALL, made.LARGE)]
        assert re.findall(r'name="series-(\d+)" checked', client.get(address).text) == [
            str(id_) for id_ in both
        ]
        assert re.search(r"scene.time_render\S* and 1 more on", told), "both changed alike"
        one = client.get(address, params={"series": both[1]})
        assert re.findall(r'name="series-(\d+)" checked', one.text) == [str(both[1])]
        assert "and 1 more on" not in text(one)
        strange = client.get(address, params={"series": history.series[made.FONTS.title]})
        assert "unknown series" in text(strange)
        assert client.get(address, params={"series": -1}).status_code == 422
        assert client.post(address).status_code == 403, "a form without a token of the session"
        csrf = {"csrf": token(client, address)}
        ticked = {f"series-{id_}": "on" for id_ in both}
        priced = client.post(address, data=csrf | ticked | {"quote": "1"}).headers["location"]
        assert priced == f"{address}?series={both[0]}&series={both[1]}"
        assert client.post(address, data=csrf | {"series-77": "on"}).status_code == 404
        assert 'type="hidden" name="offered"' in client.get(address).text
        unticked = client.post(address, data=csrf | {"offered": "1"})
        assert (unticked.status_code, "no series is ticked" in text(unticked)) == (400, True)
        asked = client.post(address, data=csrf | ticked).headers["location"]
        assert asked == "/bisection/3"
        assert "asked by local" in text(client.get(asked))
        shown = re.search(r"By (\S+) and (\S+) ?, on", text(client.get(asked)))
        assert shown is not None
        assert sorted(shown.groups()) == sorted((made.SMALL.title, made.LARGE.title))
        assert "goes on with bisection 3" in text(client.get(address))
        assert client.post(address, data=csrf).headers["location"] == asked, "one search for one question"
        assert client.post(f"{asked}/stop", data=csrf).status_code == 303
        assert "cut off" in text(client.get(asked))
        assert client.post(f"{asked}/resume", data=csrf).status_code == 303
        for wrong, said in (
            ("/bisection/1/resume", "has ended"),
            ("/bisection/9/resume", "unknown bisection"),
        ):
            answer = client.post(wrong, data=csrf)
            assert 400 <= answer.status_code < 500
            assert said in text(answer)
    with Store.open(history.url) as store:
        assert store.searches.wanted() == [3]
        deeds = [(one.deed.who, one.deed.action, one.deed.target) for one in store.audit(9, action="bisect")]
        event = ("local", "bisect", f"event {history.regression}")
        search = ("local", "bisect", "bisection 3")
        assert [deed for deed in deeds if deed[2].startswith(("event", "bis"))] == [
            search,
            search,
            event,
            event,
        ]


def test_others_are_told_why_not(tmp_path: Path, history: History) -> None:
    address = f"/event/{history.regression}/bisect"
    for number, (access, machine, said) in enumerate(
        (
            (AccessConfig(local="triager"), "", 'local = "maintainer"'),
            (MAINTAINER, "elsewhere", "it was measured on bench-1, not here"),
        )
    ):
        there = server(history, tmp_path / str(number), access, machine)
        with there as base, httpx.Client(base_url=base) as client:
            assert said in text(client.get(address))
            csrf = {"csrf": token(client, f"/event/{history.regression}")}
            assert 400 <= client.post(address, data=csrf).status_code < 500
    with Store.open(history.url) as store:
        assert store.searches.wanted() == []


def test_nothing_is_started_while_another_measurement_has_the_host(
    tmp_path: Path, history: History, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path))
    started: list[int] = []
    monkeypatch.setattr(Bisector, "_search", lambda _self, _store, number: started.append(number))
    bisector = Bisector(Project.open(GitRepo(tmp_path / "checkout").path))
    with Store.open(history.url) as store:
        store.searches.want(2, "ann")
        with turn(ignore):
            bisector._look(store)
            assert started == []
        bisector._look(store)
        assert started == [2]


def test_what_is_asked_of_a_host_whose_tools_fail_fails_with_them(tmp_path: Path, history: History) -> None:
    """Its log folder is a file, so that asv cannot even be asked for the machine's name."""
    repo = GitRepo(tmp_path / "checkout")
    repo.write("asv.conf.json", '{"version": 1, "project": "x", "repo": ".", "branches": ["main"]}')
    repo.commit("first")
    project = Project.open(repo.path, database=history.url)
    (project.state / "logs").write_text("", encoding="utf-8")
    with Store.open(history.url) as store:
        store.searches.want(2, "ann")
        Bisector(project).run()
        state = store.searches.one(2)
        assert (state.wanted, state.found) == (False, None)
        assert "this server cannot measure" in state.fault
        assert "logs" in state.fault
        assert browse.bisection_page(store, 2).status is Status.FAILED


def test_who_may_start_bisections_on_a_server() -> None:
    config = Config(root=Path("/nowhere"), access=MAINTAINER)
    login = replace(config, access=AccessConfig(login="password"))
    assert may_bisect(config, here=True)
    assert may_bisect(login, here=True)
    assert not may_bisect(login, here=False), "off where it listens elsewhere, until somebody says so"
    assert may_bisect(replace(login, web=WebConfig(bisect="always")), here=False)
    assert not may_bisect(replace(config, web=WebConfig(bisect="never")), here=True)
    assert not may_bisect(replace(config, access=AccessConfig()), here=True)


@pytest.mark.usefixtures("few_plugins")
def test_a_search_goes_on_after_the_servers_end_and_after_a_stop(tmp_path: Path) -> None:
    repo = make_counted_repo(tmp_path, commits=16, slow_at=9)  # eight runs or so
    project = Project.open(repo.path)
    config = replace(project.config, access=MAINTAINER)
    with project.open_store() as store:
        run(project, store, Selection(revisions=(repo.shas[0], "main")))
        (summary,) = store.series_list()
        change = ChangePoint(1, 1e-3, 1.5e-3, 1.49, 1.51, 1e-9)
        store.replace_changes(
            "main", [SeriesChange(summary.id, summary.key, repo.shas[0], repo.shas[-1], change)]
        )
        (event,) = store.events()

        @contextmanager
        def served() -> Iterator[httpx.Client]:
            bisector = Bisector(project)
            app = create_app(config.database_url, config=config, bisector=bisector)
            with bisecting(bisector), serve(app) as base, httpx.Client(base_url=base) as client:
                until(lambda: bisector.machines)
                yield client

        def steps() -> int:
            return len(store.searches.steps(1))

        with served() as client:
            ask = f"/event/{event.id}/bisect"
            assert client.post(ask, data={"csrf": token(client, ask)}).headers["location"] == "/bisection/1"
            until(lambda: steps() >= 1)
        assert store.searches.now() == (0, ""), "what the server began ended with it"
        assert store.searches.wanted() == [1]
        kept = steps()
        with served() as client:
            csrf = {"csrf": token(client, "/bisection/1")}
            until(lambda: store.searches.now()[0] == 1)
            client.post("/bisection/1/stop", data=csrf)
            until(lambda: store.searches.now() == (0, ""))
            assert "cut off" in text(client.get("/bisection/1"))
            kept = steps()
            client.post("/bisection/1/resume", data=csrf)
            until(lambda: store.searches.one(1).found or store.searches.one(1).fault)
            state = store.searches.one(1)
            assert (state.fault, state.found is not None and state.found.culprit) == ("", repo.culprit)
            assert state.runs > kept
            told = client.get("/bisection/1").text
            assert "verified" in client.get(f"/event/{event.id}").text
            assert 'class="chance"' in told


@pytest.mark.browser
def test_the_button_quotes_asks_and_stops(browser: Browser, tmp_path: Path, history: History) -> None:
    if not (AXE.is_file() and htmx_present()):
        pytest.skip("NO HTMX TESTS: web/static/vendor is empty; `pip install .` brings it where npm answers")
    with server(history, tmp_path, MAINTAINER) as base, quiet_page(browser, base) as page:
        page.goto(f"/event/{history.regression}")
        page.get_by_role("link", name="what would it cost?").click()
        expect(page.locator("#quote")).to_contain_text("such a search takes about")
        assert violations(page) == []
        page.get_by_role("button", name="Search on this machine").click()
        expect(page).to_have_url("/bisection/3")
        expect(page.locator(".lede")).to_contain_text("waiting")
        assert violations(page) == []
        page.get_by_role("button", name="Stop").click()
        expect(page.locator(".lede")).to_contain_text("cut off")
        page.get_by_role("button", name="Go on").click()
        expect(page.locator(".lede")).to_contain_text("waiting")
