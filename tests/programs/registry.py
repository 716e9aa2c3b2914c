"""``manifest.toml`` as data."""

from __future__ import annotations

import tomllib
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from tests.programs import build, fetch

MANIFEST = Path(__file__).with_name("manifest.toml")


@dataclass(frozen=True)
class Program:
    """A program: where it comes from, how it is made to work, and what must come out.

    ``driver`` names a function of ``tests.programs.drivers``, which checks known answers itself; "command" is
    a WASI command, for which the rest is data: ``args``, ``files`` (guest path to text) and ``stdin`` go in;
    ``says`` are lines or parts of lines that must come out of stdout, ``writes`` parts of files by path,
    ``code`` the exit code. With ``build``, a recipe's name, ``file`` is a folder of C sources and ``sha256``
    theirs.
    """

    name: str
    package: str
    file: str
    sha256: str
    what: str
    driver: str = "command"
    build: str = ""
    quick: bool = False
    args: tuple[str, ...] = ()
    stdin: str = ""
    code: int = 0
    files: Mapping[str, str] = field(default_factory=dict)
    says: tuple[str, ...] = ()
    writes: Mapping[str, str] = field(default_factory=dict)

    def module(self) -> bytes:
        """The module's bytes; ``fetch.Unreachable`` when they cannot be had."""
        if self.build:
            return build.module(self.package, self.file, self.sha256, self.build)
        return fetch.module(self.package, self.file, self.sha256)


def _program(name: str, entry: Mapping[str, Any]) -> Program:
    lists = {key: tuple(value) for key, value in entry.items() if isinstance(value, list)}
    return Program(name, **{**entry, **lists})


def programs() -> dict[str, Program]:
    """All programs by name, in the manifest's order."""
    entries = tomllib.loads(MANIFEST.read_text())
    return {name: _program(name, entry) for name, entry in entries.items()}
