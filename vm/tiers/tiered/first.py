"""What modules start in: tier 1 where this machine has what that takes, otherwise tier 0."""

from __future__ import annotations

from vm.config import Config
from vm.once import once
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


@once
def _ready() -> str:
    """The best that nobody has to wait for: making tier 1's stencils and compiler takes half a minute,
    and its compiler as plain Python takes longer than most functions run.
    """
    from vm.tiers.baseline import artefact

    return "baseline" if artefact.is_built() and artefact.compiler() is not None else "threaded"
