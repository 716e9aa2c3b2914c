"""Many push and many read at once: is anything lost, stored twice, or answered with an error?

    python -m benchmarks.platform.load                          50 pushes of 1,000 results, 20 readers, SQLite
    python -m benchmarks.platform.load --kill 3                 and the server is killed (kill -9) three times
    python -m benchmarks.platform.load --db postgresql://...    likewise in PostgreSQL

The server is ``regress serve`` in a process of its own; each pusher has its own queue on disk and sends with
``regress push``'s own code. Afterwards every result is looked for in the store, with its value.
"""

from __future__ import annotations

import argparse
import http.client
import json
import random
import signal
import socket
import statistics
import subprocess
import sys
import tempfile
import threading
import time
import urllib.error
import urllib.request
from collections import Counter
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path

from regress.domain import Commit, Deed, Delivery, Environment, Machine, Measurement, Metric, SeriesKey
from regress.service.access import make_token
from regress.service.push.pack import Body
from regress.service.push.queue import Queue
from regress.service.push.send import Sent, send
from regress.service.push.wire import pushed
from regress.store import Store

START = datetime(2026, 1, 1, tzinfo=UTC)
PAGES = ("/", "/benchmarks", "/events", "/commits", "/search?q=time_7", "/api/v1/overview", "/api/v1/series")
PATIENCE = 1_800.0  # seconds that a pusher waits for the server to come back


@dataclass
class Outcome:
    """What happened; ``wrong`` are (series, commit) pairs that are missing or have another value."""

    seconds: float = 0.0
    results: int = 0
    stored: int = 0
    wrong: int = 0
    runs: int = 0
    pushes: int = 0
    kills: int = 0
    answers: Counter[int] = field(default_factory=Counter)  # of pushes, by status; 0: nobody there
    read: Counter[int] = field(default_factory=Counter)  # of readers, likewise
    read_ms: list[float] = field(default_factory=list)
    problems: list[str] = field(default_factory=list)

    @property
    def sound(self) -> bool:
        """Nothing lost, nothing twice, no error of the server."""
        errors = sum(n for seen in (self.answers, self.read) for status, n in seen.items() if status >= 500)
        whole = self.stored == self.results and self.runs == self.pushes and not self.wrong
        return whole and not errors and not self.problems


def bodies(pushes: int, results: int) -> list[Body]:
    """One delivery a push: ``results`` series at a commit of its own, with the history up to it."""
    keys = [
        SeriesKey(f"bench.time_{i}", (), Metric("wall time", "seconds"), "box", "py3.11", "main")
        for i in range(results)
    ]
    commits = [_commit(i) for i in range(pushes)]
    return [_body(keys, commits[: i + 1]) for i in range(pushes)]


def value(series: int, commit: int) -> float:
    """The value of a result: another one for each."""
    return 1.0 + series * 1e-3 + commit * 1e-7


def _commit(i: int) -> Commit:
    at = START + timedelta(hours=i)
    return Commit(f"{i:040x}", (f"{i - 1:040x}",) if i else (), "Ann", at, at, f"change {i}", i)


def _body(keys: list[SeriesKey], history: list[Commit]) -> Body:
    number, at = len(history) - 1, history[-1]
    told = [
        Measurement(key, at.sha, value(i, number), measured_at=at.committed_at) for i, key in enumerate(keys)
    ]
    delivery = Delivery(
        "load", f"push {number}", f"{number:064x}", Machine("box"), Environment("py3.11"), told, branch="main"
    )
    sent = pushed(delivery, history)
    return Body(sent.digest, delivery.origin, sent.model_dump_json(exclude_defaults=True).encode())


class Server:
    """``regress serve`` in a process of its own, which can be killed and started again where it was."""

    def __init__(self, place: Path, database: str) -> None:
        subprocess.run(["git", "init", "-q", "-b", "main", place], check=True)
        author = ("-c", "user.name=a", "-c", "user.email=a@example.org")
        subprocess.run(["git", *author, "commit", "-qm", "first", "--allow-empty"], cwd=place, check=True)
        with socket.socket() as free:
            free.bind(("127.0.0.1", 0))
            self.port = free.getsockname()[1]
        self.base = f"http://127.0.0.1:{self.port}"
        self._place, self._database = place, database
        self.start()

    def start(self) -> None:
        """Start it, and wait until it says that it listens."""
        code = "from regress.cli import main; main()"
        words = ["serve", "--port", str(self.port), "--db", self._database]
        self._process = subprocess.Popen(
            [sys.executable, "-c", code, *words], cwd=self._place, stdout=subprocess.PIPE, text=True
        )
        assert self._process.stdout is not None
        if "dashboard:" not in self._process.stdout.readline():
            raise SystemExit("the server did not start")

    def kill(self) -> None:
        """As a power cut would end it."""
        self._end(signal.SIGKILL)

    def stop(self) -> None:
        """In order."""
        self._end(signal.SIGINT)

    def _end(self, how: signal.Signals) -> None:
        self._process.send_signal(how)
        self._process.wait()
        assert self._process.stdout is not None
        self._process.stdout.close()


