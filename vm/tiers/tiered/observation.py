"""One module's functions, observed for a while before LLVM gets them: counts that their code is made with.

What is hot goes on in code that counts where branches go, and whom indirect calls go to
(``vm.tiers.threaded.observing``), for so many rounds as the knob says; then it goes back, and LLVM is asked.
Where LLVM gets a small module as a whole, whatever else of it runs meanwhile is observed, too.
"""

from __future__ import annotations

from collections import deque

from vm.jit.counts import Counts
from vm.memory.native import WORD, peek
from vm.module.model import ModuleData
from vm.tiers.llvm.counters import Counters, Tallies
from vm.tiers.policy import Place
from vm.tiers.threaded.program import OBSERVED, ThreadedProgram

TRIPS = 20
"""Rounds of a loop for each of a function: they are as much shorter."""

_MOST = 64
"""Functions in the counts for one request: those that it may be compiled together with."""


class Observation:
    """Of the code in ``first``, for ``rounds``.

    ``hot`` are those places that are observed because they are, not because others were.
    """

    def __init__(self, module: ModuleData, first: ThreadedProgram, rounds: int) -> None:
        self._first = first
        self._counters = Counters(module)
        self.hot: set[Place] = set()
        self._begun: set[Place] = set()
        self._over: set[Place] = set()
        self._early: dict[Place, int] = {}
        self._known: dict[int, Tallies] = {}
        first.observe(self._counters.address, rounds + 1, rounds * TRIPS + 1)  # they count what ends it, too

    def begin(self, place: Place, pc: int) -> int:
        """What is to run instead at ``place``, whose counter at ``pc`` has run out: code that is observed, as
        calls run that come from now on; 0 if it was before, or cannot be.
        """
        if place in self._begun or place in self._over:
            return 0
        self._begun.add(place)  # unless it comes back, it is not tried again
        index, loop = place
        there = self._first.counter((index, OBSERVED), loop)
        if not there or _extent(there) != _extent(pc):
            return 0
        left = self._early.pop(place, 0)
        if left:
            self._first.allow(pc, left)
        else:
            self.hot.add(place)
        self._known.pop(index, None)
        self._go_over(index, None, OBSERVED)
        return there

    def end(self, place: Place) -> tuple[int, bool]:
        """Where ``place`` goes on after it was observed, and whether that was because it is hot: once, for a
        loop comes here in every call of a function that is still observed.
        """
        index, loop = place
        hot = place in self.hot and place not in self._over
        self._over.add(place)
        self._known.pop(index, None)
        if hot or loop is None:
            self._go_over(index, OBSERVED, None)
        return self._first.counter((index, None), loop), hot

    def _go_over(self, index: int, old: int | None, new: int | None) -> None:
        """Let calls that run one code of a function run the other, unless LLVM's is there, or only that."""
        start = self._first.start((index, old))
        if start and self._first.compile(index) == start:
            self._first.enter_at(index, self._first.start((index, new)))

    def all(self) -> None:
        """Observe whatever runs from now on of what has run already."""
        for index, loop, at in self._first.counters():
            place = index, loop
            if place not in self._begun | self._over | self._early.keys():
                left = self._first.allow(at, 1)
                if left > 1:
                    self._early[place] = left

    def counts(self, module: ModuleData, index: int | None) -> Counts:
        """What was seen so far, of function ``index`` and those that it calls; None: of all."""
        found, calls = Tallies(), dict[int, int]()
        queue = deque([index] if index is not None else self._first.translated())
        while queue and (index is None or len(calls) < _MOST):
            function = queue.popleft()
            times = self._first.calls(function) if function not in calls else 0
            if times:
                calls[function] = times
                seen = self._seen(module, function)
                found.add(seen)
                queue += seen.callees
                queue += (target for _, most in seen.targets.values() for target, _ in most)
        return found.counts(module, calls)

    def _seen(self, module: ModuleData, index: int) -> Tallies:
        if index not in self._known:
            self._known[index] = self._counters.function(module, index - module.imported_functions)
        return self._known[index]


def _extent(count: int) -> int:
    """The slots of the frame, as a ``count`` has them in its field."""
    return peek(count + WORD) & 0xFFFF_FFFF
