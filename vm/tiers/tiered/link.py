"""What ties one store to code of both kinds: who is asked when a counter has run out."""

from __future__ import annotations

from collections.abc import Callable, Sequence

from vm.errors import Frame
from vm.module.model import ModuleData
from vm.runtime.functions import Function
from vm.runtime.store import Store
from vm.tiers.threaded.link import ThreadedLink
from vm.tiers.threaded.program import ThreadedProgram


class TieredLink(ThreadedLink):
    """As its base; ``hot`` says where the machine goes on when the counter at an address has run out."""

    def __init__(
        self,
        store: Store,
        translate: Callable[[Store, Function], int],
        compile: Callable[[Store, Function], int],
        locate: Callable[[int], Sequence[Frame]],
        program_of: Callable[[ModuleData], ThreadedProgram | None],
        hot: Callable[[int], int],
        budget: int,
    ) -> None:
        self._hot = hot
        super().__init__(store, translate, locate, program_of, budget, compile=compile)
