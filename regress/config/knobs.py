"""What a knob of the configuration is: a field with its default, its explanation and its check."""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any


@dataclass(frozen=True, slots=True)
class Check:
    """A condition on a knob's value, and how to say it."""

    expected: str
    holds: Callable[[Any], bool]


def knob(default: Any, help: str, check: Check | None = None) -> Any:
    """A field with its explanation."""
    return field(default=default, metadata={"help": help, "check": check})


def one_of(names: tuple[str, ...]) -> Check:
    """One of some words."""
    return Check(" or ".join(map(repr, names)), lambda v: v in names)


def all_of(names: tuple[str, ...]) -> Check:
    """A list of some of these words."""
    return Check("a list of some of " + ", ".join(map(repr, names)), lambda v: set(v) <= set(names))


FRACTION = Check("a number between 0 and 1", lambda v: 0 < v < 1)
SHARE = Check("a number from 0 to below 10", lambda v: 0 <= v < 10)
PORT = Check("a port number, 0 to 65535", lambda v: 0 <= v <= 65535)
DAYS = Check("a number of days, 0 to 100000", lambda v: 0 <= v <= 100_000)
MINUTES = Check("a number of minutes, 0 to 100000", lambda v: 0 <= v <= 100_000)
COMMITS = Check("a number of commits, 0 to 100000", lambda v: 0 <= v <= 100_000)
COUNT = Check("a whole number from 1 on", lambda v: v >= 1)
WORD = Check("some text", bool)
WORDS = Check("a list of one text or more", bool)
TEMPLATE = Check(
    "an http(s) address with {sha} in it, or nothing",
    lambda v: not v or bool(re.match(r"https?://.*\{sha\}", v)),
)
ADDRESS = Check("an http(s) address, or nothing", lambda v: not v or bool(re.match(r"https?://[^\s/]", v)))
