"""Change points become groups: those of one kind that may share a culprit are one event."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field

from regress.domain import Cause, EventKind, SeriesChange

Range = tuple[int, int]
"""Positions of the first and the last commit that may be the culprit."""


@dataclass
class Group:
    """Changes of one kind at one place: where the surest one is (``place``), where it may be (``reach``)."""

    kind: EventKind
    lead: SeriesChange
    place: Range
    reach: Range
    members: list[SeriesChange] = field(default_factory=list)

    @property
    def cause(self) -> Cause:
        """What made it: one cause for all."""
        return self.lead.cause

    @property
    def gone(self) -> str:
        """That it is over, where all of it is."""
        return self.lead.gone if all(change.gone for change in self.members) else ""

    def takes(self, change: SeriesChange) -> bool:
        """Whether a change is of its sort: of one kind, where it is the code's."""
        if change.cause is not self.cause:
            return False
        return self.cause is not Cause.CODE or change.kind is self.kind


class Places:
    """Where changes may be on a branch; ``position`` has every commit that they name."""

    def __init__(self, position: Mapping[str, int]) -> None:
        self.position = position

    def place(self, change: SeriesChange) -> Range:
        """The commits among which the culprit is, taking the change's location as certain."""
        return self.position[change.last_before] + 1, self.position[change.first_after]

    def reach(self, change: SeriesChange) -> Range:
        """The same, widened by the location's uncertainty."""
        first, last = self.place(change)
        early = self.position[change.earliest or change.first_after]
        late = self.position[change.latest or change.first_after]
        slack = change.change.slack
        return min(first, early) - slack, max(last, late) + slack


def group_changes(changes: Iterable[SeriesChange], places: Places) -> list[Group]:
    """Surest first, each change joins the first group of its kind that it may share a culprit with."""
    groups: list[Group] = []
    for change in sorted(changes, key=lambda c: (c.change.p_value, -abs(c.change.ratio - 1), c.series_id)):
        place, reach = places.place(change), places.reach(change)
        for group in groups:
            if group.takes(change) and meet(group.reach, reach):
                group.members.append(change)
                if group.place[0] <= place[0] and place[1] <= group.place[1] and place != group.place:
                    group.place, group.lead = place, change  # measured more densely: a narrower range
                break
        else:
            groups.append(Group(change.kind, change, place, reach, [change]))
    return groups


def meet(a: Range, b: Range) -> bool:
    """Whether two ranges share a position."""
    return a[0] <= b[1] and b[0] <= a[1]
