"""Code that counts what runs how often, and code that is made with such counts: the same, but quicker."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

import vm.api as w
from tests.vm.engines import binary, module_of_ours
from vm.cli import main
from vm.config import Config
from vm.errors import ConfigError, VMError
from vm.jit import counts, makers
from vm.jit.compiler import Compiler
from vm.jit.counts import Counts
from vm.jit.request import Request
from vm.module.model import ModuleData
from vm.native.code import Costs
from vm.native.glue import glue
from vm.tiers.llvm import emission, profiled
from vm.tiers.llvm.counters import Tallies
from vm.tiers.llvm.program import Program
from vm.tiers.llvm.text import TextBuilder

SHAPES = """(module
  (type $f (func (param i32) (result i32)))
  (import "host" "inc" (func $host (type $f)))
  (table (export "table") 6 funcref)
  (elem (i32.const 0) $double $square $host $wide)
  (elem declare func $double)
  (func $double (type $f) (i32.shl (local.get 0) (i32.const 1)))
  (func $square (type $f) (i32.mul (local.get 0) (local.get 0)))
  (func $wide (param i64) (result i64) (local.get 0))
  (func $never (export "never") (type $f) (call $double (local.get 0)))
  (func (export "by_table") (param $n i32) (param $which i32) (result i32) (local $x i32)
    (loop $again
      (local.set $x (call_indirect (type $f) (i32.const 5) (local.get $which)))
      (br_if $again (local.tee $n (i32.sub (local.get $n) (i32.const 1)))))
    (local.get $x))
  (func (export "by_reference") (param i32) (param $null i32) (result i32)
    (call_ref $f (local.get 0)
      (if (result (ref null $f)) (local.get $null) (then (ref.null $f)) (else (ref.func $double)))))
  (func (export "choose") (param i32) (result i32)
    (block $two (block $one (block $zero
      (br_table $zero $one $two (local.get 0)))
      (return (i32.const 10)))
      (return (i32.const 11)))
    (i32.const 12)))"""

BY_TABLE, BY_REFERENCE, CHOOSE = 5, 6, 7


class Shapes:
    """An instance of ``SHAPES`` in an engine with these knobs."""

    def __init__(self, **knobs: Any) -> None:
        config = w.Config()
        config.tier, config.opt_level = "llvm", 2
        for name, value in knobs.items():
            setattr(config, name, value)
        self.store = w.Store(w.Engine(config))
        self.module = w.Module(self.store.engine, binary(SHAPES))
        type = w.FuncType([w.ValType.i32()], [w.ValType.i32()])
        host = w.Func(self.store, type, lambda x: x + 1)
        self.exports = w.Instance(self.store, self.module, [host]).exports(self.store)

    def call(self, name: str, *args: int) -> Any:
        """What a call gives, or the trap it ends with."""
        try:
            return self.exports[name](self.store, *args)
        except w.Trap as trap:
            return trap.trap_code

    def everything(self) -> list[Any]:
        """Calls of every kind: guessed right, wrong, of the host's, of another type, null, none."""
        found = [self.call("by_table", 3, which) for which in range(7)]
        found += [self.call("by_reference", 21, null) for null in (0, 1)]
        return [*found, *(self.call("choose", which) for which in (0, 1, 2, 3, -1)), self.call("never", 4)]


def train() -> Shapes:
    """Mostly the second function of the table, now and then the first."""
    shapes = Shapes(profile_make=True)
    for count, which in ((100, 1), (20, 0), (3, 2)):
        shapes.call("by_table", count, which)
    for null in (0, 0, 1):
        shapes.call("by_reference", 1, null)
    for which in (0, 2, 2, 9):
        shapes.call("choose", which)
    return shapes


