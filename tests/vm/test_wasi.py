"""WASI preview 1, function by function, at the border a program sees."""

from __future__ import annotations

import os
import struct
import tempfile
import time
from pathlib import Path

import pytest
import wasmtime
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.vm.wasi_harness import PAGE, Program
from vm.errors import ConfigError, ExitTrap
from vm.isa.types import ValType
from vm.wasi import WasiConfig, WasiContext, functions
from vm.wasi.abi import Errno, Filetype, Oflags, Rights
from vm.wasi.context import MAX_DESCRIPTORS
from vm.wasi.registry import FUNCTIONS


@pytest.fixture
def tree(tmp_path: Path) -> Path:
    """A directory with a file, a subdirectory and links."""
    (tmp_path / "sub").mkdir()
    (tmp_path / "hello.txt").write_bytes(b"hello, world\n")
    (tmp_path / "sub" / "inner.txt").write_bytes(b"inner")
    (tmp_path / "link").symlink_to("sub/inner.txt")
    return tmp_path


@pytest.fixture
def program(tree: Path) -> Program:
    config = WasiConfig()
    config.preopen_dir(str(tree), "/data")
    return Program(config)


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


def test_arguments_and_environment_are_c_strings_with_their_addresses() -> None:
    config = WasiConfig()
    config.argv = ["prog", "größe"]
    config.env = [("HOME", "/"), ("EMPTY", "")]
    program = Program(config)
    for sizes, get, expected in (
        ("args_sizes_get", "args_get", [b"prog", "größe".encode()]),
        ("environ_sizes_get", "environ_get", [b"HOME=/", b"EMPTY="]),
    ):
        assert program.call(sizes, 0, 4) is Errno.SUCCESS
        assert (program.u32(0), program.u32(4)) == (2, sum(len(e) + 1 for e in expected))
        assert program.call(get, 8, 100) is Errno.SUCCESS
        starts = [program.u32(8), program.u32(12)]
        assert [bytes(program.memory[s : program.memory.index(0, s)]) for s in starts] == expected


def test_a_nul_in_an_argument_is_refused_when_the_program_is_set_up() -> None:
    config = WasiConfig()
    config.argv = ["a\0b"]
    with pytest.raises(ConfigError, match="NUL"):
        WasiContext(config)


@pytest.mark.parametrize(("clock", "host"), [(0, time.time_ns), (1, time.monotonic_ns)])
def test_clocks_are_the_hosts(program: Program, clock: int, host: object) -> None:
    before = host()  # type: ignore[operator]
    assert program.call("clock_time_get", clock, 0, 0) is Errno.SUCCESS
    assert before <= program.u64(0) <= host()  # type: ignore[operator]
    assert program.call("clock_res_get", clock, 8) is Errno.SUCCESS
    assert 1 <= program.u64(8) <= 10_000_000


def test_there_is_no_fifth_clock(program: Program) -> None:
    assert program.call("clock_time_get", 4, 0, 0) is Errno.INVAL


def test_random_fills_exactly_what_was_asked(program: Program) -> None:
    assert program.call("random_get", 100, 40_000) is Errno.SUCCESS
    assert not any(program.memory[:100])
    assert not any(program.memory[40_100:])
    assert len(set(program.memory[100:40_100])) == 256


def test_exit_carries_its_code(program: Program) -> None:
    with pytest.raises(ExitTrap) as caught:
        functions(program.context)["proc_exit"][1](memoryview(b""), 7)
    assert caught.value.exit_code == 7


def test_signals_are_not_offered_and_yielding_is(program: Program) -> None:
    assert program.call("proc_raise", 9) is Errno.NOTSUP
    assert program.call("sched_yield") is Errno.SUCCESS


def test_output_gathers_buffers_and_goes_where_it_should(tmp_path: Path) -> None:
    config, taken = WasiConfig(), []
    config.stdout_file = tmp_path / "out"
    config.stderr_custom = taken.append
    program = Program(config)
    program.put(100, b"hello, world")
    program.put(0, struct.pack("<IIII", 107, 5, 100, 5))
    for fd in (1, 2):
        assert program.call("fd_write", fd, 0, 2, 32) is Errno.SUCCESS
        assert program.u32(32) == 10
    assert (tmp_path / "out").read_bytes() == b"worldhello"
    assert taken == [b"worldhello"]


