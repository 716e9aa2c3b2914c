"""``wasmvm``: run, check, read and translate WebAssembly modules from a shell.

One file a command, listed in ``COMMANDS``. argparse rather than the house's Typer, not even argparse where
``plain`` understands, and only the command that is asked for is imported, because start-up is a feature: a
small module must run within milliseconds of a bare Python.

Exit codes: the program's own; 1 when a script's assertion failed; 2 for bad input or usage, with one line on
stderr; 130 on Ctrl-C; 134 when the program trapped, as a native program that aborts gives its shell.
"""

from __future__ import annotations

import atexit
import gc
import sys
from collections.abc import Sequence

from vm.importing import uninterrupted

with uninterrupted():
    from vm.cli.errors import EXIT_INTERRUPTED, EXIT_USAGE, InputError
    from vm.errors import VMError
    from vm.typed import Any

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


def main(argv: Sequence[str] | None = None) -> int:
    """Run the command line; the exit code."""
    given = sys.argv[1:] if argv is None else argv
    if argv is None:  # when the process ends, a search for cycles frees nothing, in 10 ms
        atexit.register(gc.freeze)
    arguments = _plain(given) or _parsed(given)
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


def _plain(given: Sequence[str]) -> Any:
    """What a plain ``wasmvm run`` was told, as argparse would have it; None for everything else."""
    if given[:1] not in (["run"], ("run",)):
        return None
    with uninterrupted():
        from vm.cli import plain, run
    arguments = plain.read(given[1:], run.OPTIONS)
    if arguments is not None:
        arguments.main = run.main
    return arguments


def _parsed(given: Sequence[str]) -> Any:
    from vm.cli.parsing import parse

    return parse(given, COMMANDS)
