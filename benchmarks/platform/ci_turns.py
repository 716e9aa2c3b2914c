"""What a turn of `regress ci` costs with asv: ``python -m benchmarks.platform.ci_turns [--pairs N]``.

A small package, built as a wheel and installed by pip, is measured at two commits in turns: in one
environment for both, where each turn installs anew, and in a place of its own for each. Both ways go in turns
too. Printed are wall and processor seconds of a turn, and the ratio; first turns, which make environments and
builds, are apart.

With ``--alike`` the places are compared: each benchmark's mean log ratio of place b over place a with its
standard error, for the first half of the pairs and, after the commits (which are the same but for their
names) changed places, for the second. It is processor time, which neighbours disturb least.
"""

from __future__ import annotations

import argparse
import contextlib
import json
import math
import os
import resource
import tempfile
import time
from collections import defaultdict
from dataclasses import dataclass
from pathlib import Path
from statistics import mean, median, stdev

from regress.domain import Commit
from regress.runner import Runner
from regress.runner.asv import AsvRunner
from regress.runner.events import ignore
from regress.runner.history import History
from regress.service.ci.places import PLACES
from tests.regress.fixtures.repos import ASV_CONFIG, BENCHMARKS, PACKAGE, GitRepo

PROJECT = """\
[build-system]
requires = ["setuptools"]
build-backend = "setuptools.build_meta"

[project]
name = "tally"
version = "1"

[tool.setuptools]
packages = ["tally"]
"""

BUILD = [
    "python -m pip wheel --quiet --no-deps --no-build-isolation --wheel-dir {build_cache_dir} {build_dir}"
]
INSTALL = ["in-dir={env_dir} python -m pip install --quiet --no-deps --force-reinstall {wheel_file}"]
UNINSTALL = ["return-code=any python -m pip uninstall --yes {project}"]


def make(folder: Path) -> tuple[Path, list[Commit]]:
    """The repository, and its two commits that differ in their names."""
    repo = GitRepo(folder / "tally")
    commands = {"build_command": BUILD, "install_command": INSTALL, "uninstall_command": UNINSTALL}
    repo.write("asv.conf.json", json.dumps({**ASV_CONFIG, **commands}, indent=2))
    repo.write("pyproject.toml", PROJECT)
    repo.write("tally/__init__.py", PACKAGE.format(rounds=1000, revision=0))
    repo.write("bench/__init__.py", "")
    repo.write("bench/speed.py", BENCHMARKS)
    repo.write(".gitignore", ".asv/\nbuild/\n*.egg-info/\n")
    repo.commit("one")
    repo.commit("two")
    return repo.path, History(repo.path).commits("main")


@dataclass(frozen=True)
class Turn:
    """What one call of a runner took, and what its benchmarks gave."""

    wall: float
    cpu: float
    values: dict[str, float]


def measure(runner: Runner, commit: Commit) -> Turn:
    """One turn. RuntimeError when the benchmarks gave nothing."""
    wall, cpu = time.monotonic(), _cpu()
    outcome = runner.measure(commit, branch="", listen=ignore)
    if not outcome.measurements:
        raise RuntimeError(outcome.failures[0].log)
    values = {m.series.title: m.value for m in outcome.measurements if m.series.metric.unit == "seconds"}
    return Turn(time.monotonic() - wall, _cpu() - cpu, values)


def _cpu() -> float:
    used = resource.getrusage(resource.RUSAGE_CHILDREN)
    return used.ru_utime + used.ru_stime


def costs(runner: AsvRunner, commits: list[Commit], pairs: int) -> None:
    """Print what a turn takes with one environment and with two places, and their ratio."""
    shared = runner.one_process()
    ways = {"one environment": [shared, shared], "a place each": [runner.one_process(p) for p in PLACES]}
    took: dict[str, list[Turn]] = defaultdict(list)
    for number in range(pairs + 1):
        for way, runners in ways.items():
            for at, commit in enumerate(commits):
                turn = measure(runners[at], commit)
                took[f"{way}, first turns" if number == 0 else way].append(turn)
    for way, turns in took.items():
        wall, cpu = median(t.wall for t in turns), median(t.cpu for t in turns)
        print(f"{way:29} a turn: {wall:6.2f} s, {cpu:6.2f} s of processor ({len(turns)} turns)")
    old, new = ([t.cpu for t in took[way]] for way in ways)
    ratios = [b / a for a, b in zip(old, new, strict=True)]
    print(f"processor, of the same turn:  {median(ratios):.2f} ({min(ratios):.2f} to {max(ratios):.2f})")


def alike(runner: AsvRunner, commits: list[Commit], pairs: int) -> None:
    """Print what the places do to benchmarks of the same code."""
    placed = [runner.one_process(place) for place in PLACES]
    for half in range(2):
        logs: dict[str, list[float]] = defaultdict(list)
        for number in range(pairs + 1):
            order = (0, 1) if number % 2 else (1, 0)
            turns = {at: measure(placed[at], commits[at ^ half]) for at in order}
            if number:  # the first one installs
                for name, value in turns[0].values.items():
                    logs[name].append(math.log(turns[1].values[name] / value))
        for name, found in logs.items():
            error = stdev(found) / math.sqrt(len(found))
            print(f"half {half + 1}  {name:42} {mean(found):+.4f} +- {error:.4f}")


def main() -> None:
    """Make the repository, and print what was asked for."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawTextHelpFormatter)
    parser.add_argument("--pairs", type=int, default=5)
    parser.add_argument("--alike", action="store_true", help="compare the two places")
    given = parser.parse_args()
    with tempfile.TemporaryDirectory(prefix="regress-turns-") as folder, contextlib.ExitStack() as stack:
        path, commits = make(Path(folder))
        home = os.environ.get("HOME", "")
        stack.callback(os.environ.__setitem__, "HOME", home)
        os.environ["HOME"] = folder  # asv's machine file is nobody's but ours
        os.environ.setdefault("PIP_CACHE_DIR", str(Path(home) / ".cache/pip"))
        runner = AsvRunner(path / "asv.conf.json", Path(folder) / "logs")
        print(f"load {os.getloadavg()[0]:.1f}")
        (alike if given.alike else costs)(runner, commits, given.pairs)
        print(f"load {os.getloadavg()[0]:.1f}")


if __name__ == "__main__":
    main()
