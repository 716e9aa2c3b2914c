"""What a driver gets: an engine behind wasmtime-py's names, and ways to set a program up in it."""

from __future__ import annotations

import importlib
import tempfile
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from types import ModuleType
from typing import Any

Host = Callable[..., Any]


@dataclass(frozen=True)
class Outcome:
    """What a command left behind."""

    code: int
    stdout: bytes
    stderr: bytes
    files: Mapping[str, bytes]

    def text(self) -> str:
        """Its output as text."""
        return self.stdout.decode(errors="replace")


class Missing(Exception):
    """A program called an import that its host here does not have."""


class Guest:
    """A library's instance: calls its exports, and moves bytes in and out of its memory.

    ``names`` are what people call an export, where the linker's name is a letter.
    """

    def __init__(self, store: Any, exports: Mapping[str, Any], names: Mapping[str, str]) -> None:
        self.store = store
        self._exports = exports
        self._names = names
        self.memory = next((e for e in exports.values() if type(e).__name__ == "Memory"), None)

    def __getattr__(self, name: str) -> Host:
        function = self._exports[self._names.get(name, name)]
        return lambda *args: function(self.store, *args)

    def export(self, name: str) -> Any:
        """An export itself."""
        return self._exports[self._names.get(name, name)]

    def read(self, start: int, size: int) -> bytes:
        """Bytes of its memory."""
        start &= 0xFFFFFFFF
        return bytes(self.memory.read(self.store, start, start + size))

    def write(self, start: int, data: bytes) -> None:
        """Put bytes into its memory."""
        self.memory.write(self.store, data, start & 0xFFFFFFFF)

    def u32(self, at: int) -> int:
        """A word of its memory."""
        return int.from_bytes(self.read(at, 4), "little")

    def string(self, at: int) -> str:
        """A C string of its memory."""
        end = at
        while self.read(end, 1) != b"\0":
            end += 1
        return self.read(at, end - at).decode()


class Lab:
    """One engine and one module; ``tier`` None leaves the choice to the engine (wasmtime has none)."""

    def __init__(self, binary: bytes, tier: str | None, api: ModuleType | None = None) -> None:
        self.api = api or importlib.import_module("vm.api")
        config = self.api.Config()
        if tier is not None:
            config.tier = tier
        self.engine = self.api.Engine(config)
        self.module = self.api.Module(self.engine, binary)

    def command(
        self, args: Sequence[str], *, stdin: bytes = b"", files: Mapping[str, bytes] | None = None
    ) -> Outcome:
        """Run a WASI command whose only folder, "/", holds ``files``."""
        with tempfile.TemporaryDirectory() as scratch:
            root, out = Path(scratch) / "root", Path(scratch) / "out"
            root.mkdir()
            for path, data in (files or {}).items():
                (root / path).parent.mkdir(parents=True, exist_ok=True)
                (root / path).write_bytes(data)
            code = self._start(args, stdin, root, out)
            left = {str(p.relative_to(root)): p.read_bytes() for p in root.rglob("*") if p.is_file()}
            return Outcome(code, Path(f"{out}.1").read_bytes(), Path(f"{out}.2").read_bytes(), left)

    def _start(self, args: Sequence[str], stdin: bytes, root: Path, out: Path) -> int:
        Path(f"{out}.0").write_bytes(stdin)
        wasi = self.api.WasiConfig()
        wasi.argv = list(args)
        wasi.stdin_file, wasi.stdout_file, wasi.stderr_file = (f"{out}.{fd}" for fd in range(3))
        wasi.preopen_dir(str(root), "/")
        store, linker = self.api.Store(self.engine), self.api.Linker(self.engine)
        linker.define_wasi()
        store.set_wasi(wasi)
        instance = linker.instantiate(store, self.module)
        try:
            instance.exports(store)["_start"](store)
        except self.api.ExitTrap as ended:
            return int(ended.code)
        return 0

    def library(
        self,
        hosts: Mapping[str, Host] | None = None,
        *,
        names: Mapping[str, str] | None = None,
        externs: Callable[[Any], Mapping[str, Any]] | None = None,
        wasi: bool = False,
    ) -> Guest:
        """An instance with ``hosts`` ("module.name" or "name" to callable) as its imports.

        An import without a host raises ``Missing`` when it is called. ``externs(store)`` gives memories,
        tables and globals in the same way; ``wasi`` lends WASI with nothing in it.
        """
        store, linker = self.api.Store(self.engine), self.api.Linker(self.engine)
        if wasi:
            linker.define_wasi()
            store.set_wasi(self.api.WasiConfig())
        given = externs(store) if externs else {}
        for entry in self.module.imports:
            key = f"{entry.module}.{entry.name}"
            found = given.get(key) or given.get(entry.name)
            if found is None and isinstance(entry.type, self.api.FuncType):
                if wasi and entry.module == "wasi_snapshot_preview1":
                    continue
                host = (hosts or {}).get(key) or (hosts or {}).get(entry.name) or _missing(key)
                found = self.api.Func(store, entry.type, host if entry.type.results else _silent(host))
            linker.define(store, entry.module, entry.name, found)
        instance = linker.instantiate(store, self.module)
        return Guest(store, {**given, **dict(instance.exports(store).items())}, names or {})


def _silent(host: Host) -> Host:
    """A host for an import without results, whatever it returns."""

    def call(*args: Any) -> None:
        host(*args)

    return call


def _missing(key: str) -> Host:
    def host(*args: Any) -> Any:
        raise Missing(f"the program called {key}{args}, which its host here does not have")

    return host
