"""Whom calls can go to as far as a module tells itself; code that expects no others, and meets them."""

from __future__ import annotations

import pytest

from tests.vm.engines import call, instance, module, store
from vm import tiers
from vm.config import Config
from vm.errors import Trap, TrapCode
from vm.jit import makers
from vm.jit.request import Request
from vm.runtime.instantiate import instantiate
from vm.tiers.llvm.reach import Foreseen, likely

KEEPER = """(module $keeper
  (type $t (func (param i32) (result i32)))
  (global $mine (mut i32) (i32.const 0))
  (table (export "table") 6 funcref)
  (elem (i32.const 0) $add $times $pair) (elem declare func $times)
  (func $add (type $t) (i32.add (local.get 0) (global.get $mine)))
  (func $times (type $t) (i32.mul (local.get 0) (global.get $mine)))
  (func $pair (param i32 i32) (result i32) (i32.sub (local.get 0) (local.get 1)))
  (func $third (export "third") (type $t) (i32.const 3))
  (func (export "set") (param i32) (global.set $mine (local.get 0)))
  (func (export "put") (param i32 funcref) (table.set (local.get 0) (local.get 1)))
  (func (export "get") (param i32) (result funcref) (table.get (local.get 0)))
  (func $f (export "f") (param i32 i32) (result i32)
    (i32.add (i32.const 100) (call_indirect (type $t) (local.get 0) (local.get 1))))
  (func $two (export "two") (param i32 i32 i32) (result i32)
    (call_indirect (param i32 i32) (result i32) (local.get 0) (local.get 1) (local.get 2))))"""


def test_functions_of_a_type_are_foreseen_if_they_are_few() -> None:
    data = module(KEEPER)
    foreseen = Foreseen(data)
    assert foreseen.functions(data.types[0]) == (0, 1)  # neither $third nor what is exported: no table has it
    assert likely(data, 7, foreseen) == [0, 1]
    many = module(
        """(module (type $t (func)) (table funcref (elem $a $b $c)) (func $a) (func $b) (func $c)
          (func (call_indirect (type $t) (i32.const 0))))"""
    )
    assert Foreseen(many).functions(many.types[0]) == ()
    assert likely(many, 3, Foreseen(many)) == []
    kin = module(
        """(module (type $up (sub (func))) (type $down (sub $up (func))) (table funcref (elem $b $a))
          (func $a (type $down)) (func $b (type $up)))"""
    )
    assert [Foreseen(kin).functions(type) for type in kin.types] == [(0, 1), (0,)]


def test_what_is_foreseen_is_compiled_together_with_its_caller() -> None:
    s = store("llvm")
    made = makers.make(Request(module(KEEPER), (7,), s.config, 2, scope="reachable"))
    assert set(made.functions) == {7, 0, 1}


def test_who_asks_for_each_function_by_itself_gets_fewer_others() -> None:
    config = Config(batch_bytes=1 << 20, tier_batch_bytes=1)
    made = makers.make(Request(module(KEEPER), (7,), config, 2, scope="near"))
    assert set(made.functions) == {7}


@pytest.mark.parametrize("tier", tiers.TIERS)
@pytest.mark.parametrize("level", [0, 3])
def test_a_function_that_was_not_foreseen_is_called_all_the_same(tier: str, level: int) -> None:
    s = store(tier, opt_level=level)
    data = module(KEEPER)
    mine, other = instantiate(s, data, []), instantiate(s, data, [])
    call(mine, "set", 7)
    call(other, "set", 1000)
    assert [call(mine, "f", 5, which) for which in (0, 1)] == [[112], [135]]
    call(mine, "put", 3, *call(other, "get", 0))  # of the same code, but of another instance
    call(mine, "put", 4, *call(other, "get", 1))
    call(mine, "put", 0, *call(instance(s, STRANGER), "get", 0))
    assert [call(mine, "f", 5, which) for which in (3, 4, 0)] == [[1105], [5100], [95]]
    assert call(mine, "two", 5, 2, 2) == [3]
    for which, code in (
        (2, TrapCode.BAD_SIGNATURE),
        (5, TrapCode.UNINITIALIZED_ELEMENT),
        (6, TrapCode.UNDEFINED_ELEMENT),
    ):
        with pytest.raises(Trap) as trap:
            call(mine, "f", 5, which)
        assert trap.value.code is code


STRANGER = """(module (table (export "table") 1 funcref) (elem (i32.const 0) $negate)
  (func $negate (param i32) (result i32) (i32.sub (i32.const 0) (local.get 0)))
  (func (export "get") (param i32) (result funcref) (table.get (local.get 0))))"""
