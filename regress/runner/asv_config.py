"""What the runner needs to know of an asv.conf.json, and asv's machine file."""

from __future__ import annotations

import json
import platform
import re
import sys
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import json5

from regress.errors import ConfigError, RunnerError
from regress.runner.process import run_process

CONFIG_NAMES = ("asv.conf.json", "asv.conf.jsonc")
CONFIG_FOLDERS = ("", "benchmarks", "asv_bench", "benchmark")
"""Where projects keep asv's configuration: numpy and scipy in benchmarks/, pandas in asv_bench/."""

_SIZE_LIMIT = 1 << 20


@dataclass(frozen=True, slots=True)
class AsvConfig:
    """The few settings that tell where asv puts things. Folders are absolute."""

    path: Path
    project: str
    results: Path
    benchmarks: Path
    environments: Path
    hash_length: int
    environment_type: str


def find_asv_config(root: Path) -> Path | None:
    """The asv configuration of a repository, in the usual places; None when there is none."""
    for folder in CONFIG_FOLDERS:
        for name in CONFIG_NAMES:
            if (root / folder / name).is_file():
                return root / folder / name
    return None


def read_asv_config(path: Path) -> AsvConfig:
    """Read an asv.conf.json (comments allowed). ConfigError says what is wrong and where."""
    values = _read(path)
    base = path.resolve().parent

    def folder(key: str, default: str) -> Path:
        value = values.get(key, default)
        if not isinstance(value, str):
            raise ConfigError(path, key, f"expected the name of a folder, found {value!r}")
        return base / value

    hash_length = values.get("hash_length", 8)
    if not isinstance(hash_length, int) or not 1 <= hash_length <= 40:
        raise ConfigError(path, "hash_length", f"expected a number from 1 to 40, found {hash_length!r:.40}")
    return AsvConfig(
        path=path.resolve(),
        project=str(values.get("project", base.name)),
        results=folder("results_dir", "results"),
        benchmarks=folder("benchmark_dir", "benchmarks"),
        environments=folder("env_dir", "env"),
        hash_length=hash_length,
        environment_type=str(values.get("environment_type", "")),
    )


def _read(path: Path) -> Mapping[str, Any]:
    try:
        if path.stat().st_size > _SIZE_LIMIT:
            raise ConfigError(
                path, "", f"is larger than {_SIZE_LIMIT >> 20} MiB: is it an asv configuration?"
            )
        values = json5.loads(path.read_text(encoding="utf-8"))
    except OSError as error:
        raise ConfigError(path, "", f"cannot be read: {error.strerror}") from error
    except ValueError as error:
        place = re.search(r":(\d+) ?(.*)", str(error))
        where = f"line {place[1]}" if place else ""
        hint = "Correct it there; asv itself reads the same file."
        raise ConfigError(path, where, place[2] if place else str(error), hint=hint) from error
    if not isinstance(values, dict) or not values.get("repo"):
        raise ConfigError(path, "repo", 'missing: expected the repository, such as "."')
    return values


def ensure_machine_file(config: Path, log_path: Path) -> str:
    """The name asv knows this host by; makes asv's machine file first, without its questions."""
    machine_file = Path.home() / ".asv-machine.json"
    name = _machine_name(machine_file)
    if name:
        return name
    argv = [sys.executable, "-m", "asv", "machine", "--yes", "--config", str(config)]
    done = run_process(argv, cwd=log_path.parent, log_path=log_path, on_line=lambda _line, _ended: None)
    name = _machine_name(machine_file)
    if done.status or not name:
        hint = f"Try `asv machine --yes` beside {config}; what it said is in {log_path}."
        log = "\n".join(done.tail[-20:])
        raise RunnerError("asv machine", "could not describe this machine", log=log, hint=hint)
    return name


def _machine_name(machine_file: Path) -> str:
    """The entry asv will use: the one named like this host, or the only one; empty when there is neither."""
    try:
        known = json.loads(machine_file.read_text(encoding="utf-8"))
    except FileNotFoundError:
        return ""
    except (OSError, ValueError) as error:
        hint = "Delete it: asv makes it again."
        raise ConfigError(machine_file, "", f"asv cannot read it: {error}", hint=hint) from error
    if not isinstance(known, dict):
        raise ConfigError(
            machine_file, "", "is no machine file of asv's", hint="Delete it: asv makes it again."
        )
    names = [name for name in known if name != "version"]
    host = platform.uname().node
    if host in names:
        return host
    return names[0] if len(names) == 1 else ""
