"""Shared memories: atomic instructions, wait and notify, with real threads in stores of one engine."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable
from typing import Any

import pytest
import wasmtime

import vm.api as api
from tests.vm import engines
from vm.errors import LinkError, Trap, TrapCode, ValidationError, VMError
from vm.isa.opcodes import OPCODES, Opcode
from vm.tiers import TIERS

every_tier = pytest.mark.parametrize("tier", TIERS)

WORKER = """(module
  (import "e" "m" (memory 1 16 shared))
  (func (export "add") (param $n i32)
    (loop $again
      (drop (i32.atomic.rmw.add (i32.const 0) (i32.const 1)))
      (br_if $again (local.tee $n (i32.sub (local.get $n) (i32.const 1))))))
  (func (export "add_locked") (param $n i32)
    (loop $again
      (loop $spin (br_if $spin (i32.atomic.rmw.cmpxchg (i32.const 8) (i32.const 0) (i32.const 1))))
      (i64.store (i32.const 16) (i64.add (i64.load (i32.const 16)) (i64.const 1)))
      (i32.atomic.store (i32.const 8) (i32.const 0))
      (br_if $again (local.tee $n (i32.sub (local.get $n) (i32.const 1))))))
  (func (export "produce") (param $n i32) (local $i i32)
    (loop $again
      (local.set $i (i32.add (local.get $i) (i32.const 1)))
      (block $empty (loop $wait
        (br_if $empty (i32.eqz (i32.atomic.load (i32.const 32))))
        (drop (memory.atomic.wait32 (i32.const 32) (i32.const 1) (i64.const -1)))
        (br $wait)))
      (i32.store (i32.const 36) (i32.mul (local.get $i) (local.get $i)))
      (i32.atomic.store (i32.const 32) (i32.const 1))
      (drop (memory.atomic.notify (i32.const 32) (i32.const -1)))
      (br_if $again (i32.lt_u (local.get $i) (local.get $n)))))
  (func (export "consume") (param $n i32) (result i64) (local $sum i64)
    (loop $again
      (block $full (loop $wait
        (br_if $full (i32.atomic.load (i32.const 32)))
        (drop (memory.atomic.wait32 (i32.const 32) (i32.const 0) (i64.const -1)))
        (br $wait)))
      (local.set $sum (i64.add (local.get $sum) (i64.load32_u (i32.const 36))))
      (i32.atomic.store (i32.const 32) (i32.const 0))
      (drop (memory.atomic.notify (i32.const 32) (i32.const -1)))
      (br_if $again (local.tee $n (i32.sub (local.get $n) (i32.const 1)))))
    (local.get $sum))
  (func (export "wait32") (param i32 i32 i64) (result i32)
    (memory.atomic.wait32 (local.get 0) (local.get 1) (local.get 2)))
  (func (export "wait64") (param i32 i64 i64) (result i32)
    (memory.atomic.wait64 offset=8 (local.get 0) (local.get 1) (local.get 2)))
  (func (export "notify") (param i32 i32) (result i32)
    (memory.atomic.notify (local.get 0) (local.get 1)))
  (func (export "grown") (result i32)
    (loop $again (br_if $again (i32.lt_u (memory.size) (i32.const 3))))
    (i32.load8_u (i32.const 196607)))
  (func (export "grow") (param i32) (result i32) (memory.grow (local.get 0)))
)"""


class World:
    """One engine and one shared memory; ``thread`` runs a call in a store of its own."""

    def __init__(self, tier: str, **knobs: object) -> None:
        config = api.Config()
        config.tier = tier
        for name, value in knobs.items():
            setattr(config, name, value)
        self.engine = api.Engine(config)
        self.module = api.Module(self.engine, WORKER)
        self.memory = api.SharedMemory(self.engine, api.MemoryType(api.Limits(1, 16), shared=True))
        self.threads: list[threading.Thread] = []
        self.results: list[Any] = []

    def call(self, name: str, *args: int) -> Any:
        """Call an export of a new instance in a new store."""
        store = api.Store(self.engine)
        function = api.Instance(store, self.module, [self.memory]).exports(store)[name]
        assert isinstance(function, api.Func)
        return function(store, *args)

    def thread(self, name: str, *args: int) -> None:
        """Start a call in a thread."""
        slot = len(self.results)
        self.results.append(None)

        def run() -> None:
            self.results[slot] = self.call(name, *args)

        self.threads.append(threading.Thread(target=run, daemon=True))
        self.threads[-1].start()

    def join(self) -> list[Any]:
        """Wait for all threads; their results."""
        for thread in self.threads:
            thread.join(60)
            assert not thread.is_alive()
        return self.results

    def word(self, address: int) -> int:
        return int.from_bytes(self.memory.raw.view[address : address + 8], "little")


ROUNDS = {"reference": 300}
"""How often a loop runs on a slow tier; elsewhere 20,000 times."""


@every_tier
def test_counters_of_several_threads_are_exact(tier: str) -> None:
    world, rounds = World(tier), ROUNDS.get(tier, 20_000)
    for name in ("add", "add", "add_locked", "add_locked"):
        world.thread(name, rounds)
    world.join()
    assert (world.word(0), world.word(16)) == (2 * rounds, 2 * rounds)


@every_tier
def test_a_producer_and_a_consumer_take_turns(tier: str) -> None:
    world, rounds = World(tier), 200
    world.thread("consume", rounds)
    world.thread("produce", rounds)
    assert world.join()[0] == sum(i * i for i in range(1, rounds + 1))


@every_tier
def test_growth_is_seen_by_all(tier: str) -> None:
    world = World(tier)
    world.thread("grown")
    assert world.call("grow", 2) == 1
    assert world.join() == [0]
    assert (world.memory.size(), world.memory.data_len()) == (3, 3 * 65536)
    assert world.memory.grow(1) == 3
    with pytest.raises(VMError, match="failed to grow"):
        world.memory.grow(13)


@pytest.mark.parametrize("guard", ["guard", "checked"])
def test_compiled_code_sees_growth_whichever_way_it_checks(guard: str) -> None:
    world = World("llvm", memory_guard=guard)
    world.thread("grown")
    world.memory.grow(2)
    assert world.join() == [0]


@every_tier
def test_wait_ends_at_once_in_time_or_when_notified(tier: str) -> None:
    world = World(tier)
    assert world.call("wait32", 0, 1, -1) == 1
    assert world.call("wait64", 0, 1, -1) == 1
    assert world.call("wait32", 0, 0, 0) == 2
    started = time.monotonic()
    assert world.call("wait64", 0, 0, 20_000_000) == 2
    assert time.monotonic() - started >= 0.02
    assert world.call("notify", 0, 5) == 0


@every_tier
def test_notify_wakes_as_many_as_it_says(tier: str) -> None:
    world = World(tier)
    for _ in range(3):
        world.thread("wait32", 64, 0, -1)
    _until(lambda: _waiting(world, 64) == 3)
    assert world.call("notify", 64, 2) == 2
    assert world.call("notify", 64, -1) == 1
    assert world.join() == [0, 0, 0]
    assert _waiting(world, 64) == 0


def _waiting(world: World, address: int) -> int:
    waiters = world.memory.raw.waiters
    assert waiters is not None
    return waiters.count(address)


def _until(condition: Callable[[], bool]) -> None:
    deadline = time.monotonic() + 60
    while not condition():
        assert time.monotonic() < deadline
        time.sleep(0.001)


@every_tier
@pytest.mark.parametrize(
    ("body", "code"),
    [
        ("(drop (i32.atomic.load (i32.const 2)))", TrapCode.HEAP_MISALIGNED),
        ("(drop (i64.atomic.load offset=4 (i32.const 4)))", None),
        ("(drop (i64.atomic.load offset=4 (i32.const 8)))", TrapCode.HEAP_MISALIGNED),
        ("(i64.atomic.store32 (i32.const 65536) (i64.const 0))", TrapCode.MEMORY_OUT_OF_BOUNDS),
        ("(i32.atomic.store16 (i32.const 65537) (i32.const 0))", TrapCode.HEAP_MISALIGNED),
        (
            "(drop (i32.atomic.rmw.cmpxchg offset=4294967292 (i32.const 4) (i32.const 0) (i32.const 0)))",
            TrapCode.MEMORY_OUT_OF_BOUNDS,
        ),
        ("(drop (memory.atomic.notify (i32.const 65536) (i32.const 0)))", TrapCode.MEMORY_OUT_OF_BOUNDS),
        ("(drop (memory.atomic.notify (i32.const 65535) (i32.const 0)))", TrapCode.HEAP_MISALIGNED),
        ("(drop (memory.atomic.notify (i32.const 0) (i32.const 0)))", None),
        (
            "(drop (memory.atomic.wait32 (i32.const 0) (i32.const 0) (i64.const 0)))",
            TrapCode.ATOMIC_WAIT_NON_SHARED_MEMORY,
        ),
        ("(atomic.fence)", None),
    ],
)
@pytest.mark.parametrize("guard", ["guard", "checked"])
def test_atomic_traps(tier: str, guard: str, body: str, code: TrapCode | None) -> None:
    instance = engines.instance(
        engines.store(tier, memory_guard=guard), f'(module (memory 1) (func (export "f") {body}))'
    )
    if code is None:
        engines.call(instance, "f")
        return
    with pytest.raises(Trap) as caught:
        engines.call(instance, "f")
    assert caught.value.trap_code is code


ACCESSES = [opcode for opcode in OPCODES if opcode.is_atomic and not opcode.name.startswith("memory.")]
_SEED = 0x8123_4567_89AB_CDEF
_OPERANDS = {"i32": ("0xffffff80", "0x89abcdef"), "i64": ("0xffffffffffffff80", "0x8123456789abcdef")}


@every_tier
@pytest.mark.parametrize("opcode", ACCESSES, ids=str)
@pytest.mark.parametrize("offset", [0, 8])
def test_atomic_accesses_do_what_another_engine_does(tier: str, opcode: Opcode, offset: int) -> None:
    """The result and the memory afterwards; every operand has bits that a narrow access must drop."""
    assert opcode.type is not None
    kind = opcode.name[:3]
    values = _OPERANDS[kind][: len(opcode.type.params) - 1]
    if len(values) == 2:  # cmpxchg: expects what is there, but for what a narrow one drops
        values = (_OPERANDS[kind][1], _OPERANDS[kind][0])
    operands = " ".join(f"({kind}.const {value})" for value in values)
    result = f"({kind}.const 0)" if not opcode.type.results else ""
    wat = f"""(module (memory (export "m") 1)
      (func (export "f") (result {kind} i64)
        (i64.store (i32.const 8) (i64.const {_SEED}))
        ({opcode.name} offset={offset} (i32.const {8 - offset}) {operands}) {result}
        (i64.load (i32.const 8))))"""
    found = engines.call(engines.instance(engines.store(tier), wat), "f")
    config = wasmtime.Config()
    config.wasm_threads = True
    engine = wasmtime.Engine(config)
    store = wasmtime.Store(engine)
    theirs = wasmtime.Instance(store, wasmtime.Module(engine, wat), []).exports(store)["f"]
    assert isinstance(theirs, wasmtime.Func)
    widths = int(kind[1:]), 64
    assert found == [value & (1 << width) - 1 for value, width in zip(theirs(store), widths, strict=True)]


def test_what_is_wrong_with_shared_memories_is_said() -> None:
    engine = api.Engine()
    with pytest.raises(ValidationError, match="shared memory must have maximum"):
        api.Module(engine, "(module (memory 1 shared))")
    with pytest.raises(ValidationError, match="atomic alignment must be natural"):
        api.Module(engine, "(module (memory 1) (func (drop (i32.atomic.load align=2 (i32.const 0)))))")
    with pytest.raises(VMError, match="shared=True"):
        api.SharedMemory(engine, api.MemoryType(api.Limits(1, 2)))
    with pytest.raises(VMError, match="maximum"):
        api.SharedMemory(engine, api.MemoryType(api.Limits(1, None), shared=True))


def test_sharing_has_to_be_asked_for_by_both_sides() -> None:
    engine = api.Engine()
    store = api.Store(engine)
    plain = api.Memory(store, api.MemoryType(api.Limits(1, 2)))
    shared = api.SharedMemory(engine, api.MemoryType(api.Limits(1, 2), shared=True))
    wants_shared = api.Module(engine, '(module (import "" "" (memory 1 2 shared)))')
    wants_plain = api.Module(engine, '(module (import "" "" (memory 1 2)))')
    for module, memory in ((wants_shared, plain), (wants_plain, shared)):
        with pytest.raises(LinkError, match="incompatible import type"):
            api.Instance(store, module, [memory])


def test_a_shared_memory_of_an_engine_with_other_guards_is_refused() -> None:
    config = api.Config()
    config.memory_guard = "checked"
    unguarded = api.SharedMemory(api.Engine(config), api.MemoryType(api.Limits(1, 2), shared=True))
    store = api.Store()
    module = api.Module(store.engine, '(module (import "" "" (memory 1 2 shared)))')
    with pytest.raises(LinkError, match="memory_guard"):
        api.Instance(store, module, [unguarded])


def test_an_exported_shared_memory_goes_into_another_store() -> None:
    engine = api.Engine()
    one, other = api.Store(engine), api.Store(engine)
    exporter = api.Module(engine, '(module (memory (export "m") 1 1 shared) (data (i32.const 3) "x"))')
    memory = api.Instance(one, exporter, []).exports(one)["m"]
    assert isinstance(memory, api.SharedMemory)
    assert memory.type().is_shared
    reader = api.Module(
        engine,
        """(module (import "" "" (memory $m 1 1 shared)) (export "m" (memory $m))
             (func (export "f") (result i32) (i32.load8_u (i32.const 3))))""",
    )
    exports = api.Instance(other, reader, [memory]).exports(other)
    function = exports["f"]
    assert isinstance(function, api.Func)
    assert function(other) == ord("x")
    assert exports["m"] == memory


@every_tier
def test_a_deadline_ends_a_wait(tier: str) -> None:
    world = World(tier, epoch_interruption=True)
    store = api.Store(world.engine)
    function = api.Instance(store, world.module, [world.memory]).exports(store)["wait32"]
    assert isinstance(function, api.Func)
    store.set_epoch_deadline(1)
    assert function(store, 0, 0, 30_000_000) == 2
    waker = threading.Thread(target=lambda: _until(lambda: _waiting(world, 0) == 1) or advance())
    advance = world.engine.increment_epoch
    waker.start()
    with pytest.raises(Trap) as caught:
        function(store, 0, 0, -1)
    waker.join()
    assert caught.value.trap_code is TrapCode.INTERRUPT
    assert _waiting(world, 0) == 0
