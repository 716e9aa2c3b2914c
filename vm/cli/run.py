"""``wasmvm run``: run a command-line program, or one exported function."""

from __future__ import annotations

import os
import sys
from collections.abc import Iterator
from contextlib import contextmanager

from vm.cli.errors import EXIT_TRAP, InputError, named, read_file, writable, write
from vm.cli.plain import Options
from vm.cli.values import parse, render
from vm.config import KNOBS, parse_setting
from vm.errors import ExitTrap, LinkError, Trap, VMError
from vm.tiers import TIERS
from vm.typed import TYPE_CHECKING

if TYPE_CHECKING:
    import argparse

    from vm.api import Engine, Func, Instance, Module, Store, WasiConfig

MAX_FRAMES = 20
"""Innermost frames shown of a trap's backtrace."""

_EXAMPLES = """\
examples:
  wasmvm run hello.wasm
  wasmvm run --dir . --env LANG=C sort.wasm -o out in    with this directory, and a variable
  wasmvm run --dir data::/mnt:ro tool.wasm /mnt/input    the host's data/ as /mnt, read-only
  wasmvm run --tcplisten 127.0.0.1:8080 server.wasm      a listening socket as descriptor 3
  wasmvm run --invoke fib fib.wasm 30                    call an export, print its results
  wasmvm run --profile-make sort.prof sort.wasm small    count what runs how often, and then
  wasmvm run --profile-use sort.prof sort.wasm big       let LLVM know it
  wasmvm run --tier reference fib.wasm                   without native code
  wasmvm run --set profiler=jitdump sort.wasm            for perf: see vm/config.py for all knobs

exit code: the program's own; 134 when it trapped; 2 for bad input.
Options for wasmvm go before FILE; everything after it is the program's.
"""

OPTIONS: Options = {
    "--tier": {
        "choices": tuple(TIERS),
        "help": f"how to run ({'; '.join(f'{name}: {entry.summary}' for name, entry in TIERS.items())}); "
        f"default: {KNOBS['tier'].default}",
    },
    "--invoke": {"metavar": "NAME", "help": "call this export instead of _start"},
    "--dir": {
        "action": "append",
        "default": [],
        "metavar": "HOST[::GUEST][:ro]",
        "help": "give the program a directory, under its own name or GUEST; :ro to read only "
        "(may be repeated)",
    },
    "--env": {
        "action": "append",
        "default": [],
        "metavar": "NAME[=VALUE]",
        "help": "set an environment variable; without VALUE, to this process's own (may be repeated)",
    },
    "--tcplisten": {
        "action": "append",
        "default": [],
        "metavar": "HOST:PORT",
        "help": "give the program a socket that listens there, as descriptor 3 and on (may be repeated)",
    },
    "--profile-make": {
        "metavar": "OUT",
        "help": "count what runs how often (tier llvm), and write it to OUT",
    },
    "--profile-use": {
        "metavar": "IN",
        "default": "",
        "help": "let LLVM know what such a run has counted",
    },
    "--set": {
        "action": "append",
        "default": [],
        "metavar": "KNOB=VALUE",
        "help": "set a knob of the engine (may be repeated): vm/config.py says which there are",
    },
    "--allow-precompiled": {
        "action": "store_true",
        "help": "FILE may be what wasmvm compile made: machine code, which nothing confines",
    },
}
"""What may stand in front of FILE, as ``add_argument`` and ``vm.cli.plain`` take it."""


