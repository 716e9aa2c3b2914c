"""The API's objects for those of the runtime: what a module exports."""

from __future__ import annotations

from vm.api.func import Func
from vm.runtime.functions import Function
from vm.runtime.instance import Extern
from vm.typed import TYPE_CHECKING

if TYPE_CHECKING:
    from vm.api.externs import AnyExtern


def wrap(raw: Extern) -> AnyExtern:
    """The API's object for a runtime one."""
    if isinstance(raw, Function):
        return Func.of(raw)
    from vm.api import externs  # small modules export functions alone

    return externs.wrap(raw)
