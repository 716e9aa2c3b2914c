"""SIGKILL at random moments of ingests: what was acknowledged stays, and nothing half-written does.

A few kills in every run; two hundred on each database with ``pytest -m slow``. A killed process is what this
shows; that a disk keeps what it was told to keep (``synchronous = FULL``, PostgreSQL's ``fsync``) it cannot.
"""

from __future__ import annotations

import random
import subprocess
import sys
from dataclasses import replace
from pathlib import Path

import pytest

from regress.domain import Delivery
from regress.store import Store, upkeep
from tests.regress.fixtures.stores import KEY, delivery, measured, sha

SERIES = 40
"""Measurements of a delivery."""

INGESTING = """
import random, sys
from regress.store import Store
from tests.regress.test_power_loss import numbered

url, first, seed = sys.argv[1], int(sys.argv[2]), int(sys.argv[3])
rng = random.Random(seed)
with Store.open(url) as store:
    print("ready", flush=True)
    while True:
        size = rng.randint(1, 8)
        store.deliver_all([numbered(first + i) for i in range(size)])
        first += size
        print(first, flush=True)
"""


def numbered(i: int) -> Delivery:
    """The delivery ``i``: its own commit, and all series."""
    keys = (replace(KEY, benchmark=f"b{k}", parameters=(("n", str(i // 50)),)) for k in range(SERIES))
    return delivery(*(measured(i, i + k / 100, key) for k, key in enumerate(keys)), digest=f"delivery {i}")


def killed(url: str, root: Path, first: int, seed: int) -> int:
    """Ingest from delivery ``first`` on, killed at a random moment; the first that was not acknowledged."""
    command = [sys.executable, "-c", INGESTING, url, str(first), str(seed)]
    with subprocess.Popen(command, cwd=root, stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None
        assert process.stdout.readline() == "ready\n"
        rng = random.Random(seed)
        said = [process.stdout.readline() for _ in range(rng.randint(0, 4))]
        with pytest.raises(subprocess.TimeoutExpired):
            process.wait(rng.uniform(0, 0.1))
        process.kill()
        said += process.stdout.read().split()
    return int(said[-1]) if said else first


def campaign(url: str, root: Path, kills: int) -> None:
    acknowledged = 0
    for seed in range(kills):
        acknowledged = killed(url, root, acknowledged, seed)
        with Store.open(url) as store:
            runs = store.runs()
            stored = {int(run.digest.split()[1]) for run in runs}
            assert stored == set(range(len(stored))), "one is missing, or stands before its turn"
            assert acknowledged <= len(stored) <= acknowledged + 8, "no more than one transaction unheard of"
            assert {run.new for run in runs} <= {SERIES}
            for i in range(max(0, acknowledged - 8), len(stored) + 8):
                found = sorted(m.value for _, m in store.measurements_at(sha(i)))
                assert found == ([i + k / 100 for k in range(SERIES)] if i in stored else [])
    with Store.open(url) as store:
        again = store.deliver_all([numbered(i) for i in range(acknowledged)])
        assert all(receipt.duplicate for receipt in again)
        assert acknowledged > 0, "no ingest came so far as to be acknowledged"
    assert upkeep.check(url).faults == ()


def test_kills_at_random_moments_lose_nothing(url: str, root: Path) -> None:
    campaign(url, root, kills=5)


@pytest.mark.slow
def test_two_hundred_kills_lose_nothing(url: str, root: Path) -> None:
    campaign(url, root, kills=200)
