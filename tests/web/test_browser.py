"""The dashboard in real headless Chromium: charts draw, zoom and lead on; nothing leaves the machine."""

from __future__ import annotations

import re
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import pytest
from playwright.sync_api import Browser, FloatRect, Page, expect

from tests.web import history as made
from tests.web.history import History
from tests.web.test_pages import addresses
from web.pages import PAGES
from web.render import chart_library_present

pytestmark = pytest.mark.browser

LIGHT, DARK = "rgb(251, 251, 249)", "rgb(18, 21, 25)"
BACKGROUND = "getComputedStyle(document.body).backgroundColor"

HOLD_DETAIL = """
window.held = [];
const real = window.fetch;
window.fetch = (address) => !/line[?]start=/.test(address) ? real(address) : new Promise((come) => {
  held.push(async () => {
    const answer = await real(address);
    come(answer.clone());
    await answer.arrayBuffer();
    return address;
  });
  document.documentElement.dataset.held = held.length;
});
"""
"""Lets the points of views come when ``held[i]()`` is called; the page tells how many are held."""


@pytest.fixture
def page(browser: Browser, site: str) -> Iterator[Page]:
    """A fresh page of the made-up project."""
    with quiet_page(browser, site) as page:
        yield page


@contextmanager
def quiet_page(browser: Browser, site: str) -> Iterator[Page]:
    """A fresh page; fails at its end on any console error, broken policy or request to another host."""
    context = browser.new_context(
        base_url=site, viewport={"width": 1280, "height": 900}, color_scheme="light"
    )
    page = context.new_page()
    said: list[tuple[str, str]] = []
    asked: list[str] = []
    page.on("console", lambda message: said.append((message.type, message.text)))
    page.on("pageerror", lambda error: said.append(("error", str(error))))
    page.on("request", lambda request: asked.append(request.url))
    yield page
    context.close()
    assert [text for kind, text in said if kind in ("error", "warning")] == []
    assert [url for url in asked if not url.startswith(site)] == []


@pytest.fixture
def series(page: Page, history: History) -> Page:
    """The page of the series that got slower, its chart drawn."""
    if not chart_library_present():
        pytest.skip("NO CHART TESTS: web/static/vendor is empty; `pip install .` brings it where npm answers")
    page.goto(f"/series/{history.series[made.SMALL.title]}")
    page.locator("#plot canvas").wait_for()
    return page


def plot(page: Page) -> FloatRect:
    """Where the drawing area lies on the page."""
    box = page.locator("#plot .u-over").bounding_box()
    assert box is not None
    return box


def view(page: Page) -> tuple[float, float]:
    """The range of positions in view."""
    data: Any = page.locator("#plot").evaluate("node => [Number(node.dataset.min), Number(node.dataset.max)]")
    return data[0], data[1]


def zoom(page: Page, start: float, stop: float) -> None:
    """Drag over the chart between two shares of its width."""
    box = plot(page)
    page.mouse.move(box["x"] + start * box["width"], box["y"] + 100)
    page.mouse.down()
    page.mouse.move(box["x"] + stop * box["width"], box["y"] + 120, steps=4)
    page.mouse.up()


@pytest.mark.parametrize("name", PAGES)
def test_page_is_quiet_and_fits_a_phone(name: str, page: Page, history: History) -> None:
    page.set_viewport_size({"width": 360, "height": 740})
    page.goto(addresses(history)[name], wait_until="load")
    widths = page.evaluate("[document.documentElement.scrollWidth, document.documentElement.clientWidth]")
    assert widths[0] <= widths[1]


def test_overview_leads_to_the_regression_and_its_commit(page: Page, history: History) -> None:
    page.goto("/")
    expect(page.get_by_role("heading", level=1)).to_have_text("1 open regression")
    row = page.locator(".event.worse").first
    expect(row).to_contain_text("+15.0 %")
    expect(row).to_contain_text(history.culprit.sha[:10])
    row.get_by_role("link", name="+15.0 %").click()
    expect(page).to_have_url(f"/event/{history.regression}")
    page.get_by_role("link", name=history.culprit.sha[:10], exact=True).first.click()
    expect(page).to_have_url(f"/commit/{history.culprit.sha}")
    expect(page.get_by_role("heading", level=1)).to_have_text(history.culprit.subject)


