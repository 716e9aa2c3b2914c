"""Modules and hosts that mean harm: each ends in a result or a designed error, in little time and memory."""

from __future__ import annotations

import gc
import re
import resource
import signal
import subprocess
import sys
import threading
import time
import tracemalloc
from collections.abc import Sequence

import pytest

from tests.conftest import ROOT
from tests.vm import binary as b
from tests.vm.engines import call, function, instance, module_of_ours, store
from vm.errors import Trap, TrapCode, ValidationError, VMError
from vm.isa.types import FUNCREF, FuncType, Limits, TableType, ValType
from vm.module.decoder import decode
from vm.module.leb import encode_unsigned as unsigned
from vm.module.model import ModuleData
from vm.module.validator import validate
from vm.runtime.instantiate import instantiate
from vm.tiers import TIERS

every_tier = pytest.mark.parametrize("tier", TIERS)

I32 = ValType.I32


def _long_section(number: int, content: bytes) -> bytes:
    return bytes([number]) + unsigned(len(content)) + content


def _functions(count: int, body: bytes) -> ModuleData:
    """A module of ``count`` equal functions [] -> [i32], the first one exported as "f"."""
    sized = unsigned(len(body)) + body
    module = decode(
        b.HEADER
        + b.section(b.TYPE, b"\x60\0\1\x7f")
        + _long_section(b.FUNCTION, unsigned(count) + b"\0" * count)
        + b.section(b.MEMORY, b"\0\1")
        + b.section(b.EXPORT, b"\1f\0\0")
        + _long_section(b.CODE, unsigned(count) + sized * count)
    )
    validate(module)
    return module


@every_tier
def test_locals_that_nobody_uses_cost_nothing(tier: str) -> None:
    """A few bytes declare 50,000 locals; two hundred times. Compiling all of them would take minutes."""
    locals_ = b"\1" + unsigned(50_000) + b"\x7f"
    started = time.process_time()
    i = instantiate(store(tier), _functions(200, locals_ + b"\x41\7\x0b"), [])
    assert call(i, "f") == [7]
    assert time.process_time() - started < 5


def test_more_operands_than_a_stack_frame_should_hold_are_refused() -> None:
    with pytest.raises(ValidationError, match="too many operands at once"):
        _functions(1, b"\0" + b"\x41\0" * 10_001 + b"\x1a" * 10_000 + b"\x0b")


@every_tier
def test_a_deep_nest_of_blocks_runs(tier: str) -> None:
    body = b"\0" + b"\x02\x40" * 50_000 + b"\x0b" * 50_000 + b"\x41\7\x0b"
    assert call(instantiate(store(tier), _functions(1, body), []), "f") == [7]


def test_a_huge_table_takes_memory_where_it_is_used() -> None:
    s = store("reference")
    before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    tables = [s.table(TableType(FUNCREF, Limits(10_000_000))) for _ in range(20)]
    tables[3].set(9_999_999, 5)
    assert tables[3].get(9_999_999) == 5
    assert tables[4].get(9_999_999) == 0
    assert resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before < 100 << 10  # KiB


class _Alarm(Exception):
    pass


@pytest.mark.parametrize("tier", [name for name in TIERS if name not in ("reference", "tiered")])
def test_what_a_signals_handler_raises_anywhere_in_a_host_call_arrives(tier: str) -> None:
    """Before the callback's first line, too: whoever handles Ctrl-C must see KeyboardInterrupt."""

    def ring(*_: object) -> None:
        raise _Alarm

    i = instance(
        s := store(tier),
        """(module (import "" "h" (func $h (param i32) (result i32)))
          (func (export "once") (drop (call $h (i32.const 0))))
          (func (export "f") (loop (br_if 0 (i32.eqz (call $h (i32.const 77)))))))""",
        [s.host_function(FuncType((I32,), (I32,)), lambda args: [0])],
    )
    call(i, "once")

    def run_until_it_rings() -> None:
        signal.setitimer(signal.ITIMER_REAL, 0.002)
        call(i, "f")

    previous = signal.signal(signal.SIGALRM, ring)
    gc.disable()  # what is raised in its callbacks, which other tests' heaps have put there, is lost
    try:
        for _ in range(100):
            with pytest.raises(_Alarm):
                run_until_it_rings()
    finally:
        gc.enable()
        signal.setitimer(signal.ITIMER_REAL, 0)
        signal.signal(signal.SIGALRM, previous)


