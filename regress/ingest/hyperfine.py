"""hyperfine's JSON (``--export-json``): commands with the times of their runs, in seconds.

It names neither commit nor machine (https://github.com/sharkdp/hyperfine#json).
"""

from __future__ import annotations

from pathlib import Path

from regress.domain import Delivery
from regress.ingest.draft import Draft
from regress.ingest.reading import Context, Document
from regress.metrics import CPU_TIME, PEAK_MEMORY, WALL_TIME


class HyperfineAdapter:
    """Reads hyperfine's JSON."""

    name = "hyperfine"

    def is_result(self, path: Path) -> bool:
        """Whether a file of a folder may be a result."""
        return path.suffix == ".json"

    def recognises(self, document: Document) -> bool:
        """Whether a document is ours."""
        return {"command", "mean"} <= document.first("results").keys()

    def read(self, document: Document, context: Context) -> Delivery:
        """The one delivery that a file is."""
        doc = document
        draft = Draft(self.name, doc, context)
        for where, row in doc.each(doc.data, "results", "$"):
            command = doc.get(row, "command", str, where)
            parameters = tuple(doc.table(row, "parameters", where).items())
            wall = draft.key(command, WALL_TIME, parameters)
            times = doc.listed(row, "times", where)
            if times:
                draft.repeat(wall, times, f"{where}.times")
            else:  # an older hyperfine, or times left out: the median, else the mean
                centre = row.get("median", row.get("mean"))
                draft.add(wall, centre, f"{where}.median")
            used = [doc.finite(row.get(kind), f"{where}.{kind}") for kind in ("user", "system")]
            if all(part is not None for part in used):
                cpu = draft.key(command, CPU_TIME, parameters)
                draft.add(cpu, sum(part for part in used if part is not None), f"{where}.user")
            memory = doc.listed(row, "memory_usage_byte", where)
            draft.repeat(draft.key(command, PEAK_MEMORY, parameters), memory, f"{where}.memory_usage_byte")
        return draft.delivery()
