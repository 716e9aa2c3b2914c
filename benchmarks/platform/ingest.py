"""Ingest: how fast asv's result trees go into a fresh SQLite store, and how much room they take there.

    python -m benchmarks.platform.ingest --commits 50 --benchmarks 100 --samples 0

A repository and its tree are generated (``asv_trees``), and taken in by the verb of ``regress ingest``,
history included. Times are processor seconds of this process, so that neighbours on the same cores disturb
little; the quickest and the median of the rounds are printed. ``scale`` does it once, for ten million.
"""

from __future__ import annotations

import argparse
import statistics
import sys
import tempfile
import time
from pathlib import Path

from benchmarks.platform.asv_trees import Project, make_repository, make_results
from regress.runner.history import History
from regress.service.ingest import ingest
from regress.store import Store


def taken(tree: Path, database: Path, repository: Path) -> tuple[float, float, int]:
    """Processor seconds, seconds on the clock, and measurements of one ingest into a fresh database."""
    with Store.open(f"sqlite:///{database}") as store:
        cpu, clock = time.process_time(), time.perf_counter()
        report = ingest(store, [tree], branch="main", history=History(repository).commits("main"))
        return time.process_time() - cpu, time.perf_counter() - clock, report.new


def main() -> int:
    """Print a line a round and one for all."""
    parser = argparse.ArgumentParser(
        prog="python -m benchmarks.platform.ingest", description="Ingest of asv trees."
    )
    for name, default, help_ in (
        ("commits", 50, "commits, of which each machine has a result file"),
        ("machines", 1, "machines"),
        ("benchmarks", 100, "benchmarks of a file, of 20 parameter combinations each"),
        ("samples", 0, "raw samples of a measurement, at most 10 (asv keeps none unless asked)"),
        ("rounds", 3, "fresh databases"),
    ):
        parser.add_argument(f"--{name}", type=int, default=default, help=f"{help_} (default {default})")
    told = vars(parser.parse_args())
    rounds = told.pop("rounds")
    rates, size = [], 0.0
    with tempfile.TemporaryDirectory() as place:
        tree, repository = Path(place) / "results", Path(place) / "repository"
        project = Project(**told)
        for _ in make_results(tree, project, make_repository(repository, project.commits)):
            pass
        for i in range(rounds):
            database = Path(place) / f"{i}.db"
            cpu, clock, new = taken(tree, database, repository)
            size = database.stat().st_size / new
            rates.append(new / cpu)
            print(f"{new:,} measurements: {cpu:.2f} s of processor, {clock:.2f} s on the clock")
    best, middle = max(rates), statistics.median(rates)
    print(f"{best:,.0f} measurements/s at best, {middle:,.0f} median; {size:.0f} bytes a measurement")
    return 0


if __name__ == "__main__":
    sys.exit(main())
