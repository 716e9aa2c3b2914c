"""What ``go test -bench`` prints, in the format that benchstat reads.

    pkg: example.org/sums
    BenchmarkSum/n=10-8   2000   1.960 ns/op   24 B/op   1 allocs/op   25.00 widgets/s

Lines of one name (``-count``) are samples of one series. ``key=value`` inside a name is a parameter, as is
the number of processors after the last dash. Each pair of number and unit is a metric
(https://go.googlesource.com/proposal/+/master/design/14313-benchmark-format.md).
"""

from __future__ import annotations

import re
from pathlib import Path

from regress.domain import Delivery, Metric
from regress.ingest.draft import Draft, Pairs
from regress.ingest.reading import Context, Document
from regress.metrics import ALLOCATED, ALLOCATIONS, metric_of

_RESULT = re.compile(r"^(Benchmark\S*)\s+(\d+)\s+(\S.*)$")
_SETTING = re.compile(r"^(goos|goarch|pkg|cpu): *(.*)$")
_FAILED = re.compile(r"^\s*--- FAIL: (Benchmark\S+)")
_OWN = {"B/op": ALLOCATED, "allocs/op": ALLOCATIONS}
_THROUGHPUT = "MB/s"


class GoTestAdapter:
    """Reads the text of Go's benchmarks."""

    name = "go-test"

    def is_result(self, path: Path) -> bool:
        """Whether a file of a folder may be a result."""
        return path.suffix in (".txt", ".log", ".out", ".bench")

    def recognises(self, document: Document) -> bool:
        """Whether a document is ours: a line of ours with at least one number and unit."""
        lines = document.text.splitlines() if document.json is None else ()
        return any(line.startswith("Benchmark") and "/op" in line and _RESULT.match(line) for line in lines)

    def read(self, document: Document, context: Context) -> Delivery:
        """The one delivery that a text is."""
        settings = (_SETTING.match(line) for line in document.text.splitlines())
        told = {found[1]: found[2] for found in settings if found}
        system = "/".join(told[key] for key in ("goos", "goarch") if key in told)
        draft = Draft(
            self.name,
            document,
            context,
            machine_facts=tuple(pair for pair in told.items() if pair[0] == "cpu"),
            environment=f"go {system}".strip(),
        )
        package = ""
        for number, line in enumerate(document.text.splitlines(), 1):
            if line.startswith("pkg:"):
                package = line.removeprefix("pkg:").strip()
            elif found := _RESULT.match(line):
                _read_line(draft, package, found[1], found[3].split(), f"line {number}")
            elif failed := _FAILED.match(line):
                name, parameters = _name(package, failed[1])
                draft.fail(name, parameters=parameters)
        return draft.delivery()


def _read_line(draft: Draft, package: str, full: str, pairs: list[str], where: str) -> None:
    if len(pairs) % 2:
        raise draft.doc.error(where, f"expected numbers with units, found {' '.join(pairs):.60}")
    name, parameters = _name(package, full)
    for text, unit in zip(pairs[::2], pairs[1::2], strict=True):
        metric, factor = _metric(unit)
        draft.repeat(
            draft.key(name, metric, parameters), [draft.doc.decimal(text, where)], where, factor=factor
        )


def _metric(unit: str) -> tuple[Metric, float]:
    if unit in _OWN:
        return _OWN[unit], 1.0
    metric, factor = metric_of(unit)
    return (Metric("throughput", unit, metric.direction), 1.0) if unit == _THROUGHPUT else (metric, factor)


def _name(package: str, full: str) -> tuple[str, Pairs]:
    """``BenchmarkSum/n=10-8`` of a package: its benchmark and parameters."""
    whole, dash, processors = full.rpartition("-")
    if not (dash and processors.isdecimal()):
        whole, processors = full, ""
    plain: list[str] = []
    parameters: list[tuple[str, str]] = []
    for part in whole.split("/"):
        key, equals, value = part.partition("=")
        if equals and key and plain:
            parameters.append((key, value))
        else:
            plain.append(part)
    if processors:
        parameters.append(("gomaxprocs", processors))
    return ".".join(part for part in (package, "/".join(plain)) if part), tuple(parameters)
