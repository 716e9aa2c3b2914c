"""Compression and its kin: round trips, across to Python's own where it has the format."""

from __future__ import annotations

import gzip
import zlib

from tests.programs.drivers.bindings import emscripten, put, through
from tests.programs.lab import Lab
from tests.programs.registry import Program

TEXT = b"It is a truth universally acknowledged, that a single man in possession of a good fortune... " * 300


def wasm_flate(lab: Lab, _: Program) -> None:
    """zlib, gzip and raw deflate of Rust's flate2: each way through Python's zlib."""
    guest = lab.library()

    def call(name: str, data: bytes) -> bytes:
        guest.write(8, bytes(8))
        getattr(guest, name)(8, put(guest, data, guest.__wbindgen_malloc), len(data))
        return guest.read(guest.u32(8), guest.u32(12))

    assert zlib.decompress(call("zlib_encode_raw", TEXT)) == TEXT
    assert gzip.decompress(call("gzip_encode_raw", TEXT)) == TEXT
    assert zlib.decompress(call("deflate_encode_raw", TEXT), -15) == TEXT
    assert call("zlib_decode_raw", zlib.compress(TEXT, 9)) == TEXT
    assert call("gzip_decode_raw", gzip.compress(TEXT)) == TEXT


def lz4(lab: Lab, _: Program) -> None:
    """A block with its size in front; a block written by hand comes out as the format says."""
    guest = lab.library()
    packed = through(guest, "compress", TEXT)
    assert packed[:4] == len(TEXT).to_bytes(4, "little")
    assert len(packed) < len(TEXT) // 20
    assert through(guest, "decompress", packed) == TEXT
    by_hand = b"\x0c\0\0\0" + b"\x13abc"[:1] + b"a\x01\x00" + b"\x50bcdef"[:0] + b"\x40wxyz"
    assert through(guest, "decompress", by_hand) == b"a" * 8 + b"wxyz"


def brotli(lab: Lab, _: Program) -> None:
    """Round trip, and the format's smallest streams."""
    hosts = {
        "__wbindgen_is_undefined": lambda _: 1,
        "__wbindgen_is_object": lambda _: 0,
        "__wbindgen_object_drop_ref": lambda _: None,
    }
    guest = lab.library(hosts)
    packed = through(guest, "compress", TEXT, 0)
    assert len(packed) < len(TEXT) // 50
    assert through(guest, "decompress", packed) == TEXT
    assert through(guest, "decompress", b"\x06") == b""
    assert through(guest, "decompress", b"\x0b\x02\x80hello\x03") == b"hello"


def zstd(lab: Lab, _: Program) -> None:
    """Round trip through frames with the right magic; a raw block by hand."""
    names = {
        "bound": "i", "compress": "m", "size": "p", "decompress": "r",
        "malloc": "s", "free": "t", "error": "h",
    }  # fmt: skip
    guest = emscripten(lab, grow="a.e", start="g", names=names)
    for level in (1, 3, 19):
        room = guest.bound(len(TEXT))
        target, source = guest.malloc(room), put(guest, TEXT, guest.malloc)
        size = guest.compress(target, room, source, len(TEXT), level)
        assert not guest.error(size)
        packed = guest.read(target, size)
        assert packed[:4] == b"\x28\xb5\x2f\xfd"
        back = guest.malloc(len(TEXT))
        assert guest.decompress(back, len(TEXT), target, size) == len(TEXT)
        assert guest.read(back, len(TEXT)) == TEXT
        for at in (target, source, back):
            guest.free(at)
    frame = b"\x28\xb5\x2f\xfd\x20\x05\x29\x00\x00hello"
    assert guest.decompress(guest.malloc(64), 64, put(guest, frame, guest.malloc), len(frame)) == 5


def zlib_command(lab: Lab, _: Program) -> None:
    """zlib as a command: there by it and back by Python, and the other way round."""
    for level in ("1", "6", "9"):
        packed = lab.command(["zlib", level], stdin=TEXT)
        assert packed.code == 0
        assert zlib.decompress(packed.stdout) == TEXT
    assert lab.command(["zlib", "-d"], stdin=zlib.compress(TEXT)).stdout == TEXT
    assert lab.command(["zlib", "-d"], stdin=b"no stream").code == 3


DRIVERS = {"zlib_command": zlib_command, "wasm_flate": wasm_flate, "lz4": lz4, "brotli": brotli, "zstd": zstd}
