"""The registry of execution tiers. Importing it imports no tier: start-up stays cheap."""

from __future__ import annotations

import importlib
from dataclasses import dataclass

from vm.errors import ConfigError
from vm.tiers.base import Tier


@dataclass(frozen=True, slots=True)
class TierEntry:
    """A tier by name: where its class lives, and one sentence for people."""

    module: str
    cls: str
    summary: str


TIERS: dict[str, TierEntry] = {
    "reference": TierEntry("vm.tiers.reference", "ReferenceTier", "plain Python, slow: the oracle"),
    "llvm": TierEntry("vm.tiers.llvm", "LLVMTier", "native code by LLVM, optimised"),
}


def load(name: str) -> type[Tier]:
    """Import the class of tier ``name``; ConfigError when there is no such tier."""
    entry = TIERS.get(name)
    if entry is None:
        raise ConfigError("tier", f"no tier called {name!r}; there are: {', '.join(TIERS)}")
    tier: type[Tier] = getattr(importlib.import_module(entry.module), entry.cls)
    return tier
