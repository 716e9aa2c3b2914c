"""Letting go of an object before its last reference goes, as wasmtime-py does it."""

from __future__ import annotations

from vm.typed import TYPE_CHECKING, Any, TypeVar

_Self = TypeVar("_Self", bound="Managed")


def absent(managed: object, name: str) -> Exception:
    """The error for an attribute that is not there: was it ever?"""
    kind = type(managed).__name__
    if vars(managed) or name.startswith("__"):
        return AttributeError(f"{kind!r} object has no attribute {name!r}")
    return ValueError(f"this {kind} is closed: nothing can be done with it any more")


class Managed:
    """Objects end with the last reference to them; ``close`` lets go of what is inside at once.

    Using an object afterwards is a ValueError. Others that hold the same things go on working.
    """

    def close(self) -> None:
        """Let go; closing twice is fine."""
        vars(self).clear()

    def __enter__(self: _Self) -> _Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    if not TYPE_CHECKING:  # a checker would take any name for an attribute

        def __getattr__(self, name: str) -> Any:
            raise absent(self, name)
