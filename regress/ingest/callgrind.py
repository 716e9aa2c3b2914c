"""Callgrind's totals (``callgrind.out.PID``): one metric an event, of the program as a whole.

Only the header and the last lines matter; costs of functions are passed over. The command is the benchmark
(https://valgrind.org/docs/manual/cl-format.html). Neither commit nor machine is named.
"""

from __future__ import annotations

from pathlib import Path

from regress.domain import Delivery, Metric
from regress.ingest.draft import Draft
from regress.ingest.reading import Context, Document
from regress.metrics import INSTRUCTIONS

_EVENTS = {
    "Ir": INSTRUCTIONS,
    "Dr": Metric("data reads", "1"),
    "Dw": Metric("data writes", "1"),
    "I1mr": Metric("L1 instruction misses", "1"),
    "D1mr": Metric("L1 read misses", "1"),
    "D1mw": Metric("L1 write misses", "1"),
    "ILmr": Metric("last-level instruction misses", "1"),
    "DLmr": Metric("last-level read misses", "1"),
    "DLmw": Metric("last-level write misses", "1"),
    "Bc": Metric("conditional branches", "1"),
    "Bcm": Metric("mispredicted conditional branches", "1"),
    "Bi": Metric("indirect branches", "1"),
    "Bim": Metric("mispredicted indirect branches", "1"),
}


class CallgrindAdapter:
    """Reads the totals of callgrind's files."""

    name = "callgrind"

    def is_result(self, path: Path) -> bool:
        """Whether a file of a folder may be a result."""
        return "callgrind" in path.name

    def recognises(self, document: Document) -> bool:
        """Whether a document is ours, by its header."""
        start = document.text[:2000]
        return document.json is None and (
            "creator: callgrind" in start or start.startswith("# callgrind format")
        )

    def read(self, document: Document, context: Context) -> Delivery:
        """The one delivery that a file is."""
        draft = Draft(self.name, document, context)
        told = _told(document)
        for name in ("events", "totals"):
            if name not in told:
                raise document.error("", f"lacks its '{name}:' line; is it cut off?")
        (_, events), (where, totals) = told["events"], told["totals"]
        names, numbers = events.split(), totals.split()
        if len(numbers) > len(names):
            raise document.error(where, f"has {len(numbers)} totals for {len(names)} events")
        benchmark = told.get("cmd", ("", ""))[1] or document.path.name
        for event, text in zip(names, numbers, strict=False):  # trailing zeros may be left out
            key = draft.key(benchmark, _EVENTS.get(event, Metric(event, "1")))
            draft.repeat(key, [document.decimal(text, where)], where)
        return draft.delivery()


def _told(document: Document) -> dict[str, tuple[str, str]]:
    """``key: value`` lines by key, with their place; the last of a key counts."""
    keys = ("cmd", "events", "totals")
    told = {}
    for number, line in enumerate(document.text.splitlines(), 1):
        key, colon, value = line.partition(":")
        if colon and key in keys:
            told[key] = (f"line {number}", value.strip())
    return told
