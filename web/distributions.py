"""Two distributions of numbers on one scale, before and after a change, as inline SVG."""

from __future__ import annotations

import math
import statistics
from collections.abc import Sequence
from dataclasses import dataclass

from markupsafe import Markup

WIDTH, ROW, GAP = 640, 64, 10
BINS = 56


@dataclass(frozen=True, slots=True)
class Summary:
    """What a distribution is in numbers; the middle half lies from ``low`` to ``high``."""

    count: int
    least: float
    low: float
    median: float
    high: float
    most: float


def summary(values: Sequence[float]) -> Summary:
    """The numbers of at least one value."""
    ordered = sorted(values)
    low, median, high = statistics.quantiles(ordered, n=4) if len(ordered) > 1 else ordered * 3
    return Summary(len(ordered), ordered[0], low, median, high, ordered[-1])


def distributions(before: Sequence[float], after: Sequence[float], meaning: str) -> Markup:
    """Histograms of both on the scale of both, ``after`` in the colour of ``meaning``; a line at each median.

    Decoration: hidden from readers, who get the summaries. Empty where a number is not finite.
    """
    if not before or not after or not all(map(math.isfinite, (*before, *after))):
        return Markup("")
    least, most = min(*before, *after), max(*before, *after)
    span = most - least or abs(most) * 0.01 or 1.0
    parts = [
        *_histogram(before, least, span, ROW, "same"),
        *_histogram(after, least, span, 2 * ROW + GAP, meaning),
    ]
    height = 2 * ROW + GAP + 2
    inner = "".join(parts)
    return Markup(  # noqa: S704 # made of numbers and this module's own class names
        f'<svg class="distribution" viewBox="0 0 {WIDTH} {height}" preserveAspectRatio="none" '
        f'aria-hidden="true" focusable="false">{inner}</svg>'
    )


def _histogram(values: Sequence[float], least: float, span: float, floor: int, css: str) -> list[str]:
    """Bars on ``floor``, the highest as high as a row, and the median over them."""
    counts = [0] * BINS
    for value in values:
        counts[min(BINS - 1, int((value - least) / span * BINS))] += 1
    unit, wide = (ROW - 8) / max(counts), WIDTH / BINS
    bars = [
        f'<rect class="{css}" x="{i * wide:.1f}" y="{floor - count * unit:.1f}" '
        f'width="{wide - 1:.1f}" height="{count * unit:.1f}"/>'
        for i, count in enumerate(counts)
        if count
    ]
    x = (statistics.median(values) - least) / span * WIDTH
    return [
        *bars,
        f'<line class="floor" x1="0" x2="{WIDTH}" y1="{floor}" y2="{floor}"/>',
        f'<line class="median {css}" x1="{x:.1f}" x2="{x:.1f}" y1="{floor - ROW}" y2="{floor}"/>',
    ]
