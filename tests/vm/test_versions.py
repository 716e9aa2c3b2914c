"""Loops whose accesses are checked before they start: what is planned, and that nobody sees a difference."""

from __future__ import annotations

import random

import pytest

from tests.vm.engines import call, instance, module, store
from tests.vm.test_llvm_text import told
from vm.config import Config
from vm.errors import Trap, TrapCode
from vm.runtime.instance import Instance
from vm.tiers.llvm.ranges import Below, Differs, Plan, Sum, plan

END = 1 << 16
"""Where the memories here end."""


SIGN = 1 << 31


def planned(body: str, locals: str = "") -> Plan | None:
    """The plan of the one loop of a function of three i32s."""
    data = module(f"(module (memory 1) (func (param i32 i32 i32) {locals} (loop {body})))")
    at = data.binary.index(b"\x03\x40", data.bodies[0].start) + 2
    types = [*data.function_type(0).params]
    for count, type in data.bodies[0].locals:
        types += [type] * count
    return plan(data, at, types)


STEP = "(br_if 0 (i32.ne (local.tee 0 (i32.add (local.get 0) (i32.const 4))) (local.get 1)))"


def test_a_loop_over_an_array_is_planned() -> None:
    body = "(i32.store offset=8 (local.get 0) (i32.load (i32.sub (local.get 0) (i32.const 12))))" + STEP
    found = planned(body)
    assert found is not None
    assert found.condition == Differs(Sum(4, ((0, 1), (1, (1 << 32) - 1))), 4)
    (group,) = found.groups
    assert (group.start, group.step, group.reach) == (Sum((1 << 32) - 12, ((0, 1),)), 4, 24)
    assert sorted(group.ahead.values()) == [0, 20]


@pytest.mark.parametrize(
    ("condition", "found"),
    [
        ("i32.lt_u NEXT (local.get 1)", Below(Sum(4, ((0, 1),)), Sum(0, ((1, 1),)), 4)),
        ("i32.gt_s (local.get 1) NEXT", Below(Sum(4 + SIGN, ((0, 1),)), Sum(SIGN, ((1, 1),)), 4)),
        ("i32.lt_u (local.get 1) (i32.sub (i32.const 9) NEXT)", None),  # down: not worth it
        ("i32.gt_u NEXT (local.get 1)", None),  # the last round is the first, or past 2^32
        ("i32.lt_u (local.get 1) (local.get 2)", None),
        ("i32.lt_u NEXT (local.get 0)", None),
        ("i32.lt_u NEXT (i32.load (local.get 1))", None),
    ],
)
def test_loops_go_on_while_a_sum_is_below_another(condition: str, found: Below | None) -> None:
    condition = condition.replace("NEXT", "(local.tee 0 (i32.add (local.get 0) (i32.const 4)))")
    plan = planned(f"(i32.store (local.get 0) (i32.const 7)) (br_if 0 ({condition}))")
    assert (plan and plan.condition) == found


def test_indices_are_sums_and_products_by_constants() -> None:
    index = "(i32.add (i32.mul (local.get 0) (i32.const -3)) (i32.shl (local.get 2) (i32.const 2)))"
    body = f"(i32.store8 {index} (local.get 0)) (local.set 2 (i32.sub (local.get 2) (i32.const 5)))"
    found = planned(body + STEP)
    assert found is not None
    assert [(group.step, group.reach) for group in found.groups] == [(4 * -3 - 5 * 4, 1)]


@pytest.mark.parametrize(
    "body",
    [
        STEP,  # nothing to check
        "(i32.store (i32.load (local.get 0)) (i32.const 0))" + STEP,  # where to is only known in the loop
        "(i32.store (i32.and (local.get 0) (i32.const 255)) (i32.const 0))" + STEP,
        "(i32.store (local.get 2) (i32.const 0)) (local.set 2 (local.get 0))" + STEP,
        "(i32.store (local.get 0) (i32.div_u (local.get 1) (local.get 2)))" + STEP,  # traps by itself
        "(i32.store (local.get 0) (i32.const 0)) (call 0 (local.get 0) (local.get 0) (local.get 0))" + STEP,
        "(i32.store (local.get 0) (i32.const 0)) (br_if 1 (local.get 2))" + STEP,  # a second way out
        "(i32.store (local.get 0) (i32.const 0)) (br_if 0 (i32.load (local.get 0)))",
        "(i32.store (local.get 0) (i32.const 0)) (br_if 0 (local.get 1))",  # once, or for ever
    ],
)
def test_other_loops_are_not(body: str) -> None:
    assert planned(body) is None


