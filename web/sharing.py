"""What other places show of us: a feed of changes, and badges; the chart for frames is a page (``embed``).

Everything below ``/embed/`` may be shown by other sites (``security/guard.py``).
"""

from __future__ import annotations

import re
from datetime import UTC, datetime
from xml.etree import ElementTree
from xml.sax.saxutils import escape

from fastapi import APIRouter, Request
from fastapi.responses import Response

from regress import words
from regress.domain import Event, EventKind
from regress.service import browse
from web import format
from web.state import Branch, StoreDep

router = APIRouter()

ATOM = "http://www.w3.org/2005/Atom"
ENTRIES = 50

_CHARACTER = 6.3  # width in pixels of one of 11 pixels height, on the average
_UNWRITABLE = re.compile("[^\t\n\r -\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]")
_COLOURS = {"worse": "#b3401e", "better": "#14706b", "quiet": "#59636e"}


@router.get("/feed.atom")
def feed(request: Request, store: StoreDep, branch: Branch = None) -> Response:
    """The newest regressions and improvements (RFC 4287)."""
    page = browse.events_page(store, branch, limit=ENTRIES)
    base = str(request.base_url).rstrip("/")
    site = request.app.state.site.project
    root = ElementTree.Element("feed", xmlns=ATOM)
    events = sorted((row.event for row in page.rows), key=lambda event: event.first_seen, reverse=True)
    newest = max((event.first_seen for event in events), default=datetime.fromtimestamp(0, UTC))
    about = {"title": f"{site}: changes", "id": f"{base}/feed.atom", "updated": newest.isoformat()}
    for name, text in about.items():
        ElementTree.SubElement(root, name).text = _clean(text)
    ElementTree.SubElement(root, "link", rel="self", href=str(request.url))
    ElementTree.SubElement(root, "link", href=f"{base}/events")
    author = ElementTree.SubElement(root, "author")
    ElementTree.SubElement(author, "name").text = _clean(site)
    for event in events:
        _entry(root, base, event)
    body = ElementTree.tostring(root, encoding="utf-8", xml_declaration=True)
    return Response(body, media_type="application/atom+xml")


def _entry(root: ElementTree.Element, base: str, event: Event) -> None:
    entry = ElementTree.SubElement(root, "entry")
    address = f"{base}/event/{event.id}"
    others = event.size - 1
    more = f" and {others:,} more" if others else ""
    change = words.change(event.worst.change.ratio)
    said = {
        "title": f"{event.kind.value.capitalize()} {change}: {event.worst.series.title}{more}",
        "id": address,
        "published": event.first_seen.isoformat(),
        "updated": event.first_seen.isoformat(),
        "summary": f"since {format.short(event.first_after)}, {event.state.value}. {event.note}".strip(),
    }
    for name, text in said.items():
        ElementTree.SubElement(entry, name).text = _clean(text)
    ElementTree.SubElement(entry, "link", href=address)
    ElementTree.SubElement(entry, "category", term=event.kind.value)


def _clean(text: str) -> str:
    """Without characters that XML 1.0 has no way to write."""
    return _UNWRITABLE.sub("\ufffd", text)


@router.get("/embed/badge.svg")
def badge(store: StoreDep, branch: Branch = None) -> Response:
    """How many regressions of a branch are open, for a README."""
    count, measured = browse.open_regressions(store, branch)
    if not measured:
        return _badge("performance", "no data", "quiet")
    if not count:
        return _badge("performance", "no regressions", "better")
    return _badge("performance", words.count(count, EventKind.REGRESSION.value), "worse")


def _badge(left: str, right: str, tone: str) -> Response:
    """Two fields side by side, in the measures of the usual badges."""
    a, b = (round(len(text) * _CHARACTER) + 12 for text in (left, right))
    label = escape(f"{left}: {right}")
    svg = f"""<svg xmlns="http://www.w3.org/2000/svg" width="{a + b}" height="20" role="img">
<title>{label}</title>
<rect width="{a + b}" height="20" rx="3" fill="{_COLOURS[tone]}"/>
<path d="M3 0h{a - 3}v20h{3 - a}a3 3 0 0 1-3-3V3a3 3 0 0 1 3-3z" fill="#2c333a"/>
<g fill="#fff" font-family="Verdana,DejaVu Sans,sans-serif" font-size="11" text-anchor="middle">
<text x="{a / 2}" y="14">{escape(left)}</text><text x="{a + b / 2}" y="14">{escape(right)}</text>
</g></svg>
"""
    return Response(svg, media_type="image/svg+xml", headers={"Cache-Control": "max-age=300"})
