"""Which references compiled code shows the collector where it catches exceptions: enough, not too many."""

from __future__ import annotations

import pytest

import vm.api as api

BOX = "(type $box (struct (field i32)))"

AT_HANDLERS = f"""(module {BOX} (tag $t)
  (func $litter (param i32)
    (drop (struct.new $box (i32.const 99)))
    (if (local.get 0) (then (throw $t))))
  (func (export "outer") (param i32) (result i32) (local $kept (ref null $box)) (local $other (ref null $box))
    (local.set $kept (struct.new $box (i32.const 7)))
    (local.set $other (struct.new $box (i32.const 30)))
    (block $done (block $handler
      (try_table (catch $t $handler)
        (block $inner (try_table (catch $t $inner)
          (call $litter (i32.const 0)) (call $litter (i32.const 1)) (return (i32.const -1))))
        (call $litter (local.get 0)) (call $litter (i32.const 0)))
      (br $done))
      (call $litter (i32.const 0))
      (return (struct.get $box 0 (local.get $kept))))
    (struct.get $box 0 (local.get $other)))
  (func (export "again") (param $n i32) (result i32) (local $kept (ref null $box)) (local $sum i32)
    (local.set $kept (struct.new $box (i32.const 5)))
    (loop $more
      (if (i32.eqz (local.get $n)) (then (return (local.get $sum))))
      (local.set $n (i32.sub (local.get $n) (i32.const 1)))
      (local.set $sum (i32.add (local.get $sum) (struct.get $box 0 (local.get $kept))))
      (try_table (catch $t $more) (call $litter (i32.const 0)) (call $litter (i32.const 1))))
    (unreachable)))"""
"""References that only the code behind a handler asks for: of the outermost try, and of a loop around one."""


@pytest.mark.parametrize("level", [0, 3])
def test_what_only_a_handler_needs_survives_in_its_try(level: int) -> None:
    config = api.Config()
    config.gc_stress = True
    config.opt_level = level
    store = api.Store(api.Engine(config))
    exports = api.Instance(store, api.Module(store.engine, AT_HANDLERS), []).exports(store)
    outer, again = exports["outer"], exports["again"]
    assert isinstance(outer, api.Func)
    assert isinstance(again, api.Func)
    assert [outer(store, 0), outer(store, 1)] == [30, 7]
    assert again(store, 4) == 20


def test_many_short_lives_of_exceptions_are_few_roots() -> None:
    """As compilers write landing pads: a local each, which is needed from the catch to the rethrow."""
    many = 600
    pads = "".join(
        f"""(block $past{i} (block $pad (result exnref)
          (try_table (catch_all_ref $pad) (call $f)) (br $past{i}))
          (local.set {i}) (call $f) (throw_ref (local.get {i})))"""
        for i in range(many)
    )
    wat = f'(module (import "m" "f" (func $f)) (func (export "g") (local {"exnref " * many}) {pads}))'
    store = api.Store()
    calls: list[int] = []
    function = api.Func(store, api.FuncType([], []), lambda: calls.append(1))
    run = api.Instance(store, api.Module(store.engine, wat), [function]).exports(store)["g"]
    assert isinstance(run, api.Func)
    run(store)
    assert len(calls) == many
