"""Calls no sane program makes: wild numbers, pointers outside of memory, wrong functions first."""

from __future__ import annotations

import os
import tempfile
from pathlib import Path

import pytest
import wasmtime
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.wasi.harness import PAGE, Program
from vm.isa.types import ValType
from vm.wasi import WasiConfig, WasiContext, functions
from vm.wasi.abi import Errno
from vm.wasi.registry import FUNCTIONS


def test_wasmtime_offers_the_same_functions_with_the_same_types() -> None:
    """Linking a module that imports every function, as typed here, succeeds in wasmtime."""
    letters = {ValType.I32: "i32", ValType.I64: "i64"}
    imports = []
    for name, (kind, _) in functions(WasiContext()).items():
        params, results = (" ".join(letters[t] for t in types) for types in (kind.params, kind.results))
        declared = f"(param {params})" * bool(params) + f"(result {results})" * bool(results)
        imports.append(f'(import "wasi_snapshot_preview1" "{name}" (func {declared}))')
    engine = wasmtime.Engine()
    store, linker = wasmtime.Store(engine), wasmtime.Linker(engine)
    linker.define_wasi()
    store.set_wasi(wasmtime.WasiConfig())
    linker.instantiate(store, wasmtime.Module(engine, f"(module {''.join(imports)})"))
    assert len(imports) == 46


POINTERS_BEYOND = [
    ("args_sizes_get", (PAGE, 0)),
    ("args_sizes_get", (PAGE - 3, 0)),
    ("clock_time_get", (0, 0, PAGE - 7)),
    ("random_get", (1, PAGE)),
    ("random_get", (2**32 - 1, 2**32 - 1)),
    ("fd_write", (1, 2**32 - 8, 1, 0)),
    ("fd_write", (1, 0, 1, PAGE)),
    ("fd_read", (0, PAGE - 4, 1, 0)),
    ("fd_prestat_get", (3, PAGE - 7)),
    ("fd_prestat_dir_name", (3, PAGE - 4, 5)),
    ("fd_fdstat_get", (1, PAGE - 23)),
    ("fd_filestat_get", (3, PAGE - 63)),
    ("fd_readdir", (3, PAGE - 9, 10, 0, 0)),
    ("fd_readdir", (3, 0, 100, 0, PAGE)),
    ("path_open", (3, 0, PAGE, 1, 0, 0, 0, 0, 0)),
    ("path_open", (3, 0, 1024, 9, 0, 0, 0, 0, PAGE)),
    ("path_filestat_get", (3, 0, PAGE - 1, 2, 0)),
    ("path_readlink", (3, PAGE - 1, 2, 0, 0, 0)),
    ("poll_oneoff", (PAGE - 47, 0, 1, 0)),
    ("poll_oneoff", (0, PAGE - 31, 1, 0)),
]


@pytest.mark.parametrize(("name", "arguments"), POINTERS_BEYOND)
def test_pointers_outside_of_memory_give_efault(
    program: Program, name: str, arguments: tuple[int, ...]
) -> None:
    program.put(1024, b"hello.txt")
    assert program.call(name, *arguments) is Errno.FAULT


HARMLESS = [row for row in FUNCTIONS if row[1].__name__ not in ("proc_exit", "poll_oneoff")]
"""Those that neither end the program nor wait."""


def test_no_arguments_whatever_raise_anything_but_an_exit(program: Program) -> None:
    """Extreme numbers in every place of every function: an errno comes back."""
    wild = (0, 1, 3, PAGE - 1, 2**31, 2**32 - 1)
    for letters, body in HARMLESS:
        for value in wild:
            fresh = Program()
            fresh.call(body.__name__, *[value * (2**32 + 1) if c == "I" else value for c in letters])
            fresh.context.close()


WORDS = st.one_of(st.sampled_from((0, 1, 3, 4, 8, PAGE - 1, PAGE, 2**31, 2**32 - 1)), st.integers(0, 2**16))


CALLS = st.lists(
    st.tuples(
        # fd_allocate would do as it is told, up to gigabytes
        st.sampled_from([row for row in HARMLESS if row[1].__name__ != "fd_allocate"]),
        st.lists(WORDS, min_size=9, max_size=9),
    ),
    max_size=8,
)


@pytest.mark.parametrize("mutable", [False, True])
@settings(max_examples=300, deadline=None)
@given(calls=CALLS, memory=st.binary(max_size=256))
def test_no_sequence_of_calls_does_anything_but_return_an_errno(
    mutable: bool, calls: list[tuple[tuple[str, object], list[int]]], memory: bytes
) -> None:
    """Any functions, any arguments, any memory: no exception; nothing outside of what was given changes."""
    with tempfile.TemporaryDirectory() as folder:
        given = Path(folder, "given")
        given.mkdir()
        (given / "file").write_bytes(b"content")
        config = WasiConfig()
        config.preopen_dir(given, ".", mutable)
        program = Program(config)
        program.put(0, memory + b"file")
        for (letters, body), words in calls:
            program.call(body.__name__, *words[: len(letters)])  # type: ignore[attr-defined]
        program.context.close()
        assert os.listdir(folder) == ["given"]
        if not mutable:
            assert os.listdir(given) == ["file"]
            assert (given / "file").read_bytes() == b"content"
