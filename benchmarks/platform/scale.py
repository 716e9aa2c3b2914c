"""A project at full size: ten million measurements in, all of it analysed, and how long its pages take then.

    python -m benchmarks.platform.scale --place /var/tmp/scale
    python -m benchmarks.platform.scale --place /var/tmp/scale --db postgresql://me@host/empty --samples 10

Makes a repository with asv results (``asv_trees``: 200 commits, 50,000 series), unless the place has
them, and does what a user would: ``regress ingest``, ``regress analyse --all``, ``regress serve``, each
as a process. Printed are seconds on the clock and of processor, peak memory, the size of the file, and of
each page the median, the 95th percentile and the longest of the times to its last byte: asked by one reader,
then by twenty who pause a second between pages (a hundred times each page) while the results of one commit
after another are ingested, as CI brings them, and analysed, or (``--beside analysis``) while all series are
analysed again and again. What is measured is as long as the machine is busy: its load is printed, too, and
how long the server's threads were ready and waited for a processor (Linux's /proc). ``--first`` has the
kernel run them and the readers before all else: what pages take, and wait for each other, on a busy machine.
"""

from __future__ import annotations

import argparse
import contextlib
import itertools
import json
import os
import random
import re
import statistics
import subprocess
import sys
import threading
import time
import urllib.request
from collections import defaultdict
from collections.abc import Iterator
from pathlib import Path

from benchmarks.platform.asv_trees import Project, make_repository, make_results

REGRESS = [sys.executable, "-c", "from regress.cli import main; main()"]
PAUSE = 1.0  # seconds between two pages of a reader
ALONE = 10  # times that the one reader asks for each page
TICKS = os.sysconf("SC_CLK_TCK")


def main() -> int:
    """Print a line a step, then one a page."""
    told = _arguments()
    place: Path = told.place
    project = Project(told.commits, told.machines, told.benchmarks, samples=told.samples)
    url = told.db or f"sqlite:///{place / 'regress.db'}"
    common = ["--repo", str(place / "repository"), "--db", url]
    if not (place / "repository").exists():
        begun = time.perf_counter()
        shas = make_repository(place / "repository", project.commits)
        files = sum(1 for _ in make_results(place / "results", project, shas[: -told.later]))
        later = sum(1 for _ in make_results(place / "later", project, shas[-told.later :]))
        print(f"made {files} + {later} result files in {time.perf_counter() - begun:.0f} s", flush=True)
    if not told.pages_only:
        seconds = _step("ingest", [*REGRESS, "ingest", str(place / "results"), *common])
        held = project.series * (project.commits - told.later)
        print(f"  {held:,} measurements: {held / seconds:,.0f} a second of processor", flush=True)
        if not told.db:
            size = (place / "regress.db").stat().st_size
            print(f"  {size / 1e9:.2f} GB, {size / held:.0f} bytes a measurement", flush=True)
        _step("analyse", [*REGRESS, "analyse", "--all", "--jobs", str(told.jobs), *common])
    beside: Iterator[list[str]]
    if told.beside == "analysis":
        beside = itertools.repeat(["nice", *REGRESS, "analyse", "--all", *common])
    else:
        beside = _as_ci_brings(place / "later", common, attended=not told.first)
    attend = str(told.beside != "analysis" and not told.first).lower()  # or it analyses what is analysed
    (place / "repository" / "regress.toml").write_text(f"[web]\nattend = {attend}\n", encoding="utf-8")
    serve = [*(["chrt", "--rr", "1"] if told.first else []), *REGRESS, "serve", "--port", "0", *common]
    with subprocess.Popen(serve, stdout=subprocess.PIPE, text=True) as server:
        try:
            assert server.stdout is not None
            address = server.stdout.readline().split()[1].rstrip("/")
            _pages(address, told, server.pid, beside)
        finally:
            server.terminate()
    return 0


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(
        prog="python -m benchmarks.platform.scale", description="A project at full size."
    )
    parser.add_argument("--place", type=Path, required=True, help="a folder with some gigabytes of room")
    parser.add_argument("--db", help="an empty database (default: a SQLite file in the place)")
    for name, default, help_ in (
        ("commits", 220, "commits"),
        ("later", 20, "of them those whose results come while readers read"),
        ("machines", 2, "machines"),
        ("benchmarks", 1_250, "benchmarks, of 20 parameter combinations each"),
        ("samples", 10, "raw samples of a measurement"),
        ("jobs", 2, "processes that analyse"),
        ("readers", 20, "readers at once"),
        ("rounds", 75, "pages that each of them asks for"),
    ):
        parser.add_argument(f"--{name}", type=int, default=default, help=f"{help_} (default {default})")
    parser.add_argument(
        "--beside", choices=("ingest", "analysis"), default="ingest", help="what goes on then"
    )
    parser.add_argument("--first", action="store_true", help="run the server before all else (takes root)")
    parser.add_argument("--pages-only", action="store_true", help="the database is there from another time")
    return parser.parse_args()