def test_by_default_input_is_empty_and_output_goes_nowhere(program: Program) -> None:
    assert program.read(0) == b""
    program.put(0, struct.pack("<II", 100, 5))
    assert program.call("fd_write", 1, 0, 1, 32) is Errno.SUCCESS
    assert program.u32(32) == 5


def test_input_comes_from_a_file(tmp_path: Path) -> None:
    (tmp_path / "in").write_bytes(b"some input")
    config = WasiConfig()
    config.stdin_file = tmp_path / "in"
    program = Program(config)
    assert program.read(0, 4) == b"some"
    assert program.read(0) == b" input"
    assert program.read(0) == b""


def test_a_missing_input_file_is_named_at_once(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match="nowhere"):
        WasiConfig().stdin_file = tmp_path / "nowhere"


def test_writing_to_input_and_reading_from_output_are_not_allowed(program: Program) -> None:
    assert program.call("fd_write", 0, 0, 0, 0) is Errno.NOTCAPABLE
    assert program.call("fd_read", 1, 0, 0, 0) is Errno.NOTCAPABLE


def test_preopened_directories_are_found_by_asking(program: Program) -> None:
    assert program.call("fd_prestat_get", 3, 0) is Errno.SUCCESS
    assert (program.u32(0), program.u32(4)) == (0, 5)
    assert program.call("fd_prestat_dir_name", 3, 8, 5) is Errno.SUCCESS
    assert bytes(program.memory[8:13]) == b"/data"
    assert program.call("fd_prestat_dir_name", 3, 8, 4) is Errno.NAMETOOLONG
    assert program.call("fd_prestat_get", 4, 0) is Errno.BADF
    assert program.call("fd_prestat_get", 0, 0) is Errno.BADF


def test_a_file_is_read_sought_told_and_closed(program: Program) -> None:
    errno, fd = program.open(b"hello.txt", rights=Rights.FD_READ | Rights.FD_SEEK | Rights.FD_TELL)
    assert (errno, fd) == (Errno.SUCCESS, 4)
    assert program.read(fd, 5) == b"hello"
    assert program.call("fd_tell", fd, 0) is Errno.SUCCESS
    assert program.u64(0) == 5
    assert program.call("fd_seek", fd, 2**64 - 6, 2, 0) is Errno.SUCCESS
    assert program.u64(0) == 7
    assert program.read(fd) == b"world\n"
    program.put(16, struct.pack("<II", 8192, 100))
    assert program.call("fd_pread", fd, 16, 1, 0, 8) is Errno.SUCCESS
    assert program.u32(8) == 13
    assert program.call("fd_seek", fd, 0, 3, 0) is Errno.INVAL
    assert program.call("fd_seek", fd, 2**64 - 1, 0, 0) is Errno.INVAL
    assert program.call("fd_close", fd) is Errno.SUCCESS
    assert program.call("fd_close", fd) is Errno.BADF


def test_streams_cannot_be_sought(program: Program) -> None:
    assert program.call("fd_seek", 1, 0, 0, 0) is Errno.SPIPE


@pytest.mark.parametrize(
    ("path", "kind", "size"),
    [
        (b"hello.txt", Filetype.REGULAR_FILE, 13),
        (b"sub", Filetype.DIRECTORY, None),
        (b"sub/../hello.txt", Filetype.REGULAR_FILE, 13),
        (b"link", Filetype.REGULAR_FILE, 5),
        (b".", Filetype.DIRECTORY, None),
        (b"sub/", Filetype.DIRECTORY, None),
        (b"sub/..", Filetype.DIRECTORY, None),
    ],
)
def test_what_a_path_names_is_told(program: Program, path: bytes, kind: Filetype, size: int | None) -> None:
    assert program.stat(path) is Errno.SUCCESS
    assert program.memory[2048 + 16] == kind
    if size is not None:
        assert program.u64(2048 + 32) == size


def test_a_link_itself_can_be_asked_and_read(program: Program) -> None:
    assert program.stat(b"link", follow=False) is Errno.SUCCESS
    assert program.memory[2048 + 16] == Filetype.SYMBOLIC_LINK
    assert program.call("path_readlink", 3, 1024, program.put(1024, b"link"), 0, 5, 100) is Errno.SUCCESS
    assert bytes(program.memory[: program.u32(100)]) == b"sub/i"


