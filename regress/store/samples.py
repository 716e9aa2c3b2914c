"""Raw samples packed, to the last bit: all of a file at once, since there may be millions.

The samples of a measurement lie close together: their bits, taken as integers in the order of the numbers,
differ in the lower ones only. Kept are the least of them and the distances from it, in as few bytes as the
largest takes, without the zeros at the end that a coarse clock leaves (frame of reference; Lemire and
Boytsov, "Decoding billions of integers per second through vectorization", 2015). Bytes of one weight stand
together, so that many samples deflate well. The first byte says how a record is packed.
"""

from __future__ import annotations

import struct
import zlib
from collections import defaultdict
from collections.abc import Sequence

import numpy as np
import numpy.typing as npt

RAW, DEFLATED, FRAMED, FRAMED_DEFLATED = range(4)
"""float64 little-endian; the same deflated (which older versions wrote); framed, and framed and deflated."""

_WORTH_DEFLATING = (
    256  # bytes: of fewer, zlib saves little and takes longer than all else that is done to them
)
_HEAD = struct.Struct("<BBBQ")  # how, bytes of a distance, zeros cut from its end, the least
_SIGN = np.uint64(1 << 63)

Packed = bytes | None


def pack(samples: Sequence[float]) -> Packed:
    """One measurement's samples; None where there are none."""
    return pack_all([samples])[0]


def pack_all(samples: Sequence[Sequence[float]]) -> list[Packed]:
    """The samples of each of some measurements; None where there are none."""
    packed: list[Packed] = [None] * len(samples)
    by_count: defaultdict[int, list[int]] = defaultdict(list)
    for i, each in enumerate(samples):
        if each:
            by_count[len(each)].append(i)
    for places in by_count.values():
        told = _pack_matrix(np.array([samples[i] for i in places], dtype="<f8"))
        for i, one in zip(places, told, strict=True):
            packed[i] = one
    return packed


def _pack_matrix(values: npt.NDArray[np.float64]) -> list[bytes]:
    """Rows of samples, each packed by itself."""
    ordered = _ordered(values.view("<u8"))
    least = ordered.min(axis=1)
    distances = ordered - least[:, None]
    used = np.bitwise_or.reduce(distances, axis=1)
    zeros = _zeros_at_the_end(used)
    distances >>= zeros[:, None]
    widths = np.maximum(1, _bytes_needed(used >> zeros))
    packed: list[bytes] = [b""] * len(values)
    count = values.shape[1]
    for width in np.unique(widths).tolist():
        (rows,) = np.nonzero(widths == width)
        if _HEAD.size + width * count > 8 * count:
            for i in rows.tolist():
                packed[i] = bytes([RAW]) + values[i].tobytes()
            continue
        planes = distances[rows].view("u1").reshape(len(rows), count, 8)[:, :, :width]
        bodies = planes.transpose(0, 2, 1).tobytes()
        size = width * count
        heads = zip(rows.tolist(), zeros[rows].tolist(), least[rows].tolist(), strict=True)
        for k, (i, cut, low) in enumerate(heads):
            packed[i] = _framed(width, cut, low, bodies[k * size : (k + 1) * size])
    return [_deflated(one) for one in packed]


def _framed(width: int, cut: int, least: int, body: bytes) -> bytes:
    if len(body) >= _WORTH_DEFLATING:
        deflated = zlib.compress(body, 6)
        if len(deflated) < len(body):
            return _HEAD.pack(FRAMED_DEFLATED, width, cut, least) + deflated
    return _HEAD.pack(FRAMED, width, cut, least) + body


def _deflated(packed: bytes) -> bytes:
    """Raw samples, deflated where that is smaller."""
    if packed[0] != RAW or len(packed) <= _WORTH_DEFLATING:
        return packed
    deflated = zlib.compress(packed[1:], 6)
    return bytes([DEFLATED]) + deflated if len(deflated) < len(packed) - 1 else packed


def unpack(packed: Packed) -> tuple[float, ...]:
    """What ``pack`` was given; ValueError or zlib.error for what it never made."""
    if not packed:
        return ()
    how, body = packed[0], packed[1:]
    if how in (RAW, DEFLATED):
        return tuple(np.frombuffer(zlib.decompress(body) if how == DEFLATED else body, "<f8").tolist())
    if how not in (FRAMED, FRAMED_DEFLATED) or len(packed) < _HEAD.size:
        raise ValueError(f"samples are packed in an unknown way: {how}")
    _, width, cut, least = _HEAD.unpack_from(packed)
    body = packed[_HEAD.size :]
    return _unframed(zlib.decompress(body) if how == FRAMED_DEFLATED else body, width, cut, least)


def _unframed(body: bytes, width: int, cut: int, least: int) -> tuple[float, ...]:
    if not 0 < width <= 8 or cut > 63 or not body or len(body) % width:
        raise ValueError("packed samples are damaged")
    count = len(body) // width
    planes = np.zeros((count, 8), "u1")
    planes[:, :width] = np.frombuffer(body, "u1").reshape(width, count).T
    ordered = (planes.view("<u8")[:, 0] << np.uint64(cut)) + np.uint64(least)
    return tuple(_as_told(ordered).view("<f8").tolist())


def _ordered(bits: npt.NDArray[np.uint64]) -> npt.NDArray[np.uint64]:
    """The bits of floats as integers in the floats' order: negative ones turned round, below the others."""
    return np.where(bits & _SIGN, ~bits, bits | _SIGN)


def _as_told(ordered: npt.NDArray[np.uint64]) -> npt.NDArray[np.uint64]:
    return np.where(ordered & _SIGN, ordered ^ _SIGN, ~ordered)


def _zeros_at_the_end(values: npt.NDArray[np.uint64]) -> npt.NDArray[np.uint64]:
    """How many of the lowest bits are zero; none where all are."""
    lowest = values & (~values + np.uint64(1))
    powers = np.frexp(lowest.astype(np.float64))[1] - 1  # exact: a single bit
    return np.where(values > 0, powers, 0).astype(np.uint64)


def _bytes_needed(values: npt.NDArray[np.uint64]) -> npt.NDArray[np.int64]:
    thresholds = np.array([1 << (8 * k) for k in range(8)], dtype=np.uint64)
    return np.searchsorted(thresholds, values, side="right")
