"""The reference tier: each numeric meaning against wasmtime, and what an oracle must survive."""

from __future__ import annotations

import threading
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor

import pytest
import wasmtime
from hypothesis import given, settings
from hypothesis import strategies as st

from vm.config import Config
from vm.errors import Trap, TrapCode
from vm.isa.opcodes import BY_NAME, Opcode
from vm.isa.types import FuncType, ValType
from vm.module.decoder import decode
from vm.runtime.functions import Function
from vm.runtime.instance import Extern, Instance
from vm.runtime.instantiate import instantiate
from vm.runtime.store import Store
from vm.tiers.reference import ReferenceTier
from vm.tiers.reference.floats import F32, F64
from vm.tiers.reference.numeric import MEANINGS

_CARRIERS = {ValType.I32: "i32", ValType.I64: "i64", ValType.F32: "i32", ValType.F64: "i64"}
"""The integer type that carries a value's bits over wasmtime's border unchanged."""


def _wrapper(opcode: Opcode) -> str:
    """An exported function that applies the instruction to bit patterns."""
    assert opcode.type is not None
    params = " ".join(_CARRIERS[kind] for kind in opcode.type.params)
    operands = " ".join(
        f"({kind}.reinterpret_{_CARRIERS[kind]} (local.get {i}))"
        if kind in (ValType.F32, ValType.F64)
        else f"(local.get {i})"
        for i, kind in enumerate(opcode.type.params)
    )
    result = opcode.type.results[0]
    code = f"({opcode.name} {operands})"
    if result in (ValType.F32, ValType.F64):
        code = f"({_CARRIERS[result]}.reinterpret_{result} {code})"
    return f'(func (export "{opcode.name}") (param {params}) (result {_CARRIERS[result]}) {code})'


@pytest.fixture(scope="module")
def judge() -> tuple[wasmtime.Store, wasmtime.Instance]:
    """wasmtime with every numeric instruction as an export."""
    text = f"(module {' '.join(_wrapper(BY_NAME[name]) for name in MEANINGS)})"
    store = wasmtime.Store()
    return store, wasmtime.Instance(store, wasmtime.Module(store.engine, text), [])


def _edges(bits: int) -> list[int]:
    """Where rounding, signs and ranges change: powers of two and their neighbours, NaNs, infinities."""
    powers = [1 << n for n in (0, 7, 8, 15, 16, 23, 24, 31, 32, 52, 53, 62, 63) if n < bits]
    near = [power + delta for power in powers for delta in (-1, 0, 1)]
    form = F32 if bits == 32 else F64
    floats = [form.infinity, form.canonical_nan, form.infinity | 1, form.pattern(0.5), form.pattern(2.0**31)]
    floats += [form.pattern(value) for value in (1.5, 2.5, 2.0**63, 2.0**32 - 1, 2.0**24 + 1, 1e-40)]
    patterns = near + floats + [pattern | 1 << (bits - 1) for pattern in floats]
    return sorted({pattern & ((1 << bits) - 1) for pattern in patterns})


_PATTERNS = {
    bits: st.one_of(st.sampled_from(_edges(bits)), st.integers(0, (1 << bits) - 1)) for bits in (32, 64)
}


def _bits(kind: ValType) -> int:
    return 32 if kind in (ValType.I32, ValType.F32) else 64


@pytest.mark.parametrize("name", MEANINGS)
def test_meaning_agrees_with_wasmtime(name: str, judge: tuple[wasmtime.Store, wasmtime.Instance]) -> None:
    signature = BY_NAME[name].type
    assert signature is not None
    result = signature.results[0]

    @settings(max_examples=60)
    @given(st.tuples(*(_PATTERNS[_bits(kind)] for kind in signature.params)))
    def agree(operands: tuple[int, ...]) -> None:
        expected = _ask(judge, name, operands, signature.params, _bits(result))
        try:
            found: int | str = MEANINGS[name](*operands)
        except Trap as trap:
            found = trap.message
        if result in (ValType.F32, ValType.F64):
            found, expected = _nan_class(found, result), _nan_class(expected, result)
        assert found == expected

    agree()


