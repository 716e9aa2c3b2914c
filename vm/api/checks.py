"""What is given to the API, looked at before it goes any further."""

from __future__ import annotations

from vm.typed import Any


def check(value: object, expected: type | tuple[type, ...], what: str) -> Any:
    """``value`` if it is an ``expected``; else a TypeError that says what was expected where."""
    if isinstance(value, expected):
        return value
    names = [cls.__name__ for cls in (expected if isinstance(expected, tuple) else (expected,))]
    raise TypeError(f"{what}: expected {' or '.join(names)}, got {type(value).__name__}")
