"""C programs built here, by clang against wasi-libc, from sources that a package ships.

``Unreachable`` where there is no compiler for WebAssembly. What was built lies in the cache beside its
sources, under a name that says what it was built from.
"""

from __future__ import annotations

import hashlib
import shutil
import subprocess
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from tests.programs.fetch import TIMEOUT, Unreachable, unpacked

MAINS = Path(__file__).with_name("mains")
CLANGS = ("clang-14", "clang", "clang-16", "clang-15")
FLAGS = ("--target=wasm32-wasi", "--sysroot=/usr", "-O2", "-w")


@dataclass(frozen=True)
class Recipe:
    """A program of our own around a library: which of its files (as a pattern) are compiled, and how."""

    main: str
    sources: str
    flags: tuple[str, ...] = ()


RECIPES = {
    "sqlite": Recipe(
        "sqlite.c",
        "sqlite3.c",
        (
            "-DSQLITE_THREADSAFE=0",
            "-DSQLITE_OMIT_LOAD_EXTENSION",
            "-DSQLITE_OS_UNIX=1",
            "-DSQLITE_MAX_MMAP_SIZE=0",
            "-DSQLITE_OMIT_WAL",
            "-DHAVE_READLINK=0",
            "-D_WASI_EMULATED_SIGNAL",
            "-D_WASI_EMULATED_MMAN",
            "-D_WASI_EMULATED_PROCESS_CLOCKS",
            "-D_WASI_EMULATED_GETPID",
            "-lwasi-emulated-getpid",
        ),
    ),
    "zlib": Recipe("zlib.c", "[!g]*.c", ("-DZ_HAVE_UNISTD_H",)),
}
"""By the name that the manifest's ``build`` gives."""


def module(package: str, folder: str, sha256: str, recipe: str) -> bytes:
    """The module that ``RECIPES[recipe]`` makes of ``folder`` of a package; ``sha256`` is its sources'."""
    made = RECIPES[recipe]
    root = unpacked(package) / folder
    sources = sorted(root.glob(made.sources))
    main = MAINS / made.main
    digest = _digest(sources)
    assert digest == sha256, f"{package}: {folder} is not what the manifest pins: SHA-256 {digest}"
    key = hashlib.sha256(main.read_bytes() + repr(made).encode()).hexdigest()[:12]
    target = root / f"{recipe}-{key}.wasm"
    if not target.exists():
        fresh = target.with_suffix(".new")
        _compile([*made.flags, f"-I{root}", str(main), *map(str, sources), "-o", str(fresh)])
        fresh.rename(target)
    return target.read_bytes()


def _digest(files: Sequence[Path]) -> str:
    return hashlib.sha256(b"".join(file.read_bytes() for file in files)).hexdigest()


def _compile(arguments: Sequence[str]) -> None:
    clang = next((name for name in CLANGS if shutil.which(name)), None)
    if clang is None or not Path("/usr/lib/wasm32-wasi/libc.a").exists():
        raise Unreachable("no clang, lld and wasi-libc: apt-get install clang lld wasi-libc")
    done = subprocess.run(
        [clang, *FLAGS, *arguments], capture_output=True, text=True, timeout=TIMEOUT, check=False
    )
    assert done.returncode == 0, done.stderr[-2000:]
