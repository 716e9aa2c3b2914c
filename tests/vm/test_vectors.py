"""Vector instructions: each one on seeded lanes in every tier against wasmtime, and vectors across borders.

Operands and results travel through memory, since wasmtime's Python API has no vectors. Results are compared
byte by byte, except that where the specification leaves a NaN open, it only has to be quiet.
"""

from __future__ import annotations

import functools
import itertools
import random
from collections.abc import Iterator

import pytest
import wasmtime

from tests.vm.engines import binary, call, instance, module, store
from vm import api
from vm.errors import Trap, TrapCode, ValidationError
from vm.isa.opcodes import OPCODES, Feature, Immediate, Opcode
from vm.isa.types import FuncType, GlobalType, ValType
from vm.module.printer import disassemble
from vm.tiers import TIERS

VECTOR_ROWS = [o for o in OPCODES if o.feature in (Feature.SIMD, Feature.RELAXED_SIMD)]
OPERATIONS = [o for o in VECTOR_ROWS if o.name != "v128.const"]
ROUNDS = 24
OPERANDS, RESULT, TARGET, END = 0, 64, 128, 192
"""Where operands (16 bytes each), the result, and what loads and stores work on lie in memory."""

OPEN_NANS = {"add", "sub", "mul", "div", "min", "max", "sqrt", "ceil", "floor", "trunc", "nearest"}
"""Float instructions whose NaN results the specification leaves open, beside conversions and relaxed ones."""

LETTERS = {
    ValType.I32: "i32",
    ValType.I64: "i64",
    ValType.F32: "f32",
    ValType.F64: "f64",
    ValType.V128: "v128",
}
INTERESTING = {
    8: (0, 1, 0x7F, 0x80, 0xFF),
    16: (0, 1, 0x7FFF, 0x8000, 0xFFFF, 0x7F80, 0x4000),
    32: (
        *(0, 1, 0x7FFF_FFFF, 0x8000_0000, 0xFFFF_FFFF),
        *(0x3F80_0000, 0xBFC0_0000, 0x4F00_0000, 0x4F80_0000, 0xCF00_0000),  # 1, -1.5, 2**31, 2**32, -2**31
        *(
            0x7F80_0000,
            0xFF80_0000,
            0x7FC0_0000,
            0x7FA0_0000,
            0x7F7F_FFFF,
            0x4020_0000,
        ),  # inf, NaNs, ..., 2.5
    ),
    64: (
        *(0, 1, 2**63 - 1, 2**63, 2**64 - 1),
        *(0x3FF0 << 48, 0xBFF8 << 48, 0x41E0 << 48, 0x41F0 << 48, 0xC1E0 << 48),
        *(0x7FF0 << 48, 0xFFF0 << 48, 0x7FF8 << 48, 0x7FF4 << 48, 0x7FEF << 48, 0x4004 << 48),
    ),
}


