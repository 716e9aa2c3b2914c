"""Generated programs give the same results, or the same traps, in every tier and in wasmtime.

The generator makes functions over two i32, two i64, one f32 and one f64 parameter with locals, blocks, loops
of a few rounds, branches, memory and global accesses. Results are compared bit by bit, except that any NaN
equals any other: the specification leaves a NaN's sign and payload open, so instructions that would show
them as something else (``SHOWS_NAN``) are not drawn.
"""

from __future__ import annotations

import struct
from dataclasses import dataclass, field

import pytest
import wasmtime
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from tests.vm.engines import call, instance, store
from vm.errors import Trap
from vm.isa.opcodes import OPCODES
from vm.isa.types import ValType
from vm.tiers import TIERS

SHOWS_NAN = {
    "i32.reinterpret_f32",
    "i64.reinterpret_f64",
    "f32.copysign",
    "f64.copysign",
    "f32.store",
    "f64.store",
}
LETTERS = {ValType.I32: "i32", ValType.I64: "i64", ValType.F32: "f32", ValType.F64: "f64"}
TYPES = tuple(LETTERS.values())
OPERATORS: dict[str, list[tuple[str, tuple[str, ...]]]] = {type: [] for type in TYPES}
LOADS: dict[str, list[str]] = {type: [] for type in TYPES}
STORES: list[tuple[str, str]] = []
for row in OPCODES:
    if row.type is None or row.immediate.value not in ("none", "memarg") or row.name in SHOWS_NAN:
        continue
    if ValType.V128 in row.type.params + row.type.results:  # tests/vm/test_vectors.py draws these
        continue
    params = tuple(LETTERS[type] for type in row.type.params)
    if row.is_load:
        LOADS[LETTERS[row.type.results[0]]].append(row.name)
    elif row.is_store:
        STORES.append((row.name, params[1]))
    elif len(row.type.results) == 1 and params:
        OPERATORS[LETTERS[row.type.results[0]]].append((row.name, params))

INTERESTING = {
    "i32": [0, 1, -1, 2**31 - 1, -(2**31), 31, 32, 65535],
    "i64": [0, 1, -1, 2**63 - 1, -(2**63), 63, 64, 2**32],
}
FLOATS = [
    "0",
    "-0",
    "1",
    "-1",
    "0.5",
    "1.5",
    "2.5",
    "-2147483649",
    "4294967296",
    "9.3e18",
    "inf",
    "-inf",
    "nan",
]


@dataclass
class Program:
    """Draws WAT text; ``budget`` bounds its size."""

    draw: st.DrawFn
    budget: int = 40
    locals: list[str] = field(default_factory=lambda: ["i32", "i32", "i64", "i64", "f32", "f64"])
    counters: int = 0

    def pick(self, options: list[object]) -> object:
        return self.draw(st.sampled_from(options))

    def constant(self, type: str) -> str:
        if type in INTERESTING:
            bits = 31 if type == "i32" else 63
            value = self.draw(
                st.one_of(st.sampled_from(INTERESTING[type]), st.integers(-(2**bits), 2**bits - 1))
            )
            return f"({type}.const {value})"
        return f"({type}.const {self.pick(list(FLOATS))})"

    def expression(self, type: str, depth: int) -> str:
        self.budget -= 1
        kinds = ["constant", "local", "local"]
        if depth and self.budget > 0:
            kinds += ["operator"] * 5 + ["load", "if", "select", "block", "global", "tee"]
        match self.pick(list(kinds)):
            case "constant":
                return self.constant(type)
            case "local":
                return f"(local.get {self.local(type)})"
            case "global":
                return "(global.get $g)" if type == "i64" else self.constant(type)
            case "operator":
                name, params = self.pick(list(OPERATORS[type]))  # type: ignore[misc]
                return f"({name} {' '.join(self.expression(p, depth - 1) for p in params)})"
            case "load":
                offset = self.draw(st.sampled_from([0, 1, 8, 65528, 65536]))
                return f"({self.pick(list(LOADS[type]))} offset={offset} {self.address(depth)})"
            case "if":
                arms = [self.expression(type, depth - 1) for _ in range(2)]
                test = self.expression("i32", depth - 1)
                return f"(if (result {type}) {test} (then {arms[0]}) (else {arms[1]}))"
            case "select":
                arms = [self.expression(type, depth - 1) for _ in range(2)]
                return f"(select {arms[0]} {arms[1]} {self.expression('i32', depth - 1)})"
            case "tee":
                return f"(local.tee {self.local(type)} {self.expression(type, depth - 1)})"
            case _:
                inner = self.expression(type, depth - 1)
                test = self.expression("i32", depth - 1)
                rest = self.expression(type, depth - 1)
                return f"(block (result {type}) (br_if 0 {inner} {test}) drop {rest})"

    def address(self, depth: int) -> str:
        return f"(i32.and {self.expression('i32', depth - 1)} (i32.const 131071))"

    def local(self, type: str) -> int:
        return self.draw(st.sampled_from([i for i, t in enumerate(self.locals[:6]) if t == type]))

    def statement(self, depth: int) -> str:
        match self.pick(["set", "set", "store", "loop", "if", "global", "switch"]):
            case "set":
                type = self.draw(st.sampled_from(TYPES))
                return f"(local.set {self.local(type)} {self.expression(type, depth)})"
            case "store":
                name, type = self.draw(st.sampled_from(STORES))
                return f"({name} {self.address(depth)} {self.expression(type, depth)})"
            case "global":
                return f"(global.set $g {self.expression('i64', depth)})"
            case "if" if depth:
                return f"(if {self.expression('i32', depth)} (then {self.statement(depth - 1)}))"
            case "switch" if depth:
                body = self.statement(depth - 1)
                test = self.expression("i32", depth)
                return f"(block (block (br_table 0 1 0 1 {test})) {body})"
            case "loop" if depth:
                counter = len(self.locals)
                self.locals.append("i32")
                rounds = self.draw(st.integers(1, 5))
                step = f"(local.tee {counter} (i32.add (local.get {counter}) (i32.const 1)))"
                return (
                    f"(local.set {counter} (i32.const 0))"
                    f"(loop {self.statement(depth - 1)} (br_if 0 (i32.lt_u {step} (i32.const {rounds}))))"
                )
            case _:
                return "(nop)"

    def text(self) -> str:
        body = " ".join(self.statement(3) for _ in range(self.draw(st.integers(1, 4))))
        results = [self.expression(type, 4) for type in TYPES]
        extra = " ".join(self.locals[6:])
        return f"""(module (memory (export "m") 1 2)
          (data (i32.const 0) "\\01\\ff\\80\\7f\\00\\00\\f0\\7f\\80")
          (global $g (mut i64) (i64.const 7))
          (func (export "f") (param i32 i32 i64 i64 f32 f64) (result i32 i64 f32 f64)
            (local {extra})
            {body} {" ".join(results)})
          (func (export "sum") (result i64) (local $i i32) (local $s i64)
            (loop $l
              (local.set $s (i64.add (i64.mul (local.get $s) (i64.const 31)) (i64.load (local.get $i))))
              (br_if $l (i32.lt_u (local.tee $i (i32.add (local.get $i) (i32.const 8))) (i32.const 65528))))
            (i64.xor (local.get $s) (global.get $g))))"""


