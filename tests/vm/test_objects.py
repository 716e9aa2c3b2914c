"""Compiled code as data: the same in every process, kept on disk, trusted only as far as it can be."""

from __future__ import annotations

import contextlib
import os
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

import vm
from tests.vm.engines import binary, call, instance, module, store
from vm.config import KNOBS, Config
from vm.errors import VMError
from vm.jit import makers, request
from vm.jit.artefact import Artefact, Part
from vm.jit.objects import Objects
from vm.jit.request import RUNTIME_KNOBS, Request
from vm.native import cache
from vm.records import replace
from vm.runtime.instance import Instance

EVERYTHING = """(module (memory 1) (table 2 funcref) (elem (i32.const 0) $sum $trap) (tag $t (param i32))
  (type $shape (sub (struct (field i32)))) (type $square (sub final $shape (struct (field i32) (field f64))))
  (type $list (array (mut (ref null $shape)))) (type $f (func (param i32) (result i32)))
  (func $sum (export "sum") (param i32) (result i32) (local i64 v128)
    (i32.add (local.get 0) (call $area (struct.new $square (local.get 0) (f64.const 2)))))
  (func $area (param (ref $shape)) (result i32)
    (if (result i32) (ref.test (ref $square) (local.get 0))
      (then (struct.get $shape 0 (local.get 0))) (else (i32.const 0))))
  (func $trap (param i32) (result i32) (i32.div_u (i32.const 1) (local.get 0)))
  (func (export "any") (param i32) (result i32)
    (block $caught (result i32)
      (try_table (catch $t $caught) (throw $t (call_indirect (type $f) (local.get 0) (i32.const 0))))
      (unreachable))))"""

PRINT = """
import hashlib, sys
from vm.api import Engine, Module
from vm.config import Config
from vm.jit import makers
from vm.jit.request import Request
for number in range(int(sys.argv[2])):
    Module(Engine(), f"(module (type (struct (field i{32 << number % 2}) (field (ref null {number})))))")
data = Module(Engine(), bytes.fromhex(sys.argv[1])).data
for debug in (False, True):
    for level in (0, 3):
        made = makers.make(Request(data, (0,), Config(debug_info=debug), level, scope="module"))
        print(*(hashlib.sha256(part.binary).hexdigest() for part in made.parts), made.visible)
"""
"""Prints digests of compiled code, in a process where so many other types were seen before."""


def objects(tmp_path: Path, **knobs: object) -> dict[str, object]:
    return {"cache_folder": str(tmp_path / "objects"), **knobs}


def made(instance: Instance) -> tuple[float, float]:
    """How many functions have code, and for how many of them it was found compiled."""
    stats = instance.store.runner.stats()  # type: ignore[attr-defined]
    return stats["functions"], stats["cached_functions"]


def files(tmp_path: Path) -> list[Path]:
    return sorted((tmp_path / "objects").iterdir())


def test_code_is_the_same_in_every_process() -> None:
    code = binary(EVERYTHING).hex()
    runs = [
        subprocess.run(
            [sys.executable, "-c", PRINT, code, others], capture_output=True, text=True, check=True
        ).stdout
        for others in ("0", "1")
    ]
    assert runs[0].count("\n") == 4
    assert runs[0] == runs[1]


@pytest.mark.parametrize("knobs", [{}, {"whole_module_bytes": 0, "batch_bytes": 1}, {"debug_info": True}])
def test_a_second_start_compiles_nothing(tmp_path: Path, knobs: dict[str, object]) -> None:
    first = instance(store("llvm", **objects(tmp_path, **knobs)), EVERYTHING)
    assert [call(first, "sum", 20), call(first, "any", 0)] == [[40], [0]]
    functions, cached = made(first)
    assert cached == 0
    second = instance(store("llvm", **objects(tmp_path, **knobs)), EVERYTHING)
    assert [call(second, "sum", 20), call(second, "any", 0)] == [[40], [0]]
    assert made(second) == (functions, functions)


