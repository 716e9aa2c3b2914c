"""Measuring in turns, with a runner that needs no processes: order, what is measured again, when it stops."""

from __future__ import annotations

import copy
import math
import random
from collections.abc import Callable, Sequence
from pathlib import Path

import pytest

from regress.domain import (
    Commit,
    Delivery,
    Direction,
    Environment,
    Failure,
    FailureKind,
    Machine,
    Measurement,
    Metric,
    SeriesKey,
    Verdict,
)
from regress.errors import RunnerError
from regress.metrics import WALL_TIME
from regress.runner import Outcome
from regress.runner.events import Listener, ignore
from regress.service.ci.pairs import BASE, HEAD, INTERRUPTED, Budget, Pairs, measure_pairs, worsening
from regress.service.ci.places import HELD
from tests.regress.ci.reports import commit

COMMITS = (commit("a"), commit("b"))
Value = Callable[[str, str, random.Random], float | None]


def key(name: str, metric: Metric = WALL_TIME) -> SeriesKey:
    return SeriesKey(name, (), metric, "box", "py", "")


class Arithmetic:
    """A runner whose benchmarks take what ``value`` says of (benchmark, commit, chance), in place b ``slant``
    times as long.
    """

    tool = "arithmetic"

    def __init__(self, names: Sequence[str], value: Value, slant: float = 1.0) -> None:
        self.names, self.value, self.slant = names, value, slant
        self.chance = random.Random(5)
        self.calls: list[tuple[str, tuple[str, ...]]] = []
        self.place = ""
        self.places: list[str] = []

    def machine(self) -> str:
        return "box"

    def one_process(self, place: str = "") -> Arithmetic:
        placed = copy.copy(self)  # which writes into our lists
        placed.place = place
        return placed

    def measure(
        self, commit: Commit, *, branch: str, benchmarks: Sequence[str] = (), listen: Listener
    ) -> Outcome:
        self.calls.append((commit.sha[0], tuple(benchmarks)))
        self.places.append(f"{commit.sha[0]} in {self.place}")
        measurements, failures = [], []
        for name in benchmarks or self.names:
            value = self.value(name, commit.sha[0], self.chance)
            if value is None:
                failures.append(Failure(FailureKind.BENCHMARK, commit.sha, "no", "box", "py", name))
            else:
                slant = self.slant if self.place == "b" else 1.0
                measurements.append(Measurement(key(name), commit.sha, value * slant))
        made = Delivery(
            "test", "here", f"{len(self.calls)}", Machine("box"), Environment("py"),
            tuple(measurements), tuple(failures),
        )  # fmt: skip
        return Outcome(commit.sha, (made,), 0.0, Path("log"))


def run(runner: Arithmetic, budget: Budget = Budget(), seed: int = 1) -> Pairs:  # noqa: B008
    return measure_pairs([runner], COMMITS, effect_of=lambda _: 0.05, budget=budget, seed=seed, listen=ignore)


def usual(name: str, side: str, chance: random.Random) -> float | None:
    """``slow`` is slower by 20 % at head, ``same`` is not; ``new`` and ``gone`` are on one side only."""
    if (name, side) in (("new", "a"), ("gone", "b")):
        return None
    return (1.2 if (name, side) == ("slow", "b") else 1.0) * math.exp(chance.gauss(0, 0.01))


def test_only_what_is_open_is_measured_again_in_an_order_by_a_coin() -> None:
    runner = Arithmetic(["gone", "new", "same", "slow"], usual)
    pairs = run(runner)
    assert pairs.trial is not None
    found = {s.benchmark: pairs.trial.finding(case) for case, s in enumerate(pairs.series)}
    assert {name: finding.verdict for name, finding in found.items()} == {
        "same": Verdict.SAME,
        "slow": Verdict.SLOWER,
    }
    assert ({s.benchmark for s in pairs.only[BASE]}, {s.benchmark for s in pairs.only[HEAD]}) == (
        {"gone"},
        {"new"},
    )
    assert runner.calls[0][1] == ()
    assert runner.calls[2][1] == ("gone", "same", "slow")
    assert runner.calls[-1][1] == ("slow",)
    assert pairs.cut == ""
    firsts = [side for side, _ in runner.calls[::2]]
    assert {"a", "b"} == set(firsts)
    assert all(a != b for (a, _), (b, _) in zip(runner.calls[::2], runner.calls[1::2], strict=True))
    again = Arithmetic(["gone", "new", "same", "slow"], usual)
    run(again)
    assert again.calls == runner.calls


