"""The learned tiering policy: what it is taught, and what it then does."""

from __future__ import annotations

import json
import random
from pathlib import Path
from typing import Any

import pytest

from benchmarks.replay import ORDERS, Replay, Trace
from tests.vm.engines import call, instance, store
from vm.config import KNOBS, Config
from vm.tiers import learn
from vm.tiers.features import NAMES, features
from vm.tiers.learned import Learned
from vm.tiers.model import model, read
from vm.tiers.policy import chosen
from vm.tiers.tiered.tier import TieredTier


def trace(program: str, seed: int) -> dict[str, Any]:
    """Made up: calls are dear to compile, and what stores gains most."""
    dice = random.Random(seed)
    looks: dict[str, list[int]] = {}
    for index in range(12):
        size = dice.randrange(200, 2_000)
        looks[str(index)] = [size, *(dice.randrange(size // 8) for _ in NAMES[1:])]
    calls, stores = NAMES.index("calls"), NAMES.index("stores")
    cost = {name: 1e-5 * each[0] * (0.01 + each[calls] / each[0]) ** 0.5 for name, each in looks.items()}
    gain = {name: 8 * (0.01 + each[stores] / each[0]) ** 0.5 for name, each in looks.items()}
    samples = [int(name) for name in looks for _ in range(50)]
    return {
        "program": program,
        "start": "baseline",
        "seconds": 6.0,
        "runs": 1,
        "samples": samples,
        "compiled": {name: [0.5 / gain[name], 50] for name in looks},
        "places": [[int(name), -1, cost[name], 3, [int(name)], looks[name][0]] for name in looks],
        "features": looks,
        "counts": [[0.05 + second, int(name), -1, 20_000 * second] for second in (1, 2) for name in looks],
        "whole": False,
    }


def test_what_there_is_to_learn_is_learnt(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """Costs and gains that follow from looks are known of programs that nobody has seen."""
    source, out = tmp_path / "traces.json", tmp_path / "learned.json"
    source.write_text(json.dumps([trace(f"p{n}", n) for n in range(6)]))
    assert learn.main([str(source), "--out", str(out), "--without", "p5"]) == 0
    content = json.loads(out.read_text())
    assert content["programs"] == ["p0", "p1", "p2", "p3", "p4"]
    for of in ("cost", "baseline"):
        assert content["held_out"][of]["learned"] < 1.02 < 1.1 < content["held_out"][of]["assumed"]
    assert "in programs left out" in capsys.readouterr().out
    unseen, taught = trace("p5", 5), read(content)
    for index, _, seconds, _, _, size in unseen["places"]:
        looks = unseen["features"][str(index)]
        assert taught.cost(looks, size) == pytest.approx(seconds, rel=0.05)
        gain = 0.5 / unseen["compiled"][str(index)][0]
        assert taught.gain("baseline", looks) == pytest.approx(max(gain, 1), rel=0.05)


def test_traces_are_played_with_what_they_say() -> None:
    """It takes longer than if all code had been there at once, and less than if there had never been any."""
    played = Trace(trace("p", 1))
    least = sum(played.step / played.gains[function] for function in played.samples)
    for order in ORDERS.values():
        assert least < Replay(played, order).run() < 0.9 * len(played.samples) * played.step


def test_files_of_something_else_are_refused(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    source = tmp_path / "traces.json"
    source.write_text('[{"program": "p"}]')
    with pytest.raises(SystemExit) as caught:
        learn.main([str(source)])
    assert caught.value.code == 2
    assert "benchmarks.traces" in capsys.readouterr().err


def test_dear_functions_run_longer_before_they_are_compiled() -> None:
    """The weights decide, within bounds; what has been measured moves all thresholds."""
    content = {
        "usual": {"cost": 1e-5, "baseline": 2.0},
        "weights": {
            "cost": dict.fromkeys(("one", "size", *NAMES[1:]), 0.0)
            | {"one": -11.5, "size": 1.0, "calls": 1.0},
            "baseline": dict.fromkeys(("one", "size", *NAMES[1:]), 0.0) | {"one": 0.7},
        },
    }
    policy = Learned(Config(tier="tiered", tier_calls=1_000, tier_trips=5_000), "baseline", read(content))
    plain, calls = [4_000, *[0] * len(NAMES[1:])], NAMES.index("calls")
    busy = plain.copy()
    busy[calls] = 2_000
    assert policy.counting(0, lambda: plain) == (250, 1_250)
    assert policy.counting(0, lambda: busy)[0] in range(450, 560)
    for _ in range(100):
        policy.learn(2 * policy.cost(4_000, lambda: busy), 4_000, lambda: busy)
    assert policy.counting(0, lambda: plain) == (1_000, 5_000)


def test_the_knob_chooses_the_policy() -> None:
    """The package's own model is read, and knows every start; programs do the same."""
    config = Config(tier="tiered", policy="learned")
    body = bytes(range(0x20, 0xC0)) * 4
    for start in KNOBS["tier_start"].metadata["choices"]:
        if start != "auto":
            policy = chosen(config, start)
            assert isinstance(policy, Learned)
            assert policy.counting(0, lambda: features(body)) > (0, 0)
            assert model().gain(start, features(body)) >= 1
    i = instance(
        store(
            "tiered", policy="learned", tier_calls=2, tier_observes=0, tier_waits=True, tier_start="threaded"
        ),
        '(module (func (export "f") (param i32) (result i32) (i32.add (local.get 0) (i32.const 1))))',
    )
    assert [call(i, "f", n) for n in range(12)] == [[n + 1] for n in range(12)]
    assert isinstance(i.store.runner, TieredTier)
    assert i.store.runner.stats()["compiled_functions"] == 1
