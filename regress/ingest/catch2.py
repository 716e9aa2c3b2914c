"""Catch2's XML (``-r xml``), version 2 or 3: benchmarks inside test cases and sections, in nanoseconds.

The value is the mean with its bootstrapped bounds, all that the reporter writes (Catch2,
``docs/benchmarks.md``). A document with a DOCTYPE is refused: no reporter writes one, and its entities can
be made to fill memory.
"""

from __future__ import annotations

import xml.parsers.expat
from pathlib import Path

from regress.domain import Delivery
from regress.ingest.draft import Draft
from regress.ingest.reading import Context, Document
from regress.metrics import WALL_TIME

_ROOTS = ("<Catch ", "<Catch2TestRun", "<Catch>")
_SCOPES = ("TestCase", "Section")
_NANO = 1e-9


class Catch2Adapter:
    """Reads Catch2's XML."""

    name = "catch2"

    def is_result(self, path: Path) -> bool:
        """Whether a file of a folder may be a result."""
        return path.suffix == ".xml"

    def recognises(self, document: Document) -> bool:
        """Whether a document is ours."""
        start = document.text[:4096]
        return document.json is None and any(root in start for root in _ROOTS)

    def read(self, document: Document, context: Context) -> Delivery:
        """The one delivery that a file is."""
        return _Reader(Draft(self.name, document, context)).delivery()


class _Reader:
    """One document being parsed: where in it we are, and the benchmark that is open."""

    def __init__(self, draft: Draft) -> None:
        self.draft = draft
        self.scopes: list[str] = []
        self.benchmark = ""
        self.parser = xml.parsers.expat.ParserCreate()
        self.parser.StartDoctypeDeclHandler = self._doctype
        self.parser.StartElementHandler = self._start
        self.parser.EndElementHandler = self._end

    def delivery(self) -> Delivery:
        """Everything in the document."""
        text = self.draft.doc.text.encode("utf-8")  # decoded before, whatever its declaration says
        try:
            self.parser.Parse(text, True)
        except xml.parsers.expat.ExpatError as error:
            where = f"line {error.lineno}, column {error.offset + 1}"
            raise self.draft.doc.error(
                where, f"not XML: {xml.parsers.expat.ErrorString(error.code)}"
            ) from error
        return self.draft.delivery()

    @property
    def _where(self) -> str:
        return f"line {self.parser.CurrentLineNumber}"

    def _doctype(self, *_: object) -> None:
        raise self.draft.doc.error(self._where, "holds a DOCTYPE, which Catch2 does not write")

    def _start(self, tag: str, told: dict[str, str]) -> None:
        if tag in _SCOPES:
            self.scopes.append(told.get("name", ""))
        elif tag == "BenchmarkResults":
            self.benchmark = "/".join([*self.scopes, told.get("name", "")])
        elif tag == "mean" and self.benchmark:
            self._mean(told)
        elif tag == "failed" and self.benchmark:
            self.draft.fail(self.benchmark, told.get("message", ""))

    def _end(self, tag: str) -> None:
        if tag in _SCOPES:
            self.scopes.pop()
        elif tag == "BenchmarkResults":
            self.benchmark = ""

    def _mean(self, told: dict[str, str]) -> None:
        doc, where = self.draft.doc, self._where
        if "value" not in told:
            raise doc.error(where, "<mean> lacks 'value'")
        value, *bounds = (
            doc.decimal(told[name], where) if name in told else None
            for name in ("value", "lowerBound", "upperBound")
        )
        key = self.draft.key(self.benchmark, WALL_TIME)
        self.draft.add(key, value, where, factor=_NANO, bounds=(bounds[0], bounds[1]))
