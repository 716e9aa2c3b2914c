"""Importing: many modules at once, without Python's cycle collector looking through them again and again; and
a module by its name.
"""

from __future__ import annotations

import gc

from vm.typed import TYPE_CHECKING

if TYPE_CHECKING:
    from types import ModuleType, TracebackType


class Uninterrupted:
    """Let the collector wait: forty looks, which free nothing, are a tenth of the time to a first result.

    Nor does it look through everything right afterwards: what was made counts as old, as what survives does.
    """

    def __enter__(self) -> None:
        self._was_enabled = gc.isenabled()
        gc.disable()

    def __exit__(
        self, type: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        if self._was_enabled:
            if not gc.get_freeze_count():  # somebody's own: they would not be frozen any more
                gc.freeze()  # to the oldest generation, by way of the permanent one
                gc.unfreeze()
            gc.enable()


def uninterrupted() -> Uninterrupted:
    """A context in which the collector waits."""
    return Uninterrupted()


def imported(name: str) -> ModuleType:
    """The module with this full name, as ``importlib.import_module`` gives it, which brings ``warnings``."""
    found: ModuleType = __import__(name, fromlist=("",))
    return found
