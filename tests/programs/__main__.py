"""The table: ``python -m tests.programs [--tier T] [NAME...]``; exit code 1 when a program went wrong."""

from __future__ import annotations

import argparse
import sys
import time
import traceback
from pathlib import Path

from tests.programs.export import export
from tests.programs.fetch import Unreachable
from tests.programs.registry import programs
from tests.programs.run import run
from vm.config import KNOBS
from vm.tiers import TIERS


def main() -> int:
    """The command."""
    parser = argparse.ArgumentParser(prog="python -m tests.programs", description=__doc__)
    parser.add_argument("names", nargs="*", metavar="NAME", help="only these programs (default: all)")
    parser.add_argument("--tier", default=KNOBS["tier"].default, choices=TIERS)
    parser.add_argument("--quick", action="store_true", help="only those that CI runs")
    parser.add_argument("--trace", action="store_true", help="show where a program went wrong")
    parser.add_argument(
        "--export", type=Path, metavar="DIR", help="write those that benchmarks.versus can run to DIR instead"
    )
    options = parser.parse_args()
    known = programs()
    for name in options.names:
        if name not in known:
            parser.error(f"no program called {name!r}; there are: {', '.join(known)}")
    if options.export:
        chosen = [known[name] for name in options.names or known]
        print("\n".join(export(chosen, options.export)))
        return 0
    verdicts = []
    for name in options.names or known:
        program = known[name]
        if options.quick and not program.quick:
            continue
        started = time.process_time()
        try:
            run(program, options.tier)
            verdict, detail = "right", program.what
        except Unreachable as reason:
            verdict, detail = "unreachable", str(reason)
        except Exception as error:
            verdict, detail = "WRONG", f"{type(error).__name__}: {error}"
            if options.trace:
                traceback.print_exc()
        verdicts.append(verdict)
        seconds = time.process_time() - started
        print(f"{name:24} {verdict:11} {seconds:7.2f} s  {' '.join(detail.split())[:300]}", flush=True)
    counts = ", ".join(f"{verdicts.count(v)} {v}" for v in ("right", "WRONG", "unreachable"))
    print(f"{len(verdicts)} programs on {options.tier}: {counts}")
    return int("WRONG" in verdicts)


if __name__ == "__main__":
    sys.exit(main())
