"""Programs on structures, arrays, i31 and casts, generated: every tier does what wasmtime does.

The collector runs at each allocation, so that a reference that it is not shown is lost.
"""

from __future__ import annotations

import functools
from collections.abc import Sequence

import wasmtime
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.vm.engines import call, store
from vm.errors import Trap, TrapCode
from vm.module.decoder import decode
from vm.module.validator import validate
from vm.runtime.instantiate import instantiate
from vm.text import wat2wasm
from vm.tiers import TIERS

TYPES = """
(rec
  (type $a (sub (struct (field (mut i8)) (field (mut i32)) (field (mut anyref)))))
  (type $b (sub $a (struct (field (mut i8)) (field (mut i32)) (field (mut anyref))
    (field (mut i64)) (field (mut (ref null $a))) (field (mut f32)))))
  (type $c (sub final $b (struct (field (mut i8)) (field (mut i32)) (field (mut anyref))
    (field (mut i64)) (field (mut (ref null $a))) (field (mut f32)) (field i16)))))
(type $v (array (mut i16)))
(type $w (array (mut anyref)))
(type $f (func (param i32 anyref) (result i32)))
"""
STRUCTS = ("$a", "$b", "$c")
HEAPS = ("any", "eq", "i31", "struct", "array", "none", *STRUCTS, "$v", "$w")

NUMBERS = ("const", "n", "test", "get", "packed", "len", "element", "i31", "eq", "call")
REFERENCES = ("struct", "i31", "v", "w", "fixed", "field", "element", "extern", "x", "null")
STATEMENTS = ("x", "x", "a", "v", "w", "n", "set", "store", "put", "copy", "cast", "loop")

indices = st.integers(0, 2)
numbers = st.integers(-(2**31), 2**31 - 1) | st.integers(-3, 6)


@st.composite
def number(draw: st.DrawFn, depth: int = 1) -> str:
    """An i32 expression."""
    kind = draw(st.sampled_from(NUMBERS))
    any_ = f"(local.get $x{draw(indices)})"
    null = draw(st.sampled_from(["", "null "]))
    sign = draw(st.sampled_from("su"))
    at = f"(i32.and (local.get $n) (i32.const {draw(st.sampled_from([1, 3, 7]))}))"
    match kind:
        case "const":
            return f"(i32.const {draw(numbers)})"
        case "test":
            return f"(ref.test (ref {null}{draw(st.sampled_from(HEAPS))}) {any_})"
        case "get":
            return f"(struct.get $a 1 {draw(structure(depth))})"
        case "packed":
            return f"(struct.get_{sign} $a 0 {draw(structure(depth))})"
        case "len":
            return f"(array.len {draw(st.sampled_from(['(local.get $v)', '(local.get $w)']))})"
        case "element":
            return f"(array.get_{sign} $v (local.get $v) {at})"
        case "i31":
            return f"(i31.get_{sign} (ref.cast i31ref {any_}))"
        case "eq":
            return f"(ref.eq (ref.cast eqref {any_}) (local.get $a))"
        case "call" if depth:
            return f"(call_ref $f {draw(number(depth - 1))} {any_} (ref.func $help))"
    return "(local.get $n)"


@st.composite
def structure(draw: st.DrawFn, depth: int) -> str:
    """A ``(ref null $a)`` expression."""
    choice = draw(st.integers(0, 3))
    if choice == 0:
        return f"(ref.cast (ref null {draw(st.sampled_from(STRUCTS))}) (local.get $x{draw(indices)}))"
    if choice == 1:
        return "(struct.get $b 4 (ref.cast (ref null $b) (local.get $a)))"
    if choice == 2 and depth:
        return draw(new_struct(depth - 1))
    return "(local.get $a)"


@st.composite
def new_struct(draw: st.DrawFn, depth: int) -> str:
    type = draw(st.sampled_from(STRUCTS))
    if draw(st.integers(0, 4)) == 0:
        return f"(struct.new_default {type})"
    fields = [draw(number(depth)), draw(number(depth)), f"(local.get $x{draw(indices)})"]
    if type != "$a":
        fields += [f"(i64.extend_i32_s {draw(number(depth))})", "(local.get $a)", "(f32.const 1.5)"]
    if type == "$c":
        fields.append(draw(number(depth)))
    return f"(struct.new {type} {' '.join(fields)})"


@st.composite
def reference(draw: st.DrawFn) -> str:
    """An anyref expression."""
    kind = draw(st.sampled_from(REFERENCES))
    size = f"(i32.const {draw(st.integers(0, 9))})"
    match kind:
        case "struct":
            return draw(new_struct(1))
        case "i31":
            return f"(ref.i31 {draw(number())})"
        case "v":
            return f"(array.new $v {draw(number())} {size})"
        case "w":
            return f"(array.new $w (local.get $x{draw(indices)}) {size})"
        case "fixed":
            return f"(array.new_fixed $w 2 (local.get $a) (local.get $x{draw(indices)}))"
        case "field":
            return f"(struct.get $a 2 {draw(structure(1))})"
        case "element":
            return "(array.get $w (local.get $w) (i32.and (local.get $n) (i32.const 3)))"
        case "extern":
            return f"(any.convert_extern (extern.convert_any (local.get $x{draw(indices)})))"
        case "x":
            return f"(local.get $x{draw(indices)})"
    return "(ref.null none)"


