"""What tier tiered counts itself before LLVM gets a function, and the code that it runs meanwhile."""

from __future__ import annotations

import pytest

from tests.vm.engines import call, instance, store
from tests.vm.test_deopt import DEEP, EXPECTS, VALUES
from vm.errors import Trap
from vm.events import listening
from vm.jit.counts import Counts
from vm.runtime.instance import Instance
from vm.tiers.tiered import TieredTier
from vm.tiers.tiered.program import TieredProgram

HOT = {"tier_waits": True, "tier_calls": 2, "tier_trips": 2, "opt_level": 1}

pytestmark = pytest.mark.parametrize("start", ["baseline", "threaded"])


def program(i: Instance) -> TieredProgram:
    tier = i.store.runner
    assert isinstance(tier, TieredTier)
    found = tier._programs[i.module]
    assert isinstance(found, TieredProgram)
    return found


def observed(i: Instance) -> Counts:
    """All that was counted by now."""
    observation = program(i)._knowledge.observation
    assert observation is not None
    return observation.counts(i.module, None)


def test_what_is_observed_is_what_llvms_code_counts(start: str) -> None:
    """Every kind of branch and call, both ways."""
    knobs = HOT | {"tier_trips": 1 << 30, "tier_observes": 1000}
    counting = store("llvm", profile_make=True)
    i, j = instance(store("tiered", **knobs, tier_start=start), EXPECTS), instance(counting, EXPECTS)
    names = ("call", "if", "null", "cast")
    for name in names:
        assert call(i, name, 1, 0) == [3]
    for name in names:
        for n in range(30):
            assert call(i, name, n, n % 3 == 0) == call(j, name, n, n % 3 == 0)
    found, right = observed(i), counting.runner.counts(j.module)  # type: ignore[attr-defined]
    assert found.branches == right.branches
    assert found.targets == right.targets
    assert len(found.branches) > 4 < len(found.calls)


@pytest.mark.parametrize("rounds", [1, 3])
@pytest.mark.parametrize("whole", [0, 1 << 20])
def test_values_of_all_types_pass_from_code_to_code(start: str, rounds: int, whole: int) -> None:
    """Into code that is observed at functions' entries and in loops, back, and to compiled code."""
    right = call(instance(store("reference"), VALUES), "f", 70)
    knobs = HOT | {"tier_observes": rounds, "whole_module_bytes": whole, "tier_start": start}
    i = instance(store("tiered", **knobs, gc_stress=rounds == 1), VALUES)
    with listening() as log:
        for _ in range(9):
            assert call(i, "f", 70) == right
    seen = log.counts()
    assert seen["observed"] > (0 if whole else 3)
    assert seen["installed"] >= seen["observed"]


def test_traps_in_code_that_is_observed_have_its_frames(start: str) -> None:
    i = instance(store("tiered", **HOT, tier_observes=1000, tier_start=start), DEEP)
    for _ in range(4):
        assert call(i, "f", 2) == [43]
        with pytest.raises(Trap) as caught:
            call(i, "f", 0)
        assert [frame.function_name for frame in caught.value.frames] == ["leaf", "middle", "top"]
    assert observed(i).calls.keys() == {0, 1, 2}
    assert program(i).counts()["compiled_functions"] == 0


def test_without_room_for_counters_code_is_made_all_the_same(
    start: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("vm.tiers.llvm.counters.COUNTERS", 1 << 45)
    i = instance(store("tiered", **HOT, tier_observes=20, tier_start=start), EXPECTS)
    for n in range(9):
        assert call(i, "if", n, n % 4 == 0) == [n + n * n if n % 4 == 0 else 3 * n]
    assert program(i)._knowledge.observation is None
    assert program(i).counts()["compiled_functions"] > 0


def test_code_is_made_with_what_was_observed(start: str) -> None:
    """Of the function that was hot, and of what it called meanwhile."""
    i = instance(store("tiered", **HOT, tier_observes=20, tier_start=start), EXPECTS)
    for n in range(40):
        assert call(i, "if", n, n % 4 == 0) == [n + n * n if n % 4 == 0 else 3 * n]
    ((place, counts),) = program(i)._knowledge._counts.items()
    assert place == (3, None)
    assert isinstance(counts, Counts)
    (ways,) = counts.branches.values()
    assert ways == [5, 15]
    assert program(i).counts()["compiled_functions"] > 0
