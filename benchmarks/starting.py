"""What programs wait for, in new processes: ``python -m benchmarks.starting`` prints it.

    small    a small module's first result from Python, beyond a Python that does nothing
    short    programs that run for milliseconds (the corpus's small cases), with the command
    big      a module of so many megabytes (one program's functions, over and over): a program's end
    latency  from a module's bytes to a program's end, nothing being on disk, against making all of its code
             at level 3 first, as a fraction of it

"small" and "big" compare with wasmtime-py, "short" with tier llvm. All of it is processor time, that of
children that have ended included (compilers that work on in the background are not in it), and for "small"
and "big" the clock's, too; measured in turns after three starts of each that do not count (except "latency",
which has the caches off). What is printed is the median of the rounds, and of their ratios: quote the ratios.
"""

from __future__ import annotations

import argparse
import os
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Sequence
from pathlib import Path

from benchmarks.border import (
    COMMAND,
    ENGINES,
    FIRST_RESULT,
    SMALL,
    STEADY,
    compare_starts,
    report,
    spent,
    written,
)
from benchmarks.corpus import OWN, programs

REPEATED = "compress"
"""The program whose functions make a big module."""

_SETTLED = 3.0
"""Seconds for compilers that a run has left behind: they work on for the next start."""

_LATENCY = """
import sys, time, resource
import vm.api
from benchmarks.corpus import programs
from benchmarks.host import Compiled
started = time.process_time()
compiled = Compiled(programs()[sys.argv[1]], tier=sys.argv[2], size="small")
if sys.argv[2] == "llvm":
    compiled.module.compile_all(level=3, workers=0)
compiled.check()
print(time.process_time() - started + sum(resource.getrusage(resource.RUSAGE_CHILDREN)[:2]))
"""