def test_accesses_are_plain_only_where_all_is_inside(monkeypatch: pytest.MonkeyPatch) -> None:
    wat = f"(module (memory 1) (func (param i32 i32) (loop (i32.store (local.get 0) (i32.const 7)) {STEP})))"
    ir, _ = told(monkeypatch, wat)
    assert ir.count("store i32 7,") == ir.count("store volatile i32 7,") == 1
    for config, level in ((Config(consume_fuel=True), 3), (Config(profile_make=True), 3), (Config(), 1)):
        assert "store i32 7," not in told(monkeypatch, wat, level, config)[0]
    shared = wat.replace("(memory 1)", "(memory 1 1 shared)")
    assert "store i32 7," not in told(monkeypatch, shared)[0]


def outcome(i: Instance, name: str, args: list[int]) -> tuple[object, bytes]:
    """What a call gives, and what the memory is then; it starts with bytes that tell where they are."""
    view = i.memories[0].view
    view[:] = bytes((7 * at + (at >> 8)) & 0xFF for at in range(1 << 10)) * (END >> 10)
    try:
        return call(i, name, *args), bytes(view)
    except Trap as trap:
        return trap.code, bytes(view)


FILLS = """(module (memory (export "m") 1)
  (func $fill (param i32 i32) (local i32)
    (loop (i32.store8 (local.get 2) (local.get 1))
      (br_if 0 (i32.ne (local.tee 2 (i32.add (local.get 2) (i32.const 1))) (local.get 0)))))
  (func (export "f")
    (call $fill (i32.const 256) (i32.const 1)) (drop (i32.load (i32.const 65533)))
    (call $fill (i32.const 256) (i32.const 2))))"""


@pytest.mark.parametrize("guard", ["checked", "guard"])
def test_what_a_loop_has_stored_is_there_when_the_next_access_traps(guard: str) -> None:
    """LLVM makes one store of each fill, the second of which would do away with the first."""
    i = instance(store("llvm", memory_guard=guard), FILLS)
    _, memory = outcome(i, "f", [])
    assert set(memory[:256]) == {1}


EDGES = """(module (memory (export "m") 1)
  (func (export "up") (param i32 i32)
    (loop (i32.store offset=1 (local.get 0) (local.get 1))
      (local.set 0 (i32.add (local.get 0) (i32.const 4)))
      (br_if 0 (local.tee 1 (i32.sub (local.get 1) (i32.const 1))))))
  (func (export "down") (param i32 i32)
    (loop (i32.store offset=1 (local.get 0) (local.get 1))
      (local.set 0 (i32.sub (local.get 0) (i32.const 4)))
      (br_if 0 (local.tee 1 (i32.sub (local.get 1) (i32.const 1)))))))"""


@pytest.mark.parametrize("guard", ["checked", "guard"])
def test_loops_that_end_at_the_edge_or_just_beyond(guard: str) -> None:
    compiled, oracle = instance(store("llvm", memory_guard=guard), EDGES), instance(store("threaded"), EDGES)
    for more in range(-3, 4):
        for name, start in (("up", END - 1 - 4 * 32), ("down", 4 * 31)):
            args = [start + more, 32]
            expected = outcome(oracle, name, args)
            assert (expected[0] is TrapCode.MEMORY_OUT_OF_BOUNDS) == (more > 0 if name == "up" else more < 0)
            assert outcome(compiled, name, args) == expected, (name, args)


STEPS = (1, 2, 4, 8, -4, -1, 12, -8)
LOADS = ("i32.load", "i32.load8_s", "i32.load16_u", "f32.load", "f64.load", "i64.load32_u")


