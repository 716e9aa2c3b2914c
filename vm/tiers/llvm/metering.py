"""Checkpoints in compiled code: fuel and deadlines, at function entries and loop heads."""

from __future__ import annotations

from dataclasses import dataclass

from vm.config import Config
from vm.errors import TrapCode
from vm.module.fuel import costs
from vm.module.model import ModuleData
from vm.runtime.layout import STATE_DEADLINE, STATE_EPOCH, STATE_FUEL
from vm.tiers.llvm.text import ENGINE, FIXED, TextBuilder


@dataclass(frozen=True, slots=True)
class Metering:
    """What one function's checkpoints do. ``costs`` is empty when fuel is not counted."""

    costs: dict[int, int]
    epochs: bool

    @classmethod
    def of(cls, config: Config, module: ModuleData, index: int) -> Metering:
        """As the knobs say."""
        return cls(costs(module, index) if config.consume_fuel else {}, config.epoch_interruption)

    @property
    def active(self) -> bool:
        """Whether there is anything to do."""
        return bool(self.costs) or self.epochs

    def checkpoint(self, t: TextBuilder, at: int) -> None:
        """Emit the checkpoint of the function or loop whose first instruction is at offset ``at``.

        ``%state`` must be there. The epoch's load is volatile: another thread advances it.
        """
        if self.epochs:
            epoch = t.value(f"load ptr, ptr {_field(t, STATE_EPOCH)}{FIXED}")
            now = t.value(f"load volatile i64, ptr {epoch}")
            deadline = t.value(f"load volatile i64, ptr {_field(t, STATE_DEADLINE)}")
            t.trap_if(t.value(f"icmp uge i64 {now}, {deadline}"), TrapCode.INTERRUPT)
        cost = self.costs.get(at, 0)
        if cost:
            field = _field(t, STATE_FUEL)
            left = t.value(f"load i64, ptr {field}{ENGINE}")
            rest = t.value(f"call i64 @llvm.usub.sat.i64(i64 {left}, i64 {cost})")
            t.effect(f"store {t.access}i64 {rest}, ptr {field}{ENGINE}")
            t.trap_if(t.value(f"icmp ult i64 {left}, {cost}"), TrapCode.OUT_OF_FUEL)


def _field(t: TextBuilder, offset: int) -> str:
    return t.value(f"getelementptr i8, ptr %state, i64 {offset}")
