"""Texts from repositories and result files on a terminal: as text, never as orders to it.

A commit's subject or a benchmark's name may hold escape sequences, which clear the screen, set the window's
title or lie about what stands above, and marks that reverse the reading order.
"""

from __future__ import annotations

import re
from typing import Any

from rich.console import Console
from rich.text import Text

_ORDERS = re.compile(
    "[\x00-\x08\x0b-\x1f\x7f-\x9f"  # C0 but tab and line feed, DEL, C1
    "\u061c\u200e\u200f\u202a-\u202e\u2066-\u2069]"  # marks, embeddings, overrides and isolates of direction
)


def printable(text: str) -> str:
    """``text`` with every character that a terminal obeys instead of showing replaced by U+FFFD."""
    return _ORDERS.sub("\ufffd", text)


class Terminal(Console):
    """A console that prints strings (alone or in tables) as ``printable``; its own colours stay."""

    def render_str(self, text: str, **options: Any) -> Text:
        """Called by rich for every string on its way out."""
        return super().render_str(printable(text), **options)
