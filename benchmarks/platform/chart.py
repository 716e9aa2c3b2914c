"""How soon the chart of a very long series can be used: one series, 100,000 commits, real Chromium.

    python -m benchmarks.platform.chart [--points 100000] [--rounds 5]

Prints the server's time for the page and for its points, what comes over the wire, and the time from asking
for the page until the chart answers the pointer (its tooltip is there), each as the median of the rounds.
"""

from __future__ import annotations

import argparse
import statistics
import tempfile
import time
from collections.abc import Callable
from dataclasses import replace
from functools import partial
from pathlib import Path

import httpx
import numpy as np
from playwright.sync_api import sync_playwright

from regress.domain import Delivery, Environment, Machine, Measurement
from regress.store import Store
from tests.chromium import ARGUMENTS, CHROMIUM
from tests.web import history as made
from tests.web.server import serve
from web.app import create_app

ADDRESSES = ("/series/1", "/api/v1/series/1/points", "/api/v1/series/1/points?start=100&stop=2000")


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
    asked = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        url = f"sqlite:///{Path(folder, 'regress.db')}"
        build(url, asked.points)
        with serve(create_app(url)) as base:
            measure(base, asked.rounds)


def measure(base: str, rounds: int) -> None:
    """Print what the page, the points and the chart take."""
    with httpx.Client(base_url=base, timeout=60) as client:
        for address in ADDRESSES:
            size = client.get(address).num_bytes_downloaded / 1000
            print(f"{median(rounds, partial(client.get, address)):8.0f} ms {size:8.0f} kB  {address}")
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=CHROMIUM, args=ARGUMENTS)
        page = browser.new_page(base_url=base)

        def use() -> None:
            page.goto("/series/1", wait_until="commit")
            page.locator("#plot canvas").wait_for()
            box = page.locator(".u-over").bounding_box()
            assert box is not None
            page.mouse.move(box["x"] + 300, box["y"] + 90)
            page.mouse.move(box["x"] + 310, box["y"] + 100)
            page.locator(".tip").wait_for(timeout=20_000)
            page.mouse.move(0, 0)

        print(f"{median(rounds, use):8.0f} ms              until the chart answers the pointer")
        browser.close()


if __name__ == "__main__":
    main()
