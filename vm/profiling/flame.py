"""A flame graph of a recording: an SVG that needs nothing else, or folded stacks for other tools.

A rectangle is a function; those on it are what it called, and its width is the share of the samples that it
was in. The colour says which tier ran it. Folded stacks are Brendan Gregg's format: names joined by ";", a
space, a count, one stack a line (https://github.com/brendangregg/FlameGraph), which speedscope reads, too.
"""

from __future__ import annotations

import zlib
from collections import Counter
from collections.abc import Iterator
from html import escape

from vm.profiling.recording import Place, Recording
from vm.profiling.summary import printable

_WIDTH, _HEIGHT, _HEAD = 1200, 17, 44
_LETTER = 6.6
"""Pixels that a letter of the font takes, about."""

_LEAST = 0.4
"""Rectangles narrower than so many pixels are left out."""

_HUES = {"llvm": 28, "baseline": 48, "threaded": 4, "host": 210}
"""Colours by tier, as hues of the colour circle."""

_NONE = 120


def folded(recording: Recording) -> str:
    """One stack a line, the same stack in other tiers on others."""
    counts: Counter[str] = Counter()
    for stack, count in zip(recording.stacks, recording.counts, strict=True):
        counts[";".join(_folded(place) for place in stack)] += count
    return "".join(f"{line} {count}\n" for line, count in sorted(counts.items()))


def _folded(place: Place) -> str:
    name = printable(place.label).replace(";", ":")
    return name if place.function < 0 else f"{name}_[{place.tier}]"


class _Node:
    """A function in a stack: what was seen of it, and of what it called."""

    def __init__(self) -> None:
        self.count = 0
        self.children: dict[Place, _Node] = {}


def svg(recording: Recording, title: str) -> str:
    """The picture, as a document of its own."""
    root = _Node()
    for stack, count in zip(recording.stacks, recording.counts, strict=True):
        node = root
        node.count += count
        for place in stack:
            node = node.children.setdefault(place, _Node())
            node.count += count
    scale = _WIDTH / max(root.count, 1)
    boxes = list(_boxes(root, scale))
    height = _HEAD + _HEIGHT * (max((depth for _, _, depth, _, _ in boxes), default=0) + 2)
    parts = [
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {_WIDTH} {height}" width="100%" role="img" '
        'font-family="monospace" font-size="11">',
        f"<title>{escape(printable(title))}</title>",
        f'<rect width="{_WIDTH}" height="{height}" fill="#fff"/>',
        f'<text x="8" y="18" font-size="14">{escape(printable(title))}</text>',
        *_legend(recording),
    ]
    for place, x, depth, width, count in boxes:
        y = height - _HEIGHT * (depth + 1) - 4
        parts.append(_box(place, x, y, width, f"{count:,} samples, {count / root.count:.1%}"))
    return "\n".join([*parts, "</svg>\n"])


def _legend(recording: Recording) -> Iterator[str]:
    names = sorted({place.tier for stack in recording.stacks for place in stack})
    for number, name in enumerate(names):
        x = 8 + 110 * number
        yield f'<rect x="{x}" y="26" width="11" height="11" fill="hsl({_HUES.get(name, _NONE)} 85% 68%)"/>'
        yield f'<text x="{x + 16}" y="36">{name}</text>'


def _boxes(root: _Node, scale: float) -> Iterator[tuple[Place, float, int, float, int]]:
    """Rectangles: whose, where from, how high up, how wide, and for how many samples."""
    waiting = [(root, 0.0, 0)]
    while waiting:
        parent, x, depth = waiting.pop()
        for place, node in sorted(parent.children.items()):
            width = node.count * scale
            if width >= _LEAST:
                yield place, x, depth, width, node.count
                waiting.append((node, x, depth + 1))
            x += width


def _box(place: Place, x: float, y: int, width: float, said: str) -> str:
    name = printable(place.label)
    shade = 62 + zlib.crc32(name.encode()) % 18  # neighbours can be told apart, and stay what they are
    colour = f"hsl({_HUES.get(place.tier, _NONE)} 85% {shade}%)"
    letters = int((width - 6) / _LETTER)
    shown = name if len(name) <= letters else f"{name[: letters - 2]}.."
    text = f'<text x="{x + 3:.1f}" y="{y + 12}">{escape(shown)}</text>' if letters > 3 else ""
    return (
        f"<g><title>{escape(name)} [{place.tier}]: {said}</title>"
        f'<rect x="{x:.1f}" y="{y}" width="{max(width - 0.5, 0.3):.1f}" height="{_HEIGHT - 1}" rx="1" '
        f'fill="{colour}"/>{text}</g>'
    )
