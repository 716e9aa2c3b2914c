"""The official test suite on every tier: each file, of proposals too, is a test; known gaps are strict.

The suite lies at ``WASM_TESTSUITE``, or beside the checkout with the other outside test data.
"""

from __future__ import annotations

import functools
import os
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.conftest import ROOT
from tests.spec import tally
from tests.spec.gaps import Gaps
from vm.config import Config
from vm.tiers import TIERS, load
from vm.wast.judge import Outcome, Status, run_script

SHARED = Path(os.environ.get("REGRESS_SHARED", ROOT.parent / "shared"))
SUITE = Path(os.environ.get("WASM_TESTSUITE", SHARED / "wasm" / "testsuite"))
FILES = sorted(path.relative_to(SUITE).as_posix() for path in SUITE.rglob("*.wast"))
GAPS = Gaps()

STRESSED = " (stressed heap)"
CHECKED = " (checked memory)"
TESTED: dict[str, Any] = {"tier_waits": True, "tier_observes": 0, "opt_level": 0, "tier_start": "baseline"}
"""For the tiered tier: compiled before the program goes on."""

ALONE: dict[str, Any] = {"whole_module_bytes": 0, "batch_bytes": 1}
"""Each function is compiled alone."""

CONFIGURATIONS = {
    **{tier: Config(tier=tier, validate="eager") for tier in TIERS},
    f"threaded{CHECKED}": Config(tier="threaded", validate="eager", memory_guard="checked"),
    f"baseline{CHECKED}": Config(tier="baseline", validate="eager", memory_guard="checked"),
    f"llvm{CHECKED}": Config(tier="llvm", validate="eager", memory_guard="checked"),
    "llvm (function by function, counting)": Config(
        tier="llvm", validate="lazy", opt_level=1, whole_module_bytes=0, profile_make=True
    ),
    "tiered": Config(tier="tiered", validate="eager", tier_calls=1, tier_trips=1, **TESTED),
    "tiered (at random)": Config(
        tier="tiered",
        validate="eager",
        tier_seed=1,
        tier_deopts=100,
        **ALONE,
        **TESTED | {"tier_observes": 1},
    ),
    "tiered (left at every safe point)": Config(
        tier="tiered", validate="eager", tier_calls=1, tier_trips=1, tier_deopts=1, **TESTED
    ),
    "tiered (from threaded code)": Config(
        tier="tiered", validate="eager", tier_seed=1, **ALONE, **TESTED | {"tier_start": "threaded"}
    ),
    **{
        f"{tier}{STRESSED}": Config(tier=tier, validate="eager", gc_stress=True)
        for tier in TIERS
        if load(tier).shows_roots
    },
    f"tiered at random{STRESSED}": Config(
        tier="tiered", validate="eager", gc_stress=True, tier_seed=2, tier_deopts=100, **ALONE, **TESTED
    ),
}
"""Every tier as it comes (tiered: all compiled at once), and the other ways in which knobs make one work."""

_MEMORY = re.compile(rb"\(memory\b")
_MANAGED = re.compile(rb"(struct|array)\.new|ref\.i31|convert_(any|extern)|exnref|table [^(]*externref")
"""What only files have for which it matters how memories are kept in bounds, or when the heap collects."""

SLOW = {"tiered (from threaded code)", "tiered (left at every safe point)"}
"""What the gate leaves out: the tiered tier's own tests start from both kinds of code, and code that runs at
random is left at random safe points, too."""


@functools.cache
def _content(file: str) -> bytes:
    return (SUITE / file).read_bytes()


def _wanted(file: str, configuration: str) -> bool:
    """A gap of the decoder is one in all configurations, a heap without objects is not under stress, and
    without a memory no bounds are checked.
    """
    needed = {STRESSED: _MANAGED, CHECKED: _MEMORY}
    for way, pattern in needed.items():
        if configuration.endswith(way) and not pattern.search(_content(file)):
            return False
    return configuration in TIERS or not GAPS.of(file, CONFIGURATIONS[configuration].tier).whole


CASES = [
    pytest.param(
        file,
        configuration,
        id=f"{file}-{configuration}",
        marks=[pytest.mark.slow] if configuration in SLOW else [],
    )
    for file in FILES or ["none"]
    for configuration in CONFIGURATIONS
    if not FILES or _wanted(file, configuration)
]

needs_suite = pytest.mark.skipif(
    not FILES,
    reason=f"no official test suite at {SUITE}: set WASM_TESTSUITE to a clone of WebAssembly/testsuite",
)


@needs_suite
@pytest.mark.parametrize(("file", "configuration"), CASES)
def test_file(file: str, configuration: str, request: pytest.FixtureRequest) -> None:
    """Every command passes, but for those listed as gaps, which fail."""
    config = CONFIGURATIONS[configuration]
    gap = GAPS.of(file, config.tier)
    judged = run_script((SUITE / file).read_bytes(), config)
    outcomes = list(_until_failure(judged) if gap.whole else judged)
    if gap.whole:
        assert outcomes[-1].status is not Status.PASSED, (
            f"{file} passes: take it off gaps.toml ({gap.reason})"
        )
        outcomes = outcomes[-1:]  # what passes before the first failure is no merit
    else:
        wrong = [o for o in outcomes if (o.status is not Status.PASSED) is not gap.covers(o.line)]
        assert not wrong, _report(file, wrong)
    tally.record(request, configuration, outcomes)


@needs_suite
def test_the_list_of_gaps_names_only_files_of_the_suite() -> None:
    assert GAPS.unused(FILES) == []


def _until_failure(outcomes: Iterator[Outcome]) -> Iterator[Outcome]:
    for outcome in outcomes:
        yield outcome
        if outcome.status is not Status.PASSED:
            return


def _report(file: str, wrong: list[Outcome]) -> str:
    lines = [f"{len(wrong)} commands of {file} are not as expected:"]
    for outcome in wrong[:10]:
        detail = outcome.detail or "passes, but is listed in gaps.toml: take it off"
        lines.append(f"  line {outcome.line}: {outcome.kind}: {detail}")
    return "\n".join(lines)
