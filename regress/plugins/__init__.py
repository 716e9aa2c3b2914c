"""Doors to Regress in other tools: ``pytest --regress`` and ``asv regress``."""
