"""Memories and tables of all kinds of addresses: edges of their bounds, several at once, sizes beyond 4 GiB.

The oracle for one access is a sum of Python ints; for programs on several memories it is wasmtime.
"""

from __future__ import annotations

import functools
import itertools
import random

import pytest
import wasmtime

from tests.vm.engines import binary, call, instance, module, store
from vm import api
from vm.errors import Trap, TrapCode, VMError
from vm.isa.types import PAGE_SIZE, Limits, MemoryType, ValType
from vm.memory.linear import LinearMemory
from vm.module.decoder import decode
from vm.module.printer import disassemble
from vm.module.validator import validate
from vm.runtime.instance import Instance
from vm.runtime.instantiate import instantiate
from vm.runtime.store import Store, StoreLimits
from vm.text import wat2wasm
from vm.tiers import TIERS

CONFIGURATIONS: dict[str, tuple[str, dict[str, object]]] = {
    **{tier: (tier, {}) for tier in TIERS},
    "checked": ("llvm", {"memory_guard": "checked"}),
    "function by function": ("llvm", {"opt_level": 1, "whole_module_bytes": 0}),
}
ACCESSES = {"i32.load8_u": 1, "i32.load16_s": 2, "f32.load": 4, "i64.load": 8, "v128.load": 16}
KINDS = {
    "i32": ("i32", "1 2", PAGE_SIZE),
    "i64": ("i64", "i64 1 2", PAGE_SIZE),
    "i32, pages of a byte": ("i32", "1003 2000 (pagesize 1)", 1003),
    "i64, pages of a byte": ("i64", "i64 1003 2000 (pagesize 1)", 1003),
    "nothing, i64": ("i64", "i64 0", 0),
}
"""Type of the addresses, the memory, its length in bytes."""


def configured(name: str) -> Store:
    tier, knobs = CONFIGURATIONS[name]
    return store(tier, **knobs)


def offsets_of(address: str, length: int) -> list[int]:
    """Offsets at both ends of what there is and of what can be said."""
    near = {0, 1, *(max(length + by, 0) for by in (-17, -16, -8, -4, -2, -1, 0, 1))}
    far = {2**31, 2**32 - 1}
    if address == "i64":
        far |= {2**32, 2**47, 2**63 - 1, 2**63, 2**64 - 16, 2**64 - 1}
    return sorted(near | far)


@functools.cache
def edges(kind: str) -> tuple[bytes, list[tuple[str, int, int]]]:
    """A module with a function for every access at every offset; and these, by name."""
    address, memory, length = KINDS[kind]
    functions = []
    for number, (name, offset) in enumerate(itertools.product(ACCESSES, offsets_of(address, length))):
        functions.append((f"f{number}", offset, ACCESSES[name]))
    texts = [
        f'(func (export "{name}") (param {address}) (drop ({access} 1 offset={offset} (local.get 0))))'
        for (name, offset, _), (access, _) in zip(
            functions, itertools.product(ACCESSES, offsets_of(address, length)), strict=True
        )
    ]
    return wat2wasm(f"(module (memory 1) (memory {memory}) {' '.join(texts)})"), functions


def made(s: Store, code: bytes) -> Instance:
    """An instance of a module that needs nothing."""
    data = decode(code)
    validate(data)
    return instantiate(s, data, [])


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("configuration", CONFIGURATIONS)
def test_an_access_traps_exactly_where_it_ends_outside(configuration: str, kind: str) -> None:
    address, _, length = KINDS[kind]
    top = 2 ** int(address[1:])
    code, functions = edges(kind)
    where = made(configured(configuration), code)
    draw = random.Random(kind)
    for name, offset, width in functions:
        exact = length - width - offset
        indices = {0, 1, exact, exact + 1, top - 1, top - offset, top - offset - width, top - 1 - offset}
        for index in sorted({*indices, draw.randrange(top)}):
            if not 0 <= index < top:
                continue
            if index + offset + width <= length:
                call(where, name, index)
                continue
            with pytest.raises(Trap) as caught:
                call(where, name, index)
            assert caught.value.code is TrapCode.MEMORY_OUT_OF_BOUNDS


