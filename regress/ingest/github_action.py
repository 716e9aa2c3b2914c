"""github-action-benchmark's ``data.js``, the whole history that its page shows, or the same object as JSON.

Each suite holds entries, each a commit with its benchmarks. Which way is better follows from the tool that
an entry names, as in the action itself (https://github.com/benchmark-action/github-action-benchmark).
``range`` is text of several meanings and not kept. No machine is named.
"""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

from regress.domain import Delivery, Direction
from regress.ingest.draft import Draft
from regress.ingest.reading import Context, Document
from regress.metrics import metric_of

_START = re.compile(r"\s*window\.BENCHMARK_DATA\s*=\s*")
_MORE_IS_BETTER = ("benchmarkjs", "pytest", "customBiggerIsBetter", "benchmarkluau")


class GithubActionAdapter:
    """Reads github-action-benchmark's history."""

    name = "github-action"

    def is_result(self, path: Path) -> bool:
        """Whether a file of a folder may be a result."""
        return path.name == "data.js" or path.suffix == ".json"

    def recognises(self, document: Document) -> bool:
        """Whether a document is ours."""
        named = {"lastUpdate", "entries"} <= document.data.keys()
        return named or (document.json is None and _START.match(document.text) is not None)

    def read(self, document: Document, context: Context) -> Delivery:
        """The one delivery that a file is, of as many commits as it has entries."""
        doc = document if document.data else _script(document)
        draft = Draft(self.name, doc, replace(context, commit=""), rows_name_all=True)
        draft.need(draft.machine, "machine")
        for suite, entries in doc.get(doc.data, "entries", dict, "$").items():
            table = {suite: entries}
            for where, entry in doc.each(table, suite, "$.entries"):
                _entry(draft, suite, entry, where)
        return draft.delivery()


def _script(document: Document) -> Document:
    """The object that the script assigns."""
    found = _START.match(document.text)
    start = found.end() if found else 0
    try:
        told = json.loads(document.text[start:].rstrip().rstrip(";"))
    except json.JSONDecodeError as error:
        where = f"character {start + error.pos}"
        raise document.error(where, f"not JSON: {error.msg}") from error
    except (RecursionError, ValueError) as error:
        raise document.error("", f"not a result file: {error}") from error
    return replace(document, json=document.expect(told, dict, "$"))


def _entry(draft: Draft, suite: str, entry: Mapping[str, Any], where: str) -> None:
    doc = draft.doc
    commit = doc.get(entry, "commit", dict, where)
    sha = doc.get(commit, "id", str, f"{where}.commit")
    draft.commit_time(sha, doc.iso_time(commit.get("timestamp"), f"{where}.commit.timestamp"))
    at = doc.time(entry.get("date"), f"{where}.date")
    better = Direction.HIGHER if entry.get("tool") in _MORE_IS_BETTER else None
    for place, row in doc.each(entry, "benches", where):
        metric, factor = metric_of(doc.get(row, "unit", str, place))
        name = doc.get(row, "name", str, place)
        key = draft.key(f"{suite}/{name}", replace(metric, direction=better or metric.direction))
        draft.add(key, row.get("value"), f"{place}.value", factor=factor, commit=sha, at=at)