def test_threads_that_fight_for_a_store_get_results_or_a_clear_error() -> None:
    i = instance(
        store("llvm"),
        '(module (memory 1) (func (export "f") (param i32) (i32.store (local.get 0) (local.get 0))))',
    )
    call(i, "f", 0)
    outcomes: set[str] = set()

    def fight() -> None:
        for turn in range(2_000):
            try:
                call(i, "f", 4 if turn % 2 else 1 << 28)
                outcomes.add("done")
            except (Trap, VMError) as error:
                outcomes.add(str(error))

    interval = sys.getswitchinterval()
    sys.setswitchinterval(1e-6)
    try:
        threads = [threading.Thread(target=fight) for _ in range(3)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
    finally:
        sys.setswitchinterval(interval)
    busy = "this store is running in another thread: use one store per thread"
    assert (
        {"done", "out of bounds memory access"} <= outcomes <= {"done", "out of bounds memory access", busy}
    )


@every_tier
def test_recursion_through_the_host_ends_in_an_error_wherever_it_starts(tier: str) -> None:
    """In a process of its own: at the recursion limit, pytest's own hooks would be what fails."""
    command = [sys.executable, "-c", f"from {__name__} import recurse_through_the_host as f; f({tier!r})"]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, timeout=120, check=False)
    assert done.returncode == 0, done.stderr[-2000:]


def recurse_through_the_host(tier: str) -> None:
    """Exhaust the stack from a dozen depths; anything but a clear error is an exception that goes on."""
    s = store(tier)

    def host(args: Sequence[int]) -> Sequence[int]:
        return call(i, "f", args[0])

    i = instance(
        s,
        """(module (import "" "h" (func $h (param i32) (result i32)))
          (func (export "f") (param i32) (result i32) (call $h (local.get 0))))""",
        [s.host_function(FuncType((I32,), (I32,)), host)],
    )

    def deeper(steps: int) -> None:
        if steps:
            deeper(steps - 1)
        else:
            call(i, "f", 1)

    for steps in range(12):
        with pytest.raises((RecursionError, Trap, VMError)) as caught:
            deeper(steps)
        assert not isinstance(caught.value, Trap) or caught.value.code is TrapCode.STACK_OVERFLOW


@pytest.mark.parametrize("tier", TIERS)
def test_objects_beyond_the_heap_trap(tier: str) -> None:
    """At any size, in code and in constant expressions, before memory is asked for."""
    s = store(tier, max_heap_bytes=1 << 24)
    types = "(type $bytes (array (mut i8))) (type $vectors (array (mut v128)))"
    i = instance(
        s,
        f"""(module {types}
          (func (export "f") (param i32) (result i32)
            (array.len (array.new_default $vectors (local.get 0))))
          (func (export "g") (param i32) (result i32)
            (array.len (array.new $bytes (i32.const 1) (local.get 0)))))""",
    )
    for name in ("f", "g"):
        assert call(i, name, 1000) == [1000]
        for size in (1 << 24, 1 << 31, 0xFFFF_FFFF):
            with pytest.raises(Trap) as caught:
                call(i, name, size)
            assert caught.value.code is TrapCode.HEAP_EXHAUSTED
    with pytest.raises(Trap, match="no room in the heap"):
        instance(s, f"(module {types} (global (ref $bytes) (array.new_default $bytes (i32.const -1))))")


@every_tier
def test_an_array_beyond_the_heap_is_not_even_looked_for(tier: str) -> None:
    """A search for that many lines would itself take 256 MiB."""
    s = store(tier)
    wat = """(module (type $a (array (mut v128)))
      (func (export "f") (drop (array.new_default $a (i32.const -1)))))"""
    i = instance(s, wat)
    call_f = function(i, "f")
    s.heap.reserve()
    tracemalloc.start()
    with pytest.raises(Trap, match="no room in the heap"):
        s.call(call_f, [])
    _, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert peak < 64 << 20


def test_an_array_of_made_up_elements_takes_no_time() -> None:
    """In code that cannot be reached, four thousand million operands are there for the asking."""
    module_of_ours("(type $a (array i32)) (func unreachable (array.new_fixed $a 4294967295) drop)")


def test_references_by_the_thousand_at_calls_by_the_thousand_are_refused_at_once() -> None:
    """Each is a root at each call, so that compiled code would be their product."""
    many = 2_000
    names = "".join(f"(local.set {i} (local.get 0))" for i in range(1, many))
    uses = "".join(f"(drop (local.get {i}))" for i in range(many))
    wat = f"""(module (import "m" "f" (func $f)) (func (export "g") (param externref)
      (local {"externref " * (many - 1)}) {names} {"(call $f)" * many} {uses}))"""
    s = store("llvm")
    made = instantiate(s, module_of_ours(wat), [s.host_function(FuncType(), lambda args: [])])
    with pytest.raises(VMError, match="more references at more calls"):
        call(made, "g", 0)


def test_many_uses_of_a_big_structure_are_checked() -> None:
    """Three bytes each, for ten thousand fields: 100,000 of them must not mean a thousand million steps."""
    fields = "(field i32)" * 10_000
    default, new = "struct.new_default $s drop " * 50_000, "struct.new $s drop " * 50_000
    module_of_ours(f"(type $s (struct {fields})) (func {default} unreachable {new})")


