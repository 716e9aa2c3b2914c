"""How soon the chart of a very long series can be used: one series, 100,000 commits, real Chromium.

    python -m benchmarks.platform.chart [--points 100000] [--rounds 5] [--place DIR]

Prints the server's time for the page and for its points, what comes over the wire, and the time from asking
for the page until the chart is drawn and until it answers the pointer (its tooltip is there), each as the
median of the rounds: by a visitor whose browser has nothing of ours, and from a store that has just been
written to, so that nothing is remembered there either. ``--place`` keeps the store for the next time.
"""

from __future__ import annotations

import argparse
import itertools
import statistics
import tempfile
import time
from collections.abc import Callable
from dataclasses import replace
from functools import partial
from pathlib import Path

import httpx
import numpy as np
from playwright.sync_api import Page, sync_playwright

from regress.domain import Delivery, Environment, Machine, Measurement
from regress.store import Store
from tests.chromium import ARGUMENTS, CHROMIUM
from tests.web import history as made
from tests.web.server import serve
from web.app import create_app

ADDRESSES = (
    *("/series/1", "/series/1/line", "/api/v1/series/1/points"),
    *("/series/1/line?start=100&stop=2000", "/api/v1/series/1/points?start=100&stop=2000"),
)


def build(url: str, points: int) -> None:
    """One series with two steps and 1 % of noise, three raw samples a point."""
    noise = np.random.default_rng(7).normal(0, 0.01, points)
    level = np.where(np.arange(points) > points // 2, 1.15, 1.0)
    commits = [made.commit(i, points) for i in range(points)]
    values = (0.0125 * level * (1 + noise)).tolist()
    told = [
        Measurement(made.SMALL, at.sha, x, x * 0.99, x * 1.01, (x * 0.99, x, x * 1.01), at.committed_at)
        for at, x in zip(commits, values, strict=True)
    ]
    with Store.open(url) as store:
        store.record_commits(made.BRANCH, commits, default=True)
        machine, environment = Machine(made.MACHINE.name), Environment(made.ENVIRONMENT.name)
        delivery = Delivery("asv", "benchmark", "all", machine, environment, tuple(told))
        store.deliver(replace(delivery, branch=made.BRANCH))


def median(rounds: int, work: Callable[[], object]) -> float:
    """The median time of ``work`` in milliseconds, after one round that does not count."""
    times = []
    for _ in range(rounds + 1):
        started = time.perf_counter()
        work()
        times.append((time.perf_counter() - started) * 1000)
    return statistics.median(times[1:])


def main() -> None:
    """Build, serve, measure, print."""
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--points", type=int, default=100_000)
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--place", type=Path)
    asked = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        place = (asked.place or Path(folder)) / "regress.db"
        url = f"sqlite:///{place}"
        if not place.exists():
            place.parent.mkdir(parents=True, exist_ok=True)
            build(url, asked.points)
        with Store.open(url) as store, serve(create_app(url)) as base:
            names = map("told anew {}".format, itertools.count())
            measure(
                base,
                asked.rounds,
                lambda: store.record_commits(made.BRANCH, [made.commit(0, asked.points, next(names))]),
            )


def measure(base: str, rounds: int, forget: Callable[[], None]) -> None:
    """Print what the page, the points and the chart take; ``forget`` makes the server forget its answers."""
    with httpx.Client(base_url=base, timeout=60) as client:
        for address in ADDRESSES:
            size = client.get(address).num_bytes_downloaded / 1000
            print(f"{median(rounds, partial(client.get, address)):8.0f} ms {size:8.0f} kB  {address}")
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=CHROMIUM, args=ARGUMENTS)
        for name, end in (("is drawn", drawn), ("answers the pointer", answers)):
            times = []
            for _ in range(rounds + 1):
                page = browser.new_context(base_url=base).new_page()
                forget()
                started = time.perf_counter()
                page.goto("/series/1", wait_until="commit")
                end(page)
                times.append((time.perf_counter() - started) * 1000)
                page.context.close()
            print(f"{statistics.median(times[1:]):8.0f} ms              until the chart {name}")
        browser.close()


def drawn(page: Page) -> None:
    """Wait for the canvas."""
    page.locator("#plot canvas").wait_for()


def answers(page: Page) -> None:
    """Wait for the tooltip of a point below the pointer."""
    drawn(page)
    box = page.locator("#plot .u-over").bounding_box()
    assert box is not None
    page.mouse.move(box["x"] + 300, box["y"] + 90)
    page.mouse.move(box["x"] + 310, box["y"] + 100)
    page.locator(".tip").wait_for(timeout=20_000)


if __name__ == "__main__":
    main()
