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
from collections.abc import Sequence

import numpy as np
import numpy.typing as npt

from regress.precision import Tables, tables

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
    return pack_all(1, tables([tuple(samples)]))[0]


def pack_all(count: int, sampled: Tables) -> list[Packed]:
    """The samples of each of ``count`` measurements; None where there are none."""
    packed: list[Packed] = [None] * count
    for places, table in sampled:
        for i, one in zip(places, _pack_matrix(table), strict=True):
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
            records = _raw(values[rows])
        else:
            records = _framed(width, zeros[rows], least[rows], distances[rows])
        told, length = records.tobytes(), records.shape[1]
        for i, start in zip(rows.tolist(), range(0, len(told), length), strict=True):
            packed[i] = told[start : start + length]
    return list(map(_deflated, packed)) if 8 * count >= _WORTH_DEFLATING else packed


Records = npt.NDArray[np.uint8]
"""Bytes of records, a row each: ``_HEAD`` (of raw ones its first byte) and body."""


def _raw(values: npt.NDArray[np.float64]) -> Records:
    how = np.full((len(values), 1), RAW, np.uint8)
    return np.concatenate([how, values.astype("<f8").view(np.uint8)], axis=1)


def _framed(
    width: int,
    zeros: npt.NDArray[np.uint64],
    least: npt.NDArray[np.uint64],
    distances: npt.NDArray[np.uint64],
) -> Records:
    rows, count = distances.shape
    records = np.empty((rows, _HEAD.size + width * count), np.uint8)
    records[:, :2] = FRAMED, width
    records[:, 2] = zeros
    records[:, 3 : _HEAD.size] = least.astype("<u8")[:, None].view(np.uint8)
    planes = distances.astype("<u8").view(np.uint8).reshape(rows, count, 8)[:, :, :width]
    records[:, _HEAD.size :] = planes.transpose(0, 2, 1).reshape(rows, -1)
    return records


def _deflated(packed: bytes) -> bytes:
    """A record with its body deflated, where it is long and that makes it shorter."""
    start, how = (1, DEFLATED) if packed[0] == RAW else (_HEAD.size, FRAMED_DEFLATED)
    body = packed[start:]
    if len(body) < _WORTH_DEFLATING:
        return packed
    deflated = zlib.compress(body, 6)
    return bytes([how]) + packed[1:start] + deflated if len(deflated) < len(body) else packed


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
