"""Letting go of an object before its last reference goes, as wasmtime-py does it."""

from __future__ import annotations

from typing import TypeVar

_Self = TypeVar("_Self", bound="Managed")


class Managed:
    """Objects end with the last reference to them; ``close`` lets go of what is inside at once.

    Nothing can be done with an object afterwards. Others that hold the same things go on working.
    """

    def close(self) -> None:
        """Let go; closing twice is fine."""
        vars(self).clear()

    def __enter__(self: _Self) -> _Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()