def test_an_open_directory_serves_as_a_start(program: Program) -> None:
    _, sub = program.open(b"sub", oflags=Oflags.DIRECTORY, rights=Rights.PATH_OPEN)
    errno, inner = program.open(b"inner.txt", fd=sub)
    assert errno is Errno.SUCCESS
    assert program.read(inner) == b"inner"
    assert program.open(b"../hello.txt", fd=sub)[0] is Errno.PERM


def _entries(program: Program, size: int) -> list[tuple[bytes, int]]:
    """Walk the directory with a buffer of ``size`` bytes, as wasi-libc does."""
    found, cookie = [], 0
    while True:
        assert program.call("fd_readdir", 3, 8192, size, cookie, 0) is Errno.SUCCESS
        used, at = program.u32(0), 8192
        while at + 24 <= 8192 + used:
            following, _, length, kind = struct.unpack_from("<QQIB", program.memory, at)
            if at + 24 + length > 8192 + used:
                break
            found.append((bytes(program.memory[at + 24 : at + 24 + length]), kind))
            cookie, at = following, at + 24 + length
        if used < size:
            return found


@pytest.mark.parametrize("size", [40, 64, 4096])
def test_directories_are_listed_whole_through_any_buffer(program: Program, size: int) -> None:
    kind = Filetype
    assert _entries(program, size) == [
        (b".", kind.DIRECTORY),
        (b"..", kind.DIRECTORY),
        (b"hello.txt", kind.REGULAR_FILE),
        (b"link", kind.SYMBOLIC_LINK),
        (b"sub", kind.DIRECTORY),
    ]


def test_a_listing_past_its_end_is_empty(program: Program) -> None:
    assert program.call("fd_readdir", 3, 8192, 100, 2**64 - 1, 0) is Errno.SUCCESS
    assert program.u32(0) == 0


@pytest.mark.parametrize("right", [Rights.FD_WRITE, Rights.FD_ALLOCATE, Rights.FD_FILESTAT_SET_SIZE])
def test_opening_to_change_is_refused(program: Program, right: Rights) -> None:
    assert program.open(b"hello.txt", rights=right)[0] is Errno.ROFS


def test_creating_is_refused_unless_there_is_nothing_to_create(program: Program, tree: Path) -> None:
    before = sorted(os.listdir(tree))
    assert program.open(b"new", oflags=Oflags.CREAT)[0] is Errno.ROFS
    assert program.open(b"hello.txt", oflags=Oflags.CREAT)[0] is Errno.SUCCESS
    assert program.open(b"hello.txt", oflags=Oflags.CREAT | Oflags.EXCL)[0] is Errno.EXIST
    assert program.open(b"hello.txt", oflags=Oflags.TRUNC)[0] is Errno.ROFS
    assert sorted(os.listdir(tree)) == before
    assert (tree / "hello.txt").read_bytes() == b"hello, world\n"


CHANGES = {
    "path_create_directory": (3, 0, 1),
    "path_filestat_set_times": (3, 0, 0, 1, 0, 0, 0),
    "path_link": (3, 0, 0, 1, 3, 0, 1),
    "path_remove_directory": (3, 0, 1),
    "path_rename": (3, 0, 1, 3, 0, 1),
    "path_symlink": (0, 1, 3, 0, 1),
    "path_unlink_file": (3, 0, 1),
}


@pytest.mark.parametrize("name", CHANGES)
def test_whatever_would_change_a_directory_says_read_only(program: Program, name: str) -> None:
    assert program.call(name, *CHANGES[name]) is Errno.ROFS


@pytest.mark.parametrize("name", [name for name in functions(WasiContext()) if name.startswith("fd_")])
def test_every_descriptor_call_knows_a_bad_descriptor(program: Program, name: str) -> None:
    extra = len(functions(program.context)[name][0].params) - 1
    assert program.call(name, 99, *[0] * extra) is Errno.BADF


@pytest.mark.parametrize("name", ["sock_accept", "sock_recv", "sock_send", "sock_shutdown"])
def test_nothing_is_a_socket(program: Program, name: str) -> None:
    extra = len(functions(program.context)[name][0].params) - 1
    assert program.call(name, 1, *[0] * extra) is Errno.NOTSOCK
    assert program.call(name, 99, *[0] * extra) is Errno.BADF


