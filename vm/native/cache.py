"""Machine code that is made once and then only loaded: artefacts on disk, verified before they run.

An artefact is what one program text becomes on one kind of machine, so its key names all of that: the
sources, the compiler's version, the processor. A file is a digest of name and content, then the content; it
appears whole or not at all, and one that is damaged, or that another user could have put there, is none.
"""

from __future__ import annotations

import os
import stat
from _frozen_importlib_external import PathFinder

import vm
from vm import digests
from vm.once import once
from vm.typed import TYPE_CHECKING, Callable, Iterable, Iterator

if TYPE_CHECKING:
    from pathlib import Path

_DIGEST = digests.SIZE
_KEY_LENGTH = 24
_OTHERS = 0o022


def directory() -> Path:
    """Where artefacts lie: ``$WASMVM_CACHE``, or the user's cache folder."""
    from pathlib import Path  # which takes milliseconds: what only loads does without

    return Path(folder())


def folder() -> str:
    """``directory`` for who does without ``Path``."""
    chosen = os.environ.get("WASMVM_CACHE")
    if chosen:
        return chosen
    if os.uname().sysname == "Linux":  # as platformdirs has it, in a tenth of the time
        return os.path.join(os.environ.get("XDG_CACHE_HOME") or os.path.expanduser("~/.cache"), "wasmvm")
    import platformdirs

    return platformdirs.user_cache_dir("wasmvm")


def key(sources: Iterable[bytes], *packages: str) -> str:
    """The key of what is made from ``sources`` by these packages as installed, for this processor."""
    digest = digests.digest()
    for part in (*sources, *(f"{name} {version(name)}".encode() for name in packages)):
        digest.update(len(part).to_bytes(8, "little"))
        digest.update(part)
    system = os.uname()
    digest.update(f"{system.machine} {system.sysname} {processor()}".encode())
    return digest.hexdigest()[:_KEY_LENGTH]


def package_files(patterns: Iterable[str]) -> list[str]:
    """The package's files of each pattern, in order: a file, or "*.py" of a folder or (**) of a tree.

    ``glob``, which can do more, brings ``re``.
    """
    root = os.path.dirname(vm.__file__)
    return [path for pattern in patterns for path in sorted(_matching(os.path.join(root, pattern)))]


def _matching(pattern: str) -> Iterator[str]:
    folder, name = os.path.split(pattern)
    if name != "*.py":
        yield pattern
    elif folder.endswith("/**"):
        for inner, _, names in os.walk(folder.removesuffix("/**")):
            yield from (os.path.join(inner, name) for name in names if name.endswith(".py"))
    else:
        yield from (os.path.join(folder, name) for name in _names(folder) if name.endswith(".py"))


@once
def _names(folder: str) -> tuple[str, ...]:
    return tuple(os.listdir(folder))


def _state(path: str) -> str:
    """What changes when a file does."""
    status = os.stat(path)
    return f"{path} {status.st_size} {status.st_mtime_ns} {status.st_ctime_ns} {status.st_ino}"


_state_before = once(_state)
"""The same, asked for once: the package's files are read once, too."""


@once
def package_digest(patterns: tuple[str, ...]) -> bytes:
    """``files_digest`` of the package's files of each pattern."""
    return files_digest(package_files(patterns), _state_before)


def files_digest(paths: Iterable[str], state: Callable[[str], str] = _state) -> bytes:
    """A digest of what is in these files, remembered while the system says that they are the same ones: that
    takes a fraction of the time that reading them does. A file that was written anew is another.
    """
    paths = list(paths)
    seen = digests.digest(os.fsencode("\n".join(map(state, paths))))
    key = digests.digest(os.fsencode("\n".join(paths))).hexdigest()[:_KEY_LENGTH]
    known = load("sources", key)
    if known is not None and known[:_DIGEST] == seen.digest():
        return known[_DIGEST:]
    content = digests.digest()
    for path in paths:
        with open(path, "rb") as file:
            content.update(digests.digest(file.read()).digest())
    store("sources", key, seen.digest() + content.digest())
    return content.digest()


@once
def version(package: str) -> str:
    """A package's version as installed. Its metadata's folder says so; reading what is in it takes longer."""
    spec = PathFinder.find_spec(package)
    if spec is None or spec.origin is None:
        return _recorded_version(package)
    beside = os.listdir(os.path.dirname(os.path.dirname(spec.origin)))
    named = (name for name in beside if name.startswith(f"{package}-") and name.endswith(".dist-info"))
    return " ".join(sorted(named)) or _recorded_version(package)


def _recorded_version(package: str) -> str:
    """As its metadata has it; nothing for one that is not installed."""
    from importlib import metadata

    try:
        return metadata.version(package)
    except metadata.PackageNotFoundError:
        return ""


@once
def processor() -> str:
    """What this processor can do, as the system says it: code for one may not run on another."""
    try:
        with open("/proc/cpuinfo", encoding="utf-8") as info:
            return next((line for line in info if line.startswith("flags")), "")
    except OSError:
        return ""


def load(name: str, key: str) -> bytes | None:
    """The content stored under this name and key, or None if there is none to be trusted."""
    return load_file(_path(name, key))


def load_file(path: str | Path) -> bytes | None:
    """The content stored as ``path``, or None if there is none to be trusted."""
    if not _is_ours(os.path.dirname(path)):
        return None
    try:
        with open(path, "rb", opener=_open_itself) as file:
            if not _only_ours(os.fstat(file.fileno()), stat.S_IFREG):
                return None
            told, content = file.read(_DIGEST), file.read()
    except OSError:
        return None
    return content if _digest(os.path.basename(path), content) == told else None


def store(name: str, key: str, content: bytes) -> bool:
    """Keep ``content``; whether that was possible. A folder that cannot be written, or that is not to be
    trusted, costs only time.
    """
    return store_file(_path(name, key), content)


def store_file(path: str | Path, content: bytes) -> bool:
    """Keep ``content`` as ``path``, as ``store`` does."""
    import tempfile

    try:
        place, name = os.path.split(path)
        os.makedirs(place, exist_ok=True, mode=0o700)
        if not _is_ours(place):
            return False
        handle, temporary = tempfile.mkstemp(dir=place, prefix=f".{name}-")
        try:
            with os.fdopen(handle, "wb") as file:
                file.write(_digest(name, content) + content)
            os.replace(temporary, path)
        except BaseException:
            os.unlink(temporary)
            raise
    except OSError:
        return False
    return True


def _digest(name: str, content: bytes) -> bytes:
    """Of the name as well, so that no artefact passes for another."""
    digest = digests.digest(os.fsencode(name) + b"\0")
    digest.update(content)
    return digest.digest()


def _open_itself(path: str, flags: int) -> int:
    """Open a file, not what a link points to, and without waiting for a pipe's other end."""
    return os.open(path, flags | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC)


def _is_ours(folder: str) -> bool:
    """Whether only this user can put files there: in a folder of others, a file may be exchanged any time."""
    try:
        return _only_ours(os.stat(folder), stat.S_IFDIR)
    except OSError:
        return False


def _only_ours(status: os.stat_result, kind: int) -> bool:
    ours = status.st_uid == os.getuid() and not status.st_mode & _OTHERS
    return ours and stat.S_IFMT(status.st_mode) == kind


def _path(name: str, key: str) -> str:
    return os.path.join(folder(), f"{name}-{key}.o")
