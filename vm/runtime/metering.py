"""What stops code that runs too long: fuel, epochs, deadlines. The words that code looks at lie in the state.

Code looks at them at function entries and loop heads, and only when the knobs ``consume_fuel`` and
``epoch_interruption`` say so.
"""

from __future__ import annotations

from vm.errors import Trap, TrapCode
from vm.memory.native import WORD, Block, peek
from vm.primitives import Lock
from vm.runtime.layout import STATE_DEADLINE, STATE_EPOCH, STATE_FUEL
from vm.typed import TYPE_CHECKING

if TYPE_CHECKING:
    from vm.runtime.expiry import Expiry

NEVER = (1 << 64) - 1
"""A deadline that no epoch reaches, and the most fuel there can be."""


class Epoch:
    """A counter that all stores of an engine look at; threads other than theirs may advance it."""

    def __init__(self) -> None:
        self._block = Block(WORD)
        self._lock = Lock()
        self.address = self._block.address

    def advance(self) -> None:
        """Begin the next epoch."""
        with self._lock:
            self._block.words[0] += 1


class Meters:
    """A store's fuel and deadline."""

    def __init__(self, state: Block, epoch: Epoch) -> None:
        self._state = state
        self._epoch = epoch
        self._timer: Expiry | None = None
        state.words[STATE_EPOCH // WORD] = epoch.address

    @property
    def fuel(self) -> int:
        """Units left."""
        return self._state.words[STATE_FUEL // WORD]

    @fuel.setter
    def fuel(self, units: int) -> None:
        self._state.words[STATE_FUEL // WORD] = units

    def burn(self, units: int) -> None:
        """Use fuel; traps when there is not enough, and then none is left."""
        left = self.fuel
        self.fuel = max(0, left - units)
        if left < units:
            raise Trap(TrapCode.OUT_OF_FUEL)

    def look(self) -> None:
        """Trap when the deadline is reached."""
        if peek(self._epoch.address) >= self._state.words[STATE_DEADLINE // WORD]:
            raise Trap(TrapCode.INTERRUPT)

    def set_deadline(self, epochs: int) -> None:
        """Let code be stopped once the epoch has advanced so often; any deadline in seconds is off."""
        self._stop_timer()
        self._state.words[STATE_DEADLINE // WORD] = min(peek(self._epoch.address) + epochs, NEVER)

    def set_seconds(self, seconds: float | None) -> None:
        """Let code be stopped after so many seconds, and ever after until told otherwise; None: never."""
        self.set_deadline(NEVER)
        if seconds is not None:
            from vm.runtime.expiry import Expiry  # few stores have a deadline in seconds

            self._timer = Expiry(seconds, self._state)
            self._timer.start()

    def _stop_timer(self) -> None:
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None