def _ask(
    judge: tuple[wasmtime.Store, wasmtime.Instance],
    name: str,
    operands: Sequence[int],
    kinds: Sequence[ValType],
    result_bits: int,
) -> int | str:
    """wasmtime's answer as a bit pattern, or the trap's wording."""
    store, instance = judge
    signed = [
        value - (1 << _bits(kind)) if value >> (_bits(kind) - 1) else value
        for value, kind in zip(operands, kinds, strict=True)
    ]
    function = instance.exports(store)[name]
    assert isinstance(function, wasmtime.Func)
    try:
        answer: int = function(store, *signed)
    except wasmtime.Trap as trap:
        words = [code.value for code in TrapCode if f"wasm trap: {code.value}" in str(trap)]
        return words[0]
    return answer & ((1 << result_bits) - 1)


def _nan_class(bits: int | str, kind: ValType) -> int | str:
    """Arithmetic may give any quiet NaN; only instructions on the sign are exact, which other tests pin."""
    form = F32 if kind is ValType.F32 else F64
    if isinstance(bits, int) and bits & (form.sign - 1) > form.infinity:
        return "nan"
    return bits


class World:
    """A store on the reference tier, and modules from text in it."""

    def __init__(self, **knobs: int) -> None:
        self.config = Config(tier="reference", **knobs)  # type: ignore[arg-type]
        self.store = Store(ReferenceTier(self.config), self.config)

    def instance(self, text: str, *imports: Extern) -> Instance:
        module = decode(bytes(wasmtime.wat2wasm(f"(module {text})")))
        return instantiate(self.store, module, imports)

    def call(self, instance: Instance, export: str, *args: int) -> list[int]:
        function = instance.export(export)
        assert isinstance(function, Function)
        return list(self.store.call(function, args))


def test_nan_payloads_survive_everything_but_arithmetic() -> None:
    world = World()
    payload = 0x7FA0_1234  # signalling
    instance = world.instance(
        "(memory 1) (global $g (mut f32) (f32.const 0))"
        ' (func (export "f") (param f32) (result f32) (local f32)'
        " (f32.store (i32.const 8) (local.get 0)) (global.set $g (f32.load (i32.const 8)))"
        " (local.set 1 (global.get $g)) (f32.neg (f32.neg (local.get 1))))"
    )
    assert world.call(instance, "f", payload) == [payload]


def test_runaway_recursion_is_a_trap_with_a_backtrace() -> None:
    world = World()
    instance = world.instance('(func $again (export "f") (call $again))')
    with pytest.raises(Trap) as caught:
        world.call(instance, "f")
    assert caught.value.code is TrapCode.STACK_OVERFLOW
    assert caught.value.frames[0].function_name == "again"
    with pytest.raises(Trap):
        world.call(instance, "f")  # the first one gave its stack back


def test_threads_have_a_stack_each() -> None:
    """Two stores of one tier, each within its limit, both deep at the same time."""
    config = Config(tier="reference", max_wasm_stack=1 << 16)
    tier = ReferenceTier(config)
    both_deep = threading.Barrier(2)
    text = """(import "" "" (func $meet))
      (func $down (export "down") (param i32)
        (if (local.get 0) (then (call $down (i32.sub (local.get 0) (i32.const 1)))) (else (call $meet))))"""
    module = decode(bytes(wasmtime.wat2wasm(f"(module {text})")))

    def meet(args: Sequence[int]) -> list[int]:
        both_deep.wait(timeout=60)
        return []

    def dive() -> Sequence[int]:
        store = Store(tier, config)
        instance = instantiate(store, module, [store.host_function(FuncType(), meet)])
        function = instance.export("down")
        assert isinstance(function, Function)
        results: Sequence[int] = [*store.call(function, [500]), *store.call(function, [500])]
        return results

    with ThreadPoolExecutor(2) as pool:
        assert [future.result() for future in [pool.submit(dive), pool.submit(dive)]] == [[], []]