ENDS = (
    "DOWN",
    "(i32.ne DOWN (i32.const 0))",
    "(i32.gt_s DOWN (i32.const 0))",
    "(i32.lt_s (i32.const -2) DOWN)",
    "(i32.gt_u DOWN (i32.const 2))",
    "(i32.lt_s UP (local.get $n))",
    "(i32.lt_u UP (local.get $n))",
    "(i32.gt_u (local.get $n) UP)",
)
"""Conditions to go on."""


def loop(dice: random.Random, name: str) -> str:
    """A function with a loop: p and q go through memory by constants, n counts, a and s are made of it."""
    steps = {local: dice.choice(STEPS) for local in "pq"}
    lines = []
    for _ in range(dice.randint(1, 4)):
        to, source = dice.choice("pq"), dice.choice("pq")
        load, add = dice.choice(LOADS), dice.choice((0, 0, 1, 4, -4, 8))
        type = load.partition(".")[0]
        at = f"(i32.add (local.get ${source}) (i32.const {add}))"
        value = f"({load} offset={dice.choice((0, 0, 4, 16))} {at})"
        if type == "i32":
            value = f"(i32.{dice.choice(('add', 'xor', 'mul'))} {value} (local.get ${dice.choice('ans')}))"
            lines.append(f"(local.set ${dice.choice('as')} {value})")
            value = "(local.get $a)"
        elif type == "f32":
            value = f"(f32.{dice.choice(('add', 'mul'))} {value} (f32.const {dice.choice(('0', '1', '3'))}))"
        if dice.random() < 0.8:
            narrow = "8" if type == "i32" and dice.random() < 0.3 else ""
            offset = dice.choice((0, 0, 4, 8))
            lines.append(f"({type}.store{narrow} offset={offset} (local.get ${to}) {value})")
        else:
            lines.append(f"(drop {value})")
    down = dice.choice((1, 1, 2, 3))
    moves = [
        f"(local.set ${local} (i32.add (local.get ${local}) (i32.const {step})))"
        for local, step in steps.items()
    ]
    dice.shuffle(moves)
    lines.insert(dice.randint(0, len(lines)), moves.pop())
    lines += moves
    end = dice.choice(ENDS).replace("DOWN", f"(local.tee $n (i32.sub (local.get $n) (i32.const {down})))")
    end = end.replace("UP", f"(local.tee $i (i32.add (local.get $i) (i32.const {down})))")
    return f"""(func (export "{name}") (param $p i32) (param $q i32) (param $n i32) (result i32)
      (local $a i32) (local $s i32) (local $i i32) (loop {" ".join(lines)} (br_if 0 {end}))
      (i32.add (i32.xor (local.get $a) (local.get $s)) (i32.xor (local.get $p) (local.get $q))))"""


def starts(dice: random.Random) -> list[int]:
    """Pointers that are far from each other, close together, or about to leave at either end; rounds that
    are a multiple of what is counted down by, or lead round 2^32 until something traps.
    """
    p = dice.choice((dice.randrange(END), dice.randrange(END - 300, END), dice.randrange(64), 0x8000))
    q = dice.choice((dice.randrange(END), p + dice.randint(-24, 24), END - dice.randint(0, 200)))
    return [p & 0xFFFF_FFFF, q & 0xFFFF_FFFF, dice.choice((6, 12, 48, 60, 96, 5, 1))]


@pytest.mark.parametrize("guard", ["checked", "guard"])
def test_loops_do_the_same_as_they_do_interpreted(guard: str) -> None:
    dice = random.Random(f"loops {guard}")
    names = [f"f{number}" for number in range(16)]
    wat = f'(module (memory (export "m") 1) {" ".join(loop(dice, name) for name in names)})'
    compiled, oracle = instance(store("llvm", memory_guard=guard), wat), instance(store("threaded"), wat)
    ends = [0, 0]
    for name in names:
        for _ in range(12):
            args = starts(dice)
            expected = outcome(oracle, name, args)
            assert outcome(compiled, name, args) == expected, (name, args)
            ends[expected[0] is TrapCode.MEMORY_OUT_OF_BOUNDS] += 1
    assert min(ends) > 30
