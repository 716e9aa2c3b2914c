"""What mutants are made from: modules of our own, of the official suite, and real programs in the cache."""

from __future__ import annotations

import functools

from tests.programs import fetch, registry
from tests.spec.test_suite import SUITE
from tests.vm.engines import binary
from vm.errors import WasmError
from vm.text import wat2wasm
from vm.wast.script import parse_script

LARGEST = 4096
"""Bytes of a module of the suite that is still worth a mutant; most are below 200."""

LARGEST_PROGRAM = 30_000


@functools.cache
def suite() -> tuple[bytes, ...]:
    """The suite's modules, proposals included, as far as our text format reads them; each once."""
    found: dict[bytes, None] = {}
    for path in sorted(SUITE.rglob("*.wast")):
        for command in parse_script(path.read_bytes().decode()):
            source = command.module
            if command.kind not in ("module", "module_definition") or source is None:
                continue
            try:
                data = source.binary if source.form == "binary" else wat2wasm(source.text)
            except (WasmError, RecursionError):
                continue
            if 8 < len(data) <= LARGEST:
                found[bytes(data)] = None
    return tuple(found)


@functools.cache
def real() -> tuple[bytes, ...]:
    """Small real programs: those that are fetched already."""
    found = []
    for program in registry.programs().values():
        kind, pinned = program.package.split(":", 1)
        if (fetch.cache() / kind / pinned.replace("/", "+")).is_dir():
            data = program.module()
            if len(data) <= LARGEST_PROGRAM:
                found.append(data)
    return tuple(found)


@functools.cache
def families(own: tuple[str, ...], sources: tuple[str, ...]) -> list[tuple[bytes, ...]]:
    """The families that ``sources`` name, each as likely as it stands in the list."""
    ours = tuple(binary(text) for text in own)
    chosen = {"own": [ours] * 2, "suite": [suite()] * 4, "real": [real()]}
    return [family for source in sources for family in chosen[source] if family]
