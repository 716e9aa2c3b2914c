"""The VM against other engines, program by program: ``python benchmarks/versus.py``; ``--help`` says more.

Every engine has a process of its own for each program; the engines run it in turns, round by round, each
time in a fresh instance. A program's figure is the median of the paired ratios (VM / peer of the same round,
below 1 is faster) of processor time, once everybody is warm: neither starting nor compiling is in it. What
those took, from the module's bytes to its first result, stands in a column of its own. The VM is warm when
its compilers have come to an end, and a while of work has given them nothing new. Every single run's output
is compared with what must come out. Machines are noisy: quote ratios of one run, never times.
"""

from __future__ import annotations

import argparse
import contextlib
import dataclasses
import functools
import importlib
import json
import math
import os
import platform
import statistics
import sys
import time
from collections.abc import Callable, Mapping, Sequence
from importlib.metadata import version
from pathlib import Path
from typing import Any

if __name__ == "__main__":  # as a script, Python looks for modules beside it, where "host" would be ours
    sys.path[0] = str(Path(__file__).resolve().parent.parent)

from benchmarks.corpus import BadManifest, Program, own, programs
from benchmarks.peers import PEERS, Failed, Library, Pending, Runner, Unfit

OURS = "vm"
"""What the VM is called beside its peers."""

EPILOG = """\
a folder for --programs holds manifest.json, a list of {"name", "wasm", "args", "stdin", "expected"} with
paths relative to it: WASI commands; with "source" (C) a program is compared with native code, too.

exit codes: 0 compared with every peer that is here; 1 a program came out wrong, or did not run, in some
engine (the others' figures stand); 2 arguments or a manifest that make no sense; 3 none of the peers is here.

examples:
  python benchmarks/versus.py --rounds 11 --json ratios.json sha256 words
  python benchmarks/versus.py --programs my-programs --against wasmtime,v8,native --json -
  python benchmarks/versus.py --tier llvm --set opt_level=2 --against wasmtime
"""


class WrongOutput(Exception):
    """A program put out something else than it must."""


class Bench:
    """One program in several engines, by name; ``faults`` says what became of those that failed."""

    def __init__(self, program: Program, warm_up: float, settle: float) -> None:
        self._program = program
        self._warm_up = warm_up
        self._settle = settle
        self.runners: dict[str, Runner] = {}
        self.faults: dict[str, Exception] = {}
        self.pending: dict[str, Pending] = {}

    def add(self, engine: str, start: Callable[[], Runner]) -> None:
        """Start an engine, and let it run until it is warm; ``Unfit`` when it is not for this program."""
        try:
            self.runners[engine] = start()
        except Failed as fault:
            self.faults[engine] = fault
        began = time.monotonic()
        while engine in self.runners:
            self._work(engine, self._warm_up)
            if self._settled(engine, began + self._settle):
                break

    def _work(self, engine: str, seconds: float) -> None:
        """Let an engine run for so many seconds."""
        while engine in self.runners and seconds > 0:
            seconds -= max(self._seconds(engine), 0.001)

    def _settled(self, engine: str, deadline: float) -> bool:
        """Whether an engine is as fast as it gets, or the time is over: its compilers have come to an end,
        and it has asked for nothing since it was last looked at. The new code may lead it to where it asks
        for more, and it asks for the first only after a while: so it works between two looks.
        """
        if engine not in self.runners:
            return True
        pending = self.runners[engine].settle(max(0.0, deadline - time.monotonic()))
        if pending is None:
            return True
        known, self.pending[engine] = self.pending.get(engine), pending
        late = time.monotonic() >= deadline
        return late or (known is not None and known.asked == pending.asked)

    def _seconds(self, engine: str) -> float:
        """Processor time of one run; an engine that fails, or puts out something else, is dropped."""
        try:
            run = self.runners[engine].run()
            expected = self._program.cases["full"].expected
            if run.output != expected:
                raise WrongOutput(f"put out {run.output[:100]!r}..., not {expected[:100]!r}...")
        except (Failed, WrongOutput) as fault:
            self.faults[engine] = fault
            self.runners.pop(engine).close()
            return 0.0
        return run.seconds

    def rounds(self, count: int) -> list[dict[str, float]]:
        """Each engine's seconds, by round. Who goes first changes: nobody always meets another's caches."""
        found = []
        for turn in range(count):
            order = list(self.runners)
            split = turn % max(1, len(order))
            found.append({engine: self._seconds(engine) for engine in order[split:] + order[:split]})
        return [{engine: seconds[engine] for engine in self.runners} for seconds in found]

    def close(self) -> None:
        """End every engine."""
        for runner in self.runners.values():
            runner.close()