BULK = """(module
  (memory $small i32 1) (memory $wide i64 1) (memory $bytes i64 100 (pagesize 1)) (data $d "0123456789")
  (func (export "fill") (param i64 i64) (memory.fill $wide (local.get 0) (i32.const 7) (local.get 1)))
  (func (export "fill bytes") (param i64 i64) (memory.fill $bytes (local.get 0) (i32.const 7) (local.get 1)))
  (func (export "out") (param i32 i64 i32)
    (memory.copy $small $wide (local.get 0) (local.get 1) (local.get 2)))
  (func (export "in") (param i64 i32 i32)
    (memory.copy $wide $small (local.get 0) (local.get 1) (local.get 2)))
  (func (export "within") (param i64 i64 i64)
    (memory.copy $wide $wide (local.get 0) (local.get 1) (local.get 2)))
  (func (export "init") (param i64 i32 i32)
    (memory.init $wide $d (local.get 0) (local.get 1) (local.get 2))))"""
LENGTHS = {"small": PAGE_SIZE, "wide": PAGE_SIZE, "bytes": 100, "d": 10}
RANGES = {
    "fill": (("wide", 64, 0),),
    "fill bytes": (("bytes", 64, 0),),
    "out": (("small", 32, 0), ("wide", 64, 1)),
    "in": (("wide", 64, 0), ("small", 32, 1)),
    "within": (("wide", 64, 0), ("wide", 64, 1)),
    "init": (("wide", 64, 0), ("d", 32, 1)),
}
"""What each function touches: what, how many bits its starts have, and which argument is the start."""


@pytest.mark.parametrize("configuration", CONFIGURATIONS)
@pytest.mark.parametrize("name", RANGES)
def test_bulk_instructions_trap_exactly_where_a_range_ends_outside(configuration: str, name: str) -> None:
    where = made(configured(configuration), wat2wasm(BULK))
    counted = min(bits for _, bits, _ in RANGES[name])
    sides = []
    for what, bits, _ in RANGES[name]:
        length = LENGTHS[what]
        sides.append([0, 1, length - 3, length, length + 1, 2**bits - 1, 2**bits - 4, 2 ** (bits - 1)])
    counts = [0, 3, 4, 2 ** (counted - 1), 2**counted - 1]
    for *starts, count in itertools.product(*sides, counts):
        inside = all(
            start + count <= LENGTHS[what] for start, (what, _, _) in zip(starts, RANGES[name], strict=True)
        )
        if inside:
            call(where, name, *starts, count)
        else:
            with pytest.raises(Trap, match="out of bounds memory access"):
                call(where, name, *starts, count)


@pytest.mark.parametrize("configuration", CONFIGURATIONS)
def test_a_table_with_wide_indices_looks_at_all_their_bits(configuration: str) -> None:
    wat = """(module
      (table $t i64 3 5 funcref) (elem (table $t) (i64.const 0) func $one $two)
      (func $one (result i32) (i32.const 1)) (func $two (result i32) (i32.const 2))
      (func (export "call") (param i64) (result i32) (call_indirect $t (result i32) (local.get 0)))
      (func (export "null") (param i64) (result i32) (ref.is_null (table.get $t (local.get 0))))
      (func (export "set") (param i64) (table.set $t (local.get 0) (ref.func $one)))
      (func (export "grow") (param i64) (result i64) (table.grow $t (ref.null func) (local.get 0)))
      (func (export "size") (result i64) (table.size $t))
      (func (export "fill") (param i64 i64) (table.fill $t (local.get 0) (ref.func $one) (local.get 1))))"""
    where = instance(configured(configuration), wat)
    assert [call(where, "call", index) for index in (0, 1)] == [[1], [2]]
    assert call(where, "null", 2) == [1]
    for index in (3, 2**32, 2**32 + 1, 2**63, 2**64 - 1):
        for name, code in (
            ("call", TrapCode.UNDEFINED_ELEMENT),
            ("null", TrapCode.TABLE_OUT_OF_BOUNDS),
            ("set", TrapCode.TABLE_OUT_OF_BOUNDS),
        ):
            with pytest.raises(Trap) as caught:
                call(where, name, index)
            assert caught.value.code is code
        with pytest.raises(Trap):
            call(where, "fill", index, 1)
        with pytest.raises(Trap):
            call(where, "fill", 1, index)
    assert [call(where, "grow", by) for by in (2**64 - 1, 2**32, 3, 2)] == [[2**64 - 1]] * 3 + [[3]]
    assert call(where, "size") == [5]


