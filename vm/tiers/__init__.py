"""The registry of execution tiers. Importing it imports no tier: start-up stays cheap."""

from __future__ import annotations

from vm.config import Config
from vm.errors import ConfigError
from vm.importing import imported, uninterrupted
from vm.records import Record
from vm.typed import TYPE_CHECKING

if TYPE_CHECKING:
    from vm.tiers.base import Tier


class TierEntry(Record, frozen=True):
    """A tier by name: where its class lives, and one sentence for people.

    ``metered`` says that its code knows fuel and deadlines (``vm.runtime.metering``).
    """

    module: str
    cls: str
    summary: str
    metered: bool = False


TIERS: dict[str, TierEntry] = {
    "reference": TierEntry(
        "vm.tiers.reference", "ReferenceTier", "plain Python, slow: the oracle", metered=True
    ),
    "threaded": TierEntry(
        "vm.tiers.threaded.tier", "ThreadedTier", "native code interprets threaded code", metered=True
    ),
    "baseline": TierEntry(
        "vm.tiers.baseline.tier",
        "BaselineTier",
        "native code by copying stencils: quick to make",
        metered=True,
    ),
    "tiered": TierEntry(
        "vm.tiers.tiered", "TieredTier", "baseline first, or threaded; LLVM for what runs often", metered=True
    ),
    "llvm": TierEntry("vm.tiers.llvm.tier", "LLVMTier", "native code by LLVM, optimised", metered=True),
}


def load(name: str) -> type[Tier]:
    """Import the class of tier ``name``; ConfigError when there is no such tier."""
    entry = TIERS.get(name)
    if entry is None:
        raise ConfigError("tier", f"no tier called {name!r}; there are: {', '.join(TIERS)}")
    with uninterrupted():
        tier: type[Tier] = getattr(imported(entry.module), entry.cls)
    return tier


def make(config: Config) -> Tier:
    """The tier that ``config`` asks for; ConfigError when it cannot do what other knobs ask for."""
    if config.profile_make and config.tier != "llvm":
        raise ConfigError("profile_make", f"tier {config.tier} does not count what runs how often; use llvm")
    tier = load(config.tier)(config)
    if not TIERS[config.tier].metered:
        for knob in ("consume_fuel", "epoch_interruption"):
            if getattr(config, knob):
                able = ", ".join(name for name, entry in TIERS.items() if entry.metered)
                raise ConfigError(knob, f"tier {config.tier} does not look at it; use one of {able}")
    return tier