@st.composite
def statement(draw: st.DrawFn, depth: int = 2) -> str:
    kind = draw(st.sampled_from(STATEMENTS))
    small = f"(i32.const {draw(st.integers(0, 4))})"
    match kind:
        case "x":
            return f"(local.set $x{draw(indices)} {draw(reference())})"
        case "a":
            return f"(local.set $a {draw(structure(2))})"
        case "v":
            return f"(local.set $v (array.new $v {draw(number())} (i32.const {draw(st.integers(3, 9))})))"
        case "w":
            return f"(local.set $w (array.new $w {draw(reference())} (i32.const {draw(st.integers(3, 9))})))"
        case "set":
            return f"(struct.set $a {draw(st.integers(0, 1))} {draw(structure(1))} {draw(number())})"
        case "store":
            return f"(array.set $v (local.get $v) {small} {draw(number())})"
        case "put":
            return f"(array.set $w (local.get $w) {small} {draw(reference())})"
        case "copy":
            array = draw(st.sampled_from("vw"))
            operands = f"(local.get ${array}) {small} (local.get ${array}) (i32.const 1)"
            return f"(array.copy ${array} ${array} {operands} {small})"
        case "cast":
            null = draw(st.sampled_from(["", "null "]))
            heap = draw(st.sampled_from(STRUCTS))
            branch = draw(st.sampled_from(["br_on_cast", "br_on_cast_fail"]))
            test = f"({branch} $out anyref (ref {null}{heap}) (local.get $x{draw(indices)}))"
            note = "(local.set $n (i32.add (local.get $n) (i32.const 1)))"  # not taken
            return f"(drop (block $out (result anyref) {test} {note}))"
        case "loop" if depth:
            body = " ".join(draw(st.lists(statement(depth - 1), min_size=1, max_size=3)))
            count = "(local.tee $i (i32.sub (local.get $i) (i32.const 1)))"
            return f"(loop $again {body} (br_if $again (i32.gt_s {count} (i32.const 0))))"
    return f"(local.set $n (i32.xor (i32.rotl (local.get $n) (i32.const 5)) {draw(number())}))"


@st.composite
def programs(draw: st.DrawFn) -> str:
    statements = "\n    ".join(draw(st.lists(statement(), min_size=1, max_size=14)))
    return f"""(module {TYPES}
  (func $help (type $f) (i32.add (ref.test (ref struct) (local.get 1)) (local.get 0)))
  (elem declare func $help)
  (func (export "f") (param $n i32) (result i32)
    (local $x0 anyref) (local $x1 anyref) (local $x2 anyref) (local $i i32)
    (local $a (ref null $a)) (local $v (ref null $v)) (local $w (ref null $w))
    (local.set $i (i32.const 4))
    (local.set $x0 (struct.new $b (i32.const -1) (i32.const 7) (ref.i31 (i32.const 9))
      (i64.const 5) (struct.new_default $a) (f32.const 2)))
    (local.set $a (struct.new $a (i32.const 200) (i32.const 3) (local.get $x0)))
    (local.set $v (array.new_fixed $v 4 (i32.const 1) (i32.const -2) (i32.const 3) (i32.const 70000)))
    (local.set $w (array.new $w (local.get $a) (i32.const 5)))
    {statements}
    (i32.add (local.get $n) (i32.add (array.len (local.get $w)) (ref.test (ref $b) (local.get $x1))))))"""


@functools.cache
def judge() -> wasmtime.Engine:
    config = wasmtime.Config()
    for proposal in ("gc", "function_references"):
        setattr(config, f"wasm_{proposal}", True)
    return wasmtime.Engine(config)


def theirs(binary: bytes, args: Sequence[int]) -> list[int | str]:
    """What wasmtime answers: results as bits, or that it trapped."""
    s = wasmtime.Store(judge())
    f = wasmtime.Instance(s, wasmtime.Module(judge(), binary), []).exports(s)["f"]
    assert isinstance(f, wasmtime.Func)
    answers: list[int | str] = []
    for arg in args:
        try:
            answers.append(f(s, arg) & 0xFFFF_FFFF)
        except wasmtime.Trap:
            answers.append("trap")
    return answers


def ours(binary: bytes, tier: str, args: Sequence[int]) -> list[int | TrapCode]:
    """What a tier answers: results as bits, or why it trapped."""
    s = store(tier, gc_stress=True)
    module = decode(binary)
    validate(module)
    i = instantiate(s, module, [])
    answers: list[int | TrapCode] = []
    for arg in args:
        try:
            answers += call(i, "f", arg)
        except Trap as trap:
            answers.append(TrapCode(trap.message))
    return answers


@settings(max_examples=40)
@given(programs(), st.lists(st.integers(0, 2**31 - 1) | st.integers(0, 9), min_size=1, max_size=3))
def test_every_tier_does_what_wasmtime_does(program: str, args: list[int]) -> None:
    binary = wat2wasm(program)
    expected = ours(binary, "reference", args)
    assert ["trap" if isinstance(answer, TrapCode) else answer for answer in expected] == theirs(binary, args)
    for tier in TIERS:
        assert ours(binary, tier, args) == expected, tier