def load(place: Path, database: str, pushes: int, results: int, readers: int, kills: int) -> Outcome:
    """Do it once, in an empty folder and an empty database."""
    with Store.open(database) as store:
        token = make_token(store, Deed("load", "command line", "make token"), "load")[1]
    waiting = bodies(pushes, results)
    outcome = Outcome(results=pushes * results, pushes=pushes)
    server, over = Server(place, database), threading.Event()
    begun = time.perf_counter()
    try:
        with ThreadPoolExecutor(pushes + readers) as pool:
            reading = [pool.submit(_read, server.base, over, seed) for seed in range(readers)]
            pushing = [
                pool.submit(_push, place / f"pusher-{i}", server.base, token, b)
                for i, b in enumerate(waiting)
            ]
            outcome.kills = _kill(server, pushing, kills)
            for future in pushing:
                told = future.result()
                outcome.answers.update(told.answers)
                outcome.problems += [reason for _, reason in told.refused] + [told.problem] * bool(
                    told.queued
                )
            outcome.seconds = time.perf_counter() - begun
            over.set()
            for seen, times in (future.result() for future in reading):
                outcome.read.update(seen)
                outcome.read_ms += times
    finally:
        over.set()
        server.stop()
    _look(database, pushes, results, outcome)
    return outcome


def _push(state: Path, base: str, token: str, body: Body) -> Sent:
    queue = Queue(state, base)
    queue.add(body)
    return send(queue, token, patience=PATIENCE, listen=lambda *_: None)


def _read(base: str, over: threading.Event, seed: int) -> tuple[Counter[int], list[float]]:
    """Open pages until it is over: how they were answered, and in how many milliseconds."""
    chance, seen, times = random.Random(seed), Counter[int](), list[float]()
    while not over.is_set():
        begun = time.perf_counter()
        try:
            with urllib.request.urlopen(base + chance.choice(PAGES), timeout=60) as answer:
                answer.read()
                seen[answer.status] += 1
                times.append(1e3 * (time.perf_counter() - begun))
        except urllib.error.HTTPError as error:
            seen[error.code] += 1
            error.close()
        except (OSError, http.client.HTTPException):  # killed, even in the middle of an answer
            seen[0] += 1
            over.wait(0.2)
    return seen, times


def _kill(server: Server, pushing: list[Future[Sent]], kills: int) -> int:
    """Kill the server when a part of the pushes is done, and start it again; how often that was."""
    done = 0
    for number in range(1, kills + 1):
        while sum(future.done() for future in pushing) < len(pushing) * number // (kills + 2):
            time.sleep(0.01)
        if all(future.done() for future in pushing):
            break
        server.kill()
        done += 1
        server.start()
    return done


def _look(database: str, pushes: int, results: int, outcome: Outcome) -> None:
    """Look for every result in the store."""
    with Store.open(database) as store:
        outcome.runs = len(store.runs())
        lines = store.lines([row.id for row in store.series_list("main")])
        names = {row.id: int(row.key.benchmark.rpartition("_")[2]) for row in store.series_list("main")}
        found = Counter((names[id_], int(sha, 16), told) for id_, line in lines.items() for sha, told in line)
        outcome.stored = found.total()
        wanted = Counter((i, j, value(i, j)) for i in range(results) for j in range(pushes))
        outcome.wrong = (wanted - found).total() + (found - wanted).total()


def main() -> None:
    """Print the outcome as JSON; exit 1 where something was lost, stored twice, or an error."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--db", help="an empty database; a SQLite file of its own without")
    parser.add_argument("--pushes", type=int, default=50)
    parser.add_argument("--results", type=int, default=1_000, help="of each push")
    parser.add_argument("--readers", type=int, default=20)
    parser.add_argument("--kill", type=int, default=0, metavar="TIMES")
    given = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        database = given.db or f"sqlite:///{folder}/load.db"
        outcome = load(Path(folder), database, given.pushes, given.results, given.readers, given.kill)
    ordered = sorted(outcome.read_ms)
    told = {
        "sound": outcome.sound,
        "seconds": round(outcome.seconds, 1),
        "results": outcome.results,
        "stored": outcome.stored,
        "wrong": outcome.wrong,
        "runs": outcome.runs,
        "kills": outcome.kills,
        "answers to pushes": dict(outcome.answers),
        "answers to readers": dict(outcome.read),
        "read p50 ms": round(statistics.median(ordered or [0])),
        "read p95 ms": round(ordered[int(0.95 * len(ordered))]) if ordered else 0,
        "problems": outcome.problems,
    }
    print(json.dumps(told, indent=1))
    sys.exit(0 if outcome.sound else 1)


if __name__ == "__main__":
    main()
