"""Texts from repositories, result files and tools, made harmless for whoever shows them.

A commit's subject or a benchmark's name may hold escape sequences, which clear the screen, set the window's
title or lie about what stands above; marks that reverse the reading order; what XML cannot hold; and Markdown
that names people or draws pictures. Pages escape by themselves (``web/render.py``).
"""

from __future__ import annotations

import re

_ORDERS = re.compile(
    "[\x00-\x08\x0b-\x1f\x7f-\x9f"  # C0 but tab and line feed, DEL, C1
    "\u061c\u200e\u200f\u2028-\u202e\u2066-\u2069"  # breaks of lines; marks and overrides of direction
    "\ud800-\udfff\ufffe\uffff]"  # what neither UTF-8 nor XML can hold
)

LONGEST = 300
"""Characters of a name or a sentence that are shown."""


def printable(text: str) -> str:
    """``text`` with every character that a terminal obeys instead of showing replaced by U+FFFD."""
    return _ORDERS.sub("\ufffd", text)


def one_line(text: str, longest: int = LONGEST) -> str:
    """``text`` as one printable line of at most so many characters."""
    line = printable(" ".join(text.split()))
    return line if len(line) <= longest else line[: longest - 1] + "…"


def code(text: str, longest: int = LONGEST) -> str:
    """``text`` as code in Markdown: no link or mention breaks out. Bars stay: a table wants them escaped."""
    line = one_line(text, longest)
    fence = "`" * (1 + max((len(run) for run in re.findall("`+", line)), default=0))
    pad = " " if "`" in line else ""
    return f"{fence}{pad}{line}{pad}{fence}" if line else ""
