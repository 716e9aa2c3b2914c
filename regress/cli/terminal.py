"""The console that the commands print to: texts from elsewhere give the terminal no orders."""

from __future__ import annotations

from typing import Any

from rich.console import Console
from rich.text import Text

from regress.foreign import printable


class Terminal(Console):
    """A console that prints strings (alone or in tables) as ``printable``; its own colours stay."""

    def render_str(self, text: str, **options: Any) -> Text:
        """Called by rich for every string on its way out."""
        return super().render_str(printable(text), **options)
