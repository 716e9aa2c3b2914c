"""Tickets that were submitted and not looked at yet: the most urgent first, any of them out at any time."""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Iterator

from vm.jit.scheduler import Priority
from vm.jit.ticket import Ticket


class Arrivals:
    """They wait here for moments, so nobody grows old; whoever uses them holds a lock."""

    def __init__(self) -> None:
        self._queues: dict[Priority, OrderedDict[Ticket, None]] = {each: OrderedDict() for each in Priority}

    def __iter__(self) -> Iterator[Ticket]:
        return (ticket for queue in self._queues.values() for ticket in queue)

    def add(self, ticket: Ticket, priority: Priority) -> None:
        """Take a ticket."""
        self._queues[priority][ticket] = None

    def first(self) -> Ticket | None:
        """The one to look at next."""
        return next(iter(self), None)

    def remove(self, ticket: Ticket) -> Priority | None:
        """Let go of a ticket; its priority, or None when it is not here."""
        for priority, queue in self._queues.items():
            if ticket in queue:
                del queue[ticket]
                return priority
        return None