def test_a_start_from_the_cache_does_not_import_llvm(tmp_path: Path) -> None:
    code = f"""
import sys
from vm.api import Config, Engine, Instance, Module, Store
config = Config()
config.tier, config.cache_folder = "llvm", {str(tmp_path / "objects")!r}
store = Store(Engine(config))
module = Module(store.engine, bytes.fromhex({binary(EVERYTHING).hex()!r}))
exports = Instance(store, module, []).exports(store)
print(exports["sum"](store, 20), "llvmlite" in sys.modules)
"""
    environment = {**os.environ, "WASMVM_OBJECTS": str(tmp_path / "objects")}
    command = [sys.executable, "-c", code]
    runs = [
        subprocess.run(command, capture_output=True, text=True, check=True, env=environment).stdout
        for _ in range(2)
    ]
    assert runs == ["40 True\n", "40 False\n"]


def test_other_knobs_are_other_code() -> None:
    wanted = Request(module(EVERYTHING), (0,), Config(), 3)
    others = [replace(wanted, config=Config().with_(**{name: other})) for name, other in _changes().items()]
    others += [
        replace(wanted, **{name: other})
        for name, other in {
            "functions": (1,),
            "level": 2,
            "scope": "module",
            "compiled": frozenset({1}),
            "kind": "osr",
            "options": (("loop", 3),),
            "module": module("(module (func))"),
        }.items()
    ]
    keys = [wanted.key(), *(other.key() for other in others)]
    assert len(set(keys)) == len(keys)
    assert replace(wanted, config=Config(max_wasm_stack=1 << 20), most_moves=7).key() == keys[0]


def _changes() -> dict[str, object]:
    """Another value for each knob that code depends on."""
    found: dict[str, object] = {}
    for name, knob in KNOBS.items():
        if name in RUNTIME_KNOBS:
            continue
        default = knob.default
        choices = knob.metadata.get("choices", ())
        other = [choice for choice in choices if choice != default]
        found[name] = other[0] if other else not default if isinstance(default, bool) else default + 1
    return found


IMPORTS = """
import sys, vm.tiers.llvm.emission
print(*(module.__file__ for name, module in sys.modules.items() if name.startswith("vm.")))
"""

ELSEWHERE = {
    "finding.py",
    "importing.py",
    "jit/__init__.py",
    "jit/claims.py",
    "jit/library.py",
    "jit/objects.py",
    "once.py",
    "primitives.py",
    "tiers/__init__.py",
    "tiers/base.py",
}
"""Files that say where code comes from, what tiers there are, and how modules and locks are found."""


def test_the_key_covers_every_source_that_code_follows_from() -> None:
    loaded = subprocess.run([sys.executable, "-c", IMPORTS], capture_output=True, text=True, check=True)
    root = Path(vm.__file__).parent
    covered = set(map(Path, cache.package_files(request._SOURCES)))
    others = {Path(path) for path in loaded.stdout.split()} - covered
    assert {str(path.relative_to(root)) for path in others} <= ELSEWHERE


