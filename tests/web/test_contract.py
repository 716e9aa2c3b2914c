"""Every operation of the OpenAPI document, fed what it allows and what it does not, by schemathesis."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

from regress.config import Config
from regress.domain import Deed
from regress.service.access import make_token
from regress.store import Store
from tests.regress.fixtures.stores import postgres_uri, url
from tests.web.history import build
from tests.web.server import serve
from web.app import create_app

__all__ = ["postgres_uri", "url"]

SETTINGS = """
[checks]
# schemathesis' own list lacks what the server says of too long addresses, slow and large bodies
negative_data_rejection.expected-statuses = [400, 401, 403, 404, 405, 406, 408, 409, 413, 414, 415, 422, 429]
"""


@pytest.mark.slow
def test_the_api_keeps_its_contract(tmp_path: Path, url: str) -> None:
    """No server error, no undocumented status or shape, nothing wrong accepted, nothing right refused."""
    with Store.open(url) as store:
        build(store)
        token = make_token(store, Deed("test", "test", "make token"), "test", ["push", "read"])[1]
    (tmp_path / "schemathesis.toml").write_text(SETTINGS)
    with serve(create_app(url, config=Config(root=tmp_path))) as base:
        ran = subprocess.run(
            [
                Path(sys.executable).with_name("schemathesis"),
                *("--config-file", tmp_path / "schemathesis.toml", "run", f"{base}/api/v1/openapi.json"),
                *("--url", base, "--header", f"Authorization: Bearer {token}", "--checks", "all"),
                *("--phases", "coverage,fuzzing", "--max-examples", "15", "--seed", "1", "--no-color"),
                *("--generation-database", "none"),
            ],
            capture_output=True,
            text=True,
            cwd=tmp_path,
        )
    assert ran.returncode == 0, ran.stdout[-5_000:] + ran.stderr