@pytest.fixture(scope="module")
def profile(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """What that run has counted."""
    path = tmp_path_factory.mktemp("profile") / "shapes.profile"
    path.write_bytes(train().module.profile())
    return path


def read(path: Path) -> Counts:
    """The same as an object."""
    return counts.load(str(path), module_of_ours(SHAPES))


def informed(path: Path) -> ModuleData:
    """The module with these counts."""
    data = module_of_ours(SHAPES)
    data.counts = counts.load(str(path), data)
    return data


def test_counts_are_exact(profile: Path) -> None:
    found = read(profile)
    assert found.calls == {1: 22, 2: 100, BY_TABLE: 3, BY_REFERENCE: 3, CHOOSE: 4}  # the host's is no code
    loop, if_, table = (found.branches[at] for at in sorted(found.branches))
    assert (loop, if_, table) == ([120, 3], [1, 2], [1, 0, 3])
    by_table, by_reference = (found.targets[at] for at in sorted(found.targets))
    assert by_table[0] == 123
    assert by_table[1][0] == (2, 97)  # at least: three calls of a third function have met full counters
    assert by_reference == (2, [(1, 2)])
    assert counts.from_bytes(found.to_bytes(), module_of_ours(SHAPES)).key == found.key


def test_what_threads_that_count_at_once_have_lost_is_no_count() -> None:
    """One of them has taken away what another one's count has hidden: less than none is left."""
    tallies = Tallies()
    tallies.branch(7, [(1 << 64) - 1, 5])
    tallies.branch(9, [(1 << 64) - 1, 0])
    assert tallies.branches == {7: [0, 5]}


@pytest.mark.parametrize("knobs", [{}, {"gc_stress": True}, {"whole_module_bytes": 0}, {"tier": "tiered"}])
def test_code_made_with_counts_does_the_same(profile: Path, knobs: dict[str, Any]) -> None:
    at_once = {"tier_waits": True, "tier_calls": 1, "tier_trips": 1} if "tier" in knobs else {}
    plain = Shapes(tier="reference").everything()
    assert w.TrapCode.BAD_SIGNATURE in plain
    assert Shapes(profile=str(profile), **knobs, **at_once).everything() == plain


def test_code_that_counts_does_the_same() -> None:
    assert Shapes(profile_make=True).everything() == Shapes(tier="reference").everything()


def test_llvm_is_told_what_was_counted(profile: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    texts: list[str] = []
    compile_text = emission.compile_text

    def keep(ir: str, level: int, *, widen: bool) -> tuple[bytes, float]:
        texts.append(ir)
        return compile_text(ir, level, widen=widen)

    monkeypatch.setattr(emission, "compile_text", keep)
    makers.make(Request(informed(profile), (BY_TABLE,), Config(), 2, scope="reachable"))
    (text,) = texts
    assert "call tailcc i32 @f2(ptr %ctx" in text  # whom the table gave most often, and its callers know
    assert '!{!"branch_weights", i32 98, i32 27}' in text
    assert '!{!"function_entry_count", i64 100}' in text
    assert "ProfileSummary" in text
    assert "@f4" not in text  # it never ran


def test_a_switch_of_thousands_has_no_weights(profile: Path) -> None:
    """LLVM would take minutes."""
    for labels, weighed in ((profiled.MOST_WEIGHED, True), (profiled.MOST_WEIGHED + 1, False)):
        text = TextBuilder(memories=(), guarded=())
        counted = profiled.Informed(Counts("", {}, {7: [1] * labels}, {}), 0)
        counted.switch(text, 7, "%x", ["a"] * labels)
        assert ("branch_weights" in text.lines[0]) is weighed


def test_functions_that_were_hot_are_worth_llvms_time_in_a_big_module(profile: Path) -> None:
    config = Config(quick_module_bytes=0, whole_module_bytes=0)
    data = informed(profile)
    program = Program(data, config, glue(), Costs())
    levels = {index: program.request(data, index).level for index in (BY_TABLE, 4)}
    assert levels == {BY_TABLE: 3, 4: 0}


def test_compilers_elsewhere_know_the_counts_too(profile: Path) -> None:
    request = Request(informed(profile), (BY_TABLE,), Config(profile=str(profile), cache_bytes=0), 1)
    compiler = Compiler(1)
    try:
        assert compiler.submit(request).result(60).parts == makers.make(request).parts
        request.module.counts = Counts(request.module.digest.hex(), {1: 7}, {}, {})
        with pytest.raises(VMError, match="has changed while it is in use"):
            compiler.submit(request).result(60)
    finally:
        compiler.close()


def _changed(**parts: object) -> Callable[[dict[str, Any]], object]:
    return lambda content: {**content, **parts}


@pytest.mark.parametrize(
    ("change", "said"),
    [
        (_changed(module="00" * 32), "of another module, or of another build"),
        (_changed(format="wasmvm profile 2"), "its format is 'wasmvm profile 2'"),
        (_changed(calls=[[0, 1]]), "function 0 is not the module's"),
        (_changed(calls=[[1, -1]]), "a count is -1"),
        (_changed(calls=[[1, 1 << 63]]), "a count is"),
        (_changed(calls=[[True, 1]]), "function True is not"),
        (_changed(calls=7), "not a profile"),
        (_changed(branches=[[10**9, 1, 2]]), "offset 1000000000 is not"),
        (_changed(branches=[[150, 1]]), "1 directions of one branch"),
        (_changed(branches=[[150, 1, 2.5]]), "a count is 2.5"),
        (_changed(targets=[[150, 1, [[1, 1]] * 9]]), "9 targets of one call"),
        (_changed(targets=[[150, 1, [[99, 1]]]]), "function 99 is not"),
        (lambda _: [], "not a profile"),
        (lambda content: {"format": content["format"]}, "not a profile"),
    ],
)
def test_files_that_do_not_fit_are_refused(
    profile: Path, tmp_path: Path, change: Callable[[dict[str, Any]], object], said: str
) -> None:
    damaged = tmp_path / "damaged"
    damaged.write_text(json.dumps(change(json.loads(profile.read_text()))))
    with pytest.raises(VMError, match="damaged: ") as raised:
        Shapes(profile=str(damaged))
    assert said in str(raised.value)


@pytest.mark.parametrize("content", [b"", b"\xff\xfe", b"[" * 100_000, b"{}", b"null"])
def test_files_that_are_something_else_are_refused(content: bytes) -> None:
    with pytest.raises(VMError, match="not a profile"):
        counts.from_bytes(content, module_of_ours(SHAPES))


def test_counts_of_other_places_than_branches_change_nothing(profile: Path, tmp_path: Path) -> None:
    content = json.loads(profile.read_text())
    places = range(
        min(at for at, *_ in content["targets"]) - 5, max(at for at, *_ in content["branches"]) + 5
    )
    content["branches"] = [[at, *range(1, 3 + at % 4)] for at in places]
    content["targets"] = [[at, 10, [[3, 9], [2, 5]]] for at in places]
    odd = tmp_path / "odd"
    odd.write_text(json.dumps(content))
    assert Shapes(profile=str(odd)).everything() == Shapes(tier="reference").everything()


def test_who_does_not_count_says_so() -> None:
    with pytest.raises(ConfigError, match="does not count: set the knob"):
        Shapes().module.profile()
    with pytest.raises(ConfigError, match="tier threaded does not count"):
        Shapes(tier="threaded", profile_make=True)
    with pytest.raises(VMError, match="No such file"):
        Shapes(profile="/nowhere/profile")


def test_the_command_makes_and_uses_profiles(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    program, made, other = tmp_path / "p.wasm", str(tmp_path / "p.profile"), tmp_path / "other.wasm"
    text = '(module (func (export "inc") (param i32) (result i32) (i32.add (local.get 0) (i32.const 1))))'
    program.write_bytes(binary(text))
    other.write_bytes(binary(text.replace("inc", "more")))
    assert main(["run", "--profile-make", made, "--invoke", "inc", str(program), "4"]) == 0
    assert main(["run", "--profile-use", made, "--invoke", "inc", str(program), "5"]) == 0
    assert capsys.readouterr().out == "5\n6\n"
    ahead = str(tmp_path / "p.cwasm")
    assert main(["compile", "--profile-use", made, "--workers", "0", "-o", ahead, str(program)]) == 0
    assert main(["run", "--allow-precompiled", "--invoke", "inc", ahead, "6"]) == 0
    assert capsys.readouterr().out == "7\n"
    assert main(["run", "--profile-use", made, "--invoke", "more", str(other), "5"]) == 2
    assert capsys.readouterr().err == (
        f"wasmvm: {made}: this profile is of another module, or of another build of it: make it again\n"
    )
    assert main(["run", "--profile-make", "/nowhere/p", str(program)]) == 2
    assert "/nowhere/p: cannot be written" in capsys.readouterr().err
