"""Generic CSV: a heading, then one result a row, with the columns that ``rows`` describes.

    benchmark,n,value,unit
    sort,1000,1.25,ms

Any column that ``rows`` does not know is a parameter; ``samples`` are numbers with semicolons between them.
An empty value is a failure. Separators are commas, semicolons or tabs, whichever the heading holds.
"""

from __future__ import annotations

import csv
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from regress.domain import Delivery
from regress.ingest.draft import Draft
from regress.ingest.reading import Context, Document
from regress.ingest.rows import COLUMNS, add_row

_SEPARATORS = ",;\t"
_NUMBERS = ("value", "low", "high")


class CsvAdapter:
    """Reads generic CSV."""

    name = "csv"

    def is_result(self, path: Path) -> bool:
        """Whether a file of a folder may be a result."""
        return path.suffix in (".csv", ".tsv")

    def recognises(self, document: Document) -> bool:
        """Whether a document is ours, by its heading."""
        return document.json is None and {"benchmark", "value"} <= set(_heading(document.text))

    def read(self, document: Document, context: Context) -> Delivery:
        """The one delivery that a file is."""
        draft = Draft(self.name, document, context, rows_name_all=True)
        names = _heading(document.text)
        if len(set(names)) < len(names):
            raise document.error("line 1", "names a column twice")
        for number, cells in _lines(document):
            if len(cells) != len(names):
                raise document.error(f"line {number}", f"has {len(cells)} cells for {len(names)} columns")
            _row(draft, dict(zip(names, cells, strict=True)), f"line {number}")
        return draft.delivery()


def _heading(text: str) -> list[str]:
    first = text.partition("\n")[0].strip()
    return [cell.strip().strip('"') for cell in first.split(_separator(first))]


def _separator(heading: str) -> str:
    return max(_SEPARATORS, key=heading.count)


def _lines(document: Document) -> Iterator[tuple[int, list[str]]]:
    """Line numbers and cells below the heading; empty lines are passed over."""
    lines = document.text.splitlines()
    reader = csv.reader(lines[1:], delimiter=_separator(lines[0]))
    try:
        yield from ((reader.line_num + 1, cells) for cells in reader if cells)
    except csv.Error as error:
        raise document.error(f"line {reader.line_num + 1}", f"not CSV: {error}") from error


def _row(draft: Draft, cells: dict[str, str], where: str) -> None:
    doc = draft.doc
    row: dict[str, Any] = {name: cell.strip() for name, cell in cells.items() if name in COLUMNS}
    for name in _NUMBERS:
        if name in row:
            row[name] = doc.decimal(row[name], f"{where}.{name}") if row[name] else None
    listed = row.pop("samples", "")
    row["samples"] = [doc.decimal(each, f"{where}.samples") for each in listed.split(";") if each.strip()]
    add_row(draft, row, tuple(pair for pair in cells.items() if pair[0] not in COLUMNS), where)