def test_rights_can_only_be_given_up(program: Program) -> None:
    _, fd = program.open(b"hello.txt", rights=Rights.FD_READ | Rights.FD_SEEK)
    assert program.call("fd_fdstat_set_rights", fd, Rights.FD_SEEK, 0) is Errno.SUCCESS
    assert program.call("fd_fdstat_get", fd, 0) is Errno.SUCCESS
    assert (program.memory[0], program.u64(8)) == (Filetype.REGULAR_FILE, Rights.FD_SEEK)
    assert program.call("fd_read", fd, 0, 0, 0) is Errno.NOTCAPABLE
    assert program.call("fd_fdstat_set_rights", fd, Rights.FD_READ, 0) is Errno.NOTCAPABLE


def test_renumbering_moves_and_closes(program: Program) -> None:
    _, a = program.open(b"hello.txt")
    _, b = program.open(b"sub/inner.txt")
    assert program.call("fd_renumber", a, b) is Errno.SUCCESS
    assert program.read(b) == b"hello, world\n"
    assert program.call("fd_read", a, 0, 0, 0) is Errno.BADF
    assert program.call("fd_renumber", b, b) is Errno.SUCCESS
    assert program.call("fd_renumber", b, a) is Errno.BADF


def test_descriptors_run_out_before_the_hosts_do(program: Program) -> None:
    numbers = [program.open(b"hello.txt") for _ in range(MAX_DESCRIPTORS - 4)]
    assert {errno for errno, _ in numbers} == {Errno.SUCCESS}
    before = len(os.listdir("/proc/self/fd"))
    assert program.open(b"hello.txt")[0] is Errno.MFILE
    assert len(os.listdir("/proc/self/fd")) == before
    program.context.close()
    assert len(os.listdir("/proc/self/fd")) <= before - len(numbers)


def test_sleeping_lasts_as_long_as_asked(program: Program) -> None:
    program.put(0, struct.pack("<QB7xI4xQQH6x", 77, 0, 1, 20_000_000, 0, 0))
    start = time.monotonic()
    assert program.call("poll_oneoff", 0, 100, 1, 200) is Errno.SUCCESS
    assert time.monotonic() - start >= 0.02
    assert program.u32(200) == 1
    assert struct.unpack_from("<QHB", program.memory, 100) == (77, 0, 0)


def test_polling_returns_what_is_ready_and_what_is_wrong(program: Program) -> None:
    _, fd = program.open(b"hello.txt", rights=Rights.FD_READ | Rights.POLL_FD_READWRITE)
    program.put(0, struct.pack("<QB7xI28x", 1, 1, fd))
    program.put(48, struct.pack("<QB7xI28x", 2, 1, 99))
    program.put(96, struct.pack("<QB7xI4xQQH6x", 3, 0, 1, 10**12, 0, 0))
    assert program.call("poll_oneoff", 0, 512, 3, 200) is Errno.SUCCESS
    assert program.u32(200) == 2
    assert struct.unpack_from("<QHB", program.memory, 512) == (1, 0, 1)
    assert struct.unpack_from("<QHB", program.memory, 544) == (2, Errno.BADF, 1)


def test_polling_nothing_is_an_error(program: Program) -> None:
    assert program.call("poll_oneoff", 0, 512, 0, 200) is Errno.INVAL


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


def test_too_many_buffers_are_refused(program: Program) -> None:
    assert program.call("fd_write", 1, 0, 1025, 0) is Errno.INVAL


WORDS = st.one_of(st.sampled_from((0, 1, 3, 4, 8, PAGE - 1, PAGE, 2**31, 2**32 - 1)), st.integers(0, 2**16))


@settings(max_examples=300, deadline=None)
@given(
    calls=st.lists(
        st.tuples(
            st.sampled_from(
                [row for row in FUNCTIONS if row[1].__name__ not in ("proc_exit", "poll_oneoff")]
            ),
            st.lists(WORDS, min_size=9, max_size=9),
        ),
        max_size=8,
    ),
    memory=st.binary(max_size=256),
)
def test_no_sequence_of_calls_does_anything_but_return_an_errno(
    calls: list[tuple[tuple[str, object], list[int]]], memory: bytes
) -> None:
    """Any functions, any arguments, any memory: no exception, and nothing is changed on the host."""
    with tempfile.TemporaryDirectory() as folder:
        Path(folder, "file").write_bytes(b"content")
        config = WasiConfig()
        config.preopen_dir(folder, ".")
        program = Program(config)
        program.put(0, memory + b"file")
        for (letters, body), words in calls:
            program.call(body.__name__, *words[: len(letters)])  # type: ignore[attr-defined]
        program.context.close()
        assert os.listdir(folder) == ["file"]
        assert Path(folder, "file").read_bytes() == b"content"
