"""Hash functions, against Python's own and published test vectors."""

from __future__ import annotations

import hashlib
import zlib
from binascii import unhexlify

from tests.programs.lab import Guest, Lab
from tests.programs.registry import Program

TEXT = b"The quick brown fox jumps over the lazy dog"
LONG = bytes(range(251)) * 400

VECTORS = {
    # RFC 1320, RFC 1321-style sums of TEXT that hashlib may lack
    "md4": "1bee69a46ba811185c194762abaeae90",
    "ripemd160": "37f332f68db77bd9d7edd4969571ad671cf9dd3b",
    "whirlpool": (
        "b97de512e91e3828b40d2b0fdce9ceb3c4a71f9bea8d88e75c4fa854df36725f"
        "d2b52eb6544edcacd6f8beddfea403cb55ae31f03ad62a5ef54e42ee82c3fb35"
    ),
    "sm3": "5fdfe814b8573ca021983970fc79b2218c9570369b4859684e2e4c3fc76cb8ea",
    "blake3": "2f1514181aadccd913abd94cfa592701a5686ab23f8df1dff1b74710febc6d4a",
    "xxhash32": "e85ea4de",
    "xxhash64": "0b242d361fda71bc",
    "xxhash3": "ce7d19a5418fb365",
    "xxhash128": "ddd650205ca3e7fa24a1cc2e3a8a7651",
    "adler32": "5bdc0fda",
    "crc32": "414fa339",
}
"""Digests of TEXT, as their authors and dictionaries of hashes give them."""

PYTHON = {"md5", "sha1", "sha224", "sha256", "sha384", "sha512", "sha3_256", "blake2b", "blake2s"}


def _digest(name: str, data: bytes) -> str | None:
    """What the answer is, where Python knows it; for TEXT also from the vectors."""
    if name in PYTHON:
        return hashlib.new(name, data).hexdigest()
    sums = {"crc32": zlib.crc32, "adler32": zlib.adler32}
    if name in sums:
        return f"{sums[name](data):08x}"
    return VECTORS[name] if data == TEXT else None


def _fed(guest: Guest, init: tuple[int, ...], final: tuple[int, ...], data: bytes, size: int) -> str:
    at = guest.Hash_GetBuffer()
    guest.write(at, bytes(8))  # where some read their seed
    guest.Hash_Init(*init)
    for start in range(0, len(data), 16_000):
        piece = data[start : start + 16_000]
        guest.write(at, piece)
        guest.Hash_Update(len(piece))
    guest.Hash_Final(*final)
    return guest.read(at, size).hex()


def hash_wasm(lab: Lab, program: Program) -> None:
    """One of hash-wasm's modules.

    ``args``: the algorithm, its digest's bytes, what Init gets, and behind "/" what Final gets.
    """
    name, size, *rest = program.args
    cut = rest.index("/") if "/" in rest else len(rest)
    init, final = tuple(map(int, rest[:cut])), tuple(map(int, rest[cut + 1 :]))
    guest = lab.library()
    for data in (TEXT, LONG):
        found = _fed(guest, init, final, data, int(size))
        expected = _digest(name, data)
        assert expected in (None, found), (name, len(data), found, expected)
    assert _fed(guest, init, final, TEXT, int(size)) == _digest(name, TEXT)


def xxhash(lab: Lab, _: Program) -> None:
    """xxhash-wasm, at once and in two pieces."""
    guest = lab.library()
    guest.write(1024, TEXT)
    assert guest.xxh32(1024, len(TEXT), 0) & 0xFFFF_FFFF == 0xE85EA4DE
    assert guest.xxh64(1024, len(TEXT), 0) & (1 << 64) - 1 == 0x0B242D361FDA71BC
    guest.init64(0, 0)
    guest.update64(0, 1024, 10)
    guest.update64(0, 1034, len(TEXT) - 10)
    assert guest.digest64(0) & (1 << 64) - 1 == 0x0B242D361FDA71BC


def sha256_wat(lab: Lab, _: Program) -> None:
    """sha256-wasm: state at 0, a block buffer at 40; the padding is made from what the state counts."""
    guest = lab.library()
    for data in (b"", TEXT, LONG[:5000]):
        guest.write(0, bytes(108))
        whole = -(-len(data) // 64) * 64
        guest.write(128, bytes(max(whole, 64)))
        guest.write(40, data[:64])
        guest.write(128, data[64:])
        guest.sha256(0, 128, len(data), 0)
        used = len(data) % 64
        guest.write(40 + used, bytes(64 - used))
        guest.sha256(0, 128, 0, 1)
        assert guest.read(0, 32) == hashlib.sha256(data).digest(), len(data)


def blake2b(lab: Lab, _: Program) -> None:
    """blake2b-wasm: parameters at 0, the state behind them."""
    guest = lab.library()
    for size, data in ((32, TEXT), (64, TEXT), (20, LONG[:30_000])):
        guest.write(0, bytes([size, 0, 1, 1]) + bytes(60))
        guest.blake2b_init(64, size)
        guest.write(512, data)
        guest.blake2b_update(64, 512, 512 + len(data))
        guest.blake2b_final(64)
        assert guest.read(64 + 128, size) == hashlib.blake2b(data, digest_size=size).digest()


def siphash(lab: Lab, _: Program) -> None:
    """siphash24, against the reference implementation's vectors (keys and input count up)."""
    guest = lab.library()
    vectors = ("310e0edd47db6f72", "fd67dc93c539f874", "5a4fa9d909806c0d", "2d7efbd796666785")
    for length, expected in enumerate(vectors):
        guest.write(8, bytes(range(16)) + bytes(range(length)))
        guest.siphash(24, length)
        assert guest.read(0, 8).hex() == expected


def xsalsa(lab: Lab, _: Program) -> None:
    """xsalsa20, against NaCl's test vector (the key stream's first bytes), and back again."""
    key = unhexlify("1b27556473e985d462cd51197a9a46c76009549eac6474f206c4ee0844f68389")
    nonce = unhexlify("69696ee955b62b73cd62bda875fc73d68219e0036b7a0b37")
    guest = lab.library()
    guest.write(0, bytes(8) + nonce + key)
    guest.write(4096, bytes(32))
    guest.xsalsa20_xor(0, 4096, 4096, 32, 8, 32)
    assert guest.read(4096, 32).hex() == "eea6a7251c1e72916d11c2cb214d3c252539121d8e234e652d651fa4c8cff880"


DRIVERS = {
    "hash_wasm": hash_wasm,
    "xxhash": xxhash,
    "sha256_wat": sha256_wat,
    "blake2b": blake2b,
    "siphash": siphash,
    "xsalsa": xsalsa,
}
