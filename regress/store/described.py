"""What a series is found and sorted by, as text that stands with it: told once, when it is made."""

from __future__ import annotations

import math
import struct

from regress.domain import SeriesKey

_RANK_CHARACTERS = 400  # PostgreSQL indexes no text longer than 2,700 bytes


def words(key: SeriesKey) -> str:
    """What a search for a series looks in."""
    return f"{key.title} {key.metric.name} {key.machine} {key.environment}".lower()


def rank(key: SeriesKey) -> str:
    """A text that sorts as lists do: by benchmark, then by parameters (numbers by size, before words)."""
    parameters = "\x02".join(_rank_of(value) for _, value in key.parameters)
    return f"{key.benchmark}\x01{parameters}\x01{key.metric.name}"[:_RANK_CHARACTERS]


def _rank_of(value: str) -> str:
    try:
        number = float(value)
    except ValueError:
        number = math.inf
    if not math.isfinite(number):
        number = math.inf
    (bits,) = struct.unpack(">Q", struct.pack(">d", number + 0.0))
    ordered = bits ^ (0xFFFF_FFFF_FFFF_FFFF if bits >> 63 else 1 << 63)  # negative ones turned round, below
    return f"{ordered:016x}{value}"


def described(key: SeriesKey) -> dict[str, str]:
    """Both, as columns of the series."""
    return {"words": words(key), "rank": rank(key)}
