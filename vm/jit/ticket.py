"""What one has in hand for code that is being made."""

from __future__ import annotations

from collections.abc import Generator
from concurrent.futures import Future

from vm.errors import VMError
from vm.jit.artefact import Artefact
from vm.jit.request import Request
from vm.jit.scheduler import Priority
from vm.typed import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from vm.jit.pool import Pool


class Ticket(Future[Artefact]):
    """A future (``concurrent.futures``) of what ``request`` gives, which is expected to take ``cost``
    seconds; can be awaited, too.

    ``result`` raises what compiling raised: ``ValidationError`` and other ``VMError`` as in this process,
    ``CompileError`` when the compiler failed. Callbacks run in a thread of the compiler's.
    """

    def __init__(self, request: Request, pool: Pool, cost: float = 0.0) -> None:
        super().__init__()
        self.request = request
        self.cost = cost
        self._pool = pool

    def __await__(self) -> Generator[Any, None, Artefact]:
        import asyncio

        return asyncio.wrap_future(self).__await__()

    def cancel(self) -> bool:
        """Take it back; False if a worker is at it, or it is settled."""
        if self.cancelled():
            return True
        return self._pool.withdraw(self) and super().cancel()

    def change(self, priority: Priority) -> bool:
        """Make it more urgent, or less; False if a worker is at it, or it is settled."""
        return self._pool.change(self, priority)

    def settle(self, outcome: Artefact | VMError) -> None:
        """For the compiler: say what came of it."""
        if isinstance(outcome, Artefact):
            self.set_result(outcome)
        else:
            self.set_exception(outcome)