def test_chart_draws(series: Page) -> None:
    colours = series.locator("#plot canvas").evaluate(
        """canvas => {
            const { data } = canvas.getContext("2d").getImageData(0, 0, canvas.width, canvas.height);
            const seen = new Set();
            for (let i = 0; i < data.length; i += 4) if (data[i + 3]) seen.add(data.slice(i, i + 4).join());
            return seen.size;
        }"""
    )
    assert colours > 10  # a line, its antialiasing, whiskers, axes


def test_hover_shows_commit_value_and_interval(series: Page, history: History) -> None:
    box = plot(series)
    series.mouse.move(box["x"] + box["width"] - 3, box["y"] + 50)
    tip = series.locator(".tip")
    expect(tip).to_be_visible()
    expect(tip).to_contain_text(history.commits[-1].sha[:10])
    expect(tip).to_contain_text(history.commits[-1].subject)
    expect(tip).to_contain_text(" ms to ")


def test_drag_zooms_and_reset_returns(series: Page) -> None:
    whole = view(series)
    assert whole == (-0.5, made.COMMITS - 0.5)
    expect(series.locator("#reset")).to_be_disabled()
    zoom(series, 0.25, 0.5)
    start, stop = view(series)
    assert 13 < start < 16
    assert 28 < stop < 31
    series.locator("#reset").click()
    assert view(series) == whole
    zoom(series, 0.5, 0.75)
    assert view(series) != whole
    series.mouse.dblclick(plot(series)["x"] + 200, plot(series)["y"] + 100)
    assert view(series) == whole


def test_change_point_and_failure_are_marked_where_they_are(series: Page, history: History) -> None:
    box = plot(series)

    def position(selector: str) -> float:
        mark = series.locator(selector).bounding_box()
        assert mark is not None
        share = (mark["x"] + mark["width"] / 2 - box["x"]) / box["width"]
        return share * made.COMMITS - 0.5

    assert position(".mark") == pytest.approx(made.SLOWER_AT - 0.5, abs=0.2)
    assert position(".cross") == pytest.approx(made.BROKEN_AT, abs=0.2)
    expect(series.locator(".mark")).to_have_text("+15.0 %")
    series.locator(".mark").click()
    expect(series).to_have_url(f"/event/{history.regression}")


def test_marks_out_of_view_are_hidden(series: Page) -> None:
    zoom(series, 0.05, 0.3)
    expect(series.locator(".mark")).to_be_hidden()
    expect(series.locator(".cross")).to_be_hidden()


def test_cross_leads_to_the_failed_commit(series: Page, history: History) -> None:
    series.locator(".cross").click()
    expect(series).to_have_url(f"/commit/{history.commits[made.BROKEN_AT].sha}")


def test_a_failure_behind_the_newest_measurement_is_in_view(series: Page, history: History) -> None:
    series.goto(f"/series/{history.series[made.STALE.title]}")
    series.locator("#plot canvas").wait_for()
    assert view(series)[1] == made.STALE_FROM + 0.5
    expect(series.locator(".cross").last).to_have_attribute(
        "href", f"/commit/{history.commits[made.STALE_FROM].sha}"
    )


def test_keyboard_walks_zooms_and_opens(series: Page, history: History) -> None:
    series.locator("#plot").focus()
    series.keyboard.press("ArrowLeft")
    series.keyboard.press("ArrowLeft")
    expect(series.locator("#announce")).to_contain_text(history.commits[-2].sha[:10])
    series.keyboard.press("+")
    assert view(series) == (14.5, 44.5)
    series.keyboard.press("Shift+ArrowRight")
    assert view(series) == (29.5, 59.5)
    series.keyboard.press("Escape")
    assert view(series) == (-0.5, made.COMMITS - 0.5)
    series.keyboard.press("Enter")
    expect(series).to_have_url(f"/commit/{history.commits[-2].sha}")


