"""``wasmvm build``: make the machine code that is made once for each computer."""

from __future__ import annotations

import argparse
import sys
import time

_EXAMPLES = """\
examples:
  wasmvm build            # three quarters of a minute, once after installing
  wasmvm build --check    # exit code 1 when there is something to make

The code lies in the user's cache folder, or in $WASMVM_CACHE. Without it everything works, more slowly.
"""


def add(commands: argparse._SubParsersAction[argparse.ArgumentParser]) -> None:
    """Register the command."""
    command = commands.add_parser(
        "build",
        help="make native helpers once, so that modules open and run faster",
        description="Make machine code for this computer: the validator, tier 1's compiler and its stencils.",
        epilog=_EXAMPLES,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    command.add_argument("--check", action="store_true", help="only say what is there")
    command.add_argument("--force", action="store_true", help="make it again")
    command.set_defaults(main=main)


def main(arguments: argparse.Namespace) -> int:
    """Make what is missing; the exit code."""
    from vm.native import cache, validation
    from vm.tiers.baseline import library, native

    missing = 0
    parts = (("validator", validation), ("baseline compiler", native), ("baseline stencils", library))
    for name, kernel in parts:
        built = kernel.is_built()
        if arguments.check or (built and not arguments.force):
            print(f"{name}: {'ready' if built else 'not built'} ({cache.directory()})")
            missing += not built
            continue
        print(f"{name}: compiling, some fifteen seconds ...", file=sys.stderr, flush=True)
        started = time.monotonic()
        size = kernel.build()
        seconds = time.monotonic() - started
        print(f"{name}: {size:,} bytes of code made in {seconds:.1f} s ({cache.directory()})")
    return int(arguments.check and missing > 0)