def test_a_branch_table_checks_the_same_types_once() -> None:
    """A byte for each label must not mean a thousand comparisons."""
    many = "i32 " * 1_000
    gets = " ".join(f"(local.get {i})" for i in range(1_000))
    started = time.process_time()
    module_of_ours(
        f"(module (type $t (func (param {many}))) (func (param {many}) {gets}"
        f" (loop $l (type $t) (br_table {'$l ' * 60_000} (i32.const 0)))))"
    )
    assert time.process_time() - started < 3


@pytest.mark.parametrize(("count", "seed"), [(700, 7), pytest.param(1_500, 7, marks=pytest.mark.slow)])
def test_damaged_programs_do_no_harm(count: int, seed: int) -> None:
    """In a process of its own, which must outlive them all and stay small (``tests.vm.mutants`` says how)."""
    command = [sys.executable, "-m", "tests.vm.mutants", "--count", str(count), "--seed", str(seed)]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, timeout=120, check=False)
    assert done.returncode == 0, (done.stdout + done.stderr)[-2000:]
    ran = re.search(r"(\d+)  ran\n", done.stdout)
    peak = re.search(r"(\d+) MiB", done.stdout)
    assert ran is not None
    assert peak is not None
    assert int(ran[1]) > count / 10
    assert int(peak[1]) < 600


def test_frames_of_megabytes_are_asked_for_before_they_are_taken() -> None:
    """In a process of its own, which a frame that reaches beyond the stack would end."""
    command = [sys.executable, "-c", f"from {__name__} import take_giant_frames as f; f()"]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, timeout=120, check=False)
    assert done.returncode == 0, done.stderr[-2000:]


def take_giant_frames() -> None:
    """A leaf, and a function that calls itself, with 1.3 MB of values each, from anywhere on a stack."""
    values = "v128 " * 1000
    block = f"(block (type $t) {'(local.get 1)' * 1000}) {'(drop)' * 1000}" * 40
    i = instance(
        store("llvm", max_wasm_stack=1 << 30),
        f"""(module (type $t (func (result {values})))
          (func $leaf (export "leaf") (param i32) (result i32) (local v128) {block} (local.get 0))
          (func $giant (export "giant") (param i32) (result i32) (local v128) {block}
            (if (result i32) (local.get 0)
              (then (call $giant (i32.sub (local.get 0) (i32.const 1)))) (else (i32.const 7))))
          (func $deep (export "deep") (param i32) (result i32)
            (if (result i32) (local.get 0)
              (then (call $deep (i32.sub (local.get 0) (i32.const 1))))
              (else (call $leaf (i32.const 7))))))""",
    )
    for name in ("leaf", "giant", "deep"):
        assert call(i, name, 0) == [7 if name != "leaf" else 0]
    outcomes = set()

    def recurse() -> None:
        for name, depths in (("giant", range(1, 20)), ("deep", range(0, 800_000, 4000))):
            for depth in depths:
                try:
                    outcomes.add((name, *call(i, name, depth)))
                except Trap as trap:
                    outcomes.add((name, trap.code))

    threading.stack_size(20 << 20)  # more than any thread has had whose stack would be used again
    thread = threading.Thread(target=recurse)
    thread.start()
    thread.join()
    overflow = TrapCode.STACK_OVERFLOW
    assert outcomes == {("giant", 7), ("giant", overflow), ("deep", 7), ("deep", overflow)}


THOUSAND = "(param {0}) (result {0})".format("i32 " * 1000)
MOVES = {
    "branches": ("", "(br_if 0 (i32.const 0))"),
    "blocks": ("", "(block (type $t))"),
    "loops": ("", "(loop (type $t))"),
    "ifs": ("", "(if (type $t) (i32.const 0) (then) (else))"),
    "calls": ("(func $f (type $t) {})".format("".join(f"(local.get {i})" for i in range(1000))), "(call $f)"),
}
"""What a few bytes can do with a thousand values: definitions, and the code to repeat."""


@pytest.mark.parametrize("shape", MOVES)
@pytest.mark.parametrize("functions", [1, 10])
def test_values_by_the_thousand_to_labels_by_the_thousand_are_refused_at_once(
    shape: str, functions: int
) -> None:
    """Each is a move at each label, so that compiled code would be their product, in one function or many."""
    definitions, code = MOVES[shape]
    body = f"{'(i32.const 1)' * 1000} {code * (1_000 // functions)}"
    many = "".join(
        f'(func (export "f{i}") (block (type $u) {body}) {"drop " * 1000})' for i in range(functions)
    )
    wat = f"""(module (type $t (func {THOUSAND})) (type $u (func (result {"i32 " * 1000})))
      {definitions} {many})"""
    made = instantiate(store("llvm"), module_of_ours(wat), [])
    started = time.process_time()

    def call_all() -> None:
        for i in range(functions):
            call(made, f"f{i}")

    with pytest.raises(VMError, match="more values to more labels"):
        call_all()
    assert time.process_time() - started < 10