def test_a_click_shows_the_samples_and_relative_counts_from_there(series: Page, history: History) -> None:
    series.locator("#plot").focus()
    series.keyboard.press("ArrowLeft")
    series.keyboard.press(" ")
    shown = series.locator("#point")
    expect(shown).to_contain_text("5 raw samples")
    expect(shown).to_contain_text(history.commits[-1].sha[:10])
    series.locator("#ratio").check()
    series.locator("#by-date").check()
    assert series.url.endswith("?ratio=1&date=1")
    assert view(series) == pytest.approx((-0.5, made.COMMITS - 0.5))
    series.reload()
    series.locator("#plot canvas").wait_for()
    expect(series.locator("#reset")).to_be_disabled()
    series.locator("#plot").focus()
    series.keyboard.press("ArrowRight")
    expect(series.locator(".tip b")).to_have_text("1.000 ×")
    zoom(series, 0.25, 0.5)
    start, stop = view(series)
    assert 13 < start < 16
    assert 28 < stop < 31


def test_toggles_live_in_the_address(series: Page) -> None:
    series.get_by_label("From zero").check()
    assert series.url.endswith("?zero=1")
    series.reload()
    series.locator("#plot canvas").wait_for()
    expect(series.get_by_label("From zero")).to_be_checked()
    series.get_by_label("From zero").uncheck()
    series.get_by_label("Log scale").check()
    assert series.url.endswith("?log=1")


def test_dark_scheme_is_dark(page: Page) -> None:
    page.emulate_media(color_scheme="dark")
    page.goto("/")
    page.locator("h1").wait_for()
    assert page.evaluate(BACKGROUND) == DARK


def test_the_switch_chooses_a_theme_for_all_pages(series: Page) -> None:
    switch = series.get_by_role("button", name="Colours:")
    for name, background in (("light", LIGHT), ("dark", DARK)):
        switch.click()
        expect(switch).to_have_accessible_name(f"Colours: {name}")
        assert series.evaluate(BACKGROUND) == background
    assert series.locator("#plot canvas").is_visible()
    series.goto("/")  # dark from its first paint: the server says so
    expect(series.locator("html")).to_have_attribute("data-theme", "dark")
    assert series.evaluate(BACKGROUND) == DARK
    switch.click()
    expect(switch).to_have_accessible_name("Colours: as the system")
    assert series.evaluate(BACKGROUND) == LIGHT
    assert series.context.cookies() == []


def test_slash_goes_to_search(page: Page, history: History) -> None:
    page.goto("/")
    page.keyboard.press("/")
    page.keyboard.type("fonts")
    page.keyboard.press("Enter")
    expect(page).to_have_url("/search?q=fonts")
    page.get_by_role("link", name=made.FONTS.title).click()
    expect(page).to_have_url(f"/series/{history.series[made.FONTS.title]}")


def test_compare_is_asked_and_filtered_by_forms(page: Page) -> None:
    page.goto("/compare")
    page.get_by_label("Base").fill("main~20")
    page.get_by_label("With").fill("latest")
    page.get_by_role("button", name="Compare").click()
    expect(page.locator("tbody tr")).to_have_count(5)
    page.get_by_role("checkbox", name="slower").check()
    page.get_by_role("button", name="Filter").click()
    expect(page.locator("tbody tr")).to_have_count(2)
    assert "verdict=slower" in page.url


