"""One program in one engine with wasmtime-py's names, run when told: what ``peers.Library`` starts.

The first line of JSON on standard input names the program and the engine; the answer comes when the program
has been compiled and run once. Each line after that is one more run, or waits for code that is being made.
"""

from __future__ import annotations

import base64
import importlib
import json
import sys
import time
import traceback
from pathlib import Path
from typing import Any

from benchmarks.corpus import own, programs
from benchmarks.host import Compiled

_LOOKS = 0.01
"""Seconds from one look at what compilers do to the next."""


def start(question: dict[str, Any]) -> tuple[Compiled, dict[str, Any]]:
    """The program, ready, and what that took."""
    folder, name = question["folder"], question["name"]
    program = (programs() if folder is None else own(Path(folder)))[name]
    api = importlib.import_module(question["api"])
    program.path().read_bytes()  # from the disk, once
    started = time.process_time()
    ready = Compiled(program, tier=question["tier"], size="full", api=api, knobs=question["knobs"])
    ready.fresh()()
    return ready, {"first": time.process_time() - started}


def run(ready: Compiled) -> dict[str, Any]:
    """One run in a fresh instance."""
    work = ready.fresh()
    started = time.process_time()
    output = work()
    return {"seconds": time.process_time() - started, "output": base64.b64encode(output).decode()}


def settle(ready: Compiled, seconds: float) -> dict[str, Any]:
    """Wait, at most so long, until nothing is still being made that the engine has asked its compilers for:
    for how many places it has asked so far, and how many still wait. Nothing when the engine does not tell.
    """
    stats = getattr(ready.engine, "stats", dict)
    deadline = time.monotonic() + seconds
    while stats().get("waiting", 0) and time.monotonic() < deadline:
        time.sleep(_LOOKS)
    return {name: int(count) for name, count in stats().items() if name in ("asked", "waiting")}


def main() -> None:
    """Answer until nobody asks."""
    ready: Compiled | None = None
    answers = sys.stdout
    sys.stdout = sys.stderr
    for line in sys.stdin:
        question = json.loads(line)
        try:
            if ready is None:
                ready, told = start(question)
            elif "settle" in question:
                told = settle(ready, question["settle"])
            else:
                told = run(ready)
        except Exception:
            told = {"error": traceback.format_exc()}
        print(json.dumps(told), file=answers, flush=True)


if __name__ == "__main__":
    main()
