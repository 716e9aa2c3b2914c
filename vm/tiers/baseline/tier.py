"""The tier: translates to threaded code, and that to machine code by copying stencils."""

from __future__ import annotations

from vm.module.model import ModuleData
from vm.tiers.baseline.program import BaselineProgram
from vm.tiers.threaded.tier import ThreadedTier
from vm.typed import ClassVar


class BaselineTier(ThreadedTier):
    """Copy-and-patch (``vm.tiers.base.Tier``)."""

    name: ClassVar[str] = "baseline"

    def _program(self, module: ModuleData) -> BaselineProgram:
        return BaselineProgram(module, self._config, self._costs)
