"""Small drawings as inline SVG: a line of a series, and an effect with its interval.

Built from numbers only (no text from outside) and coloured by CSS classes, so a strict content security
policy holds.
"""

from __future__ import annotations

import functools
import math
from collections.abc import Iterable, Sequence

from markupsafe import Markup

from regress.domain import Comparison, Direction, EventKind, SeriesChange, Verdict
from regress.service.browse import Spark

LEAST_SPAN = 0.08
"""The least share of the value that a small line's height stands for: a quiet series must look quiet."""

SPARK_WIDTH, SPARK_HEIGHT, SPARK_MARGIN = 160, 36, 3
WIDE_WIDTH, WIDE_HEIGHT = 960, 240
EFFECT_WIDTH, EFFECT_HEIGHT = 160, 16

DRAWN = 2_000
"""Small lines that stay drawn, 3 kB each: a page draws up to 200, each time that it is shown."""

_TONES = {
    Verdict.SLOWER: "worse",
    Verdict.FASTER: "better",
    Verdict.UNCLEAR: "unclear",
    Verdict.SAME: "same",
    EventKind.REGRESSION: "worse",
    EventKind.IMPROVEMENT: "better",
}


def tone(meaning: Verdict | EventKind) -> str:
    """The CSS class that colours a verdict or an event's kind."""
    return _TONES[meaning]


@functools.lru_cache(DRAWN)
def spark(line: Spark, meaning: str = "same") -> Markup:
    """The line; from ``line.mark`` on it takes the colour of ``meaning``. Decoration: hidden from readers."""
    values = line.values
    if len(values) < 2 or not all(map(math.isfinite, values)):
        return Markup("")
    points = _place(values)
    cut = len(points) if line.mark is None else line.mark
    end = meaning if cut < len(points) else "same"
    x, y = points[-1]
    parts = [_polyline(points[: cut + 1], "same")] if cut else []
    if cut < len(points):
        parts.append(_polyline(points[max(cut - 1, 0) :], meaning))
    parts.append(f'<circle class="{end}" cx="{x:.1f}" cy="{y:.1f}" r="2.5"/>')
    return _svg("spark", SPARK_WIDTH, SPARK_HEIGHT, parts)


def wide_line(values: Sequence[float]) -> Markup:
    """All points of a series as a line as wide as a page, for where no chart library runs."""
    if len(values) < 2 or not all(map(math.isfinite, values)):
        return Markup("")
    stretch = (WIDE_WIDTH - 2 * SPARK_MARGIN) / (SPARK_WIDTH - 2 * SPARK_MARGIN), WIDE_HEIGHT / SPARK_HEIGHT
    points = [(SPARK_MARGIN + (x - SPARK_MARGIN) * stretch[0], y * stretch[1]) for x, y in _place(values)]
    return _svg("spark wide", WIDE_WIDTH, WIDE_HEIGHT, [_polyline(points, "same")])


def _place(values: Sequence[float]) -> list[tuple[float, float]]:
    """Values as points of the drawing, the range of values in the middle of its height."""
    low, high = min(values), max(values)
    middle = low / 2 + high / 2
    span = max(high - low, abs(middle) * LEAST_SPAN) or 1.0
    step = (SPARK_WIDTH - 2 * SPARK_MARGIN) / (len(values) - 1)
    room = SPARK_HEIGHT - 2 * SPARK_MARGIN
    return [
        (SPARK_MARGIN + i * step, SPARK_HEIGHT / 2 - (value - middle) / span * room)
        for i, value in enumerate(values)
    ]


def _polyline(points: list[tuple[float, float]], css: str) -> str:
    return f'<polyline class="{css}" points="{" ".join(f"{x:.1f},{y:.1f}" for x, y in points)}"/>'


def _svg(css: str, width: int, height: int, parts: Iterable[str]) -> Markup:
    # every part is made of numbers and this module's own class names
    inner = "".join(parts)
    return Markup(  # noqa: S704
        f'<svg class="{css}" viewBox="0 0 {width} {height}" width="{width}" height="{height}" '
        f'aria-hidden="true" focusable="false">{inner}</svg>'
    )


def reach(rows: Iterable[SeriesChange | Comparison]) -> float:
    """The common scale for effects shown together, so that sizes compare by eye: holds every finite bound."""
    bounds = [
        bound
        for row in rows
        for effect in [row.change if isinstance(row, SeriesChange) else row]
        for bound in ((effect.ratio, effect.low, effect.high) if effect.high < math.inf else (effect.ratio,))
    ]
    return max((abs(bound - 1) for bound in bounds if math.isfinite(bound)), default=0.0) * 1.05 or 0.01


def effect(ratio: float, low: float, high: float, scale: float, meaning: str) -> Markup:
    """A bar from "no change" in the middle to ``ratio``, with its interval as a whisker.

    ``scale`` is the change (0.15 for 15 %) at the drawing's edge; what lies beyond is cut there. An interval
    that bounds nothing has no whisker.
    """

    def place(r: float) -> float:
        share = (r - 1) / scale if math.isfinite(r) else 1.0
        return EFFECT_WIDTH / 2 * (1 + max(-1.0, min(1.0, share)))

    middle, centre, zero = EFFECT_HEIGHT / 2, place(ratio), EFFECT_WIDTH / 2
    parts = [
        f'<rect class="{meaning}" x="{min(zero, centre):.1f}" y="{middle - 4:.1f}" '
        f'width="{abs(centre - zero):.1f}" height="8" rx="1"/>',
        f'<line class="zero" x1="{zero}" x2="{zero}" y1="0" y2="{EFFECT_HEIGHT}"/>',
    ]
    if math.isfinite(high):
        left, right = sorted((place(low), place(high)))
        ends = ((left, right, 0), (left, left, 3), (right, right, 3))
        parts += [
            f'<line class="whisker" x1="{a:.1f}" x2="{b:.1f}" y1="{middle - h}" y2="{middle + h}"/>'
            for a, b, h in ends
        ]
    return _svg("effect", EFFECT_WIDTH, EFFECT_HEIGHT, parts)


def mean_tone(ratio: float, direction: Direction, least: float = 0.005) -> str:
    """The tone of a mean ratio; within ``least`` of 1 it is nobody's news."""
    if abs(ratio - 1) < least:
        return "same"
    return "worse" if (ratio > 1) == (direction is Direction.LOWER) else "better"
