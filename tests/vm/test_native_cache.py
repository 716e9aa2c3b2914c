"""Artefacts on disk: what comes back is what was stored, or nothing."""

from __future__ import annotations

import os
import shutil
from pathlib import Path

import pytest

from vm.native import cache


@pytest.fixture(autouse=True)
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("WASMVM_CACHE", str(tmp_path / "cache"))
    return tmp_path / "cache"


def only_file(folder: Path) -> Path:
    (found,) = folder.iterdir()
    return found


def test_what_was_stored_comes_back() -> None:
    assert cache.load("a", "k") is None
    assert cache.store("a", "k", b"code")
    assert cache.load("a", "k") == b"code"
    assert cache.load("a", "other") is None


def test_a_key_depends_on_every_source_and_on_the_compiler() -> None:
    keys = {
        cache.key([b"a", b"b"]),
        cache.key([b"ab"]),
        cache.key([b"a", b"c"]),
        cache.key([b"a", b"b"], "llvmlite"),
    }
    assert len(keys) == 4
    assert cache.key([b"a", b"b"]) in keys


def test_a_damaged_artefact_is_none(folder: Path) -> None:
    cache.store("a", "k", b"code")
    path = only_file(folder)
    content = bytearray(path.read_bytes())
    content[-1] ^= 1
    path.write_bytes(content)
    assert cache.load("a", "k") is None
    path.write_bytes(content[:5])
    assert cache.load("a", "k") is None


def test_what_others_can_write_is_not_run(folder: Path) -> None:
    cache.store("a", "k", b"code")
    only_file(folder).chmod(0o666)
    assert cache.load("a", "k") is None


def test_a_folder_that_others_can_write_is_not_used(folder: Path) -> None:
    """They could exchange a file between the look at whose it is and its use."""
    cache.store("a", "k", b"code")
    folder.chmod(0o777)
    assert cache.load("a", "k") is None
    assert not cache.store("b", "k", b"code")
    folder.chmod(0o755)
    assert cache.load("a", "k") == b"code"


def test_links_pipes_and_artefacts_of_another_name_are_none(folder: Path) -> None:
    cache.store("a", "k", b"code")
    path = only_file(folder)
    other = path.with_name("b-k.o")
    other.symlink_to(path)
    assert cache.load("b", "k") is None
    other.unlink()
    os.mkfifo(other, 0o600)
    assert cache.load("b", "k") is None
    path.rename(other)
    assert cache.load("b", "k") is None


def test_a_folder_that_cannot_be_written_is_no_error(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    blocked = tmp_path / "file"
    blocked.write_bytes(b"")
    monkeypatch.setenv("WASMVM_CACHE", str(blocked))
    assert not cache.store("a", "k", b"code")
    assert cache.load("a", "k") is None


def test_what_is_in_files_is_known_again_and_noticed_when_it_changes(folder: Path, tmp_path: Path) -> None:
    files = [tmp_path / name for name in ("one", "two")]
    for file in files:
        file.write_bytes(b"content")
    paths = [str(file) for file in files]
    first = cache.files_digest(paths)
    assert cache.files_digest(paths) == first
    files[1].write_bytes(b"CONTENT")
    changed = cache.files_digest(paths)
    assert changed != first
    files[1].write_bytes(b"content")
    assert cache.files_digest(paths) == first, "the digest is of what is in them"
    shutil.rmtree(folder)
    assert cache.files_digest(paths) == first
