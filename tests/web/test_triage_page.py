"""Triage on the page of an event: with a form alone, and in Chromium, where the page is not loaded anew."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path

import httpx
import pytest
from playwright.sync_api import Browser, expect

from regress.config import AccessConfig, Config
from regress.domain import State
from regress.store import Store
from tests.web import history as made
from tests.web.history import History
from tests.web.server import serve
from tests.web.test_browser import quiet_page
from web.app import create_app
from web.render import htmx_present


@pytest.fixture
def history(tmp_path: Path) -> History:
    """A history of our own, to write to."""
    with Store.open(f"sqlite:///{tmp_path}/regress.db") as store:
        return made.build(store)


@pytest.fixture
def site(history: History) -> Iterator[str]:
    """A server that lets this machine triage."""
    config = Config(root=Path("/nowhere"), access=AccessConfig(local="triager"))
    with serve(create_app(history.url, config=config)) as base:
        yield base


def test_a_form_alone_decides_and_what_is_wrong_is_said(site: str, history: History) -> None:
    address = f"/event/{history.regression}"
    with httpx.Client(base_url=site) as client:
        token = re.findall(r'name="csrf" value="([^"]+)"', client.get(address).text)[0]

        def say(**fields: str) -> httpx.Response:
            return client.post(f"{address}/triage", data={"csrf": token, **fields})

        assert say(state="investigating", assignee="ada").headers["location"] == f"{address}#history"
        fix = history.commits[50].sha
        assert say(assignee="ada", fixed_by=fix[:12], note="warm again").status_code == 303
        assert say(assignee="ada", fixed_by=fix, move="later").status_code == 303
        for fields, said in (
            ({"assignee": "ada"}, "nothing is decided"),
            ({"state": "finished"}, "unknown state"),
            ({"fixed_by": "nobody knows"}, "unknown commit"),
        ):
            answer = say(**{"assignee": "ada", "fixed_by": fix, **fields})
            assert 400 <= answer.status_code < 500
            assert said in answer.text
    with Store.open(history.url) as store:
        event = store.event(history.regression)
        assert (event.state, event.assignee, event.moved) == (State.FIXED, "ada", True)
        assert (event.fixed_by, event.first_after) == (fix, history.commits[42].sha)
        assert [step.who for step in store.triage_steps(event.id)] == ["local"] * 6


@pytest.mark.browser
def test_the_page_is_exchanged_in_place(browser: Browser, site: str, history: History) -> None:
    if not htmx_present():
        pytest.skip("NO HTMX TESTS: web/static/vendor is empty; `pip install .` brings it where npm answers")
    with quiet_page(browser, site) as page:
        page.goto(f"/event/{history.regression}")
        page.evaluate("window.same = true")
        page.get_by_label("State").select_option("acknowledged")
        page.get_by_label("Note").fill("seen it")
        page.get_by_role("button", name="Say so").click()
        expect(page.locator(".steps")).to_contain_text("noted: seen it")
        page.get_by_label("State").select_option("expected")
        page.get_by_role("button", name="Say so").click()
        expect(page.locator(".steps")).to_contain_text("said it is expected")
        assert page.evaluate("window.same")


@pytest.mark.browser
def test_what_is_wrong_is_said_in_the_form_which_stays_filled_in(
    browser: Browser, site: str, history: History
) -> None:
    if not htmx_present():
        pytest.skip("NO HTMX TESTS: web/static/vendor is empty; `pip install .` brings it where npm answers")
    page = browser.new_page(base_url=site)  # no quiet one: the console tells of the refusal too
    page.goto(f"/event/{history.regression}")
    page.get_by_label("Note").fill("a long story")
    page.get_by_label("Fixed by commit").fill("zzzz")
    page.get_by_role("button", name="Say so").click()
    expect(page.locator("form.triage").get_by_role("alert")).to_contain_text("unknown commit 'zzzz'")
    expect(page.get_by_label("Note")).to_have_value("a long story")
    page.get_by_label("Fixed by commit").fill(history.commits[50].sha)
    page.get_by_role("button", name="Say so").click()
    expect(page.locator(".steps")).to_contain_text("noted: a long story")
    expect(page.locator("form.triage").get_by_role("alert")).to_have_count(0)
    page.close()