@st.composite
def programs(draw: st.DrawFn) -> str:
    return Program(draw).text()


ARGUMENTS = st.tuples(
    st.integers(0, 2**32 - 1),
    st.integers(0, 2**32 - 1),
    st.integers(0, 2**64 - 1),
    st.integers(0, 2**64 - 1),
    st.floats(width=32, allow_nan=False).map(lambda x: struct.unpack("<I", struct.pack("<f", x))[0]),
    st.floats(allow_nan=False).map(lambda x: struct.unpack("<Q", struct.pack("<d", x))[0]),
)


def canonical(bits: list[int]) -> list[object]:
    """i32, i64, f32 and f64 results with all NaNs made one."""
    i32, i64, f32, f64 = bits
    return [
        i32,
        i64,
        "nan" if f32 & 0x7FFF_FFFF > 0x7F80_0000 else f32,
        "nan" if f64 & (2**63 - 1) > 0x7FF0_0000_0000_0000 else f64,
    ]


def ours(wat: str, args: tuple[int, ...], tier: str, **knobs: object) -> object:
    i = instance(store(tier, **knobs), wat)
    try:
        return canonical(call(i, "f", *args)), call(i, "sum")[0]
    except Trap as trap:
        return trap.message


def theirs(wat: str, args: tuple[int, ...]) -> object:
    engine = wasmtime.Engine()
    s = wasmtime.Store(engine)
    exports = wasmtime.Instance(s, wasmtime.Module(engine, wat), []).exports(s)
    f32 = struct.unpack("<f", struct.pack("<I", args[4]))[0]
    f64 = struct.unpack("<d", struct.pack("<Q", args[5]))[0]
    try:
        i32, i64, single, double = exports["f"](s, *args[:4], f32, f64)  # type: ignore[operator]
        total = exports["sum"](s)  # type: ignore[operator]
    except wasmtime.Trap as trap:
        return trap.message
    bits = [
        i32 & 0xFFFF_FFFF,
        i64 & (2**64 - 1),
        struct.unpack("<I", struct.pack("<f", single))[0],
        struct.unpack("<Q", struct.pack("<d", double))[0],
    ]
    return canonical(bits), total & (2**64 - 1)


@pytest.mark.parametrize("tier", TIERS)
@settings(max_examples=60, deadline=None, derandomize=True, suppress_health_check=[HealthCheck.too_slow])
@given(wat=programs(), args=ARGUMENTS)
def test_every_tier_agrees_with_wasmtime(tier: str, wat: str, args: tuple[int, ...]) -> None:
    expected = theirs(wat, args)
    found = ours(wat, args, tier)
    if isinstance(expected, str):
        assert isinstance(found, str)
        assert found in expected  # wasmtime says "wasm trap: ..." around the same words
    else:
        assert found == expected


@settings(max_examples=30, deadline=None, derandomize=True, suppress_health_check=[HealthCheck.too_slow])
@given(wat=programs(), args=ARGUMENTS)
def test_levels_of_optimisation_and_ways_of_checking_agree(wat: str, args: tuple[int, ...]) -> None:
    expected = ours(wat, args, "llvm", opt_level=3, memory_guard="checked")
    assert ours(wat, args, "llvm", opt_level=3, memory_guard="guard") == expected
    assert ours(wat, args, "llvm", opt_level=0, memory_guard="guard") == expected