def damage(path: Path) -> None:
    """Change a bit."""
    content = bytearray(path.read_bytes())
    content[len(content) // 2] ^= 1
    path.write_bytes(content)


def make_a_folder(path: Path) -> None:
    path.unlink()
    path.mkdir()


def make_a_link(path: Path) -> None:
    """To a file that would be trusted."""
    path.symlink_to(path.rename(path.with_suffix(".other")))


def give_away(path: Path) -> None:
    """To another user."""
    os.chown(path, os.getuid() + 1, -1)


@pytest.mark.parametrize(
    "harm",
    [
        damage,
        lambda path: path.write_bytes(path.read_bytes()[:-1]),
        lambda path: path.write_bytes(b""),
        lambda path: path.chmod(0o666),
        lambda path: path.parent.chmod(0o777),
        make_a_folder,
        make_a_link,
        pytest.param(
            give_away, marks=pytest.mark.skipif(os.geteuid() != 0, reason="only root can give files")
        ),
    ],
    ids=[
        "damaged",
        "short",
        "empty",
        "writable by others",
        "in a folder of others",
        "a folder",
        "a link",
        "of another",
    ],
)
def test_code_that_is_not_to_be_trusted_is_made_again(tmp_path: Path, harm: Callable[[Path], None]) -> None:
    call(instance(store("llvm", **objects(tmp_path)), EVERYTHING), "sum", 20)
    harm(files(tmp_path)[0])
    again = instance(store("llvm", **objects(tmp_path)), EVERYTHING)
    assert call(again, "sum", 20) == [40]
    assert made(again)[1] == 0


def test_without_room_nothing_is_kept(tmp_path: Path) -> None:
    i = instance(store("llvm", **objects(tmp_path, cache_bytes=0)), EVERYTHING)
    assert call(i, "sum", 20) == [40]
    assert not (tmp_path / "objects").exists()


def test_the_least_recently_used_goes_first(tmp_path: Path) -> None:
    kept = Objects(tmp_path / "objects", 1000)
    for number in range(6):
        assert kept.store(f"k{number}", bytes(68))  # with its digest, 100 bytes
        age = 100_000 - number
        os.utime(tmp_path / "objects" / f"k{number}.code", (0, os.stat(tmp_path).st_mtime - age))
    assert kept.load("k0") == bytes(68)  # was used now
    assert kept.shrink(500) == 2
    assert {entry.key for entry in kept.entries()} == {"k0", "k3", "k4", "k5"}
    assert kept.clear() == 4
    assert kept.entries() == []


def test_the_cache_stays_below_its_bound(tmp_path: Path) -> None:
    kept = Objects(tmp_path / "objects", 10_000)
    for number in range(200):
        kept.store(f"k{number}", bytes(500))
    assert 5_000 < sum(entry.size for entry in kept.entries()) <= 10_000 + 10_000 // 32 + 600
    assert not kept.store("big", bytes(10_001))


def test_what_a_killed_process_left_half_written_goes(tmp_path: Path) -> None:
    kept = Objects(tmp_path / "objects", 1000)
    kept.store("k", bytes(500))
    left = tmp_path / "objects" / ".k.code-abc"
    left.write_bytes(b"half")
    os.utime(left, (0, 0))
    kept.shrink(1)
    assert not left.exists()


def test_an_artefact_is_read_back_or_refused() -> None:
    artefact = Artefact((Part(b"code", (1, 2), (2,), (0,)), Part(b"more", (3,), (3,))), {1: 5}, 0.25)
    content = artefact.to_bytes()
    assert Artefact.from_bytes(content) == artefact
    for end in range(len(content)):
        with pytest.raises(VMError, match="not compiled code"):
            Artefact.from_bytes(content[:end])
    with pytest.raises(VMError, match="not compiled code"):
        Artefact.from_bytes(content + b"x")
    for at in range(len(content) - len(b"codemore")):  # where bytes say how many there are, or which
        with contextlib.suppress(VMError):
            Artefact.from_bytes(content[:at] + b"\xff" + content[at + 1 :])


def test_a_kind_that_nobody_makes_is_refused() -> None:
    with pytest.raises(VMError, match="no kind of code called 'cake'"):
        makers.make(Request(module("(module (func))"), (0,), Config(), 0, kind="cake"))


HAMMER = """
import hashlib, random, sys
from pathlib import Path
from vm.jit.objects import Objects
folder, number = Path(sys.argv[1]), int(sys.argv[2])
kept, chosen = Objects(folder, 40_000), random.Random(number)
def content(key):
    return hashlib.sha256(key.encode()).digest() * (1 + int(key, 36) % 60)
for _ in range(400):
    key = "k" + str(chosen.randrange(50))
    found = kept.load(key)
    assert found in (None, content(key)), key
    if found is None:
        kept.store(key, content(key))
    if chosen.random() < 0.05:
        kept.shrink(20_000)
print(kept.hits > 0)
"""
"""Loads, stores and throws out, and says whether anything was ever found."""


def test_many_processes_can_use_one_cache(tmp_path: Path) -> None:
    command = [sys.executable, "-c", HAMMER, str(tmp_path / "objects")]
    running = [
        subprocess.Popen([*command, str(number)], stdout=subprocess.PIPE, stderr=subprocess.PIPE)
        for number in range(4)
    ]
    assert [process.communicate() for process in running] == [(b"True\n", b"")] * 4
    assert not [path for path in files(tmp_path) if path.suffix != ".code"]
