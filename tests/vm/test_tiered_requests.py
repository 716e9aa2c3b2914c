"""What tier ``tiered`` asks its compilers for, and in which order."""

from __future__ import annotations

from concurrent.futures import Future
from pathlib import Path

import pytest

from tests.vm.engines import call, instance, store
from vm.jit import compiler as compilers
from vm.jit import makers
from vm.jit.artefact import Artefact
from vm.jit.claims import claim
from vm.jit.request import Request
from vm.jit.scheduler import Priority
from vm.tiers.tiered import TieredTier, hints

TWO_LOOPS = """(module (func (export "f") (param $n i32) (result i32) (local $i i32) (local $sum i32)
  (local.set $i (local.get $n))
  (loop $first
    (local.set $sum (i32.add (local.get $sum) (local.get $i)))
    (br_if $first (local.tee $i (i32.sub (local.get $i) (i32.const 1)))))
  (local.set $i (local.get $n))
  (loop $second
    (local.set $sum (i32.xor (local.get $sum) (local.get $i)))
    (br_if $second (local.tee $i (i32.sub (local.get $i) (i32.const 1)))))
  (local.get $sum)))"""


class Compiler:
    """Takes requests; makes them when it is told to."""

    def __init__(self) -> None:
        self.waiting: list[tuple[Request, Future[Artefact]]] = []
        self.asked: list[tuple[str, Priority]] = []
        self.costs: list[float] = []

    def submit(self, request: Request, priority: Priority, cost: float) -> Future[Artefact]:
        self.asked.append((request.kind, priority))
        self.costs.append(cost)
        self.waiting.append((request, Future()))
        return self.waiting[-1][1]

    def arrive(self) -> None:
        while self.waiting:
            request, ticket = self.waiting.pop(0)
            ticket.set_result(makers.make(request))


@pytest.fixture
def compiler(monkeypatch: pytest.MonkeyPatch) -> Compiler:
    """In place of the one that works in processes of its own."""
    found = Compiler()
    monkeypatch.setattr("vm.jit.compiler.compiler_of", lambda _: found)
    return found


KNOBS = {"tier_patience": 0, "tier_observes": 0, "opt_level": 1, "cache_bytes": 0}


def test_while_one_piece_of_a_function_is_made_no_other_is_asked_for(compiler: Compiler) -> None:
    """Each of its loops would be the function once more."""
    i = instance(store("tiered", **KNOBS, tier_calls=1 << 20, tier_trips=10), TWO_LOOPS)
    expected = call(i, "f", 100)
    assert call(i, "f", 100) == expected
    assert compiler.asked == [("loop", Priority.HIGH), ("body", Priority.LOW)]
    compiler.arrive()
    assert call(i, "f", 100) == expected
    assert not compiler.waiting


def test_who_is_called_often_gets_the_function_not_its_loops(compiler: Compiler) -> None:
    i = instance(store("tiered", **KNOBS, tier_calls=1, tier_trips=10), TWO_LOOPS)
    expected = call(i, "f", 100)
    assert call(i, "f", 100) == expected
    assert compiler.asked == [("body", Priority.LOW)]
    compiler.arrive()
    assert call(i, "f", 100) == expected
    assert not compiler.waiting


def test_a_program_goes_on_when_compilers_take_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    """As what runs at its very end finds them."""
    closed = compilers.Compiler(1)
    closed.close()
    monkeypatch.setattr(compilers, "compiler_of", lambda _: closed)
    i = instance(store("tiered", **KNOBS, tier_calls=1, tier_trips=10), TWO_LOOPS)
    expected = call(i, "f", 100)
    assert [call(i, "f", 100) for _ in range(3)] == [expected] * 3
    assert isinstance(i.store.runner, TieredTier)
    stats = i.store.runner.stats()
    assert stats["asked"] == stats["refused"] > stats["waiting"] == 0


def test_compilers_are_told_what_it_is_expected_to_cost(compiler: Compiler) -> None:
    """By the size of what is compiled: a module, or a function with room for callees."""
    for text in (TWO_LOOPS, TWO_LOOPS.replace("(local.get $sum)))", "(nop) " * 5_000 + "(local.get $sum)))")):
        for knobs in ({"whole_module_bytes": 1 << 20}, {"whole_module_bytes": 0, "tier_batch_bytes": 500}):
            i = instance(store("tiered", **KNOBS, tier_calls=1, tier_trips=1 << 20, **knobs), text)
            call(i, "f", 1)
    small_whole, small, big_whole, big = compiler.costs
    assert 0 < small_whole < small < big
    assert small_whole + 5_000 / 500 * small == pytest.approx(big, rel=0.01)
    assert big == pytest.approx(big_whole, rel=0.01)


@pytest.mark.parametrize(
    ("whole", "calls", "known"),
    [(0, 990, False), (0, 1_010, True), (1 << 20, 90, False), (1 << 20, 110, True)],
)
def test_the_next_start_is_told_of_what_is_not_worth_compiling_in_this_one(
    compiler: Compiler, tmp_path: Path, whole: int, calls: int, known: bool
) -> None:
    """What runs often, and less often in small modules, if anything does. What it takes for this start counts
    from the first round on.
    """
    kept = {"cache_folder": str(tmp_path), "whole_module_bytes": whole}
    i = instance(store("tiered", **KNOBS | kept | {"cache_bytes": 1 << 29}, tier_calls=1_200), TWO_LOOPS)
    for _ in range(calls):
        call(i, "f", 1)
    hints.keep()
    again = hints.Hints(i.module.binary, i.store.config)
    assert (again.known, again.covering) == ({(0, None): ""} if known else {}, True)
    for _ in range(1_190 - calls):
        call(i, "f", 1)
    assert compiler.asked == []
    for _ in range(20):
        call(i, "f", 1)
    assert [kind for kind, _ in compiler.asked] == ["body"]
    hints.keep()  # what is learnt is known by the module, whatever folder it is for


def test_a_start_asks_for_nothing_that_an_earlier_ones_compilers_make(
    compiler: Compiler, tmp_path: Path
) -> None:
    """Unless it runs so long that it would ask on its own."""
    for patience, asked in ((3_600_000, []), (0, [("body", Priority.NORMAL)])):
        knobs = {"cache_folder": str(tmp_path), "tier_calls": 5, "tier_patience": patience}
        i = instance(store("tiered", **knobs), TWO_LOOPS)
        hints.Hints(i.module.binary, i.store.config).learn((0, None))
        hints.keep()
        i = instance(store("tiered", **knobs), TWO_LOOPS)
        assert isinstance(i.store.runner, TieredTier)
        with claim(i.store.runner.program(i.module).request((0, None))):
            for _ in range(10):
                call(i, "f", 1)
        assert compiler.asked == asked