class Comparison:
    """What is compared, and the table that comes of it (``table``, which ``--json`` writes)."""

    def __init__(
        self, options: argparse.Namespace, found: Mapping[str, str], knobs: Mapping[str, Any]
    ) -> None:
        self._options = options
        self._found = found
        self._knobs = knobs
        self.failed = False
        self.table: dict[str, Any] = {
            "tier": options.tier or importlib.import_module("vm.api").Config().tier,
            "knobs": dict(knobs),
            "versions": _versions(found),
            "missing": {},
            "load": list(os.getloadavg()),
            "geomean": {},
            "programs": {},
            "seconds": {},
            "first": {},
            "skipped": {},
            "pending": {},
        }

    def compare(self, program: Program) -> None:
        """Fill the table's rows of one program."""
        bench = Bench(program, self._options.warm_up, self._options.settle)
        with contextlib.closing(bench):
            for engine in (OURS, *self._found):
                try:
                    bench.add(engine, functools.partial(self._runner, program, engine))
                except Unfit as reason:
                    self._skip(program, engine, str(reason))
            rounds = bench.rounds(self._options.rounds)
            self.table["first"][program.name] = {e: runner.first for e, runner in bench.runners.items()}
        self.table["pending"][program.name] = {
            engine: dataclasses.asdict(pending) for engine, pending in bench.pending.items()
        }
        for engine, pending in bench.pending.items():
            if pending.waiting:
                print(
                    f"{program.name}: {engine} is not warm: it waits for {pending.waiting}", file=sys.stderr
                )
        for engine, fault in bench.faults.items():
            self.failed = True
            self._skip(program, engine, str(fault))
            print(f"{program.name}: {engine}: {str(fault).splitlines()[-1]}", file=sys.stderr)
        engines = list(bench.runners)
        self.table["seconds"][program.name] = {e: [seconds[e] for seconds in rounds] for e in engines}
        if OURS in engines:
            self.table["programs"][program.name] = {
                peer: [seconds[OURS] / seconds[peer] for seconds in rounds]
                for peer in engines
                if peer != OURS
            }

    def _runner(self, program: Program, engine: str) -> Runner:
        if engine == OURS:
            return Library(program, "vm.api", self._options.tier, self._knobs)
        return PEERS[engine].start(program, self._found[engine])

    def _skip(self, program: Program, engine: str, reason: str) -> None:
        self.table["skipped"].setdefault(program.name, {})[engine] = reason

    def row(self, name: str) -> str:
        """One program's line: per peer the median ratio, its extremes; and milliseconds to a result."""
        ratios, cells = self.table["programs"].get(name, {}), []
        for peer in self._found:
            each = ratios.get(peer)
            text = f"{statistics.median(each):.2f} [{min(each):.2f}..{max(each):.2f}]" if each else "-"
            cells.append(f"{text:>18}")
        firsts = self.table["first"].get(name, {})
        cells += [f"{1000 * firsts[e]:>9.0f}" if e in firsts else f"{'-':>9}" for e in (OURS, *self._found)]
        return f"{name:14}" + " ".join(cells)

    def head(self) -> str:
        """The table's first line."""
        cells = [f"{'VM / ' + peer:>18}" for peer in self._found]
        return f"{'':14}" + " ".join([*cells, *(f"{e + ' ms':>9}" for e in (OURS, *self._found))])

    def finish(self) -> str:
        """The geometric means, as a line and in the table."""
        for peer in self._found:
            medians = [statistics.median(row[peer]) for row in self.table["programs"].values() if peer in row]
            if medians:
                self.table["geomean"][peer] = math.exp(statistics.fmean(map(math.log, medians)))
        means = self.table["geomean"]
        return f"{'geomean':14}" + " ".join(
            f"{means[peer]:.2f}{'':12}".rjust(18) if peer in means else f"{'-':>18}" for peer in self._found
        )