@pytest.mark.parametrize("configuration", CONFIGURATIONS)
def test_a_memory_can_be_bigger_than_4_gib(configuration: str) -> None:
    wat = """(module (memory i64 65540 65550)
      (func (export "put") (param i64 i64) (i64.store offset=0x1_0000_0000 (local.get 0) (local.get 1)))
      (func (export "get") (param i64) (result i64) (i64.load (local.get 0)))
      (func (export "size") (result i64) (memory.size))
      (func (export "grow") (param i64) (result i64) (memory.grow (local.get 0))))"""
    where = instance(configured(configuration), wat)
    call(where, "put", 8, 0x1234_5678_9ABC_DEF0)
    assert call(where, "get", 0x1_0000_0008) == [0x1234_5678_9ABC_DEF0]
    assert call(where, "get", 8) == [0]
    assert [call(where, "grow", by) for by in (11, 2**48, 2**64 - 1, 10)] == [[2**64 - 1]] * 3 + [[65540]]
    assert call(where, "size") == [65550]
    with pytest.raises(Trap):
        call(where, "get", 65550 * PAGE_SIZE - 7)


# programs on several memories, beside wasmtime

MEMORIES = ("", "i64 ", "", "i64 ")
"""Their kinds; each has a page, and may have two."""


def program(seed: int) -> str:
    """A function of a few dozen accesses to four memories, mostly inside; it gives a sum of what it read."""
    draw = random.Random(seed)
    lines = []
    for _ in range(draw.randrange(5, 40)):
        memory = draw.randrange(4)
        at = _address(draw, memory)
        match draw.randrange(8):
            case 0 | 1:
                name, bits = draw.choice((("i64.store", 64), ("i64.store8", 64), ("i32.store16", 32)))
                value = f"(i{bits}.const {draw.getrandbits(bits)})"
                lines.append(f"({name} {memory} offset={draw.randrange(9)} {at} {value})")
            case 2 | 3 | 4:
                name = draw.choice(("i64.load", "i64.load8_s", "i64.load32_u"))
                value = f"({name} {memory} offset={draw.randrange(9)} {at})"
                lines.append(f"(global.set 0 (i64.add (i64.mul (global.get 0) (i64.const 31)) {value}))")
            case 5:
                other = draw.randrange(4)
                count = _constant(draw.randrange(40), wide=bool(MEMORIES[memory] and MEMORIES[other]))
                lines.append(f"(memory.copy {memory} {other} {at} {_address(draw, other)} {count})")
            case 6:
                count = _constant(draw.randrange(40), wide=bool(MEMORIES[memory]))
                lines.append(f"(memory.fill {memory} {at} (i32.const {draw.randrange(300)}) {count})")
            case _:
                size = f"(memory.grow {memory} {_constant(draw.randrange(2), wide=bool(MEMORIES[memory]))})"
                lines.append(f"(drop {size})")
    made_of = [f'(memory (export "m{i}") {kind}1 2)' for i, kind in enumerate(MEMORIES)]
    return (
        f'(module {" ".join(made_of)} (global (export "sum") (mut i64) (i64.const 0))'
        f'(func (export "run") {" ".join(lines)}))'
    )


def _address(draw: random.Random, memory: int) -> str:
    wide = bool(MEMORIES[memory])
    if draw.random() < 0.03:
        return _constant(draw.choice((PAGE_SIZE - 1, 2 * PAGE_SIZE - 4, 2**31, 2**32 - 5)), wide=wide)
    return _constant(draw.randrange(200), wide=wide)


def _constant(value: int, *, wide: bool) -> str:
    return f"(i{64 if wide else 32}.const {value})"


def outcome(configuration: str, wat: str) -> tuple[str, bytes, int]:
    """The trap's message or "", the start of all memories, and the sum."""
    where = instance(configured(configuration), wat)
    message = ""
    try:
        call(where, "run")
    except Trap as trap:
        message = trap.message
    contents = b"".join(bytes(memory.view[:300]) for memory in where.memories)
    return message, contents, where.globals[0].value


def their_outcome(wat: str) -> tuple[str, bytes, int]:
    theirs = wasmtime.Store(wasmtime.Engine())
    exports = wasmtime.Instance(theirs, wasmtime.Module(theirs.engine, binary(wat)), []).exports(theirs)
    message, run, total = "", exports["run"], exports["sum"]
    assert isinstance(run, wasmtime.Func)
    assert isinstance(total, wasmtime.Global)
    try:
        run(theirs)
    except wasmtime.Trap as trap:
        message = trap.message
    contents = b""
    for number in range(len(MEMORIES)):
        memory = exports[f"m{number}"]
        assert isinstance(memory, wasmtime.Memory)
        contents += bytes(memory.read(theirs, 0, 300))
    return message, contents, total.value(theirs) % 2**64