def swollen(binary: bytes, size: int) -> bytes:
    """The module with its functions again and again behind them, never called: some ``size`` bytes."""
    sections = dict(_sections(binary))
    count, at = _number(sections[10], 0)
    types, functions = sections[3][_number(sections[3], 0)[1] :], sections[10][at:]
    times = max(1, size // len(functions))
    total = _leb(count * times)
    changed = {3: total + types * times, 10: total + functions * times}
    parts = [binary[:8]]
    for number, content in _sections(binary):
        content = changed.get(number, content) if number else content
        parts += [bytes([number]), _leb(len(content)), content]
    return b"".join(parts)


def _sections(binary: bytes) -> list[tuple[int, bytes]]:
    at, found = 8, []
    while at < len(binary):
        length, start = _number(binary, at + 1)
        found.append((binary[at], binary[start : start + length]))
        at = start + length
    return found


def _number(data: bytes, at: int) -> tuple[int, int]:
    """An unsigned LEB128 number, and where it ends. By hand: older commits are measured, too."""
    value = shift = 0
    while True:
        value |= (data[at] & 0x7F) << shift
        shift, at = shift + 7, at + 1
        if data[at - 1] < 0x80:
            return value, at


def _leb(value: int) -> bytes:
    found = bytearray()
    while value > 0x7F:
        found.append(value & 0x7F | 0x80)
        value >>= 7
    return bytes([*found, value])


def small(rounds: int, tier: str, folder: Path) -> None:
    """A module of one function."""
    from vm.api import wat2wasm

    file = folder / "small.wasm"
    file.write_bytes(wat2wasm(SMALL))
    compare_starts("first result", FIRST_RESULT, [str(file)], tier, rounds, folder)


def short(rounds: int, tier: str, folder: Path) -> None:
    """Programs that end soon, as the command runs them."""
    environment = {key: value for key, value in os.environ.items() if key != "PYTHONDONTWRITEBYTECODE"}
    environment["PYTHONPYCACHEPREFIX"] = str(folder / "bytecode")
    for name in OWN:
        program = programs()[name]
        case = program.cases["small"]
        commands = [
            [sys.executable, "-m", "vm", "run", "--tier", each, str(program.path()), *case.args]
            for each in (tier, "llvm")
        ]
        for _ in range(STEADY):
            for command in commands:
                _checked(command, environment, program.stdin, case.expected)
            time.sleep(_SETTLED / STEADY)
        measured = [
            tuple(1e3 * _checked(each, environment, program.stdin, case.expected) for each in commands)
            for _ in range(rounds)
        ]
        report(f"{name}, {tier}; llvm", "ms", [(ours, theirs) for ours, theirs in measured])


def _checked(command: Sequence[str], environment: dict[str, str], stdin: Path | None, answer: bytes) -> float:
    """Processor time of a command whose output is right."""
    with open(stdin or os.devnull, "rb") as given, tempfile.TemporaryFile() as out:
        taken = spent(command, environment, stdin=given, stdout=out)
        out.seek(0)
        if out.read() != answer:
            raise AssertionError(f"{' '.join(command)}: a wrong answer: the figures would mean nothing")
    return taken.processor


def big(rounds: int, tier: str, folder: Path, megabytes: float) -> None:
    """A command of ten megabytes, of which it runs some ten kilobytes."""
    program = programs()[REPEATED]
    file = folder / "big.wasm"
    file.write_bytes(swollen(program.path().read_bytes(), int(megabytes * 1e6)))
    arguments = [str(file), *program.cases["small"].args]
    what = f"end of a program of {file.stat().st_size / 1e6:.1f} MB"
    compare_starts(what, COMMAND, arguments, tier, max(1, rounds // 3), folder)
    for api in ENGINES:
        if written(folder, api).read_bytes() != program.cases["small"].expected:
            raise AssertionError(f"{api}: a wrong answer of the big module: the figures would mean nothing")


def latency(rounds: int, tier: str, names: Sequence[str]) -> None:
    """Against compiling all at level 3 first."""
    for name in names:
        measured = []
        for _ in range(max(1, rounds // 3)):
            ours, theirs = (_latency(name, each) for each in (tier, "llvm"))
            measured.append((1e3 * ours, 1e3 * theirs))
        report(f"{name}, {tier}; all at level 3", "ms", measured)


def _latency(name: str, tier: str) -> float:
    command = [sys.executable, "-c", _LATENCY, name, tier]
    environment = {**os.environ, "WASMVM_OBJECTS": "off"}
    return float(subprocess.run(command, env=environment, check=True, capture_output=True, text=True).stdout)


PARTS = ("small", "short", "big", "latency")


def main(arguments: Sequence[str] | None = None) -> int:
    """Print the table."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").split("\n\n")[0])
    parser.add_argument("parts", nargs="*", metavar="PART", help=f"{', '.join(PARTS)} (default: all)")
    parser.add_argument("--rounds", type=int, default=7, help="how often each is measured (default: 7)")
    parser.add_argument("--tier", default="tiered", help="our tier (default: tiered)")
    parser.add_argument("--megabytes", type=float, default=10.0, help="of the big module (default: 10)")
    parser.add_argument(
        "--program",
        action="append",
        help="what is compiled whole for latency (default: ballistics; graphviz takes a minute each time)",
    )
    options = parser.parse_args(arguments)
    unknown = [part for part in options.parts if part not in PARTS]
    if unknown:
        parser.error(f"no part called {unknown[0]!r}; there are: {', '.join(PARTS)}")
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        rows: dict[str, Callable[[], None]] = {
            "small": lambda: small(options.rounds, options.tier, folder),
            "short": lambda: short(options.rounds, options.tier, folder),
            "big": lambda: big(options.rounds, options.tier, folder, options.megabytes),
            "latency": lambda: latency(options.rounds, options.tier, options.program or ["ballistics"]),
        }
        print(f"{'processor time, median':36}{'ours':>12}{'against':>14}{'ours/against':>17}")
        for part in options.parts or PARTS:
            rows[part]()
    return 0


if __name__ == "__main__":
    raise SystemExit(main())
