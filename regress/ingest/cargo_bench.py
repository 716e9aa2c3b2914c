"""What ``cargo bench`` prints: libtest's lines, which Criterion writes too (``--output-format bencher``).

    test parse::small ... bench:       1,234 ns/iter (+/- 56) = 100 MB/s

The number is a median; what stands behind +/- is the samples' whole range, which bounds nothing, so that it
is not kept. Lines of other kinds are passed over
(https://doc.rust-lang.org/unstable-book/library-features/test.html).
"""

from __future__ import annotations

import re
from pathlib import Path

from regress.domain import Delivery, Metric
from regress.ingest.draft import Draft
from regress.ingest.reading import Context, Document
from regress.metrics import direction_of, metric_of

_LINE = re.compile(
    r"^test (?P<name>\S.*?) +\.\.\. bench: +(?P<value>[\d,.]+) (?P<unit>\S+?)/iter"
    r"(?: \(\+/- [\d,.]+\))?(?: = (?P<rate>[\d,.]+) (?P<per>\S+/s))?\s*$"
)
_MARK = " ... bench:"


class CargoBenchAdapter:
    """Reads the text of ``cargo bench``."""

    name = "cargo-bench"

    def is_result(self, path: Path) -> bool:
        """Whether a file of a folder may be a result."""
        return path.suffix in (".txt", ".log", ".out")

    def recognises(self, document: Document) -> bool:
        """Whether a document is ours."""
        return document.json is None and any(
            line.startswith("test ") and _MARK in line for line in document.text.splitlines()
        )

    def read(self, document: Document, context: Context) -> Delivery:
        """The one delivery that a text is."""
        draft = Draft(self.name, document, context)
        for number, line in enumerate(document.text.splitlines(), 1):
            if line.startswith("test ") and _MARK in line:
                _read_line(draft, line, f"line {number}")
        return draft.delivery()


def _read_line(draft: Draft, line: str, where: str) -> None:
    found = _LINE.match(line)
    if found is None:
        raise draft.doc.error(where, f"expected '... bench: N ns/iter (+/- N)', found {line:.60}")
    metric, factor = metric_of(found["unit"])
    value = draft.doc.decimal(found["value"].replace(",", ""), where)
    draft.repeat(draft.key(found["name"], metric), [value], where, factor=factor)
    if found["rate"]:
        per = Metric("throughput", found["per"], direction_of(found["per"]))
        rate = draft.doc.decimal(found["rate"].replace(",", ""), where)
        draft.repeat(draft.key(found["name"], per), [rate], where)
