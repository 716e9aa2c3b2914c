"""What modules start in: tier 1 where this machine has what that takes, otherwise tier 0."""

from __future__ import annotations

import functools

from vm.config import Config
from vm.tiers.threaded.program import ThreadedProgram


def starts_in(config: Config) -> str:
    """The tier: ``baseline`` or ``threaded``."""
    return _ready() if config.tier_start == "auto" else config.tier_start


def program_class(config: Config) -> type[ThreadedProgram]:
    """What holds a module's code in that tier."""
    if starts_in(config) == "threaded":
        return ThreadedProgram
    from vm.tiers.baseline.program import BaselineProgram

    return BaselineProgram


@functools.cache
def _ready() -> str:
    """The best that nobody has to wait for: making tier 1's stencils and compiler takes half a minute,
    and its compiler as plain Python takes longer than most functions run.
    """
    from vm.tiers.baseline import artefact

    if not artefact.is_built():
        return "threaded"
    from vm.tiers.baseline import native  # with tier 1's compiler

    return "baseline" if native.is_built() else "threaded"
