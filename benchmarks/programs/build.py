"""Build every program of this folder from its source: ``python benchmarks/programs/build.py [--into DIR]``.

C sources need Debian's ``clang-14 lld-14 wasi-libc libclang-rt-14-dev-wasm32``, WAT sources the ``wasmtime``
package. The results are committed under ``wasm/`` and reproduce byte for byte with these versions (a test
checks), so nobody needs a compiler to run them.
"""

from __future__ import annotations

import argparse
import subprocess
from pathlib import Path

HERE = Path(__file__).resolve().parent
SOURCES = HERE / "src"
PRELUDE = "(; prelude ;)"
KERNEL = '#include "kernel.h"'
CLANG = "clang-14"

# -O2 as people ship; libc's debug information is dropped (it holds build paths), function names are kept.
C_FLAGS = [
    "--target=wasm32-wasi",
    "--sysroot=/usr",
    "-std=gnu11",
    "-O2",
    "-Wall",
    "-Werror",
    "-Wl,--strip-debug",
]


def build_c(source: Path, target: Path) -> None:
    """Compile one C program against wasi-libc; kernels bring their own start-up."""
    start = ["-nostartfiles"] if KERNEL in source.read_text() else []
    subprocess.run(
        [CLANG, *C_FLAGS, *start, source.name, "-o", str(target), "-lm"], check=True, cwd=source.parent
    )


def build_wat(source: Path, target: Path) -> None:
    """Translate one WAT program, with the prelude in its place."""
    import wasmtime

    text = source.read_text().replace(PRELUDE, (SOURCES / "prelude.wat").read_text())
    target.write_bytes(wasmtime.wat2wasm(text))


def build_all(into: Path) -> list[Path]:
    """Build everything into a folder; the files made."""
    into.mkdir(parents=True, exist_ok=True)
    made = []
    for source in sorted(SOURCES.iterdir()):
        if source.name in ("prelude.wat", "kernel.h"):
            continue
        target = into / f"{source.stem}.wasm"
        (build_c if source.suffix == ".c" else build_wat)(source, target)
        target.chmod(0o644)  # the linker marks it executable, which git would record
        made.append(target)
    return made


def main() -> None:
    """The command."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument(
        "--into", type=Path, default=HERE / "wasm", help="where to (default: wasm/ beside this file)"
    )
    for path in build_all(parser.parse_args().into):
        print(f"{path.stat().st_size:>8,}  {path.name}")


if __name__ == "__main__":
    main()
