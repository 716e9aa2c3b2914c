"""Packed raw samples come back to the last bit, and damaged ones are said to be."""

from __future__ import annotations

import random
import struct
import zlib

import pytest
from hypothesis import given
from hypothesis import strategies as st

from regress.precision import tables
from regress.store.samples import DEFLATED, FRAMED, FRAMED_DEFLATED, RAW, pack, pack_all, unpack

RNG = random.Random(1)
NOISE = [1e-4 * RNG.gauss(1, 0.01) for _ in range(10)]
FLOATS = st.floats(allow_nan=False, allow_infinity=False)


def bits(values: tuple[float, ...] | list[float]) -> bytes:
    """Exactly these numbers: 0.0 is not -0.0."""
    return struct.pack(f"<{len(values)}d", *values)


@given(st.lists(st.lists(FLOATS, max_size=40), max_size=6))
def test_all_of_a_file_come_back_as_they_were(told: list[list[float]]) -> None:
    packed = pack_all(len(told), tables([tuple(each) for each in told]))
    assert [bits(unpack(one)) for one in packed] == [bits(each) for each in told]
    assert packed == [pack(each) for each in told]


@pytest.mark.parametrize(
    ("told", "how", "most"),
    [
        ([1.5], RAW, 9),
        (NOISE, FRAMED, 71),  # 52 bits of noise at 1 %: six bytes each
        ([round(value, 8) for value in NOISE], FRAMED, 71),
        ([2.0**-20 * k for k in range(1000, 1010)], FRAMED, 31),  # a coarse clock: two bytes each
        ([7.0] * 10, FRAMED, 21),
        ([float(k % 100 + 1000) for k in range(500)], FRAMED_DEFLATED, 300),
        ([-1e300, 1e300, 0.0, 1e-300] * 100, DEFLATED, 200),
    ],
)
def test_samples_are_packed_by_how_close_they_lie(told: list[float], how: int, most: int) -> None:
    packed = pack(told)
    assert packed is not None
    assert (packed[0], bits(unpack(packed))) == (how, bits(told))
    assert len(packed) <= most


def test_what_older_versions_packed_is_read() -> None:
    raw = bits(NOISE)
    assert unpack(bytes([RAW]) + raw) == unpack(bytes([DEFLATED]) + zlib.compress(raw)) == tuple(NOISE)
    assert unpack(None) == unpack(b"") == ()


def test_damage_is_an_error_or_another_number_never_a_crash() -> None:
    whole = pack(NOISE)
    assert whole is not None
    for bad in (whole[:5], whole[:12], bytes([9]) + whole[1:], bytes([FRAMED, 0]) + whole[2:], whole[:1]):
        with pytest.raises((ValueError, zlib.error)):
            unpack(bad)
    for _ in range(500):
        damaged = bytearray(whole)
        damaged[RNG.randrange(len(whole))] = RNG.randrange(256)
        try:
            unpack(bytes(damaged))
        except (ValueError, zlib.error):
            continue
