"""Continuous performance-regression detection: ingest, store, detect, serve, bisect.

The words of the glossary in ``regress/README.md`` are the names of classes, tables, URLs and pages.
"""

__version__ = "0.1.0"
