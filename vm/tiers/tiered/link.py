"""What ties one store to code of both kinds: who is asked when a counter has run out."""

from __future__ import annotations

from vm.errors import Frame
from vm.module.model import ModuleData
from vm.runtime.functions import Function
from vm.runtime.instance import Instance
from vm.runtime.store import Store
from vm.tiers.threaded.link import ThreadedLink
from vm.tiers.threaded.program import ThreadedProgram
from vm.typed import TYPE_CHECKING, Callable, Sequence

if TYPE_CHECKING:
    from vm.tiers.tiered.departures import Points


class TieredLink(ThreadedLink):
    """As its base; ``hot`` says where the machine goes on when the counter at an address has run out,
    ``leave`` what goes on where compiled code leaves a function (``TieredProgram.leave``).
    """

    def __init__(
        self,
        store: Store,
        translate: Callable[[Store, Function], int],
        compile: Callable[[Store, Function], int],
        locate: Callable[[int], Sequence[Frame]],
        program_of: Callable[[ModuleData], ThreadedProgram | None],
        hot: Callable[[int], int],
        leave: Callable[..., int],
        budget: int,
    ) -> None:
        self._hot = hot
        self._departed = leave
        self._points: Points | None = None
        if store.config.tier_deopts:
            from vm.tiers.tiered.departures import Points

            self._points = Points(store.state, store.config.tier_deopts)
        super().__init__(store, translate, locate, program_of, budget, compile=compile)
        store.leave = self._leave

    def _leave(self, instance: Instance, *where: int) -> int:
        """The record that goes on for code that leaves a function."""
        if self._points is not None:
            self._points.renew()
        return self._departed(instance, *where)
