"""Ingest: how fast asv's result trees go into a fresh SQLite store, and how much room they take there.

    python -m benchmarks.ingest --commits 200 --benchmarks 200 --combinations 10 --samples 0

A tree is generated (seeded) as asv writes it, and taken in by the verb that ``regress ingest`` calls, history
included. Times are processor seconds of this process, so that neighbours on the same cores disturb
little; the quickest and the median of the rounds are printed.
"""

from __future__ import annotations

import argparse
import json
import random
import statistics
import sys
import tempfile
import time
from datetime import UTC, datetime, timedelta
from pathlib import Path

from regress.domain import Commit
from regress.service.ingest import ingest
from regress.store import Store

START = datetime(2025, 1, 1, tzinfo=UTC)
COLUMNS = ["result", "params", "version", "started_at", "duration", "stats_ci_99_a", "stats_ci_99_b"]
COLUMNS += ["stats_q_25", "stats_q_75", "stats_number", "stats_repeat", "samples", "profile"]


def sha(i: int) -> str:
    """The hash of the commit ``i``."""
    return f"{i * 2654435761 % 2**32:08x}" * 5


def make_tree(folder: Path, commits: int, benchmarks: int, combinations: int, samples: int) -> None:
    """Write a results tree of one machine: a file a commit, each benchmark with so many combinations."""
    rng = random.Random(7)
    names = [f"suite{i % 20}.Group{i % 7}.time_case_{i}" for i in range(benchmarks)]
    machine = folder / "box"
    machine.mkdir(parents=True)
    facts = {"arch": "x86_64", "cpu": "a cpu", "machine": "box", "num_cpu": "8", "os": "Linux", "ram": "64"}
    (machine / "machine.json").write_text(json.dumps({**facts, "version": 1}))
    known = {name: {"name": name, "param_names": ["n"], "type": "time", "unit": "seconds"} for name in names}
    (folder / "benchmarks.json").write_text(json.dumps({**known, "version": 2}))
    levels = {name: rng.uniform(1e-6, 1e-2) for name in names}
    for i in range(commits):
        at = int((START + timedelta(hours=i)).timestamp() * 1000)
        rows = {}
        for j, name in enumerate(names):
            values = [levels[name] * (k + 1) * rng.gauss(1, 0.02) for k in range(combinations)]
            raw = (
                [[value * rng.gauss(1, 0.01) for _ in range(samples)] for value in values]
                if samples
                else None
            )
            rows[name] = [
                values, [[str(10**k) for k in range(combinations)]], f"{j:064x}", at + j * 700, 1.0,
                [v * 0.98 for v in values], [v * 1.02 for v in values], [v * 0.99 for v in values],
                [v * 1.01 for v in values], [10] * combinations, [10] * combinations, raw, {},
            ]  # fmt: skip
        told = {"commit_hash": sha(i), "env_name": "py3.11", "date": at, "params": facts, "python": "3.11",
                "requirements": {}, "env_vars": {}, "result_columns": COLUMNS, "results": rows,
                "durations": {}, "version": 2}  # fmt: skip
        (machine / f"{sha(i)[:8]}-py3.11.json").write_text(json.dumps(told))


def history(commits: int) -> list[Commit]:
    """The commits as a repository would tell them."""
    times = [START + timedelta(hours=i) for i in range(commits)]
    return [
        Commit(sha(i), (sha(i - 1),) if i else (), "Ann", at, at, f"change {i}", i)
        for i, at in enumerate(times)
    ]


def taken(tree: Path, database: Path, commits: int) -> tuple[float, float, int]:
    """Processor seconds, seconds on the clock, and measurements of one ingest into a fresh database."""
    with Store.open(f"sqlite:///{database}") as store:
        cpu, clock = time.process_time(), time.perf_counter()
        report = ingest(store, [tree], branch="main", history=history(commits))
        return time.process_time() - cpu, time.perf_counter() - clock, report.new


def main() -> int:
    """Print a line a round and one for all."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.ingest", description="Ingest of asv trees.")
    for name, default, help_ in (
        ("commits", 100, "result files, one a commit"),
        ("benchmarks", 200, "benchmarks of a file"),
        ("combinations", 10, "parameter combinations of a benchmark"),
        ("samples", 0, "raw samples of a measurement (asv keeps none unless asked)"),
        ("rounds", 3, "fresh databases"),
    ):
        parser.add_argument(f"--{name}", type=int, default=default, help=f"{help_} (default {default})")
    told = parser.parse_args()
    rates, size = [], 0.0
    with tempfile.TemporaryDirectory() as place:
        tree = Path(place) / "results"
        make_tree(tree, told.commits, told.benchmarks, told.combinations, told.samples)
        for i in range(told.rounds):
            database = Path(place) / f"{i}.db"
            cpu, clock, new = taken(tree, database, told.commits)
            size = database.stat().st_size / new
            rates.append(new / cpu)
            print(f"{new:,} measurements: {cpu:.2f} s of processor, {clock:.2f} s on the clock")
    best, middle = max(rates), statistics.median(rates)
    print(f"{best:,.0f} measurements/s at best, {middle:,.0f} median; {size:.0f} bytes a measurement")
    return 0


if __name__ == "__main__":
    sys.exit(main())
