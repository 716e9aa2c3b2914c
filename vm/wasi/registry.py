"""Every function of WASI preview 1: its parameters and what it does.

One row a function, in the witx's order. Parameter letters: ``i`` is i32, ``I`` is i64. All return an errno
as i32, but ``proc_exit``, which does not return.
"""

from __future__ import annotations

from collections.abc import Callable

from vm.isa.types import FuncType, ValType
from vm.wasi import (
    args,
    attributes,
    clocks,
    directories,
    files,
    names,
    opening,
    polling,
    process,
    random,
    sockets,
    table,
)
from vm.wasi.abi import WasiError, from_host
from vm.wasi.context import WasiContext
from vm.wasi.guest import Guest

MODULE = "wasi_snapshot_preview1"
"""The module name programs import these from."""

FUNCTIONS: tuple[tuple[str, Callable[..., None]], ...] = (
    ("ii", args.args_get),
    ("ii", args.args_sizes_get),
    ("ii", args.environ_get),
    ("ii", args.environ_sizes_get),
    ("ii", clocks.clock_res_get),
    ("iIi", clocks.clock_time_get),
    ("iIIi", files.fd_advise),
    ("iII", files.fd_allocate),
    ("i", table.fd_close),
    ("i", files.fd_datasync),
    ("ii", table.fd_fdstat_get),
    ("ii", table.fd_fdstat_set_flags),
    ("iII", table.fd_fdstat_set_rights),
    ("ii", attributes.fd_filestat_get),
    ("iI", files.fd_filestat_set_size),
    ("iIIi", attributes.fd_filestat_set_times),
    ("iiiIi", files.fd_pread),
    ("ii", table.fd_prestat_get),
    ("iii", table.fd_prestat_dir_name),
    ("iiiIi", files.fd_pwrite),
    ("iiii", files.fd_read),
    ("iiiIi", directories.fd_readdir),
    ("ii", table.fd_renumber),
    ("iIii", files.fd_seek),
    ("i", files.fd_sync),
    ("ii", files.fd_tell),
    ("iiii", files.fd_write),
    ("iii", directories.path_create_directory),
    ("iiiii", attributes.path_filestat_get),
    ("iiiiIIi", attributes.path_filestat_set_times),
    ("iiiiiii", names.path_link),
    ("iiiiiIIii", opening.path_open),
    ("iiiiii", names.path_readlink),
    ("iii", directories.path_remove_directory),
    ("iiiiii", names.path_rename),
    ("iiiii", names.path_symlink),
    ("iii", names.path_unlink_file),
    ("iiii", polling.poll_oneoff),
    ("i", process.proc_exit),
    ("i", process.proc_raise),
    ("", process.sched_yield),
    ("ii", random.random_get),
    ("iii", sockets.sock_accept),
    ("iiiiii", sockets.sock_recv),
    ("iiiii", sockets.sock_send),
    ("ii", sockets.sock_shutdown),
)

_TYPES = {"i": ValType.I32, "I": ValType.I64}

HostFunction = Callable[..., int]
"""``(memory: memoryview, *args: int) -> errno``: unsigned arguments; ``memory`` is the caller's, as bytes."""


def functions(context: WasiContext) -> dict[str, tuple[FuncType, HostFunction]]:
    """All functions by name, bound to one program's context, with their WebAssembly types."""
    return {body.__name__: (_type(letters, body), _bound(context, body)) for letters, body in FUNCTIONS}


def _type(letters: str, body: Callable[..., None]) -> FuncType:
    results = () if body is process.proc_exit else (ValType.I32,)
    return FuncType(tuple(_TYPES[letter] for letter in letters), results)


def _bound(context: WasiContext, body: Callable[..., None]) -> HostFunction:
    def call(memory: memoryview, *arguments: int) -> int:
        try:
            body(context, Guest(memory), *arguments)
        except WasiError as error:
            return error.errno
        except OSError as error:
            return from_host(error.errno)
        return 0

    return call