def _step(name: str, command: list[str]) -> float:
    """Run a command; seconds of processor, its own and of its children."""
    begun = time.perf_counter()
    process = subprocess.Popen(command, stdout=subprocess.DEVNULL)
    _, status, used = os.wait4(process.pid, 0)
    if status:
        raise SystemExit(f"{name} failed")
    cpu = used.ru_utime + used.ru_stime
    clock = time.perf_counter() - begun
    memory = used.ru_maxrss / 1024
    print(f"{name}: {clock:.0f} s, {cpu:.0f} s of processor, {memory:.0f} MB of memory", flush=True)
    return cpu


def _as_ci_brings(folder: Path, common: list[str], *, attended: bool) -> Iterator[list[str]]:
    """One commit's results after another, and the analysis of each, unless the server sees to it."""
    analyse = ["nice", *REGRESS, "analyse", *common]  # a process of the server's would be run first, too
    steps = ([[*REGRESS, "ingest", *files, *common], analyse] for files in _by_commit(folder))
    return (command for step in steps for command in step[: 1 if attended else 2])


def _by_commit(folder: Path) -> list[list[str]]:
    """The result files of each commit on all machines, the oldest commit first."""
    found: defaultdict[int, list[str]] = defaultdict(list)
    for file in folder.glob("*/*-*.json"):
        found[json.loads(file.read_bytes())["date"]].append(str(file))
    return [found[date] for date in sorted(found)]


def _pages(address: str, told: argparse.Namespace, server: int, beside: Iterator[list[str]]) -> None:
    """Ask for each page, alone and then in a crowd."""
    pages = _addresses(address)
    times: defaultdict[str, list[float]] = defaultdict(list)
    used = {}
    for name, path in pages.items():
        _seconds(address + path)  # the first does not count
        before = _processor(server)
        times[name] = [_seconds(address + path) for _ in range(ALONE)]
        used[name] = (_processor(server) - before) / ALONE
    _print("one reader", times, used)
    crowded: defaultdict[str, list[float]] = defaultdict(list)
    readers = [
        threading.Thread(target=_read, args=(address, pages, told, crowded, seed))
        for seed in range(told.readers)
    ]
    before, waited, begun = _processor(server), _waited(server), time.perf_counter()
    with _goes_on(beside, told.beside) as done:
        for reader in readers:
            reader.start()
        for reader in readers:
            reader.join()
        commands = len(done)
    seconds, cpu = time.perf_counter() - begun, _processor(server) - before
    waited = _waited(server) - waited
    every = [taken for page in crowded.values() for taken in page]
    _print(f"{told.readers} readers, {told.beside} ({commands} begun)", crowded | {"all pages": every}, {})
    load = ", ".join(f"{load:.1f}" for load in os.getloadavg())
    each, ready = (f"{1000 * taken / len(every):.0f} ms" for taken in (cpu, waited))
    print(f"{len(every)} pages in {seconds:.0f} s, {each} of the server's processor, {ready} waiting for it")
    print(f"load over 1, 5 and 15 minutes: {load}")