def test_each_side_stays_in_its_place_until_something_is_suspected() -> None:
    calm = Arithmetic(["x"], lambda name, side, chance: math.exp(chance.gauss(0, 0.5)))
    run(calm, Budget(rounds=8))
    assert set(calm.places) == {"a in a", "b in b"}


@pytest.mark.parametrize(("held", "verdict"), [(HELD, Verdict.UNCLEAR), (10_000, Verdict.SLOWER)])
def test_a_place_that_slows_is_not_taken_for_the_change(
    held: int, verdict: Verdict, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The same code, slower by a fifth in place b for good: an alarm where the sides never change places."""
    monkeypatch.setattr("regress.service.ci.places.HELD", held)
    runner = Arithmetic(["x"], lambda name, side, chance: math.exp(chance.gauss(0, 0.02)), slant=1.2)
    pairs = run(runner)
    assert pairs.trial is not None
    assert pairs.trial.finding(0).verdict is verdict


@pytest.mark.parametrize(
    ("error", "cut", "said"),
    [(KeyboardInterrupt(), INTERRUPTED, ""), (RunnerError("asv run", "died"), "the tool failed", "asv run")],
)
def test_what_was_measured_whole_is_kept(error: BaseException, cut: str, said: str) -> None:
    def dies(name: str, side: str, chance: random.Random) -> float | None:
        if len(runner.calls) > 4:
            raise error
        return math.exp(chance.gauss(0, 0.3))

    runner = Arithmetic(["noisy"], dies)
    pairs = run(runner)
    assert pairs.cut == cut
    assert pairs.said.startswith(said)
    assert bool(pairs.said) is bool(said)
    assert pairs.rounds == 2
    assert [len(values) for values in pairs.values[key("noisy")]] == [2, 2]


def test_a_tool_that_cannot_work_at_all_says_so() -> None:
    def dies(name: str, side: str, chance: random.Random) -> float | None:
        raise RunnerError("asv run", "no such option")

    with pytest.raises(RunnerError, match="no such option"):
        run(Arithmetic(["x"], dies))


def test_budgets_end_what_noise_does_not_let_decide() -> None:
    noisy = Arithmetic(["x"], lambda name, side, chance: math.exp(chance.gauss(0, 0.5)))
    pairs = run(noisy, Budget(rounds=7))
    assert (pairs.rounds, pairs.cut) == (7, "7 pairs were measured")
    assert run(noisy, Budget(seconds=-1.0)).cut == "its time was up"


def test_a_benchmark_that_stops_giving_numbers_is_given_up() -> None:
    def tires(name: str, side: str, chance: random.Random) -> float | None:
        return math.exp(chance.gauss(0, 0.5)) if len(runner.calls) < 5 or side == "a" else None

    runner = Arithmetic(["x"], tires)
    pairs = run(runner)
    assert pairs.rounds == 5
    assert pairs.cut == ""


@pytest.mark.parametrize("recovers", [True, False])
def test_a_benchmark_that_seems_broken_is_tried_again(recovers: bool) -> None:
    def boom(name: str, side: str, chance: random.Random) -> float | None:
        return None if side == "b" and not (recovers and len(runner.calls) > 2) else 1.0

    runner = Arithmetic(["boom"], boom)
    pairs = run(runner)
    assert [key.benchmark for key in pairs.broken()] == ([] if recovers else ["boom"])
    assert len(runner.calls) == (4 if recovers else 6)


def test_worse_is_worse_in_every_direction() -> None:
    rate = key("r", Metric("ops", "ops/s", Direction.HIGHER))
    assert worsening(key("t"), 1.0, 2.0) == pytest.approx(math.log(2))
    assert worsening(rate, 1.0, 2.0) == pytest.approx(-math.log(2))
    assert worsening(key("t"), 0.0, 0.0) == 0.0
    assert worsening(key("t"), 0.0, 3.0) == 1.0
    for a, b in ((1.0, 2.0), (0.0, 3.0), (-1.0, 4.0)):
        assert worsening(key("t"), a, b) == -worsening(key("t"), b, a)
