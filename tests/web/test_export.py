"""The site as files: every link leads to a file, nothing of it runs, and a second export changes nothing."""

from __future__ import annotations

import re
from html import unescape
from pathlib import Path

import pytest

from regress.config import Config, ProjectConfig, StoreConfig
from regress.errors import RegressError
from tests.web import history as made
from web.export import MANIFEST, Exported, export


def silent(_done: int, _known: int) -> None:
    """Nobody listens."""


def written(history: made.History, folder: Path, most: int = 1_000) -> Exported:
    config = Config(root=Path("/nowhere"), project=ProjectConfig("engine"), store=StoreConfig(history.url))
    return export(config, folder, most=most, listen=silent)


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory, history: made.History) -> Path:
    """An exported site."""
    folder = tmp_path_factory.mktemp("export") / "site"
    assert written(history, folder).changed > 70
    return folder


def test_every_link_leads_to_a_file(folder: Path, history: made.History) -> None:
    pages = sorted(folder.rglob("*.html"))
    assert folder / f"event/{history.regression}.html" in pages
    assert folder / f"commit/{history.culprit.sha}.html" in pages
    for page in pages:
        body = page.read_text()
        assert "<script" not in body
        assert "<form" not in body
        links = [unescape(link) for link in re.findall(r'\s(?:href|src)="([^"#]+)', body)]
        assert links
        lost = [link for link in links if "://" not in link and not (page.parent / link).is_file()]
        assert lost == []


def test_pages_say_what_the_server_says(folder: Path, history: made.History) -> None:
    assert "1 open regression" in (folder / "index.html").read_text()
    series = (folder / f"series/{history.series[made.SMALL.title]}.html").read_text()
    assert '<svg class="spark wide"' in series
    assert " ago<" not in series
    assert (folder / "feed.atom").read_bytes().startswith(b"<?xml")


def test_a_second_export_keeps_what_is_the_same(folder: Path, history: made.History) -> None:
    before = (folder / "index.html").stat().st_mtime_ns
    again = written(history, folder)
    assert again.changed == 0
    assert (folder / "index.html").stat().st_mtime_ns == before
    assert [path.name for path in folder.parent.iterdir()] == ["site"]


def test_a_small_site_leaves_links_out(tmp_path: Path, history: made.History) -> None:
    done = written(history, tmp_path / "small", most=12)
    assert done.left_out > 20
    assert len(list((tmp_path / "small").rglob("*.html"))) == 11  # and the feed
    kept = re.findall(r'href="(commit/[^"]+)"', (tmp_path / "small/commits.html").read_text())
    assert all((tmp_path / "small" / link).is_file() for link in kept)


def test_folders_of_others_are_left_alone(tmp_path: Path, history: made.History) -> None:
    (tmp_path / "thesis.tex").write_text("mine")
    with pytest.raises(RegressError, match="holds other files"):
        written(history, tmp_path)
    assert (tmp_path / "thesis.tex").read_text() == "mine"
    assert not (tmp_path / MANIFEST).exists()
