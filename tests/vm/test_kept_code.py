"""Threaded code on disk: a later start translates nothing, and runs the same."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from tests.vm.engines import call, instance, store
from vm.isa.opcodes import BY_NAME
from vm.isa.types import ValType
from vm.runtime.instance import Instance
from vm.tiers.threaded import kept, made, translate
from vm.tiers.threaded.library import Library, library
from vm.tiers.threaded.program import ThreadedProgram
from vm.tiers.threaded.steps import StepPlan, of_reference

TEXT = """(module
  (type $open (sub (func (result i64))))
  (type $unary (func (param i32) (result i32)))
  (memory 1) (table 2 funcref) (elem (i32.const 0) $double $triple)
  (func $double (type $unary) (i32.mul (local.get 0) (i32.const 2)))
  (func $triple (type $unary) (i32.mul (local.get 0) (i32.const 3)))
  (func (export "through") (param i32 i32) (result i32)
    (call_indirect (type $unary) (local.get 0) (local.get 1)))
  (func (export "grow") (param i32) (result i32) (memory.grow (local.get 0)))
  (func (export "sum") (param i32) (result i32) (local i32)
    (loop (local.set 1 (i32.add (local.get 1) (local.get 0)))
          (br_if 0 (local.tee 0 (i32.sub (local.get 0) (i32.const 1)))))
    (local.get 1))
  (func (export "swapped") (param i64) (result i64)
    (i64.add (local.get 0) (i64.const 0x7f0000001234)))
  (func (export "caught") (param i32) (result i32)
    (block $none (try_table (catch_all $none) (return (i32.div_u (i32.const 12) (local.get 0)))))
    (i32.const -1)))"""

CALLS = [
    ("through", [7, 0], [14]),
    ("through", [7, 1], [21]),
    ("grow", [2], [1]),
    ("grow", [1 << 20], [0xFFFF_FFFF]),
    ("sum", [10], [55]),
    ("swapped", [1], [0x7F00_0000_1235]),
    ("caught", [4], [3]),
]


def run(tier: str, folder: Path, **knobs: object) -> tuple[Instance, float]:
    """A fresh instance that has done everything, and how many of its functions were found."""
    world = store(tier, cache_folder=str(folder), **knobs)
    world.meters.fuel = 1000
    made_of = instance(world, TEXT)
    for name, args, results in CALLS:
        assert call(made_of, name, *args) == results
    return made_of, world.runner.stats()["cached_functions"]


@pytest.mark.parametrize("tier", ["threaded", "baseline", "tiered"])
@pytest.mark.parametrize("knobs", [{}, {"consume_fuel": True}, {"memory_guard": "checked"}])
def test_a_later_start_finds_what_an_earlier_one_has_translated(
    tier: str, knobs: dict[str, object], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """All but the function that catches, whose handlers are no plain data."""
    assert run(tier, tmp_path, **knobs)[1] == 0
    kept.keep()
    translated: list[int] = []
    monkeypatch.setattr(
        translate.Translator,
        "run",
        lambda t, run=translate.Translator.run: (translated.append(t.index), run(t))[1],
    )
    assert run(tier, tmp_path, **knobs)[1] == 6
    assert translated == [6]


def test_a_file_of_other_knobs_or_handlers_or_a_damaged_one_is_not_used(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    run("threaded", tmp_path)
    kept.keep()
    assert run("threaded", tmp_path, memory_guard="checked")[1] == 0
    with monkeypatch.context() as elsewhere:
        elsewhere.setattr(Library, "layout", lambda library: bytes(8 * len(library.handlers)))
        assert run("threaded", tmp_path)[1] == 0
    assert run("threaded", tmp_path)[1] == 6
    (path,) = tmp_path.glob("*.code")
    path.write_bytes(path.read_bytes()[:-1])
    assert run("threaded", tmp_path)[1] == 0


def test_what_another_thread_translates_while_all_is_written_does_no_harm(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A thread that nobody waits for may do so until the very end."""
    kept.keep()
    run("threaded", tmp_path)
    ((_, new),) = kept._learnt.values()

    def pack(code: made.Made, *others: Any) -> made.Packed | None:
        new[len(new)] = code, []
        return made.pack(code, *others)

    monkeypatch.setattr(kept, "pack", pack)
    kept.keep()
    assert run("threaded", tmp_path)[1] == 6


def test_only_what_is_of_the_process_changes_with_it(tmp_path: Path) -> None:
    """Handlers move with their place; a number that looks like the address of one stays."""
    whole = instance(store("threaded"), TEXT)
    program = ThreadedProgram(whole.module, whole.store.config, whole.store.runner._costs)  # type: ignore[attr-defined]
    base = library().extent[0]
    for index in range(6):
        code = program._make(whole.module, index)
        for at, word in enumerate(code.words):
            handler = at in code.places.handlers
            assert handler == (word in library().handlers.values()), (index, at)
        packed = made.pack(code, base, program.steps)
        assert packed is not None
        steps = [StepPlan(of_reference(BY_NAME["memory.grow"], (0,), 1), (ValType.I32,), (ValType.I32,))] * 3
        moved = made.unpack(packed, base + 4096, whole.module.types[::-1] + whole.module.types, steps, (5, 6))
        assert {b - a for a, b in zip(code.words, moved.words, strict=True)} <= {0, 4096, 3 << 32} | {
            b.id - a.id for a in whole.module.types for b in whole.module.types
        }
        for at in code.places.handlers:
            assert moved.words[at] == code.words[at] + 4096
        assert (moved.loops, moved.labels, moved.first) == (code.loops, tuple(code.labels), code.first)
