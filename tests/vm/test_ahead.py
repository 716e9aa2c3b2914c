"""Machine code made ahead of time: whole modules, as bytes; what does not fit or is damaged is refused."""

from __future__ import annotations

import hashlib
import json
import os
import random
import subprocess
import sys
from pathlib import Path

import pytest

from tests.vm.engines import binary, module
from tests.vm.test_objects import EVERYTHING
from vm.api import Config, Engine, Instance, Module, Store, WasmtimeError
from vm.cli import main
from vm.config import Config as Knobs
from vm.errors import ConfigError, ValidationError, VMError
from vm.jit import makers
from vm.jit.request import Request
from vm.native import elf
from vm.native.glue import glue

ADDING = '(func (export "f{}") (param i32) (result i32) (i32.add (call {} (local.get 0)) (i32.const {})))'
MANY = """(module (func (export "f0") (param i32) (result i32) (local.get 0))
  {})""".format("".join(ADDING.format(i, i // 2, i) for i in range(1, 60)))


def engine(**knobs: object) -> Engine:
    config = Config()
    for name, value in knobs.items():
        setattr(config, name, value)
    return Engine(config)


def run(module: Module, own: Engine, name: str, *args: int) -> tuple[object, dict[str, float]]:
    """The result of an export, and the engine's statistics."""
    store = Store(own)
    exports = Instance(store, module, []).exports(store)
    return exports[name](store, *args), own.stats()  # type: ignore[operator]


def expected(index: int, value: int) -> int:
    return value if index == 0 else expected(index // 2, value) + index


@pytest.mark.parametrize("tier", ["llvm", "tiered"])
@pytest.mark.parametrize("level", [None, 1])
@pytest.mark.parametrize("text", [EVERYTHING, MANY], ids=["one group", "many groups"])
def test_what_was_compiled_ahead_is_not_compiled_again(
    text: str, level: int | None, tier: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    own = engine(whole_module_bytes=400, batch_bytes=64, tier=tier, tier_calls=1, tier_waits=True)
    made = Module(own, binary(text))
    seen: list[tuple[int, int]] = []
    made.compile_all(workers=0, level=level, progress=lambda done, of: seen.append((done, of)))
    assert seen == [(i + 1, len(seen)) for i in range(len(seen))]
    assert (len(seen) > 1) is (text is MANY)
    again = Module.deserialize(own, made.serialize())
    monkeypatch.setattr(makers, "make", lambda request: pytest.fail(f"compiled: {request.functions}"))
    for compiled in (made, again):
        name, result = ("f59", expected(59, 7)) if text is MANY else ("sum", 14)
        found, stats = run(compiled, own, name, 7)
        assert found == result
        assert stats["cached_functions"] > 0


def test_processes_make_the_same_as_this_one() -> None:
    own = engine(whole_module_bytes=0, batch_bytes=64)
    here, there = Module(own, binary(MANY)), Module(own, binary(MANY))
    here.compile_all(workers=0, level=1)
    there.compile_all(workers=2, level=1)
    assert here.serialize() == there.serialize()


def test_an_engine_precompiles() -> None:
    own = engine()
    found, _ = run(Module.deserialize(own, own.precompile_module(binary(EVERYTHING))), own, "any", 0)
    assert found == 0


def test_another_process_runs_it(tmp_path: Path) -> None:
    source, code = tmp_path / "a.wasm", tmp_path / "a.cwasm"
    source.write_bytes(binary(EVERYTHING))
    assert main(["compile", "--workers", "0", str(source)]) == 0
    program = "import sys; from vm.cli import main; main(sys.argv[1:]); print('llvmlite' in sys.modules)"
    arguments = ["run", "--allow-precompiled", "--invoke", "sum", str(code), "5"]
    done = subprocess.run(
        [sys.executable, "-c", program, *arguments],
        capture_output=True,
        text=True,
        check=True,
        env={**os.environ, "WASMVM_OBJECTS": str(tmp_path / "objects")},
    )
    assert done.stdout.split() == ["10", "True"]  # for the code between Python and this type


def test_an_invalid_body_is_told_before_anything_is_compiled() -> None:
    own = engine()
    bad = binary('(module (func (export "f") (result i32) (i32.const 1)))').replace(b"\x41\x01", b"\x42\x01")
    with pytest.raises(ValidationError, match="type mismatch"):
        Module(own, bad).compile_all(workers=0)


def test_only_one_tier_has_code_to_keep() -> None:
    own = engine()
    with pytest.raises(ConfigError, match="llvm only"):
        Module(own, binary(MANY)).compile_all(tier="threaded")
    with pytest.raises(ConfigError, match="workers: expected 0 to 256, got -1"):
        Module(own, binary(MANY)).compile_all(workers=-1)
    with pytest.raises(ConfigError, match="expected 0 to 3"):
        Module(own, binary(MANY)).compile_all(level=4)


@pytest.fixture(scope="module")
def code() -> bytes:
    own = engine()
    made = Module(own, binary(EVERYTHING))
    made.compile_all(workers=0, level=1)
    return bytes(made.serialize())


HEAD = 8 + 32
"""Where the part begins that the digest covers: after what opens the bytes, and the digest."""


def forged(code: bytes, **changes: object) -> bytes:
    """The same with another head, and the digest that goes with it."""
    start = HEAD + 4
    end = start + int.from_bytes(code[HEAD:start], "little")
    text = json.dumps(json.loads(code[start:end]) | changes).encode()
    body = len(text).to_bytes(4, "little") + text + code[end:]
    return code[:8] + hashlib.sha256(body).digest() + body


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        ({"engine": "1"}, "made with another engine"),
        ({"LLVM": "llvmlite-0.1"}, "made with another LLVM"),
        ({"system": "Plan9 vax"}, "made with another system"),
        ({"features": ["sse2", "warp9"]}, "for processors with warp9"),
        ({"knobs": {}}, "made with memory_guard = None"),
        ({"groups": [5]}, "its parts end elsewhere"),
        ({"groups": [-1]}, "its parts end elsewhere"),
        ({"groups": "all"}, "not a serialized module"),
        ({"binary": None}, "not a serialized module"),
    ],
)
def test_what_does_not_fit_is_refused(code: bytes, changes: dict[str, object], words: str) -> None:
    assert Module.deserialize(engine(), forged(code)).exports
    with pytest.raises(WasmtimeError, match=words):
        Module.deserialize(engine(), forged(code, **changes))


def test_code_of_another_module_is_refused(code: bytes) -> None:
    """Even with a digest that fits: what it is said to be is looked at before anything goes to memory."""
    other = binary('(module (func (export "sum") (param i32) (result i32) (local.get 0)))')
    start = HEAD + 4 + int.from_bytes(code[HEAD : HEAD + 4], "little")
    head = json.loads(code[HEAD + 4 : start])
    groups = code[start + head["binary"] :]
    text = json.dumps(head | {"binary": len(other)}).encode()
    body = len(text).to_bytes(4, "little") + text + other + groups
    mixed = code[:8] + hashlib.sha256(body).digest() + body
    own = engine(tier="llvm")
    with pytest.raises(WasmtimeError, match="of another module"):
        run(Module.deserialize(own, mixed), own, "sum", 1)
    own = engine(tier="tiered")  # which has other code to run
    found, stats = run(Module.deserialize(own, mixed), own, "sum", 1)
    assert (found, stats["refused"], stats["compiled_functions"]) == (1, 1, 0)


def test_other_knobs_are_named(code: bytes) -> None:
    with pytest.raises(WasmtimeError, match="consume_fuel = False, this engine has True"):
        Module.deserialize(engine(consume_fuel=True), code)


def test_what_is_damaged_is_refused(code: bytes) -> None:
    for at in range(0, len(code), 97):
        damaged = bytearray(code)
        damaged[at] ^= 4
        with pytest.raises(WasmtimeError):
            Module.deserialize(engine(), damaged)
        with pytest.raises(WasmtimeError):
            Module.deserialize(engine(), code[:at])


def test_no_object_file_harms_the_loader() -> None:
    """Whatever is in it, it is linked or refused; nothing is run here."""
    made = makers.make(Request(module(EVERYTHING), (0,), Knobs(debug_info=True), 1, scope="module"))
    whole = made.parts[0].binary
    externals = {**glue().externals, **{f"type{i}": i for i in range(5)}}
    chosen = random.Random(5)
    refused = 0
    for _ in range(2000):
        damaged = bytearray(whole)
        for _ in range(chosen.choice((1, 1, 2, 50))):
            damaged[chosen.randrange(len(damaged))] = chosen.choice((0, 1, 0x7F, 0xFF, chosen.randrange(256)))
        if chosen.random() < 0.1:
            del damaged[chosen.randrange(len(damaged)) :]
        try:
            elf.load(bytes(damaged), lambda size: 1 << 40, externals, lambda name: 1 << 41)
        except VMError:
            refused += 1
    assert 100 < refused < 2000


def test_machine_code_runs_only_for_who_trusts_it(tmp_path: Path, capfd: pytest.CaptureFixture[str]) -> None:
    source, code = tmp_path / "a.wasm", tmp_path / "out"
    source.write_bytes(binary(MANY))
    assert main(["compile", "--workers", "0", str(source), "-o", str(code)]) == 0
    assert main(["run", "--invoke", "f3", str(code), "1"]) == 2
    assert "--allow-precompiled" in capfd.readouterr().err
    assert main(["run", "--allow-precompiled", "--invoke", "f3", str(code), "1"]) == 0
    assert capfd.readouterr().out == f"{expected(3, 1)}\n"
    code.write_bytes(code.read_bytes()[:-1])
    assert main(["run", "--allow-precompiled", "--invoke", "f3", str(code), "1"]) == 2
    assert "damaged" in capfd.readouterr().err
    assert main(["compile", "--workers", "0", str(source), "-o", str(tmp_path / "no" / "where")]) == 2
    assert "No such file or directory; name another place" in capfd.readouterr().err
    assert main(["compile", "--workers", "999", str(source)]) == 2
    assert "expected 0 to 256" in capfd.readouterr().err


def test_the_cache_is_shown_and_cleared(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    folder = tmp_path / "objects"
    own = engine(cache_folder=str(folder), tier="llvm")
    run(Module(own, binary(MANY)), own, "f3", 1)
    assert main(["cache", "list", "--json", "--folder", str(folder)]) == 0
    record = json.loads(capsys.readouterr().out)
    (entry,) = record["entries"]
    assert entry["bytes"] == record["bytes"] == (folder / f"{entry['key']}.code").stat().st_size
    assert main(["cache", "--folder", str(folder)]) == 0
    assert capsys.readouterr().out.startswith(f"{folder}: 1 files, {entry['bytes']:,} of 536,870,912 bytes")
    assert main(["cache", "clear", "--folder", str(folder)]) == 0
    assert "1 files deleted" in capsys.readouterr().out
    assert main(["cache", "--folder", str(folder), "--json"]) == 0
    assert json.loads(capsys.readouterr().out)["files"] == 0
    assert main(["cache"]) == 0
    assert "WASMVM_OBJECTS is off" in capsys.readouterr().out