def add(commands: argparse._SubParsersAction[argparse.ArgumentParser]) -> None:
    """Register the command."""
    import argparse  # which a plain command line does without

    command = commands.add_parser(
        "run",
        help="run a program, or one of its functions",
        description="Run a WASI command-line program, or one exported function.",
        epilog=_EXAMPLES,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    add_options(command)
    command.set_defaults(main=main)


def add_options(command: argparse.ArgumentParser) -> None:
    """What is to run, and how: for every command that runs a program."""
    for name, row in OPTIONS.items():
        command.add_argument(name, **row)
    command.add_argument("file", metavar="FILE", help="the module (.wasm or .wat)")
    command.add_argument("args", nargs="...", metavar="ARGS", help="the program's arguments")


def main(arguments: argparse.Namespace) -> int:
    """Run it; the exit code."""
    content = read_file(arguments.file)
    return execute(arguments, content, engine(arguments))


def engine(arguments: argparse.Namespace, **knobs: object) -> Engine:
    """The engine that is asked for; only here is one imported, so ``wasmvm --help`` loads none."""
    from vm.api import Config, Engine

    config = Config()
    if arguments.profile_make:
        writable(arguments.profile_make)
        config.profile_make, config.tier = True, "llvm"
    config.profile = arguments.profile_use
    config.tier = arguments.tier or config.tier
    for name, value in map(parse_setting, arguments.set):
        setattr(config, name, value)
    for name, value in knobs.items():
        setattr(config, name, value)
    return Engine(config)


def execute(arguments: argparse.Namespace, content: bytes, engine: Engine) -> int:
    """Run what was read; the exit code."""
    from vm.api import Linker, Store

    store, linker = Store(engine), Linker(engine)
    try:
        with named(arguments.file, content):
            module = _module(engine, content, arguments)
            if module.data.imports or arguments.dir or arguments.env or arguments.tcplisten:
                linker.define_wasi()
                store.set_wasi(_wasi(arguments))
            with _counts_kept(arguments, module):
                instance = linker.instantiate(store, module)
                if arguments.invoke:
                    _invoke(store, instance, arguments)
                else:
                    _start(store, instance, arguments.file)
    except ExitTrap as trap:
        return trap.exit_code & 0xFF
    except Trap as trap:
        _report(trap, arguments.file)
        return EXIT_TRAP
    except LinkError as error:
        raise InputError(f"{arguments.file}: {error}") from error
    return 0


@contextmanager
def _counts_kept(arguments: argparse.Namespace, module: Module) -> Iterator[None]:
    """Write what was counted, however the program ends."""
    try:
        yield
    finally:
        if arguments.profile_make:
            write(arguments.profile_make, module.profile())


def _module(engine: Engine, content: bytes, arguments: argparse.Namespace) -> Module:
    """What is to run. Machine code runs only for who says that they trust it."""
    from vm.api import Module
    from vm.api.module import SERIALIZED

    if not content.startswith(SERIALIZED):
        return Module(engine, content)
    if not arguments.allow_precompiled:
        raise InputError(
            f"{arguments.file}: machine code, which nothing confines; say --allow-precompiled if you trust it"
        )
    try:
        return Module.deserialize(engine, content)
    except VMError as error:
        raise InputError(f"{arguments.file}: {error}") from None


def _wasi(arguments: argparse.Namespace) -> WasiConfig:
    from vm.api import WasiConfig

    wasi = WasiConfig()
    program = [] if arguments.invoke else arguments.args
    wasi.argv = [os.path.basename(arguments.file), *program]
    wasi.env = [pair for text in arguments.env for pair in _variable(text)]
    wasi.inherit_stdin()
    wasi.inherit_stdout()
    wasi.inherit_stderr()
    for text in arguments.dir:
        _directory(wasi, text)
    for fd, address in enumerate(arguments.tcplisten, start=3):
        wasi.preopen_socket(fd, address)
    return wasi


def _directory(wasi: WasiConfig, text: str) -> None:
    """HOST, HOST::GUEST, either with ":ro" behind it."""
    host, colons, guest = text.partition("::")
    last = guest if colons else host
    plain = last.removesuffix(":ro")
    if colons:
        wasi.preopen_dir(host, plain or host, plain == last)
    else:
        wasi.preopen_dir(plain, plain, plain == last)


def _variable(text: str) -> list[tuple[str, str]]:
    """The variable as a list of one; of none when this process has no such variable (as wasmtime does)."""
    name, equals, value = text.partition("=")
    if not name:
        raise InputError(f"--env {text}: expected NAME or NAME=VALUE")
    if equals:
        return [(name, value)]
    return [(name, os.environ[name])] if name in os.environ else []


def _functions(store: Store, instance: Instance) -> dict[str, Func]:
    from vm.api import Func

    return {name: item for name, item in instance.exports(store).items() if isinstance(item, Func)}


def _start(store: Store, instance: Instance, file: str) -> None:
    functions = _functions(store, instance)
    if "_start" not in functions:
        names = ", ".join(functions) or "it exports none"
        raise InputError(f"{file}: not a command: it has no _start; --invoke a function instead ({names})")
    functions["_start"](store)


def _invoke(store: Store, instance: Instance, arguments: argparse.Namespace) -> None:
    functions = _functions(store, instance)
    function = functions.get(arguments.invoke)
    if function is None:
        raise InputError(f"{arguments.file}: {_unknown(arguments.invoke, list(functions))}")
    kind = function.type(store)
    if len(arguments.args) != len(kind.params):
        expected = " ".join(str(p) for p in kind.params) or "no arguments"
        raise InputError(f"{arguments.invoke} takes {expected}; {len(arguments.args)} given")
    values = [
        parse(str(p), text, i) for i, (p, text) in enumerate(zip(kind.params, arguments.args, strict=True), 1)
    ]
    if "_initialize" in functions:  # a reactor's constructors run before anything else is called
        functions["_initialize"](store)
    results = function(store, *values)
    several = results if isinstance(results, (list, tuple)) else [] if results is None else [results]
    for result_type, value in zip(kind.results, several, strict=True):
        print(render(str(result_type), value))


def _unknown(name: str, known: list[str]) -> str:
    import difflib

    near = difflib.get_close_matches(name, known, n=3, cutoff=0.5)
    if near:
        return f"no exported function {name!r}; did you mean {' or '.join(near)}?"
    return f"no exported function {name!r}; there are: {', '.join(known) or 'none'}"


def _report(trap: Trap, file: str) -> None:
    """The trap in one line, then the WebAssembly frames, innermost first."""
    from vm.runtime.backtrace import others

    print(f"wasmvm: {file}: trap: {trap.message}", file=sys.stderr)
    for depth, frame in enumerate(trap.frames[:MAX_FRAMES]):
        name = frame.function_name or "?"
        place = "" if frame.module_offset is None else f", at offset {frame.module_offset:#x}"
        print(f"  {depth:>3}: {name} (function {frame.function_index}{place})", file=sys.stderr)
    if len(trap.frames) > MAX_FRAMES:
        print(f"  {others(trap.frames, MAX_FRAMES)}", file=sys.stderr)
