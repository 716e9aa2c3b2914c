"""A project as asv leaves it, of any size: a repository, and a tree of results of its commits.

Times are what asv would tell: differences of a clock that counts from its host's start, divided by the
loops that make a sample 10 ms long; statistics have asv's five digits. All is seeded.
"""

from __future__ import annotations

import subprocess
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import numpy as np
import orjson

START = datetime(2025, 1, 1, tzinfo=UTC)
COLUMNS = ["result", "params", "version", "started_at", "duration", "stats_ci_99_a", "stats_ci_99_b"]
COLUMNS += ["stats_q_25", "stats_q_75", "stats_number", "stats_repeat", "samples", "profile"]
SAMPLE_SECONDS = 0.01  # asv's default ``sample_time``
SLOWER = 1.15
UPTIME = 3e5  # seconds: what the clock's difference loses in digits, it loses here


@dataclass(frozen=True)
class Project:
    """Its size. Each benchmark has ``sizes`` x ``kinds`` parameter combinations on each machine.

    Every ``changed``-th benchmark is 15 % slower from some commit of the second half on.
    """

    commits: int = 200
    machines: int = 2
    benchmarks: int = 1_250
    sizes: int = 5
    kinds: int = 4
    samples: int = 0
    changed: int = 25
    seed: int = 7

    @property
    def combinations(self) -> int:
        """Parameter combinations of a benchmark."""
        return self.sizes * self.kinds

    @property
    def series(self) -> int:
        """Series of all machines."""
        return self.machines * self.benchmarks * self.combinations


def make_repository(folder: Path, commits: int) -> list[str]:
    """A repository with one branch, ``main``; the hashes of its commits, oldest first."""
    lines = []
    for i in range(commits):
        at = int((START + timedelta(hours=i)).timestamp())
        lines += ["commit refs/heads/main", f"committer Ann <ann@example.org> {at} +0000"]
        lines += [f"data <<END\nchange {i}\nEND", f"M 644 inline file\ndata <<END\n{i}\nEND"]
    for words, told in (
        (["init", "--quiet", "-b", "main", str(folder)], ""),
        (["-C", str(folder), "fast-import", "--quiet"], "\n".join(lines) + "\n"),
    ):
        subprocess.run(["git", *words], input=told, text=True, check=True)
    listed = subprocess.run(
        ["git", "-C", str(folder), "rev-list", "--reverse", "main"],
        capture_output=True,
        text=True,
        check=True,
    )
    return listed.stdout.split()


def make_results(folder: Path, project: Project, shas: list[str]) -> Iterator[Path]:
    """Write the results of each commit on each machine; the files, each when it is written."""
    rng = np.random.default_rng(project.seed)
    names = [f"suite{i % 40}.Group{i % 7}.time_case_{i}" for i in range(project.benchmarks)]
    params = [[str(10**k) for k in range(project.sizes)], [f"'kind{k}'" for k in range(project.kinds)]]
    folder.mkdir(parents=True, exist_ok=True)
    about = {"param_names": ["n", "kind"], "type": "time", "unit": "seconds"}
    _write(folder / "benchmarks.json", {**{name: {"name": name, **about} for name in names}, "version": 2})
    levels = 10.0 ** rng.uniform(-6, -2, (project.machines, project.benchmarks, project.combinations))
    half = max(1, len(shas) // 2)
    for machine in range(project.machines):
        facts = {"arch": "x86_64", "cpu": f"cpu {machine}", "machine": f"box{machine}", "num_cpu": "8"}
        facts |= {"os": "Linux", "ram": "64"}
        place = folder / facts["machine"]
        place.mkdir(exist_ok=True)
        _write(place / "machine.json", {**facts, "version": 1})
        for i, sha in enumerate(shas):
            at = int((START + timedelta(hours=i)).timestamp() * 1000)
            slow = [j % project.changed == 0 and i >= half + j % half for j in range(project.benchmarks)]
            now = levels[machine] * np.where(slow, SLOWER, 1.0)[:, None]
            rows = _rows(rng, now, names, params, at, project.samples)
            told = {"commit_hash": sha, "env_name": "py3.11", "date": at, "params": facts, "python": "3.11"}
            told |= {"requirements": {}, "env_vars": {}, "result_columns": COLUMNS, "results": rows}
            file = place / f"{sha[:8]}-py3.11.json"
            _write(file, {**told, "durations": {}, "version": 2})
            yield file


def _rows(
    rng: np.random.Generator, levels: np.ndarray, names: list[str], params: list[Any], at: int, samples: int
) -> dict[str, list[Any]]:
    """One file's results: 1 % noise in the samples, 2 % between commits."""
    number = np.ceil(SAMPLE_SECONDS / levels)
    true = levels * rng.normal(1, 0.02, levels.shape)
    begun = UPTIME + rng.uniform(0, 1e5, (*levels.shape, 10))
    elapsed = (true * number)[..., None] * rng.normal(1, 0.01, begun.shape)
    raw = (np.round(begun + elapsed, 9) - np.round(begun, 9)) / number[..., None]
    first, median, third = np.quantile(raw, [0.25, 0.5, 0.75], axis=2)
    half = 1.58 * (third - first)
    columns = [median, *map(_five_digits, (median - half, median + half, first, third))]
    value, low, high, first, third = (column.tolist() for column in columns)
    loops = number.astype(int).tolist()
    kept = raw[..., :samples].tolist() if samples else None
    repeat = [10] * levels.shape[1]
    rows = {}
    for j, name in enumerate(names):
        told = [value[j], params, f"{j:064x}", at + j * 700, 1.0, low[j], high[j], first[j], third[j]]
        rows[name] = [*told, loops[j], repeat, kept[j] if kept else None, {}]
    return rows


def _five_digits(values: np.ndarray) -> np.ndarray:
    """Values as asv writes statistics."""
    scale = 10.0 ** (4 - np.floor(np.log10(values)))
    return np.round(values * scale) / scale


def _write(file: Path, told: object) -> None:
    file.write_bytes(orjson.dumps(told))
