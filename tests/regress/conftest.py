"""Fixtures of all tests in this folder: one PostgreSQL server serves a whole session."""

from __future__ import annotations

from tests.regress.fixtures.stores import postgres_uri, store, url

__all__ = ["postgres_uri", "store", "url"]
