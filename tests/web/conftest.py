"""A synthetic history in a real store, and the dashboard over it on a real server."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import httpx
import pytest

from regress.config import Config, ProjectConfig, WebConfig
from regress.store import Store
from tests.web import hostile as evil
from tests.web.history import History, build
from tests.web.server import serve
from web.app import create_app


@pytest.fixture(scope="session")
def history(tmp_path_factory: pytest.TempPathFactory) -> History:
    """The history (see tests/web/history.py), delivered once per run."""
    url = f"sqlite:///{tmp_path_factory.mktemp('web') / 'regress.db'}"
    with Store.open(url) as store:
        return build(store)


@pytest.fixture(scope="session")
def site(history: History) -> Iterator[str]:
    """Base URL of a server over the history."""
    config = Config(
        root=Path("/nowhere"),
        project=ProjectConfig(name="engine"),
        web=WebConfig(commit_url="https://example.org/commit/{sha}"),
    )
    with serve(create_app(history.url, config=config)) as base:
        yield base


@pytest.fixture(scope="session")
def client(site: str) -> Iterator[httpx.Client]:
    """An HTTP client of that server."""
    with httpx.Client(base_url=site) as client:
        yield client


@pytest.fixture
def empty_client(tmp_path: Path) -> Iterator[httpx.Client]:
    """A client of a server over a store in which nothing is."""
    with (
        serve(create_app(f"sqlite:///{tmp_path / 'empty.db'}")) as base,
        httpx.Client(base_url=base) as client,
    ):
        yield client


@pytest.fixture(scope="session")
def hostile_site(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """Base URL of a server over a store in which every text is an attack."""
    url = f"sqlite:///{tmp_path_factory.mktemp('hostile') / 'regress.db'}"
    with Store.open(url) as store:
        evil.fill(store)
    config = Config(root=Path("/nowhere"), web=WebConfig(commit_url="javascript:alert('{sha}')"))
    with serve(create_app(url, config=config)) as base:
        yield base


@pytest.fixture(scope="session")
def hostile(hostile_site: str) -> Iterator[httpx.Client]:
    """A client of that server."""
    with httpx.Client(base_url=hostile_site) as client:
        yield client
