"""vitest's benchmarks (``vitest bench --outputJson``), and tinybench's own tasks, which they are made of.

tinybench writes no file itself; what is read is ``JSON.stringify`` of ``bench.tasks.map(({name, result}) =>
({name, result}))``, of any version: times in ``result.latency`` (3 and later) or in ``result``. Times are
milliseconds. The value is the median, where it is told, else the mean; samples are kept where the file has
them (https://vitest.dev/guide/cli.html, https://github.com/tinylibs/tinybench).
"""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from regress.domain import Delivery
from regress.ingest.draft import Draft
from regress.ingest.reading import Context, Document
from regress.metrics import WALL_TIME

_MILLI = 1e-3


class VitestAdapter:
    """Reads the JSON of vitest and tinybench."""

    name = "vitest"

    def is_result(self, path: Path) -> bool:
        """Whether a file of a folder may be a result."""
        return path.suffix == ".json"

    def recognises(self, document: Document) -> bool:
        """Whether a document is ours."""
        return "groups" in document.first("files") or {"name", "result"} <= document.first().keys()

    def read(self, document: Document, context: Context) -> Delivery:
        """The one delivery that a file is."""
        doc = document
        draft = Draft(self.name, doc, context)
        for i, row in enumerate(doc.rows):
            _task(draft, doc.expect(row, dict, f"$[{i}]"), f"$[{i}]")
        for there, file in doc.each(doc.data, "files", "$") if doc.data else ():
            for place, group in doc.each(file, "groups", there):
                suite = doc.get(group, "fullName", str, place)
                for where, row in doc.each(group, "benchmarks", place):
                    name = f"{suite} > {doc.get(row, 'name', str, where)}"
                    _times(draft, name, row, where)
        return draft.delivery()


def _task(draft: Draft, row: Mapping[str, Any], where: str) -> None:
    doc = draft.doc
    name = doc.get(row, "name", str, where)
    result = doc.table(row, "result", where)
    if "error" in result or not result:
        draft.fail(name, str(result.get("error") or ""))
    elif "latency" in result:
        _times(draft, name, doc.table(result, "latency", f"{where}.result"), f"{where}.result.latency")
    else:
        _times(draft, name, result, f"{where}.result")


def _times(draft: Draft, name: str, told: Mapping[str, Any], where: str) -> None:
    doc = draft.doc
    key = draft.key(name, WALL_TIME)
    samples = doc.listed(told, "samples", where)
    if samples:
        draft.repeat(key, samples, f"{where}.samples", factor=_MILLI)
        return
    centre = next((field for field in ("p50", "median", "mean") if told.get(field) is not None), "mean")
    draft.add(key, told.get(centre), f"{where}.{centre}", factor=_MILLI)
