"""``wasmvm profile``: run a program, and say where its time went and what was compiled meanwhile."""

from __future__ import annotations

import argparse
import json
import os
import sys
from contextlib import ExitStack

from vm.cli.errors import InputError, read_file, writable, write
from vm.cli.run import add_options, engine, execute
from vm.typed import TYPE_CHECKING

if TYPE_CHECKING:
    from vm.profiling import Recording

_EXAMPLES = """\
examples:
  wasmvm profile sort.wasm data.txt                   the busiest functions, when it has ended
  wasmvm profile --flame sort.svg sort.wasm data.txt  a flame graph
  wasmvm profile --flame sort.folded sort.wasm        stacks for other tools
  wasmvm profile --trace sort.json sort.wasm          open it at https://ui.perfetto.dev
  wasmvm profile --json - sort.wasm | jq .event_counts

exit code: the program's own, as wasmvm run has it. The table goes to stderr. "host" is what no function of
WebAssembly does itself: host functions, the C library, Python, the engine.
"""


def add(commands: argparse._SubParsersAction[argparse.ArgumentParser]) -> None:
    """Register the command."""
    command = commands.add_parser(
        "profile",
        help="run a program and say where its time goes",
        description="Run a program as wasmvm run does, interrupt it many times a second to see where it is, "
        "and say which functions took its time, in which tier, and what was compiled.",
        epilog=_EXAMPLES,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    command.add_argument("--rate", type=int, default=1000, metavar="N", help="samples a second (1000)")
    command.add_argument("--top", type=int, default=20, metavar="N", help="functions in the table (20)")
    command.add_argument("--json", metavar="OUT", help="write all of it as JSON; - for stdout")
    command.add_argument(
        "--flame", metavar="OUT", help="write a flame graph: .svg, or folded stacks under any other name"
    )
    command.add_argument("--trace", metavar="OUT", help="write a trace for Perfetto, as JSON")
    add_options(command)
    command.set_defaults(main=main)


def main(arguments: argparse.Namespace) -> int:
    """Run and profile it; the exit code."""
    from vm.native.sampling import MOST_RATE

    if not 1 <= arguments.rate <= MOST_RATE:
        raise InputError(f"--rate {arguments.rate}: expected 1 to {MOST_RATE}")
    if arguments.top < 0:
        raise InputError(f"--top {arguments.top}: expected 0 or more")
    content = read_file(arguments.file)
    from vm.profiling import Profiler

    made = engine(arguments, debug_info=True)  # inlined functions are seen, too
    outputs = [path for path in (arguments.json, arguments.flame, arguments.trace) if path not in (None, "-")]
    for path in outputs:
        writable(path)
    with ExitStack() as running:
        profiler = running.enter_context(Profiler(made, arguments.rate))
        try:
            return execute(arguments, content, made)
        finally:  # also of a program that was interrupted
            running.close()
            _report(arguments, profiler.recording)


def _report(arguments: argparse.Namespace, recording: Recording) -> None:
    """Everything that was asked for."""
    from vm.profiling import flame, perfetto, summary

    name = os.path.basename(arguments.file)
    print(summary.table(recording, arguments.top), file=sys.stderr)
    if arguments.flame:
        picture = arguments.flame.endswith(".svg")
        _write(arguments.flame, flame.svg(recording, name) if picture else flame.folded(recording))
    if arguments.trace:
        _write(arguments.trace, json.dumps(perfetto.trace(recording, name)))
    if arguments.json:
        _write(arguments.json, json.dumps({"program": name, **summary.data(recording)}, indent=1) + "\n")


def _write(path: str, text: str) -> None:
    if path == "-":
        sys.stdout.write(text)
    else:
        write(path, text.encode(errors="replace"))
