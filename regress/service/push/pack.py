"""Result files as bodies to send: read by the adapters of ``ingest``, with the history that places them."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

from regress import ingest as adapters
from regress.domain import Commit, Delivery
from regress.errors import IngestError
from regress.ingest import Context
from regress.measurements import Measurements
from regress.service.ingest import on_branch
from regress.service.push.wire import MOST_COMMITS, pushed

BEFORE = 500
"""Commits told before the oldest measured one: those between two deliveries, which nobody measured."""


@dataclass(frozen=True, slots=True)
class Body:
    """One delivery as it is sent: JSON, and the digest that names it."""

    digest: str
    origin: str
    data: bytes


def bodies(
    paths: Iterable[Path],
    *,
    branch: str,
    tool: str | None = None,
    context: Context,
    history: Sequence[Commit] = (),
) -> Iterator[Body]:
    """The deliveries of result files and folders, one at a time, all on ``branch``.

    Each carries the part of the branch's history (``history`` is all of it, oldest first) that its commits
    need and none before it told. IngestError as ``ingest`` raises it.
    """
    places = {commit.sha: commit.position for commit in history}
    told: set[int] = set()
    for path in paths:
        barren = True
        for file in adapters.files(path, tool):
            delivery = adapters.read_file(file, tool, context)
            if delivery is not None:
                barren = False
                placed = on_branch(delivery, branch, force=True)
                yield _body(placed, _around(placed, history, places, told), file)
        if barren:
            raise adapters.nothing_in(path, tool)


def _around(
    delivery: Delivery, history: Sequence[Commit], places: dict[str, int], told: set[int]
) -> Sequence[Commit]:
    """The stretch that a delivery's commits need, unless all of it was told by one before."""
    shas = {*Measurements.of(delivery.measurements).commits, *(f.commit for f in delivery.failures)}
    here = [places[sha] for sha in shas if sha in places]
    if not here:
        return ()
    last = max(here)
    first = max(0, min(here) - BEFORE, last + 1 - MOST_COMMITS)
    if told.issuperset(range(min(here), last + 1)):
        return ()
    told.update(range(first, last + 1))
    return history[first : last + 1]


def _body(delivery: Delivery, history: Sequence[Commit], file: Path) -> Body:
    try:
        made = pushed(delivery, history)
    except ValueError as error:
        hint = "`regress ingest` takes it; please report what the tool wrote."
        first = str(error).splitlines()
        raise IngestError(file, "", f"cannot be sent: {' '.join(first[1:3]).strip()}", hint=hint) from error
    return Body(made.digest, str(file), made.model_dump_json(exclude_defaults=True).encode())
