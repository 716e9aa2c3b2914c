"""Generic JSON lines: an object a line, with the fields that ``rows`` describes; ``parameters`` is an object.

{"benchmark": "sort", "value": 1.25, "unit": "ms", "parameters": {"n": 1000}}
"""

from __future__ import annotations

import json
from pathlib import Path

from regress.domain import Delivery
from regress.ingest.draft import Draft
from regress.ingest.reading import Context, Document
from regress.ingest.rows import add_row


class JsonLinesAdapter:
    """Reads generic JSON lines."""

    name = "json-lines"

    def is_result(self, path: Path) -> bool:
        """Whether a file of a folder may be a result."""
        return path.suffix in (".jsonl", ".ndjson")

    def recognises(self, document: Document) -> bool:
        """Whether a document is ours, by its first line."""
        if document.data:
            return {"benchmark", "value"} <= document.data.keys()
        first = document.text.lstrip().partition("\n")[0]
        if document.json is not None or not first.startswith("{"):
            return False
        try:
            told = json.loads(first)
        except (ValueError, RecursionError):
            return False
        return isinstance(told, dict) and {"benchmark", "value"} <= told.keys()

    def read(self, document: Document, context: Context) -> Delivery:
        """The one delivery that a file is."""
        draft = Draft(self.name, document, context, rows_name_all=True)
        for number, row in document.objects():
            where = f"line {number}"
            told = document.table(row, "parameters", where).items()
            add_row(draft, row, tuple((str(name), str(value)) for name, value in told), where)
        return draft.delivery()
