"""Fuel, epochs, deadlines and limits: what stops programs that take too much."""

from __future__ import annotations

import threading
from collections.abc import Callable

import pytest
import wasmtime

from vm.api import Config, Engine, Func, FuncType, Instance, Memory, Module, Store, Table, WasmtimeError
from vm.api import Trap as ApiTrap
from vm.errors import ConfigError, Trap, TrapCode
from vm.module.decoder import decode
from vm.module.fuel import costs
from vm.tiers import TIERS

METERED = [name for name, entry in TIERS.items() if entry.metered]

WAT = """(module
  (import "" "h" (func $h))
  (memory (export "m") 1)
  (func (export "nothing"))
  (func $add (export "add") (param i32 i32) (result i32) (i32.add (local.get 0) (local.get 1)))
  (func (export "count") (param i32) (result i32) (local i32)
    (loop $on
      (local.set 1 (call $add (local.get 1) (i32.const 1)))
      (if (i32.and (local.get 1) (i32.const 1)) (then (nop)) (else (drop (i32.const 5))))
      (br_if $on (i32.lt_u (local.get 1) (local.get 0))))
    (local.get 1))
  (func (export "nested") (param i32) (local i32)
    (loop $outer
      (local.set 1 (i32.const 3))
      (loop $inner (br_if $inner (local.tee 1 (i32.sub (local.get 1) (i32.const 1)))))
      (br_if $outer (local.tee 0 (i32.sub (local.get 0) (i32.const 1))))))
  (func (export "spin") (loop (br 0)))
  (func (export "started") (i32.store (i32.const 0) (i32.const 1)) (loop (br 0)))
  (func $deep (export "deep") (call $deep))
  (func (export "host") (call $h) (loop (br 0))))"""


class World:
    """A store with the functions of ``WAT``."""

    def __init__(self, tier: str, host: Callable[[], None] = lambda: None, **knobs: object) -> None:
        config = Config()
        for name, value in {"tier": tier, **knobs}.items():
            setattr(config, name, value)
        self.engine = Engine(config)
        self.store = Store(self.engine)
        self.imports = [Func(self.store, FuncType([], []), host)]
        self.exports = Instance(self.store, Module(self.engine, WAT), self.imports).exports(self.store)

    def call(self, name: str, *args: int) -> object:
        return self.exports[name](self.store, *args)  # type: ignore[operator]

    def stops(self, name: str, *args: int) -> TrapCode | None:
        with pytest.raises(ApiTrap) as caught:
            self.call(name, *args)
        assert caught.value.frames, "a trap says where it happened"
        return caught.value.trap_code


@pytest.fixture(params=METERED)
def tier(request: pytest.FixtureRequest) -> str:
    return str(request.param)


def test_costs_count_each_instruction_once_by_its_innermost_loop() -> None:
    module = decode(bytes(wasmtime.wat2wasm(WAT)))
    assert list(costs(module, 2).values()) == [4]
    assert list(costs(module, 3).values()) == [2, 13]
    assert list(costs(module, 4).values()) == [1, 7, 5]


@pytest.mark.parametrize(
    ("name", "args", "used"),
    [
        ("nothing", (), 1),
        ("add", (1, 2), 4),
        ("count", (10,), 2 + 10 * (13 + 4)),
        ("nested", (5,), 1 + 5 * (7 + 3 * 5)),
    ],
)
def test_fuel_is_used_as_the_costs_say_in_every_tier(
    tier: str, name: str, args: tuple[int, ...], used: int
) -> None:
    world = World(tier, consume_fuel=True)
    world.store.set_fuel(1_000)
    world.call(name, *args)
    assert world.store.get_fuel() == 1_000 - used
    world.store.set_fuel(used)
    world.call(name, *args)
    assert world.store.get_fuel() == 0
    world.store.set_fuel(used - 1)
    assert world.stops(name, *args) is TrapCode.OUT_OF_FUEL
    assert world.store.get_fuel() == 0


def test_a_store_starts_without_fuel(tier: str) -> None:
    world = World(tier, consume_fuel=True)
    assert world.store.get_fuel() == 0
    assert world.stops("nothing") is TrapCode.OUT_OF_FUEL


def test_what_does_not_end_runs_out_of_fuel(tier: str) -> None:
    world = World(tier, consume_fuel=True)
    for name in ("spin", "host"):
        world.store.set_fuel(10_000)
        assert world.stops(name) is TrapCode.OUT_OF_FUEL
    world.store.set_fuel(100)
    assert world.stops("deep") is TrapCode.OUT_OF_FUEL
    world.store.set_fuel(4)
    assert world.call("add", 1, 2) == 3


def test_a_host_function_may_refuel(tier: str) -> None:
    world = World(tier, lambda: world.store.set_fuel(50), consume_fuel=True)
    world.store.set_fuel(2)
    assert world.stops("host") is TrapCode.OUT_OF_FUEL
    with pytest.raises(WasmtimeError, match="fuel: expected 0 to"):
        world.store.set_fuel(-1)


