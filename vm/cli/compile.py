"""``wasmvm compile``: make a module's machine code ahead of time, as a file."""

from __future__ import annotations

import argparse
import os
import sys
import time
from pathlib import Path

from vm.cli.errors import InputError, named, read_file

_EXAMPLES = """\
examples:
  wasmvm compile app.wasm                  # writes app.cwasm
  wasmvm compile app.wasm -o - | wc -c
  wasmvm run --allow-precompiled app.cwasm

The file is for this version, and processors that can do what this one can; any other refuses it.
"""


def add(commands: argparse._SubParsersAction[argparse.ArgumentParser]) -> None:
    """Register the command."""
    command = commands.add_parser(
        "compile",
        help="compile a module ahead of time",
        description="Check and compile all functions of a module, and keep them in a file.",
        epilog=_EXAMPLES,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    command.add_argument("-o", metavar="OUT", dest="out", help="where to write it (default: FILE as .cwasm)")
    command.add_argument("--level", type=int, choices=range(4), default=3, help="how hard LLVM tries (3)")
    command.add_argument(
        "--workers",
        type=int,
        metavar="N",
        help="processes that compile (default: one a processor; 0: none but this)",
    )
    command.add_argument(
        "--profile-use", metavar="IN", default="", help="with what wasmvm run --profile-make has counted"
    )
    command.add_argument("file", metavar="FILE", help="the module (.wasm or .wat)")
    command.set_defaults(main=main)


def main(arguments: argparse.Namespace) -> int:
    """Compile it; the exit code."""
    if arguments.workers is not None and not 0 <= arguments.workers <= 256:
        raise InputError(f"--workers {arguments.workers}: expected 0 to 256")
    content = read_file(arguments.file)
    from vm.api import Config, Engine, Module

    config = Config()
    config.profile = arguments.profile_use
    with named(arguments.file, content):
        module = Module(Engine(config), content)
        module.compile_all(level=arguments.level, workers=arguments.workers, progress=_Progress())
    code = module.serialize()
    if arguments.out == "-":
        sys.stdout.buffer.write(code)
        sys.stdout.buffer.flush()
        return 0
    _write(Path(arguments.out or Path(arguments.file).with_suffix(".cwasm")), code)
    return 0


def _write(out: Path, code: bytes | bytearray) -> None:
    """Whole or not at all: nobody runs half of it."""
    import tempfile

    try:
        handle, temporary = tempfile.mkstemp(dir=out.parent, prefix=f".{out.name}-")
        try:
            with os.fdopen(handle, "wb") as file:
                file.write(code)
            os.replace(temporary, out)
        except BaseException:
            os.unlink(temporary)
            raise
    except OSError as error:
        raise InputError(f"{out}: {error.strerror}; name another place with -o") from None


class _Progress:
    """One line on a terminal, when it takes long."""

    def __init__(self) -> None:
        self._started = time.monotonic()
        self._shown = False

    def __call__(self, done: int, of: int) -> None:
        if sys.stderr.isatty() and (self._shown or time.monotonic() - self._started > 1):
            self._shown = True
            end = "\n" if done == of else ""
            print(f"\rcompiling: {done:,} of {of:,} groups", end=end, file=sys.stderr, flush=True)