@pytest.mark.parametrize("configuration", CONFIGURATIONS)
def test_programs_on_several_memories_do_what_they_do_elsewhere(configuration: str) -> None:
    """What was written before a trap counts, in memories with guard pages and in checked ones."""
    trapped = 0
    for seed in range(40):
        wat = program(seed)
        message, contents, total = their_outcome(wat)
        ours = outcome(configuration, wat)
        assert ours[1:] == (contents, total), wat
        assert bool(ours[0]) is bool(message), wat
        assert ours[0] in message
        trapped += bool(message)
    assert 3 < trapped < 37


# the pieces around


def test_the_api_has_the_types_that_another_engine_has() -> None:
    for arguments in ((True, False, 16), (False, False, 0), (True, True, 16)):
        ours = api.MemoryType(api.Limits(1, 5), *arguments)
        theirs = wasmtime.MemoryType(wasmtime.Limits(1, 5), *arguments)
        for name in ("is_64", "is_shared", "page_size", "page_size_log2"):
            assert getattr(ours, name) == getattr(theirs, name)
        assert (ours.limits.min, ours.limits.max) == (theirs.limits.min, theirs.limits.max)
    with pytest.raises(VMError, match="expected 0 or 16, got 3"):
        api.MemoryType(api.Limits(1, None), page_size_log2=3)
    with pytest.raises(VMError, match="at most 65536 pages"):
        api.MemoryType(api.Limits(65_537, None))


def test_a_host_memory_of_bytes_is_imported_as_one() -> None:
    s = api.Store()
    memory = api.Memory(s, api.MemoryType(api.Limits(5, 9), is_64=True, page_size_log2=0))
    assert (memory.size(s), memory.data_len(s), memory.grow(s, 4), memory.data_len(s)) == (5, 5, 5, 9)
    wat = '(module (import "" "" (memory i64 1 9 (pagesize 1))) (func (export "n") (result i64) memory.size))'
    exports = api.Instance(s, api.Module(s.engine, wat), [memory]).exports(s)
    assert exports["n"](s) == 9  # type: ignore[operator]
    other = api.Module(s.engine, '(module (import "" "" (memory i64 0)))')
    with pytest.raises(VMError, match=r"must be a memory of 0\.\. \(i64\) pages, got .* pages of 1 bytes"):
        api.Instance(s, other, [memory])


def test_a_stores_limit_holds_to_the_byte_where_pages_are_bytes() -> None:
    s = store("reference")
    s.set_limits(StoreLimits(memory_bytes=1000))
    memory = s.memory(MemoryType(Limits(10), page_bits=0))
    assert [memory.grow(991), memory.grow(990), memory.length] == [-1, 10, 1000]


def test_the_longest_memory_whose_pages_are_bytes_has_an_address_behind_it() -> None:
    assert MemoryType(Limits(0), page_bits=0).most_pages == 2**32 - 1
    assert MemoryType(Limits(0, None, ValType.I64)).most_pages == 2**48
    with pytest.raises(Trap, match="no room"):
        LinearMemory(MemoryType(Limits(2**48, None, ValType.I64)))


def test_a_module_has_a_bounded_number_of_memories() -> None:
    with pytest.raises(VMError, match="too many memories"):
        module(f"(module {'(memory 0)' * 101})")


def test_the_disassembler_names_memories_addresses_and_page_sizes() -> None:
    code = wat2wasm(
        """(module (memory 1) (memory i64 1 2) (memory 3 4 (pagesize 1)) (table i64 1 funcref)
          (func (drop (i32.load8_u 2 offset=5 (v128.any_true (v128.load8_lane 1 7
            (i64.const 0) (v128.const i64x2 0 0)))))))"""
    )
    lines = [line.strip() for line in disassemble(decode(code))]
    assert "(memory 1 i64 1 2)" in lines
    assert "(memory 2 3 4 (pagesize 1))" in lines
    assert "(table 0 i64 1 funcref)" in lines
    assert any(line.endswith("i32.load8_u 2 offset=5") for line in lines)
    assert any(line.endswith("v128.load8_lane 1 7") for line in lines)
