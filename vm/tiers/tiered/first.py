"""What modules start in: tier 1 where this machine has what that takes, otherwise tier 0."""

from __future__ import annotations

from vm.config import Config
from vm.once import once
from vm.tiers.threaded.program import ThreadedProgram


def starts_in(config: Config, *, seldom: bool = False) -> str:
    """The tier: ``baseline`` or ``threaded``, which does for what runs ``seldom``: it takes less to load."""
    if config.tier_start != "auto":
        return config.tier_start
    return "threaded" if seldom else _ready()


def program_class(start: str) -> type[ThreadedProgram]:
    """What holds a module's code in that tier."""
    if start == "threaded":
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
