"""Shared by every test: where the checkout and the outside test data lie."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parent.parent


@pytest.fixture(scope="session")
def root() -> Path:
    """The checkout."""
    return ROOT


@pytest.fixture(scope="session")
def shared() -> Path:
    """Test data that lies beside the checkout; REGRESS_SHARED names another place."""
    folder = Path(os.environ.get("REGRESS_SHARED", ROOT.parent / "shared"))
    if not folder.is_dir():
        pytest.skip(f"no test data at {folder}: set REGRESS_SHARED to a folder that holds wasm/ and data/")
    return folder
