"""What a search measured and where it sees the culprit, commit by commit, as inline SVG.

Above a panel of values (what was known, what the search measured, and crosses where nothing could be built),
below it a bar for the chance of each commit. Decoration: hidden from readers, who get the tables.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence

from markupsafe import Markup

from regress.service.browse import Suspect

WIDTH, TOP, GAP, BOTTOM, MARGIN = 960, 150, 14, 90, 8
BARS = 320
"""Bars at most: of a longer range, each stands for some neighbours, with two dots for what was known."""


def posterior(suspects: Sequence[Suspect]) -> Markup:
    """The picture; empty for a range of less than two commits."""
    if len(suspects) < 2:
        return Markup("")
    inner = "".join((*_values(suspects), *_chances(suspects)))
    height = TOP + GAP + BOTTOM + 2
    return Markup(  # noqa: S704 # made of numbers and this module's own class names
        f'<svg class="posterior" viewBox="0 0 {WIDTH} {height}" width="{WIDTH}" height="{height}" '
        f'aria-hidden="true" focusable="false">{inner}</svg>'
    )


def _across(place: float, count: int) -> float:
    """The middle of the column of a place."""
    return MARGIN + (place + 0.5) * (WIDTH - 2 * MARGIN) / count


def _values(suspects: Sequence[Suspect]) -> Iterator[str]:
    """Dots, the range of their values in the height of the panel; crosses at its floor."""
    values = [value for one in suspects for value in (*one.known, *one.measured)]
    low, high = min(values, default=0.0), max(values, default=1.0)
    span = (high - low) or abs(high) or 1.0

    def dot(css: str, place: int, value: float, radius: float) -> str:
        y = TOP - MARGIN - (value - low) / span * (TOP - 2 * MARGIN)
        return f'<circle class="{css}" cx="{_across(place, len(suspects)):.1f}" cy="{y:.1f}" r="{radius}"/>'

    yield from (dot("known", place, value, 2.5) for place, value in _known(suspects))
    for place, one in enumerate(suspects):
        yield from (dot("measured", place, value, 3.5) for value in one.measured)
        if one.unbuilt:
            x, y = _across(place, len(suspects)), TOP - MARGIN
            yield f'<path class="unbuilt" d="M{x - 4:.1f} {y - 4}l8 8m0 -8l-8 8"/>'
    yield f'<line class="floor" x1="0" x2="{WIDTH}" y1="{TOP}" y2="{TOP}"/>'


def _known(suspects: Sequence[Suspect]) -> Iterator[tuple[int, float]]:
    """Place and value of what was known: of the neighbours that share a bar, the lowest and the highest."""
    each = _each(suspects)
    for start in range(0, len(suspects), each):
        there = [
            (value, start + offset)
            for offset, one in enumerate(suspects[start : start + each])
            for value in one.known
        ]
        if there:
            yield from ((place, value) for value, place in dict.fromkeys((min(there), max(there))))


def _each(suspects: Sequence[Suspect]) -> int:
    """How many neighbours share a bar."""
    return -(-len(suspects) // BARS)


def _chances(suspects: Sequence[Suspect]) -> Iterable[str]:
    """A bar for each commit (or some neighbours), the highest as high as the panel."""
    each = _each(suspects)
    sums = [
        sum(one.chance for one in suspects[start : start + each]) for start in range(0, len(suspects), each)
    ]
    most, floor = max(sums) or 1.0, TOP + GAP + BOTTOM
    width = (WIDTH - 2 * MARGIN) * each / len(suspects)
    for number, chance in enumerate(sums):
        tall, left = chance / most * BOTTOM, MARGIN + (number + 0.1) * width
        if tall >= 0.1:
            size = f'width="{width * 0.8:.1f}" height="{tall:.1f}"'
            yield f'<rect class="chance" x="{left:.1f}" y="{floor - tall:.1f}" {size}/>'
    yield f'<line class="floor" x1="0" x2="{WIDTH}" y1="{floor}" y2="{floor}"/>'
