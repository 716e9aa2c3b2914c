"""Other tools' files in, glossary records out. One adapter a file; ``ADAPTERS`` lists them.

    for delivery in read(Path("results")):
        store.deliver(delivery)

Series are read without a branch where the file names none: ``regress.service.ingest`` places them.
"""

from __future__ import annotations

from pathlib import Path
from typing import Protocol

from regress.domain import Delivery
from regress.errors import IngestError, UnknownNameError
from regress.ingest.asv import AsvAdapter
from regress.ingest.pytest_benchmark import PytestBenchmarkAdapter
from regress.ingest.reading import Document, load

__all__ = ["ADAPTERS", "Adapter", "Document", "read"]


class Adapter(Protocol):
    """One tool's format."""

    name: str

    def is_result(self, path: Path) -> bool:
        """Whether a file in a folder of results may be one, by its name (it is not opened yet)."""
        ...

    def recognises(self, document: Document) -> bool:
        """Whether a document is this tool's, by its shape; cheap, and never raises."""
        ...

    def read(self, document: Document) -> Delivery:
        """What the document says; IngestError where it is not what the tool writes."""
        ...


ADAPTERS: dict[str, Adapter] = {adapter.name: adapter for adapter in (AsvAdapter(), PytestBenchmarkAdapter())}


def read(path: Path, tool: str | None = None) -> list[Delivery]:
    """The deliveries of a result file, or of all result files below a folder, in the order of their names.

    ``tool`` names the adapter; without it, the files tell. In a folder, JSON of other kinds is passed over.
    IngestError where a file cannot be read, is of no known format, or of several; UnknownNameError
    (kind "tool") where there is no such adapter.
    """
    if tool is not None and tool not in ADAPTERS:
        raise UnknownNameError("tool", tool, ADAPTERS)
    candidates = list(ADAPTERS.values()) if tool is None else [ADAPTERS[tool]]
    found = _read_tree(path, candidates) if path.is_dir() else _read_file(path, candidates)
    if not found:
        hint = f"Name what one of these wrote: {', '.join(adapter.name for adapter in candidates)}."
        raise IngestError(path, "", "holds no results", hint=hint)
    return found


def _read_tree(folder: Path, candidates: list[Adapter]) -> list[Delivery]:
    files = sorted(file for file in folder.rglob("*.json") if file.is_file())
    return [
        delivery
        for file in files
        for delivery in _read_file(file, [adapter for adapter in candidates if adapter.is_result(file)])
    ]


def _read_file(path: Path, candidates: list[Adapter]) -> list[Delivery]:
    document = load(path) if candidates else None
    adapter = _adapter(document, candidates) if document else None
    return [adapter.read(document)] if document and adapter else []


def _adapter(document: Document, candidates: list[Adapter]) -> Adapter | None:
    """The one adapter that recognises a document, or None; IngestError where several do."""
    matching = [adapter for adapter in candidates if adapter.recognises(document)]
    if len(matching) > 1:
        names = " and ".join(adapter.name for adapter in matching)
        raise IngestError(document.path, "$", f"looks like {names}", hint="Say which with --tool.")
    return matching[0] if matching else None
