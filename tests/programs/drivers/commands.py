"""WASI commands: what goes in and what must come out is in the manifest."""

from __future__ import annotations

import struct
import zlib

from tests.programs.lab import Lab
from tests.programs.registry import Program


def command(lab: Lab, program: Program) -> None:
    """Run it, with ``argv[0]`` its name, and look at what it said and wrote."""
    files = {path: text.encode() for path, text in program.files.items()}
    outcome = lab.command([program.name, *program.args], stdin=program.stdin.encode(), files=files)
    evidence = (
        f"exit {outcome.code}\n{outcome.text()[-2000:]}\n{outcome.stderr.decode(errors='replace')[-2000:]}"
    )
    assert outcome.code == program.code, evidence
    for part in program.says:
        assert part in outcome.text(), f"stdout lacks {part!r}: {evidence}"
    for path, part in program.writes.items():
        assert path in outcome.files, f"{path} was not written, only {sorted(outcome.files)}: {evidence}"
        assert part.encode() in outcome.files[path], f"{path} lacks {part!r}: {outcome.files[path][:2000]!r}"


def resvg(lab: Lab, _: Program) -> None:
    """Render a half-filled square, and find its pixels in the PNG."""
    svg = (
        '<svg xmlns="http://www.w3.org/2000/svg" width="8" height="8">'
        '<rect x="0" y="0" width="8" height="4" fill="#336699"/></svg>'
    )
    outcome = lab.command(["resvg", "/in.svg", "/out.png"], files={"in.svg": svg.encode()})
    assert outcome.code == 0, outcome
    width, height, rows = _pixels(outcome.files["out.png"])
    assert (width, height) == (8, 8)
    assert rows[0][:4] == b"\x33\x66\x99\xff"
    assert rows[7] == bytes(32)


def _pixels(png: bytes) -> tuple[int, int, list[bytes]]:
    """Width, height and rows of an RGBA PNG of 8 bits a channel."""
    assert png[:8] == b"\x89PNG\r\n\x1a\n"
    at, data, head = 8, b"", b""
    while at < len(png):
        size, kind = struct.unpack_from(">I4s", png, at)
        content = png[at + 8 : at + 8 + size]
        head, data = (content, data) if kind == b"IHDR" else (head, data + content * (kind == b"IDAT"))
        at += 12 + size
    width, height, depth, colour = struct.unpack_from(">IIBB", head)
    assert (depth, colour) == (8, 6)
    raw, stride = zlib.decompress(data), width * 4 + 1
    rows: list[bytes] = []
    for y in range(height):
        line = raw[y * stride : (y + 1) * stride]
        rows.append(_unfiltered(line[0], line[1:], rows[-1] if rows else bytes(width * 4)))
    return width, height, rows


def _unfiltered(kind: int, line: bytes, above: bytes) -> bytes:
    """A row without its filter (PNG specification, 9.2)."""
    found = bytearray()
    for i, byte in enumerate(line):
        left = found[i - 4] if i >= 4 else 0
        corner = above[i - 4] if i >= 4 else 0
        guess = left + above[i] - corner
        paeth = min((left, above[i], corner), key=lambda v: abs(guess - v))
        found.append(byte + (0, left, above[i], (left + above[i]) // 2, paeth)[kind] & 0xFF)
    return bytes(found)


def icepack(lab: Lab, _: Program) -> None:
    """Pack a bitstream whose logic tile has bits set, and unpack it: the same bits."""
    tile = ["0" * 54 if row else "1" + "0" * 52 + "1" for row in range(16)]
    text = ".device 384\n.logic_tile 3 4\n" + "\n".join(tile) + "\n"
    packed = lab.command(["icepack", "/in.asc", "/out.bin"], files={"in.asc": text.encode()})
    assert packed.code == 0, packed
    assert b"\x7e\xaa\x99\x7e" in packed.files["out.bin"]  # the synchronisation word
    back = lab.command(["icepack", "-u", "/out.bin", "/out.asc"], files={"out.bin": packed.files["out.bin"]})
    assert back.code == 0, back
    lines = back.files["out.asc"].decode().splitlines()
    at = lines.index(".logic_tile 3 4")
    assert lines[at + 1 : at + 17] == tile


def nextpnr(lab: Lab, _: Program) -> None:
    """Its version; and, its chip's data missing, an exception that C++ code catches and reports."""
    assert "Next Generation Place and Route" in lab.command(["nextpnr-ice40", "--version"]).stderr.decode()
    failed = lab.command(["nextpnr-ice40", "--no-such-option"])
    assert failed.code != 0
    assert b"no-such-option" in failed.stdout + failed.stderr


DRIVERS = {"command": command, "icepack": icepack, "nextpnr": nextpnr, "resvg": resvg}
