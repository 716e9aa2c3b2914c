"""``wasmvm wat2wasm``: translate a module from the text format into binary."""

from __future__ import annotations

import argparse
import sys
from pathlib import Path

from vm.cli.errors import InputError, named, read_file
from vm.text import is_text, wat2wasm

_EXAMPLES = """\
examples:
  wasmvm wat2wasm app.wat                    writes app.wasm
  wasmvm wat2wasm app.wat -o build/app.wasm
  wasmvm wat2wasm app.wat -o - | wc -c

What is written may break rules of validity: wasmvm validate tells.
"""


def add(commands: argparse._SubParsersAction[argparse.ArgumentParser]) -> None:
    """Register the command."""
    command = commands.add_parser(
        "wat2wasm",
        help="translate text into binary",
        description="Translate a module from the text format into binary, with the names it uses.",
        epilog=_EXAMPLES,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    command.add_argument("file", metavar="FILE", help="the module (.wat)")
    command.add_argument("-o", metavar="OUT", dest="out", help="where to write it (default: FILE as .wasm)")
    command.set_defaults(main=main)


def main(arguments: argparse.Namespace) -> int:
    """Translate it; the exit code."""
    text = read_file(arguments.file)
    if not is_text(text):
        raise InputError(f"{arguments.file}: not WebAssembly text, which opens with (module; check the path")
    with named(arguments.file):
        binary = wat2wasm(text)
    if arguments.out == "-":
        sys.stdout.buffer.write(binary)
        sys.stdout.buffer.flush()
        return 0
    out = Path(arguments.out or Path(arguments.file).with_suffix(".wasm"))
    try:
        out.write_bytes(binary)
    except OSError as error:
        raise InputError(f"{out}: {error.strerror}; name another place with -o") from None
    return 0
