"""``perf stat``'s counts: CSV (``-x``) or JSON lines (``-j``), with ``-o FILE`` or what it printed.

The file's name is the benchmark, since the command is not written down. Each event is a metric; times come in
milliseconds. An event that the machine does not have (``<not supported>``) is no result, one that could not
be counted a failure. Counts split by processor (``-A``, ``--per-core``) are refused (linux
``tools/perf/Documentation/perf-stat.txt``).
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path

from regress.domain import Delivery, Metric
from regress.ingest.draft import Draft
from regress.ingest.reading import Context, Document
from regress.metrics import CPU_TIME, INSTRUCTIONS, WALL_TIME, metric_of

_CSV = re.compile(
    r"^(?P<value>-?[\d.]+|<not supported>|<not counted>)"
    r"(?P<sep>[,;|:\t])(?P<unit>\w*)(?P=sep)(?P<event>[^,;|\t]+)(?P=sep)"
)
_SPLIT = re.compile(r"^(CPU\d+|S\d+(-D\d+)?(-C\d+)?)[,;|:\t]")
_EVENTS = {
    "task-clock": CPU_TIME,
    "cpu-clock": CPU_TIME,
    "duration_time": WALL_TIME,
    "instructions": INSTRUCTIONS,
}
_ABSENT, _UNCOUNTED = "<not supported>", "<not counted>"
_HINT = "Count the whole program: leave out -A, --per-core and --per-socket."


class PerfStatAdapter:
    """Reads the counts of ``perf stat``."""

    name = "perf-stat"

    def is_result(self, path: Path) -> bool:
        """Whether a file of a folder may be a result."""
        return path.suffix in (".txt", ".csv", ".json", ".jsonl", ".log", ".stat")

    def recognises(self, document: Document) -> bool:
        """Whether a document is ours, by its first line that is no comment."""
        if document.json is not None:
            return {"counter-value", "event"} <= document.data.keys()
        lines = (line for line in document.text.splitlines() if line.strip() and not line.startswith("#"))
        first = next(lines, "")
        return (first.startswith('{"') and '"counter-value"' in first) or bool(
            _CSV.match(_SPLIT.sub("", first))
        )

    def read(self, document: Document, context: Context) -> Delivery:
        """The one delivery that a file is."""
        draft = Draft(self.name, document, context)
        for where, event, unit, text in _counts(document):
            metric, factor = metric_of(unit, event) if unit else (Metric(event, "1"), 1.0)
            known = _EVENTS.get(event.removesuffix(":u"), metric)
            if known.unit == "seconds" and not unit:  # duration_time counts nanoseconds, and says so nowhere
                factor = 1e-9
            key = draft.key(document.path.stem, known)
            if text == _UNCOUNTED:
                draft.fail(key.benchmark, f"{event} could not be counted.")
            elif text != _ABSENT:
                draft.repeat(key, [document.decimal(text, where)], where, factor=factor)
        return draft.delivery()


def _counts(document: Document) -> Iterator[tuple[str, str, str, str]]:
    """Where, event, unit and value of each count."""
    if document.json is not None or '"counter-value"' in document.text:
        for number, row in document.objects():
            where = f"line {number}"
            told = [document.get(row, key, str, where) for key in ("event", "unit", "counter-value")]
            yield where, told[0], told[1], told[2]
        return
    for number, line in enumerate(document.text.splitlines(), 1):
        if not line.strip() or line.startswith("#"):
            continue
        found = _CSV.match(line)
        if found is None:
            hint = {"hint": _HINT} if _SPLIT.match(line) else {}
            raise document.error(
                f"line {number}", f"expected value, unit and event, found {line:.60}", **hint
            )
        yield f"line {number}", found["event"], found["unit"], found["value"]
