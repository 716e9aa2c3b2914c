"""``regress bisect --simulate``: what searches cost and whether their confidence is honest."""

from __future__ import annotations

import os
from dataclasses import asdict
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from regress.bisect.simulate import Scenario, Simulation


def simulate(scenario: Scenario, trials: int, as_json: bool) -> None:
    """Run the trials on all processors and print what came of them."""
    from regress.bisect.simulate import simulate
    from regress.cli.output import print_json, progress_console
    from regress.cli.progress import steps_shown

    with steps_shown(progress_console()) as listen:
        told = simulate(
            scenario, trials, os.cpu_count() or 1, lambda done: listen("simulating searches", done, trials)
        )
    if as_json:
        print_json(_json(told))
    else:
        _print(told)


def _print(told: Simulation) -> None:
    from regress.cli.output import console

    out = console()
    scenario = told.scenario
    out.print(
        f"{told.trials} searches of {scenario.commits} commits for a shift of {scenario.shift:g} sigma, "
        f"{scenario.known} measurements known on each side"
    )
    out.print(f"  runs        {told.mean_runs:.1f} on average, {told.p95_runs:.0f} at most in 95 of 100")
    if scenario.workers > 1:
        out.print(f"  turns       {told.mean_turns:.1f} on average, of {scenario.workers} workers")
    out.print(f"  right       {100 * told.right:.1f} %   no answer {100 * told.undecided:.1f} %")
    out.print(f"  confidence  {100 * told.stated:.1f} % stated, {100 * told.observed:.1f} % observed")
    for row in told.bins:
        stated, observed = f"{100 * row.stated:.1f} %", f"{100 * row.observed:.1f} %"
        out.print(f"    {row.claims:>5} claims of {stated:>7}: {observed:>7} right")


def _json(told: Simulation) -> dict[str, Any]:
    scenario = asdict(told.scenario)
    return {**asdict(told), "gap": told.gap, "scenario": scenario}