def test_fuel_needs_its_knob(tier: str) -> None:
    store = World(tier).store
    for ask in (store.get_fuel, lambda: store.set_fuel(1)):
        with pytest.raises(
            WasmtimeError, match=r"fuel is not configured in this store: set Config.consume_fuel"
        ):
            ask()


def test_epochs_interrupt_when_the_deadline_is_reached(tier: str) -> None:
    world = World(tier, epoch_interruption=True)
    assert world.stops("nothing") is TrapCode.INTERRUPT, "the first deadline is at once"
    world.store.set_epoch_deadline(2)
    for _ in range(2):
        assert world.call("add", 1, 2) == 3
        world.engine.increment_epoch()
    assert world.stops("add", 1, 2) is TrapCode.INTERRUPT
    world.store.set_epoch_deadline(1)
    assert world.call("add", 1, 2) == 3


def test_another_thread_ends_an_endless_loop(tier: str) -> None:
    world = World(tier, epoch_interruption=True)
    world.store.set_epoch_deadline(1)
    memory = world.exports["m"].raw.view

    def stop() -> None:
        while not memory[0]:
            pass
        world.engine.increment_epoch()

    thread = threading.Thread(target=stop)
    thread.start()
    assert world.stops("started") is TrapCode.INTERRUPT
    thread.join()


def test_stores_of_an_engine_have_deadlines_of_their_own(tier: str) -> None:
    world = World(tier, epoch_interruption=True)
    other = Store(world.engine)
    other.set_epoch_deadline(1)
    world.store.set_epoch_deadline(9)
    world.engine.increment_epoch()
    assert world.call("add", 1, 2) == 3
    run = Instance(other, Module(world.engine, '(module (func (export "f")))'), []).exports(other)["f"]
    with pytest.raises(Trap):
        run(other)  # type: ignore[operator]


def test_a_deadline_in_seconds_stops_what_runs_and_what_comes_after(tier: str) -> None:
    world = World(tier, epoch_interruption=True)
    world.store.set_deadline(0.05)
    assert world.stops("spin") is TrapCode.INTERRUPT
    assert world.stops("nothing") is TrapCode.INTERRUPT
    world.store.set_deadline(None)
    assert world.call("add", 1, 2) == 3
    world.store.set_deadline(3600)
    assert world.call("add", 1, 2) == 3
    world.store.set_epoch_deadline(1)
    assert world.call("add", 1, 2) == 3
    with pytest.raises(WasmtimeError, match="seconds: expected 0 to"):
        world.store.set_deadline(-1)
    with pytest.raises(WasmtimeError, match="ticks_after_current: expected 0 or more"):
        world.store.set_epoch_deadline(-1)


def test_tiers_that_do_not_look_at_fuel_refuse_the_knob(monkeypatch: pytest.MonkeyPatch) -> None:
    from vm.records import replace

    monkeypatch.setitem(TIERS, "reference", replace(TIERS["reference"], metered=False))
    config = Config()
    config.tier, config.consume_fuel = "reference", True
    with pytest.raises(
        ConfigError, match="reference does not look at it; use one of threaded, baseline, tiered, llvm"
    ):
        Engine(config)


@pytest.mark.parametrize(
    ("limits", "text", "count", "message"),
    [
        ({"instances": 2}, "(module)", 3, "resource limit exceeded: 3 instances, the store may have 2"),
        ({"memories": 1}, "(module (memory 1))", 2, "2 memories, the store may have 1"),
        ({"tables": 1}, "(module (table 1 funcref))", 2, "2 tables, the store may have 1"),
        ({"memory_size": 131_072}, "(module (memory 3))", 1, "no room for a memory of 3 pages"),
        ({"table_elements": 5}, "(module (table 6 funcref))", 1, "no room for a table of 6 elements"),
    ],
)
def test_each_limit_is_kept(limits: dict[str, int], text: str, count: int, message: str) -> None:
    config = Config()
    config.tier = "reference"
    engine = Engine(config)
    store = Store(engine)
    store.set_limits(**limits)
    module = Module(engine, text)
    for _ in range(count - 1):
        Instance(store, module, [])
    with pytest.raises(WasmtimeError, match=message):
        Instance(store, module, [])
    store.set_limits()
    Instance(store, module, [])


def test_limits_hold_for_what_is_there_already() -> None:
    store = Store(Engine())
    module = Module(store.engine, '(module (memory (export "m") 2) (table (export "t") 2 10 funcref))')
    exports = Instance(store, module, []).exports(store)
    memory, table = exports["m"], exports["t"]
    assert isinstance(memory, Memory)
    assert isinstance(table, Table)
    store.set_limits(memory_size=3 * 65_536, table_elements=3)
    assert (memory.grow(store, 1), table.grow(store, 1, None)) == (2, 2)
    with pytest.raises(WasmtimeError):
        memory.grow(store, 1)
    with pytest.raises(WasmtimeError):
        table.grow(store, 1, None)
    store.set_limits(memory_size=65_536)
    assert memory.size(store) == 3
    store.set_limits()
    assert (memory.grow(store, 1), table.grow(store, 7, None)) == (3, 3)
    with pytest.raises(WasmtimeError):
        table.grow(store, 1, None)  # its own maximum
