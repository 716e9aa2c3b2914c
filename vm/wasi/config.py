"""What a WASI program is given, as a builder with wasmtime-py's names and shapes."""

from __future__ import annotations

import os
import sys
from collections.abc import Callable, Iterable
from dataclasses import dataclass

from vm.errors import ConfigError

CustomOutput = Callable[[bytes], "int | None"]
"""Takes what was written; may return how many bytes of it were taken (None: all)."""


@dataclass(frozen=True, slots=True)
class Preopen:
    """A host directory the program sees under ``guest_path``."""

    host_path: str
    guest_path: str


@dataclass(frozen=True, slots=True)
class Stdio:
    """Where a standard stream comes from or goes to. All None: nowhere, silently (as in wasmtime)."""

    fd: int | None = None
    path: str | None = None
    custom: CustomOutput | None = None


class WasiConfig:
    """A program's arguments, environment, streams and directories.

    By default it has no arguments, an empty environment, an empty stdin, discarded output and no directory.
    """

    def __init__(self) -> None:
        self.argv: list[str] = []
        self.preopens: list[Preopen] = []
        self.stdin = Stdio()
        self.stdout = Stdio()
        self.stderr = Stdio()
        self._env: list[tuple[str, str]] = []

    def inherit_argv(self) -> None:
        """Give this process's own arguments."""
        self.argv = list(sys.argv)

    @property
    def env(self) -> list[tuple[str, str]]:
        """Environment variables as (name, value) pairs."""
        return self._env

    @env.setter
    def env(self, pairs: Iterable[Iterable[str]]) -> None:
        self._env = [(name, value) for name, value in pairs]

    def inherit_env(self) -> None:
        """Give this process's whole environment."""
        self._env = list(os.environ.items())

    def inherit_stdin(self) -> None:
        """Read this process's stdin."""
        self.stdin = Stdio(fd=0)

    def inherit_stdout(self) -> None:
        """Write to this process's stdout."""
        self.stdout = Stdio(fd=1)

    def inherit_stderr(self) -> None:
        """Write to this process's stderr."""
        self.stderr = Stdio(fd=2)

    @property
    def stdin_file(self) -> str | None:
        """A file to read stdin from; it must exist."""
        return self.stdin.path

    @stdin_file.setter
    def stdin_file(self, path: str | bytes | os.PathLike[str]) -> None:
        name = os.fsdecode(path)
        if not os.path.exists(name):
            raise ConfigError("stdin_file", f"no such file: {name}")
        self.stdin = Stdio(path=name)

    @property
    def stdout_file(self) -> str | None:
        """A file to write stdout to; made or emptied."""
        return self.stdout.path

    @stdout_file.setter
    def stdout_file(self, path: str | bytes | os.PathLike[str]) -> None:
        self.stdout = Stdio(path=_creatable("stdout_file", path))

    @property
    def stderr_file(self) -> str | None:
        """A file to write stderr to; made or emptied."""
        return self.stderr.path

    @stderr_file.setter
    def stderr_file(self, path: str | bytes | os.PathLike[str]) -> None:
        self.stderr = Stdio(path=_creatable("stderr_file", path))

    @property
    def stdout_custom(self) -> CustomOutput | None:
        """A callable that gets what is written to stdout."""
        return self.stdout.custom

    @stdout_custom.setter
    def stdout_custom(self, callback: CustomOutput) -> None:
        self.stdout = Stdio(custom=callback)

    @property
    def stderr_custom(self) -> CustomOutput | None:
        """A callable that gets what is written to stderr."""
        return self.stderr.custom

    @stderr_custom.setter
    def stderr_custom(self, callback: CustomOutput) -> None:
        self.stderr = Stdio(custom=callback)

    def preopen_dir(self, path: str, guest_path: str, fs_mutable: bool = True) -> None:
        """Let the program read the host directory ``path`` under the name ``guest_path``.

        ``fs_mutable`` is taken for wasmtime-py's sake: directories are read-only in this version, and a
        program that tries to change one gets EROFS.
        """
        del fs_mutable
        if not os.path.isdir(path):
            raise ConfigError("preopen_dir", f"not a directory: {path}")
        self.preopens.append(Preopen(path, guest_path))


def _creatable(knob: str, path: str | bytes | os.PathLike[str]) -> str:
    """The path as text, once it is known to be writable (so that errors come at configuration time)."""
    name = os.fsdecode(path)
    try:
        with open(name, "wb"):
            return name
    except OSError as error:
        raise ConfigError(knob, f"cannot write {name}: {error.strerror}") from error
