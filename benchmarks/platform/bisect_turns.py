"""What several Dask workers bring to a bisection, by simulation of the very search.

``python -m benchmarks.platform.bisect_turns [--searches N] [--known N] [--jobs N]``: 128 commits, a shift of
one and of three sigma, and 1, 2, 4 and 8 workers of one machine. In a turn each of them measures the commit
that the search gave it (``regress bisect --scheduler`` gives them out the same way), and nobody begins the
next before all are done. Printed are turns and runs of a search on average, and how many were right.
"""

from __future__ import annotations

import argparse
from collections.abc import Sequence

from regress.bisect.simulate import KNOWN, Scenario, simulate

SHIFTS = (1.0, 3.0)
WORKERS = (1, 2, 4, 8)


def main(arguments: Sequence[str] | None = None) -> int:
    """Print the table."""
    parser = argparse.ArgumentParser(description="What several workers bring to a bisection.")
    parser.add_argument("--searches", type=int, default=100, help="simulated searches of each sort (100)")
    parser.add_argument("--known", type=int, default=KNOWN, help=f"measurements known a side ({KNOWN})")
    parser.add_argument("--jobs", type=int, default=1, help="processes that simulate (1)")
    told = parser.parse_args(arguments)
    print(f"{'shift':>8} {'workers':>8} {'turns':>7} {'runs':>7} {'right':>6}")
    for shift in SHIFTS:
        for workers in WORKERS:
            kind = Scenario(shift=shift, known=told.known, workers=workers, seed=7)
            found = simulate(kind, told.searches, told.jobs)
            print(
                f"{shift:6g} s {workers:8} {found.mean_turns:7.1f} {found.mean_runs:7.1f} {found.right:6.2f}",
                flush=True,
            )
    return 0


if __name__ == "__main__":
    raise SystemExit(main())
