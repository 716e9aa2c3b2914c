"""Build these programs to a folder, which ``benchmarks/versus.py --programs DIR`` takes.

Each is small C that does what bigger programs do. ``clang`` makes WebAssembly of it as it does of our other
programs; what must come out is what a native build prints. Only the sources are kept here: nothing is tuned
on these programs, they are there to be compared on.
"""

from __future__ import annotations

import argparse
import json
import shutil
import subprocess
import sys
from pathlib import Path

from benchmarks.programs.build import CLANG, build_c

HERE = Path(__file__).resolve().parent

SIZES = {"hashing": 30, "json": 60, "machine": 6, "matrix": 40, "mixed": 300, "regex": 20, "sorting": 3}
"""Each program's argument: some 20 ms of native work."""


def build(into: Path) -> None:
    """Modules, what they must print, and the manifest."""
    into.mkdir(parents=True, exist_ok=True)
    entries = []
    for name, size in SIZES.items():
        source, native = HERE / f"{name}.c", into / name
        build_c(source, into / f"{name}.wasm")
        subprocess.run(["cc", "-O1", "-w", str(source), "-o", str(native), "-lm"], check=True)
        printed = subprocess.run([str(native), str(size)], capture_output=True, check=True).stdout
        native.unlink()
        (into / f"{name}.out").write_bytes(printed)
        shutil.copy(source, into)
        entries.append(
            {
                "name": name,
                "wasm": f"{name}.wasm",
                "source": f"{name}.c",
                "args": [str(size)],
                "stdin": None,
                "expected": f"{name}.out",
            }
        )
    (into / "manifest.json").write_text(json.dumps(entries, indent=2) + "\n")


def main() -> int:
    """The command; 2 where a compiler is missing."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.wider", description=__doc__)
    parser.add_argument("into", type=Path, metavar="DIR")
    options = parser.parse_args()
    for compiler in (CLANG, "cc"):
        if shutil.which(compiler) is None:
            parser.error(
                f"no {compiler}: apt-get install clang-14 lld-14 wasi-libc libclang-rt-14-dev-wasm32 gcc"
            )
    build(options.into)
    return 0


if __name__ == "__main__":
    sys.exit(main())
