"""``wasmvm``: run, check, read and translate WebAssembly modules from a shell.

One file a command, listed in ``COMMANDS``. argparse rather than the house's Typer, and only the command that
is asked for is imported, because start-up is a feature: a small module must run within milliseconds of a bare
Python.

Exit codes: the program's own; 1 when a script's assertion failed; 2 for bad input or usage, with one line on
stderr; 130 on Ctrl-C; 134 when the program trapped, as a native program that aborts gives its shell.
"""

from __future__ import annotations

import argparse
import importlib
import sys
from collections.abc import Sequence

from vm.cli.errors import EXIT_INTERRUPTED, EXIT_USAGE, InputError
from vm.errors import VMError

COMMANDS = {
    "run": "run",
    "validate": "validate",
    "dis": "dis",
    "wat2wasm": "wat",
    "wast": "wast",
    "profile": "profile",
    "compile": "compile",
    "build": "build",
    "cache": "cache",
}
"""Where each command is, in this package: ``add(subparsers)`` registers its arguments and
``main(arguments) -> exit code``."""


class _Version(argparse.Action):
    """Reads the version only when asked: importlib.metadata costs more than a small run."""

    def __call__(self, parser: argparse.ArgumentParser, *_: object) -> None:
        from importlib.metadata import version

        print(f"wasmvm {version('regress')}")
        parser.exit()


def parser(first: str = "") -> argparse.ArgumentParser:
    """The command line, or as much of it as matters when this is its first word."""
    top = argparse.ArgumentParser(
        prog="wasmvm", description="Run, check, read and translate WebAssembly modules."
    )
    top.add_argument("--version", nargs=0, action=_Version, help="print the version and exit")
    # With a name, argparse need not put its help together to find one.
    commands = top.add_subparsers(dest="command", required=True, metavar="COMMAND", prog="wasmvm")
    for name in [first] if first in COMMANDS else COMMANDS:
        importlib.import_module(f"vm.cli.{COMMANDS[name]}").add(commands)
    return top


def main(argv: Sequence[str] | None = None) -> int:
    """Run the command line; the exit code."""
    given = sys.argv[1:] if argv is None else argv
    arguments = parser(given[0] if given else "").parse_args(given)
    try:
        code: int = arguments.main(arguments)
        if sys.stdout is not None:
            sys.stdout.flush()
    except (InputError, VMError) as error:
        print(f"wasmvm: {error}", file=sys.stderr)
        return EXIT_USAGE
    except KeyboardInterrupt:
        print("wasmvm: interrupted", file=sys.stderr)
        return EXIT_INTERRUPTED
    except BrokenPipeError:
        # The reader of our output has gone (``wasmvm dis x.wasm | head``): nothing is left to say or flush.
        sys.stdout = None
        return 0
    except OSError as error:
        # Every command says itself which of its files cannot be used: this is our own output.
        sys.stdout = None
        print(f"wasmvm: the output cannot be written: {error.strerror}", file=sys.stderr)
        return EXIT_USAGE
    return code