def test_a_thinned_series_gets_its_detail_on_zoom(page: Page, history: History) -> None:
    if not chart_library_present():
        pytest.skip("NO CHART TESTS: web/static/vendor is empty")
    address = f"/series/{history.series[made.SMALL.title]}"
    # the whole history is asked for with few points, as if it were a long one; zoomed views are left alone
    page.route(
        re.compile(r"/(line|points)$"), lambda route: route.continue_(url=f"{route.request.url}?limit=12")
    )
    page.goto(address)
    page.locator("#plot canvas").wait_for()
    with page.expect_response(re.compile(r"/points\?start=\d+&stop=\d+$")) as detail:
        zoom(page, 0.1, 0.4)
    asked = detail.value.json()
    assert asked["decimated"] is False
    assert asked["total"] > 12
    box = plot(page)
    seen = set()
    for point in asked["points"]:
        share = (point["position"] - view(page)[0]) / (view(page)[1] - view(page)[0])
        page.mouse.move(box["x"] + share * box["width"], box["y"] + 50)
        tip = page.locator(".tip .sha")
        expect(tip).not_to_have_text("…")  # names come after the numbers
        seen.add(tip.inner_text())
    assert seen == {point["commit"][:10] for point in asked["points"]}


def test_points_of_a_view_that_is_gone_are_not_drawn(page: Page, history: History) -> None:
    if not chart_library_present():
        pytest.skip("NO CHART TESTS: web/static/vendor is empty")
    page.add_init_script(HOLD_DETAIL)
    page.route(re.compile(r"/line$"), lambda route: route.continue_(url=f"{route.request.url}?limit=12"))
    page.goto(f"/series/{history.series[made.SMALL.title]}")
    page.locator("#plot canvas").wait_for()
    zoom(page, 0.2, 0.6)
    expect(page.locator("html")).to_have_attribute("data-held", "1")
    page.locator("#plot").focus()
    page.keyboard.press("-")
    expect(page.locator("html")).to_have_attribute("data-held", "2")
    with page.expect_response(re.compile(r"/points\?start=")):  # the view at hand has its points
        address = page.evaluate("held[1]()")
    page.evaluate("held[0]()")
    page.keyboard.press("End")
    stop = int(re.findall(r"stop=(\d+)", address)[0])
    expect(page.locator("#announce")).to_contain_text(history.commits[stop].sha[:10])


def test_small_charts_share_view_and_cursor(series: Page) -> None:
    series.set_viewport_size({"width": 1280, "height": 1800})  # both at once
    small = series.locator(".mini")
    small.locator("canvas").wait_for()
    value = series.locator(".mini-value")
    expect(value).to_have_text(re.compile(r"9[12]\d\.\d ms"))
    box = plot(series)
    series.mouse.move(box["x"] + box["width"] * 0.1, box["y"] + 60)
    expect(value).to_have_text(re.compile(r"(79|80)\d\.\d ms"))
    zoom(series, 0.25, 0.5)
    ranges = "nodes => nodes.map(node => [Number(node.dataset.min), Number(node.dataset.max)])"
    (main, other) = series.locator("#plot, .mini").evaluate_all(ranges)
    assert main == other == pytest.approx((14.5, 29.5), abs=1)
    lower = small.locator(".u-over").bounding_box()
    assert lower is not None
    series.mouse.move(lower["x"] + lower["width"] * 0.2, lower["y"] + 20)
    series.mouse.down()
    series.mouse.move(lower["x"] + lower["width"] * 0.6, lower["y"] + 20, steps=4)
    series.mouse.up()
    (main, other) = series.locator("#plot, .mini").evaluate_all(ranges)
    assert main == other == pytest.approx((17.5, 23.5), abs=1)


def test_a_frame_elsewhere_has_its_chart(page: Page, history: History) -> None:
    page.goto(f"/embed/series/{history.series[made.SMALL.title]}")
    page.locator("#plot canvas").wait_for()
    page.get_by_label("Log scale").check()
    expect(page.locator(".plot .mark")).to_have_text("+15.0 %")


def test_hostile_texts_do_nothing_in_a_chart(browser: Browser, hostile_site: str) -> None:
    with quiet_page(browser, hostile_site) as page:
        page.goto("/series/1")
        page.locator("#plot canvas").wait_for()
        box = plot(page)
        page.mouse.move(box["x"] + box["width"] - 3, box["y"] + 50)
        expect(page.locator(".tip")).to_contain_text("<img src=x onerror=alert(2)>")
        assert page.locator("img[src=x]").count() == 0
