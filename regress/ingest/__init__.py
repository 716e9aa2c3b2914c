"""Other tools' files in, glossary records out. One adapter a file; ``ADAPTERS`` lists them.

    for delivery in read(Path("results")):
        store.deliver(delivery)

Series are read without a branch where the file names none: ``regress.service.ingest`` places them. A commit
and a machine that a file does not name are the caller's (``Context``).
"""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path
from typing import Protocol

from regress.domain import Delivery
from regress.errors import IngestError, UnknownNameError
from regress.ingest.asv import AsvAdapter
from regress.ingest.benchmarkdotnet import BenchmarkDotNetAdapter
from regress.ingest.bmf import BmfAdapter
from regress.ingest.callgrind import CallgrindAdapter
from regress.ingest.cargo_bench import CargoBenchAdapter
from regress.ingest.catch2 import Catch2Adapter
from regress.ingest.criterion import CriterionAdapter
from regress.ingest.csv import CsvAdapter
from regress.ingest.github_action import GithubActionAdapter
from regress.ingest.go_test import GoTestAdapter
from regress.ingest.google_benchmark import GoogleBenchmarkAdapter
from regress.ingest.hyperfine import HyperfineAdapter
from regress.ingest.jmh import JmhAdapter
from regress.ingest.json_lines import JsonLinesAdapter
from regress.ingest.k6 import K6Adapter
from regress.ingest.perf_stat import PerfStatAdapter
from regress.ingest.pyperf import PyperfAdapter
from regress.ingest.pytest_benchmark import PytestBenchmarkAdapter
from regress.ingest.reading import Context, Document, load
from regress.ingest.vitest import VitestAdapter

__all__ = ["ADAPTERS", "Adapter", "Context", "Document", "files", "nothing_in", "read", "read_file"]


class Adapter(Protocol):
    """One tool's format."""

    name: str

    def is_result(self, path: Path) -> bool:
        """Whether a file in a folder of results may be one, by its name (it is not opened yet)."""
        ...

    def recognises(self, document: Document) -> bool:
        """Whether a document is this tool's, by its shape; cheap, and never raises."""
        ...

    def read(self, document: Document, context: Context) -> Delivery:
        """What the document says; IngestError where it is not what the tool writes.

        ``context`` stands in for a commit or machine that the tool does not write down; where it is needed
        and empty, that is an IngestError too.
        """
        ...


ADAPTERS: dict[str, Adapter] = {
    adapter.name: adapter
    for adapter in (
        AsvAdapter(),
        BenchmarkDotNetAdapter(),
        BmfAdapter(),
        CallgrindAdapter(),
        CargoBenchAdapter(),
        Catch2Adapter(),
        CriterionAdapter(),
        CsvAdapter(),
        GithubActionAdapter(),
        GoTestAdapter(),
        GoogleBenchmarkAdapter(),
        HyperfineAdapter(),
        JmhAdapter(),
        JsonLinesAdapter(),
        K6Adapter(),
        PerfStatAdapter(),
        PyperfAdapter(),
        PytestBenchmarkAdapter(),
        VitestAdapter(),
    )
}

_NO_CONTEXT = Context()


def read(path: Path, tool: str | None = None, context: Context = _NO_CONTEXT) -> list[Delivery]:
    """The deliveries of a result file, or of all result files below a folder, in the order of their names.

    ``tool`` names the adapter; without it, the files tell. In a folder, files of other kinds are passed over.
    IngestError where a file cannot be read, is of no known format, or of several; UnknownNameError
    (kind "tool") where there is no such adapter.
    """
    each = (read_file(file, tool, context) for file in files(path, tool))
    found = [delivery for delivery in each if delivery is not None]
    if not found:
        raise nothing_in(path, tool)
    return found


def files(path: Path, tool: str | None = None) -> Iterator[Path]:
    """The file itself, or those below a folder that may be results by their names, in the order of names."""
    candidates = _candidates(tool)
    if not path.is_dir():
        yield path
        return
    for folder, inner, names in os.walk(path):
        inner.sort()
        for file in (Path(folder, name) for name in sorted(names)):
            if any(adapter.is_result(file) for adapter in candidates) and file.is_file():
                yield file


def read_file(path: Path, tool: str | None = None, context: Context = _NO_CONTEXT) -> Delivery | None:
    """The delivery that one file is; None where no adapter knows it."""
    document = load(path, context.limits)
    adapter = _adapter(document, _candidates(tool))
    return adapter.read(document, context) if adapter else None


def nothing_in(path: Path, tool: str | None) -> IngestError:
    """The error for a file or folder that no adapter finds a result in."""
    hint = f"Name what one of these wrote: {', '.join(adapter.name for adapter in _candidates(tool))}."
    return IngestError(path, "", "holds no results", hint=hint)


def _candidates(tool: str | None) -> list[Adapter]:
    if tool is None:
        return list(ADAPTERS.values())
    if tool not in ADAPTERS:
        raise UnknownNameError("tool", tool, ADAPTERS)
    return [ADAPTERS[tool]]


def _adapter(document: Document, candidates: list[Adapter]) -> Adapter | None:
    """The one adapter that recognises a document, or None; IngestError where several do."""
    matching = [adapter for adapter in candidates if adapter.recognises(document)]
    if len(matching) > 1:
        names = " and ".join(adapter.name for adapter in matching)
        raise IngestError(document.path, "$", f"looks like {names}", hint="Say which with --tool.")
    return matching[0] if matching else None