def test_big_frames_use_up_the_stack_sooner() -> None:
    """Frames of 50,000 locals must not eat the host's memory before the limit is met."""
    world = World(max_wasm_stack=1 << 20)
    calls: list[int] = []

    def note(args: Sequence[int]) -> list[int]:
        calls.append(args[0])
        return []

    host = world.store.host_function(FuncType((ValType.I32,)), note)
    many = " ".join(["i64"] * 10_000)
    instance = world.instance(
        '(import "" "" (func $note (param i32))) (func $again (export "f") (param i32)'
        f" (local {many}) (call $note (local.get 0)) (call $again (local.get 0)))",
        host,
    )
    with pytest.raises(Trap, match="call stack exhausted"):
        world.call(instance, "f", 1)
    assert 1 <= len(calls) <= (1 << 20) // 80_000


def test_recursion_through_the_host_is_a_trap_too() -> None:
    world = World()
    functions: list[Function] = []
    host = world.store.host_function(FuncType(), lambda args: world.store.call(functions[0], args))
    instance = world.instance('(import "" "" (func $host)) (func (export "f") (call $host))', host)
    function = instance.export("f")
    assert isinstance(function, Function)
    functions.append(function)
    with pytest.raises(Trap) as caught:
        world.call(instance, "f")
    assert caught.value.code is TrapCode.STACK_OVERFLOW


def test_an_exception_of_a_host_function_arrives_as_the_same_object() -> None:
    world = World()
    error = LookupError("host")

    def fail(args: Sequence[int]) -> list[int]:
        raise error

    host = world.store.host_function(FuncType(), fail)
    inner = world.instance('(import "" "" (func)) (func (export "f") (call 0))', host)
    outer = world.instance('(import "" "f" (func)) (func (export "g") (call 0))', inner.exports()["f"])
    with pytest.raises(LookupError) as caught:
        world.call(outer, "g")
    assert caught.value is error


def test_a_host_functions_own_recursion_error_is_not_disguised() -> None:
    world = World()

    def bottomless(args: Sequence[int]) -> Sequence[int]:
        return bottomless(args)

    host = world.store.host_function(FuncType(), bottomless)
    instance = world.instance('(import "" "" (func)) (func (export "f") (call 0))', host)
    with pytest.raises(RecursionError):
        world.call(instance, "f")


def test_backtrace_lists_callers_innermost_first() -> None:
    world = World()
    instance = world.instance(
        '(func $outer (export "f") (call $middle)) (func $middle (call $inner)) (func $inner (unreachable))'
    )
    with pytest.raises(Trap) as caught:
        world.call(instance, "f")
    assert [frame.function_name for frame in caught.value.frames] == ["inner", "middle", "outer"]


def test_multiple_results_and_block_parameters() -> None:
    world = World()
    instance = world.instance(
        "(func $swap (param i32 i64) (result i64 i32) (local.get 1) (local.get 0))"
        '(func (export "f") (param i32 i64) (result i64 i32)'
        " (call $swap (local.get 0) (local.get 1))"
        " (block (param i64 i32) (result i64 i32) (br 0)))"
    )
    assert world.call(instance, "f", 7, 9) == [9, 7]


def test_code_behind_a_branch_is_never_entered() -> None:
    """Unreachable code of every shape, between live code that depends on the heights being right."""
    world = World()
    instance = world.instance(
        """(func (export "f") (param i32) (result i32)
          (i32.add (i32.const 1000)
            (block $out (result i32)
              (br $out (i32.const 1))
              (if (result i32)
                (then (loop (br 0)) (i32.const 2))
                (else (unreachable) (br_table 0 1 $out) (drop)))
              (block (unreachable) (br_if 0) (return))
              (i32.add)))
          (if (param i32) (result i32) (local.get 0)
            (then (return (i32.const 5)) (br 0))
            (else (i32.const 1) (i32.add) (br 0) (unreachable))))"""
    )
    assert world.call(instance, "f", 1) == [5]
    assert world.call(instance, "f", 0) == [1002]
