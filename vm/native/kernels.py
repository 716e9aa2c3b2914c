"""Kernels in restricted Python as machine code: made once on a machine (``wasmvm build``), then loaded."""

from __future__ import annotations

from vm.errors import VMError
from vm.native import cache
from vm.typed import Iterable

_SOURCES = ("native/pipeline.py", "native/restricted.py", "module/kernel/restricted.py")


def key(sources: Iterable[str]) -> str:
    """The key of a kernel that is made from files of the package, given as patterns."""
    files = sorted(set(cache.package_files((*sources, *_SOURCES))))
    return cache.key([cache.files_digest(files)], "numba", "llvmlite")


def build(name: str, module: str, key: str) -> int:
    """Make the kernel of a module, in a process of its own, and keep it; gives its size in bytes."""
    import subprocess
    import sys
    import tempfile
    from pathlib import Path

    with tempfile.TemporaryDirectory() as folder:
        output = Path(folder) / "kernel.o"
        command = [sys.executable, "-m", "vm.native.restricted", module, str(output)]
        done = subprocess.run(command, capture_output=True, text=True, check=False)
        if done.returncode:
            raise VMError(f"the {name} could not be compiled: {done.stderr.strip().splitlines()[-1]}")
        content = output.read_bytes()
    if not cache.store(name, key, content):
        raise VMError(f"{cache.directory()} is not yours alone to write; $WASMVM_CACHE names another folder")
    return len(content)
