"""The command line as argparse sees it: all that is said of it, and every word that is wrong in it."""

from __future__ import annotations

import argparse
import importlib
from collections.abc import Mapping, Sequence


class _Version(argparse.Action):
    """Reads the version only when asked: importlib.metadata costs more than a small run."""

    def __call__(self, parser: argparse.ArgumentParser, *_: object) -> None:
        from importlib.metadata import version

        print(f"wasmvm {version('regress')}")
        parser.exit()


def parse(given: Sequence[str], commands: Mapping[str, str]) -> argparse.Namespace:
    """The arguments that a command line gives; ends the process with help or an error where there are none.

    ``commands`` says where each is; only the one that is asked for is imported.
    """
    first = given[0] if given else ""
    top = argparse.ArgumentParser(
        prog="wasmvm", description="Run, check, read and translate WebAssembly modules."
    )
    top.add_argument("--version", nargs=0, action=_Version, help="print the version and exit")
    # With a name, argparse need not put its help together to find one.
    added = top.add_subparsers(dest="command", required=True, metavar="COMMAND", prog="wasmvm")
    for name in [first] if first in commands else commands:
        importlib.import_module(f"vm.cli.{commands[name]}").add(added)
    return top.parse_args(given)
