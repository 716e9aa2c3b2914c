"""Every page under axe-core, in light and dark, with the palette open: no violation of WCAG 2.2 A and AA."""

from __future__ import annotations

from typing import Any

import pytest
from playwright.sync_api import Browser, Page, expect

from tests.web import history as made
from tests.web.history import History
from tests.web.test_browser import quiet_page
from tests.web.test_pages import WEB, addresses
from web.render import htmx_present

AXE = WEB.parent / "tests" / "web" / "vendor" / "axe.js"
RULES = ("wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa", "best-practice")

pytestmark = pytest.mark.browser


def violations(page: Page) -> list[str]:
    """What axe finds wrong with the page as it stands: rule and place."""
    if not page.evaluate("'axe' in window"):
        page.evaluate(AXE.read_text("utf-8"))
    found: Any = page.evaluate("rules => axe.run({runOnly: rules, resultTypes: ['violations']})", list(RULES))
    return [f"{one['id']}: {node['html'][:120]}" for one in found["violations"] for node in one["nodes"]]


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_axe_finds_nothing(scheme: Any, browser: Browser, site: str, history: History) -> None:
    if not (AXE.is_file() and htmx_present()):
        pytest.skip("NO AXE TESTS: the folders vendor are empty; `pip install .` brings it where npm answers")
    # contrast is all that the scheme changes: three pages have every colour
    places = addresses(history) | {"grid": "/benchmarks?view=grid"}
    names = {"light": places, "dark": ["overview", "event", "compare", "series", "grid"]}[scheme]
    bad = {}
    with quiet_page(browser, site) as page:
        page.emulate_media(color_scheme=scheme, reduced_motion="reduce")
        for name in names:
            page.goto(places[name])
            if name == "series":
                page.locator("#plot canvas").wait_for()
            bad[name] = violations(page)
        page.keyboard.press("Control+k")
        page.keyboard.type(made.FONTS.title)
        page.locator("#found a").filter(has_text=made.FONTS.title).wait_for()
        bad["palette"] = violations(page)
    assert {name: found for name, found in bad.items() if found} == {}


def test_texts_of_any_length_fit_a_phone(browser: Browser, hostile_site: str) -> None:
    if not (AXE.is_file() and htmx_present()):
        pytest.skip("NO AXE TESTS: the folders vendor are empty; `pip install .` brings it where npm answers")
    bad = {}
    with quiet_page(browser, hostile_site) as page:
        page.set_viewport_size({"width": 360, "height": 740})
        for place in ("/benchmarks?view=grid", "/series/2", "/compare?a=latest~1&b=latest", "/audit"):
            page.goto(place)
            wide: int = page.evaluate("document.documentElement.scrollWidth")
            bad[place] = violations(page) + ([f"{wide} pixels wide"] if wide > 360 else [])
        box = page.locator(".scroll")
        expect(box).to_have_attribute("tabindex", "0")  # what it hides is for the keyboard too
        expect(box).to_have_attribute("aria-label", "Audit log")
    assert {place: found for place, found in bad.items() if found} == {}
