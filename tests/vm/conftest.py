"""Shared by the virtual machine's tests: Python's collector kept to what a test makes."""

from __future__ import annotations

import gc
from collections.abc import Iterator

import pytest


@pytest.fixture
def only_what_is_new() -> Iterator[None]:
    """Python looks for cycles in what a test makes, not in all that other tests have left: in no time."""
    gc.freeze()
    yield
    gc.unfreeze()