def lanes_of_interest(draw: random.Random) -> bytes:
    """16 bytes: lanes of one width, each random or one of the values where things change."""
    bits = draw.choice(list(INTERESTING))
    lanes = (
        draw.choice(INTERESTING[bits]) if draw.random() < 0.6 else draw.getrandbits(bits)
        for _ in range(128 // bits)
    )
    return b"".join(lane.to_bytes(bits // 8, "little") for lane in lanes)


def images(name: str) -> Iterator[bytes]:
    """Contents of memory for each round, the same in every run."""
    draw = random.Random(name)
    for _ in range(ROUNDS):
        operands = b"".join(lanes_of_interest(draw) for _ in range((RESULT - OPERANDS) // 16))
        yield operands + bytes(TARGET - RESULT) + draw.randbytes(END - TARGET)


def immediates(row: Opcode) -> list[str]:
    """Texts of immediates to try."""
    draw = random.Random(row.name)
    match row.immediate:
        case Immediate.LANE:
            return ["0", str(row.lanes - 1)]
        case Immediate.SHUFFLE:
            return [" ".join(str(draw.randrange(32)) for _ in range(16)) for _ in range(3)]
        case Immediate.MEMARG_LANE:
            return ["offset=1 0", f"offset=3 {row.lanes - 1}"]
        case Immediate.MEMARG:
            return ["offset=5"]
        case _:
            return [""]


def operation(row: Opcode, text: str, constants: bytes | None) -> str:
    """The body of a function that runs ``row``; operands are ``constants``, or come from memory."""
    assert row.type is not None
    operands = []
    for i, type in enumerate(row.type.params):
        if row.access and i == 0:
            operands.append(f"(i32.const {TARGET})")
        elif constants is None:
            operands.append(f"({LETTERS[type]}.load (i32.const {OPERANDS + 16 * i}))")
        else:
            operands.append(constant(type, constants[16 * i : 16 * i + 16]))
    body = f"({row.name} {text} {' '.join(operands)})"
    if row.type.results:
        body = f"({LETTERS[row.type.results[0]]}.store (i32.const {RESULT}) {body})"
    return body


def constant(type: ValType, data: bytes) -> str:
    """The first bytes of ``data`` as a constant, bit by bit."""
    words = [int.from_bytes(data[at : at + 4], "little") for at in range(0, 16, 4)]
    match type:
        case ValType.V128:
            return f"(v128.const i32x4 {' '.join(map(str, words))})"
        case ValType.I32:
            return f"(i32.const {words[0]})"
        case ValType.F32:
            return f"(f32.reinterpret_i32 (i32.const {words[0]}))"
        case ValType.I64:
            return f"(i64.const {words[0] | words[1] << 32})"
        case _:
            return f"(f64.reinterpret_i64 (i64.const {words[0] | words[1] << 32}))"


@functools.cache
def program(row: Opcode) -> tuple[str, list[tuple[str, bytes]]]:
    """A module that runs ``row`` in many ways, and the runs: which function on which memory."""
    texts = immediates(row)
    bodies = [operation(row, text, None) for text in texts]
    runs = [(f"f{i}", image) for i, image in itertools.product(range(len(texts)), images(row.name))]
    for image in itertools.islice(images(row.name), 6):
        runs.append((f"f{len(bodies)}", image))
        bodies.append(operation(row, texts[-1], image))
    functions = (f'(func (export "f{i}") {body})' for i, body in enumerate(bodies))
    return f'(module (memory (export "m") 1) {" ".join(functions)})', runs


@functools.cache
def judge() -> wasmtime.Engine:
    config = wasmtime.Config()
    config.wasm_relaxed_simd_deterministic = True
    return wasmtime.Engine(config)


@functools.cache
def expected(row: Opcode) -> list[bytes]:
    """Memory after each run in wasmtime."""
    text, runs = program(row)
    s = wasmtime.Store(judge())
    exports = wasmtime.Instance(s, wasmtime.Module(judge(), text), []).exports(s)
    memory, found = exports["m"], []
    assert isinstance(memory, wasmtime.Memory)
    for name, image in runs:
        memory.write(s, image, 0)
        exports[name](s)  # type: ignore[operator]
        found.append(bytes(memory.read(s, 0, END)))
    return found


def open_lanes(row: Opcode) -> int:
    """The width of result lanes whose NaNs are open; 0 where results are exact to the bit."""
    shape, _, operation = row.name.partition(".")
    if not shape.startswith("f"):
        return 0
    conversion = operation.startswith(("demote", "promote", "relaxed"))
    return int(shape[1:3]) if operation in OPEN_NANS or conversion else 0


def without_nans(memory: bytes, bits: int) -> bytes:
    """``memory`` with each quiet NaN among the result's lanes made the canonical one."""
    if not bits:
        return memory
    size, quiet = bits // 8, {32: 0x7FC0_0000, 64: 0x7FF8 << 48}[bits]
    result = b""
    for at in range(RESULT, RESULT + 16, size):
        lane = int.from_bytes(memory[at : at + size], "little")
        result += (quiet if lane & quiet == quiet else lane).to_bytes(size, "little")
    return memory[:RESULT] + result + memory[RESULT + 16 :]


@pytest.mark.parametrize("tier", TIERS)
@pytest.mark.parametrize("row", OPERATIONS, ids=str)
def test_every_instruction_agrees_with_wasmtime(row: Opcode, tier: str) -> None:
    text, runs = program(row)
    ours, bits = instance(store(tier), text), open_lanes(row)
    for (name, image), want in zip(runs, expected(row), strict=True):
        ours.memories[0].write(0, image)
        call(ours, name)
        found = bytes(ours.memories[0].view[:END])
        assert without_nans(found, bits) == without_nans(want, bits), (name, image[:RESULT].hex(" ", 16))


def test_there_are_256_of_them() -> None:
    features = [row.feature for row in VECTOR_ROWS]
    assert (features.count(Feature.SIMD), features.count(Feature.RELAXED_SIMD)) == (236, 20)


A, B = 0x0F0E0D0C_0B0A0908_07060504_03020100, 0xFFEEDDCC_BBAA9988_77665544_33221100

BORDERS = """(module
  (import "host" "swap" (func $swap (param v128 i32 v128) (result v128 i64 v128)))
  (global $seen (import "host" "seen") (mut v128))
  (global $g (export "g") (mut v128) (v128.const i32x4 1 2 3 4))
  (func (export "swap") (param v128 i32 v128) (result v128 i64 v128)
    (call $swap (local.get 0) (local.get 1) (local.get 2)))
  (func (export "globals") (param v128) (result v128 v128)
    (global.get $g) (global.set $g (local.get 0)) (global.set $seen (local.get 0)) (global.get $seen))
  (func $choose (export "choose") (param v128 v128 i32) (result v128) (local v128)
    (local.set 3 (select (local.get 0) (local.get 1) (local.get 2)))
    (if (result v128) (local.get 2) (then (local.get 3)) (else (v128.not (local.get 3)))))
  (func (export "loop") (param v128 i32) (result v128)
    (local.get 0)
    (loop $l (param v128) (result v128)
      (i32x4.add (v128.const i32x4 1 2 3 4))
      (br_if $l (local.tee 1 (i32.sub (local.get 1) (i32.const 1))))))
  (func (export "blank") (result v128) (local v128) (local.get 0))
  (table funcref (elem $choose))
  (func (export "indirect") (param v128 v128) (result v128)
    (call_indirect (param v128 v128 i32) (result v128)
      (local.get 0) (local.get 1) (i32.const 1) (i32.const 0))))"""
FIRST = 4 << 96 | 3 << 64 | 2 << 32 | 1


@pytest.mark.parametrize("tier", TIERS)
def test_vectors_cross_every_border(tier: str) -> None:
    s = store(tier)
    v128 = ValType.V128
    type = FuncType((v128, ValType.I32, v128), (v128, ValType.I64, v128))
    swap = s.host_function(type, lambda args: [args[2], args[1] + 1, args[0]])
    seen = s.global_(GlobalType(v128, True), A)
    i = instance(s, BORDERS, [swap, seen])
    assert call(i, "swap", A, 0xFFFF_FFFF, B) == [B, 2**32, A]
    assert call(i, "globals", B) == [FIRST, B]
    assert seen.value == B
    assert i.globals[1].value == B
    i.globals[1].value = A
    assert call(i, "globals", FIRST) == [A, FIRST]
    assert call(i, "choose", A, B, 1) == [A]
    assert call(i, "choose", A, B, 0) == [B ^ (2**128 - 1)]
    assert call(i, "loop", 0, 5) == [20 << 96 | 15 << 64 | 10 << 32 | 5]
    assert call(i, "blank") == [0]
    assert call(i, "indirect", A, B) == [A]


@pytest.mark.parametrize("guard", ["guard", "checked"])
@pytest.mark.parametrize("tier", TIERS)
@pytest.mark.parametrize("row", [row for row in VECTOR_ROWS if row.access], ids=str)
def test_an_access_over_the_end_traps_and_writes_nothing(row: Opcode, tier: str, guard: str) -> None:
    lane = " 0" if row.immediate is Immediate.MEMARG_LANE else ""
    value = "(v128.const i64x2 -1 -1)" if row.immediate is Immediate.MEMARG_LANE or row.is_store else ""
    access = f"({row.name} offset=2{lane} (local.get 0) {value})"
    body = f"(drop {access})" if row.is_load else access
    i = instance(
        store(tier, memory_guard=guard), f'(module (memory 1) (func (export "f") (param i32) {body}))'
    )
    last = 65_536 - row.access - 2
    call(i, "f", last)
    i.memories[0].fill(0, 0, 65_536)
    for address in (last + 1, 65_535, 2**32 - 1):
        with pytest.raises(Trap) as caught:
            call(i, "f", address)
        assert caught.value.code is TrapCode.MEMORY_OUT_OF_BOUNDS
    assert not any(i.memories[0].view[65_536 - 32 :])


@pytest.mark.parametrize("tier", TIERS)
@pytest.mark.parametrize(
    ("type", "code"),
    [
        ("f32x4", "(f32x4.mul (local.get 0) (v128.const f32x4 1 1 1 1))"),
        ("f32x4", "(f32x4.mul (f32x4.splat (f32.const 1)) (local.get 0))"),
        ("f32x4", "(f32x4.add (local.get 0) (v128.const f32x4 -0 -0 -0 -0))"),
        ("f32x4", "(f32x4.sub (local.get 0) (f32x4.splat (f32.const 0)))"),
        ("f64x2", "(f64x2.div (local.get 0) (v128.const f64x2 1 1))"),
        ("f64x2", "(f64x2.mul (local.get 0) (f64x2.splat (f64.const 1)))"),
    ],
)
def test_neutral_constants_still_quiet_a_signalling_nan(type: str, code: str, tier: str) -> None:
    """A simplifier that takes "x * 1" for "x" would hand the signalling NaN on."""
    i = instance(store(tier), f'(module (func (export "f") (param v128) (result v128) {code}))')
    bits = int(type[1:3])
    signalling, quiet = {32: (0x7FA0_0000, 0x7FC0_0000), 64: (0x7FF4 << 48, 0x7FF8 << 48)}[bits]
    (found,) = call(i, "f", sum(signalling << at for at in range(0, 128, bits)))
    assert all(found >> at & quiet == quiet for at in range(0, 128, bits))


@pytest.mark.parametrize(
    "code",
    [
        "i8x16.extract_lane_s 16 (local.get 0)",
        "f64x2.extract_lane 2 (local.get 0)",
        "i16x8.replace_lane 8 (local.get 0) (i32.const 0)",
        "i8x16.shuffle 0 1 2 3 4 5 6 7 8 9 10 11 12 13 14 32 (local.get 0) (local.get 0)",
        "v128.load64_lane 2 (i32.const 0) (local.get 0)",
    ],
)
def test_lanes_that_are_not_there_are_invalid(code: str) -> None:
    with pytest.raises(ValidationError, match="invalid lane index"):
        module(f"(module (memory 1) (func (param v128) ({code}) drop))")


def test_a_listing_shows_lanes_and_constants() -> None:
    text = "\n".join(
        disassemble(
            module(
                "(module (memory 1) (func (param v128)"
                " (v128.store8_lane offset=4 3 (i32.const 0) (v128.const i64x2 1 -1))"
                " (drop (i32x4.extract_lane 2 (local.get 0)))))"
            )
        )
    )
    assert "v128.const i32x4 0x00000001 0x00000000 0xffffffff 0xffffffff" in text
    assert "v128.store8_lane offset=4 3" in text
    assert "i32x4.extract_lane 2" in text


@pytest.mark.parametrize("tier", TIERS)
def test_python_sees_vectors_as_unsigned_ints(tier: str) -> None:
    config = api.Config()
    config.tier = tier
    engine = api.Engine(config)
    s, v128 = api.Store(engine), api.ValType.v128()
    host = api.Func(s, api.FuncType([v128], [v128]), lambda value: value ^ 1)
    source = binary(
        '(module (import "" "f" (func $f (param v128) (result v128)))'
        ' (global (export "g") (mut v128) (v128.const i64x2 5 0))'
        ' (func (export "call") (param v128) (result v128 i32) (call $f (local.get 0)) (i32.const -1)))'
    )
    exports = api.Instance(s, api.Module(engine, source), [host]).exports(s)
    assert exports["call"](s, B) == [B ^ 1, -1]
    assert exports["g"].value(s) == 5
    exports["g"].set_value(s, B)
    assert exports["g"].value(s) == B
    assert str(exports["g"].type(s).content) == "v128"
    for wrong in (-1, 2**128, 1.5):
        with pytest.raises(TypeError, match="v128 takes an"):
            exports["call"](s, wrong)