def _versions(found: Mapping[str, str]) -> dict[str, str]:
    """What was compared, on what."""
    engines = {name: version(name) for name in ("regress", "llvmlite")}
    engines |= {peer: PEERS[peer].version(where) for peer, where in found.items()}
    return {**engines, "python": platform.python_version(), "machine": platform.platform()}


def _knobs(settings: Sequence[str]) -> dict[str, Any]:
    """``--set``'s values; ``ValueError`` for one that is not NAME=VALUE."""
    knobs = {}
    for setting in settings:
        name, equals, text = setting.partition("=")
        if not equals:
            raise ValueError(f"--set takes NAME=VALUE, not {setting!r}")
        try:
            knobs[name] = json.loads(text)
        except ValueError:
            knobs[name] = text
    return knobs


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="versus",
        description="Time WebAssembly programs in the VM and in other engines, in turns.",
        epilog=EPILOG,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument("names", nargs="*", metavar="PROGRAM", help="only these programs (default: all)")
    parser.add_argument(
        "--programs", type=Path, metavar="DIR", help="a folder with a manifest.json instead of ours"
    )
    parser.add_argument(
        "--against", default=",".join(PEERS), metavar="PEER,...", help="which peers (default: %(default)s)"
    )
    parser.add_argument("--tier", help="the VM's tier (default: its own)")
    parser.add_argument("--set", action="append", default=[], metavar="KNOB=VALUE", help="a knob of the VM's")
    parser.add_argument("--rounds", type=int, default=7, help="pairs per program (default: %(default)s)")
    parser.add_argument(
        "--warm-up",
        type=float,
        default=0.5,
        metavar="SECONDS",
        help="of work first, each (default: %(default)s)",
    )
    parser.add_argument(
        "--settle",
        type=float,
        default=120.0,
        metavar="SECONDS",
        help="that warming up may take, while compilers are at work (default: %(default)s)",
    )
    parser.add_argument("--json", metavar="FILE", help="write every ratio there; - is standard output")
    return parser


def _chosen(parser: argparse.ArgumentParser, options: argparse.Namespace) -> list[Program]:
    """The programs; ends the command when there are none by these names."""
    try:
        corpus = own(options.programs.resolve()) if options.programs else programs()
    except BadManifest as error:
        parser.error(str(error))
    for name in options.names:
        if name not in corpus:
            parser.error(f"unknown program {name!r}; there are: {', '.join(corpus)}")
    return [corpus[name] for name in options.names or corpus]


def main(arguments: Sequence[str] | None = None) -> int:
    """The command; its exit code."""
    parser = _parser()
    options = parser.parse_args(arguments)
    chosen, peers = _chosen(parser, options), options.against.split(",")
    for peer in peers:
        if peer not in PEERS:
            parser.error(f"unknown peer {peer!r}; there are: {', '.join(PEERS)}")
    if options.rounds < 1:
        parser.error("--rounds must be at least 1")
    try:
        knobs = _knobs(options.set)
    except ValueError as error:
        parser.error(str(error))
    found = {peer: where for peer in peers if (where := PEERS[peer].find())}
    comparison = Comparison(options, found, knobs)
    for peer in peers:
        if peer not in found:
            comparison.table["missing"][peer] = PEERS[peer].how
            print(f"{peer} is not here: {PEERS[peer].how}", file=sys.stderr)
    if not found:
        return 3
    print(comparison.head(), file=sys.stderr)
    for program in chosen:
        try:
            program.path()
        except NotImplementedError as missing:
            print(f"{program.name:14}skipped: {missing}", file=sys.stderr)
            continue
        comparison.compare(program)
        print(comparison.row(program.name), file=sys.stderr, flush=True)
    print(comparison.finish(), file=sys.stderr)
    text = json.dumps(comparison.table, indent=2)
    if options.json == "-":
        print(text)
    elif options.json:
        Path(options.json).write_text(text + "\n")
    return int(comparison.failed)


if __name__ == "__main__":
    sys.exit(main())
