"""``wasmvm dis``: print a module as text for people."""

from __future__ import annotations

import argparse

from vm.cli.errors import named, read_file, to_binary

_EXAMPLES = """\
examples:
  wasmvm dis app.wasm | less
  wasmvm dis app.wasm | grep call_indirect
"""


def add(commands: argparse._SubParsersAction[argparse.ArgumentParser]) -> None:
    """Register the command."""
    command = commands.add_parser(
        "dis",
        help="disassemble a module",
        description="Print a module's sections and instructions, with byte offsets and the names it carries.",
        epilog=_EXAMPLES,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    command.add_argument("file", metavar="FILE", help="the module (.wasm or .wat)")
    command.set_defaults(main=main)


def main(arguments: argparse.Namespace) -> int:
    """Print it; the exit code."""
    from vm.module.decoder import decode
    from vm.module.printer import disassemble

    content = read_file(arguments.file)
    with named(arguments.file, content):
        for line in disassemble(decode(to_binary(content))):
            print(line)
    return 0