@contextlib.contextmanager
def _goes_on(commands: Iterator[list[str]], what: str) -> Iterator[list[subprocess.Popen[bytes]]]:
    """One command after another while the context lasts; those that were begun. The last one is ended."""
    over, begun = threading.Event(), []

    def go_on() -> None:
        for command in commands:
            if over.is_set():
                return
            begun.append(process := subprocess.Popen(command, stdout=subprocess.DEVNULL))
            if process.wait() and not over.is_set():
                print(f"{what} failed", flush=True)
                return
        if not over.is_set():
            print(f"the last {what} ended before the readers", flush=True)

    thread = threading.Thread(target=go_on)
    thread.start()
    try:
        yield begun
    finally:
        over.set()
        if begun:
            begun[-1].terminate()
        thread.join()


def _processor(pid: int) -> float:
    """Seconds of processor that a process took (Linux's /proc: user and system are fields 14 and 15)."""
    fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / TICKS


def _waited(pid: int) -> float:
    """Seconds that a process's threads were ready to run and others ran (the second field of schedstat)."""
    waited = 0
    for thread in Path(f"/proc/{pid}/task").iterdir():
        with contextlib.suppress(OSError):  # it has ended
            waited += int((thread / "schedstat").read_text().split()[1])
    return waited / 1e9


def _addresses(address: str) -> dict[str, str]:
    """The pages, of a series and an event that there are."""
    with urllib.request.urlopen(address + "/benchmarks") as page:
        series = re.search(rb"/series/\d+", page.read())
    with urllib.request.urlopen(address + "/events") as page:
        event = re.search(rb"/event/\d+", page.read())
    assert series is not None
    one = series[0].decode()
    pages = {
        "overview": "/",
        "benchmarks": "/benchmarks",
        "benchmarks, page 500": "/benchmarks?page=500",
        "benchmarks that match": "/benchmarks?q=case_77+kind2",
        "search": "/search?q=time_case_42",
        "series": one,
        "points of a series": f"/api/v1{one}/points",
        "events": "/events",
        "commits": "/commits",
        "commit": "/commit/latest",
        "compare": "/compare?a=latest~1&b=latest",
        "compare, filtered": "/compare?a=latest~50&b=latest&group=suite&q=case_7&verdict=slower",
        "machines": "/machines",
        "runs": "/runs",
    }
    return pages | ({"event": event[0].decode()} if event else {})


def _read(
    address: str,
    pages: dict[str, str],
    told: argparse.Namespace,
    times: defaultdict[str, list[float]],
    seed: int,
) -> None:
    if told.first:
        os.sched_setscheduler(0, os.SCHED_RR, os.sched_param(1))  # of this thread
    rng = random.Random(seed)
    for _ in range(told.rounds):
        time.sleep(PAUSE * rng.uniform(0.5, 1.5))
        name = rng.choice(list(pages))
        times[name].append(_seconds(address + pages[name]))


def _seconds(url: str) -> float:
    begun = time.perf_counter()
    with urllib.request.urlopen(url) as page:
        page.read()
    return time.perf_counter() - begun


def _print(what: str, times: dict[str, list[float]], used: dict[str, float]) -> None:
    print(f"{what}:")
    for name, taken in sorted(times.items()):
        highest = statistics.quantiles(taken, n=20, method="inclusive")[-1] if len(taken) > 1 else taken[0]
        shown = (1000 * each for each in (statistics.median(taken), highest, max(taken)))
        line = "  {:24} median {:6.0f} ms, p95 {:6.0f} ms, longest {:6.0f} ms".format(name, *shown)
        print(line + (f", {1000 * used[name]:4.0f} ms of the server's processor" if used else ""), flush=True)


if __name__ == "__main__":
    sys.exit(main())
