"""The pages of searches: what they cost, what they know, what they came to; live in Chromium."""

from __future__ import annotations

import re
from datetime import UTC, datetime
from pathlib import Path

import httpx
import pytest
from playwright.sync_api import Browser, expect

from regress.domain import Bisection, BisectionPlan, BisectionStep, Posterior
from regress.service import browse
from regress.store import Store
from tests.web import history as made
from tests.web.history import History
from tests.web.server import serve
from tests.web.test_browser import quiet_page
from tests.web.test_pages import text
from web.app import create_app
from web.posterior import BARS, posterior
from web.render import htmx_present

PATIENCE = 20_000.0  # milliseconds for what comes within two seconds


def test_the_list_says_how_each_search_stands(client: httpx.Client, history: History) -> None:
    page = text(client.get("/bisections"))
    assert re.search(r"2 cut off between .* scene.time_render\(tiles=4096\).* 5 of about 12 1 min", page)
    assert re.search(rf"1 found .*{history.culprit.sha[:10]} \+15.2 % 98.7 % .* 14 ", page)


def test_a_search_that_was_cut_off_says_what_it_knows_and_how_to_go_on(
    client: httpx.Client, history: History
) -> None:
    body = client.get("/bisection/2")
    page = text(body)
    assert "Which commit changed scene.time_render(tiles=4096)?" in page
    assert "5 runs, 1 min of measuring (about 12 s each, builds included)" in page
    assert "About 12 runs were expected: 1 min 19 s more; at most 60." in page
    assert "regress bisect --resume 2" in page
    shas = [commit.sha[:10] for commit in history.commits]
    knows = page[page.index("What it knows") :]
    likeliest = re.findall(r"(\d+\.\d) % (\w{10})", knows)
    assert likeliest == [("74.0", shas[41]), ("21.0", shas[40]), ("2.0", shas[42])]
    assert "does not build" in knows
    assert "Wherever it came, the change is +14.8 % ( +13.1 to +16.5 % )." in page
    assert "2.4 % none of them: nothing changed" in knows
    assert "every 2s" not in body.text, "nothing moves, so nobody asks again"


def test_a_finished_search_says_its_answer(client: httpx.Client, history: History) -> None:
    page = text(client.get("/bisection/1"))
    assert f"+15.2 % came with {history.culprit.sha[:10]}" in page
    assert "in turns with its parent, it differs by +15.2 % ( +14.3 to +16.1 % ); 98.7 % sure:" in page
    assert history.culprit.subject in page
    assert f"{history.culprit.sha[:10]} and 1 more" in page
    further = page[page.index("it differs by −2.00 %") :]
    assert re.search(r"96.2 % sure. It is one of these, what lies between does not build", further)
    assert all(f"{commit.sha[:10]} {commit.subject}" in further for commit in history.commits[44:46])
    assert "explains the whole change, as far as chance lets one see: +0.10 %" in page
    assert re.search(
        r"time_render\(tiles=4096\).*, measured with it: \+14.8 % \( \+13.7 to \+15.9 % \)", page
    )
    assert "It touches what the benchmark runs: scene/render.py , scene/<tiles>.py ." in page
    assert f"regression {history.regression}" in page
    event = client.get(f"/event/{history.regression}").text
    assert 'href="/bisection/1"' in event
    assert 'href="/bisection/2"' in event
    assert client.get("/bisection/3").status_code == 404


def test_the_picture_has_a_bar_a_commit_and_not_too_many() -> None:
    few = [
        browse.Suspect("a", 0.0, (1.0, 1.1)),
        browse.Suspect("b", 0.9, known=(1.3,)),
        browse.Suspect("c", 0.1),
    ]
    drawn = posterior(few)
    assert (drawn.count("<rect"), drawn.count('class="measured"'), drawn.count('class="known"')) == (2, 2, 1)
    assert [float(tall) for tall in re.findall(r'height="(\d+\.\d)"/>', drawn)] == [90.0, 10.0]
    known = [1.0 + (i == 6) for i in range(4 * BARS)]
    many = posterior([browse.Suspect(str(i), 0.001, (), (known[i],), i == 5) for i in range(4 * BARS)])
    assert (many.count("<rect"), many.count('class="unbuilt"')) == (BARS, 1)
    assert many.count('class="known"') == 2 * BARS, "of four neighbours, two"
    assert many.count('cy="8.0"') == 1, "the highest of all is among them"
    assert posterior(few[:1]) == ""


@pytest.mark.browser
def test_a_search_is_seen_while_it_goes_on(browser: Browser, tmp_path: Path) -> None:
    if not htmx_present():
        pytest.skip("NO HTMX TESTS: web/static/vendor is empty; `pip install .` brings it where npm answers")
    url = f"sqlite:///{tmp_path}/regress.db"
    with Store.open(url) as store:
        shas = [commit.sha for commit in made.build(store).commits]
        begun, now = store.begun_bisections, datetime.now(UTC)
        number = begun.begin(BisectionPlan(made.SMALL, shas[38], shas[44], 0.95, 60, now))
        with serve(create_app(url)) as base, quiet_page(browser, base) as page:
            with store.searches.going_on(number):
                page.goto(f"/bisection/{number}")
                page.evaluate("window.same = true")
                expect(page.locator(".lede")).to_contain_text("measuring")
                begun.add(number, BisectionStep(shas[41], 0.0144, 1.0))
                store.searches.tell(number, Posterior(((shas[41], 0.9),), 0.1))
                expect(page.locator("#search")).to_contain_text("1 run, 1.0 s of measuring", timeout=PATIENCE)
                expect(page.locator(".posterior .chance")).to_have_count(1)
            found = (shas[41], shas[41], 0.99, 1.15, 1.14, 1.16, True, 1, (), now, now)
            begun.finish(number, Bisection(made.SMALL, shas[38], shas[44], *found))
            answer = page.get_by_role("heading", level=1)
            expect(answer).to_have_text(f"+15.0 % came with {shas[41][:10]}", timeout=PATIENCE)
            assert page.evaluate("window.same")
            assert page.locator("#search").get_attribute("hx-trigger") is None
