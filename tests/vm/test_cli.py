"""``wasmvm`` as a user meets it: output, exit codes, one clear line for bad input."""

from __future__ import annotations

import json
import signal
import subprocess
import sys
from pathlib import Path

import pytest
import wasmtime

from vm.cli import main
from vm.cli.errors import InputError
from vm.cli.run import MAX_FRAMES
from vm.cli.values import parse, render
from vm.tiers import TIERS

PROGRAMS = Path(__file__).resolve().parents[2] / "benchmarks" / "programs" / "wasm"
PROBE = Path(__file__).parent / "programs" / "probe.wasm"

MODULE = """
(module
  (import "wasi_snapshot_preview1" "fd_write" (func $fd_write (param i32 i32 i32 i32) (result i32)))
  (memory (export "memory") 1)
  (func (export "add") (param i32 i32) (result i32) (i32.add (local.get 0) (local.get 1)))
  (func (export "wide") (param i64) (result i64) (local.get 0))
  (func (export "half") (param f32) (result f32) (f32.mul (local.get 0) (f32.const 0.5)))
  (func (export "third") (param f64) (result f64) (f64.div (local.get 0) (f64.const 3)))
  (func (export "pair") (result i32 i64) (i32.const 1) (i64.const -2))
  (func (export "nothing"))
  (func $deep (export "deep") (call $deep))
  (func (export "spin")
    (i32.store (i32.const 0) (i32.const 16))
    (i32.store (i32.const 4) (i32.const 7))
    (drop (call $fd_write (i32.const 1) (i32.const 0) (i32.const 1) (i32.const 8)))
    (loop (br 0)))
  (data (i32.const 16) "started")
  (func $inner (param i32) (result i32) (i32.load (local.get 0)))
  (func $outer (export "crash") (param i32) (result i32) (call $inner (local.get 0))))
"""


@pytest.fixture(scope="module")
def module(tmp_path_factory: pytest.TempPathFactory) -> str:
    """A module with functions of every type, and one that traps."""
    path = tmp_path_factory.mktemp("cli") / "module.wasm"
    path.write_bytes(wasmtime.wat2wasm(MODULE))
    return str(path)


@pytest.fixture(params=TIERS)
def tier(request: pytest.FixtureRequest) -> str:
    return str(request.param)


@pytest.mark.parametrize(
    ("call", "printed"),
    [
        (["add", "2", "3"], "5\n"),
        (["add", "0x7fffffff", "1"], "-2147483648\n"),
        (["add", "4294967295", "-1"], "-2\n"),
        (["wide", "18446744073709551615"], "-1\n"),
        (["half", "0.2"], "0.1\n"),
        (["half", "-inf"], "-inf\n"),
        (["third", "1"], "0.3333333333333333\n"),
        (["pair"], "1\n-2\n"),
        (["nothing"], ""),
    ],
)
def test_invoke_calls_an_export_and_prints_its_results(
    module: str, tier: str, call: list[str], printed: str, capfd: pytest.CaptureFixture[str]
) -> None:
    assert main(["run", "--tier", tier, "--invoke", call[0], module, *call[1:]]) == 0
    assert capfd.readouterr() == (printed, "")


def test_a_program_gets_its_own_arguments_environment_and_directory(
    tier: str, tmp_path: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "hello.txt").write_bytes(b"hello, world\n")
    command = ["run", "--tier", tier, "--dir", f"{tmp_path}::/data", "--env", "A=b=c", str(PROBE)]
    assert main([*command, "--env", "-x"]) == 7
    out, err = capfd.readouterr()
    assert err == "to stderr\n"
    assert out.startswith("argument --env\nargument -x\nenvironment A=b=c\n")
    assert "cat /data/hello.txt: from 7: world\n" in out


def test_a_directory_can_be_given_to_read_only_and_a_variable_handed_on(
    tmp_path: Path, capfd: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("HANDED", "on")
    for suffix, made in ((":ro", False), ("", True)):
        command = ["run", "--dir", f"{tmp_path}::/data{suffix}", "--env", "HANDED", "--env", "NOT_THERE"]
        assert main([*command, str(PROBE)]) == 7
        assert "environment HANDED=on\n" in capfd.readouterr().out
        assert (tmp_path / "new.txt").exists() == made


def test_a_program_is_given_listeners_from_descriptor_3_on(tmp_path: Path) -> None:
    """It ends with the sum of their types: a stream socket is 6."""
    module = tmp_path / "types.wat"
    module.write_text("""(module
      (import "wasi_snapshot_preview1" "fd_fdstat_get" (func $get (param i32 i32) (result i32)))
      (import "wasi_snapshot_preview1" "proc_exit" (func $exit (param i32)))
      (memory (export "memory") 1)
      (func (export "_start")
        (drop (call $get (i32.const 3) (i32.const 0)))
        (drop (call $get (i32.const 4) (i32.const 32)))
        (call $exit (i32.add (i32.load8_u (i32.const 0)) (i32.load8_u (i32.const 32))))))""")
    assert main(["run", "--tcplisten", "127.0.0.1:0", "--tcplisten", "127.0.0.1:0", str(module)]) == 12


def test_a_backtrace_names_functions_innermost_first(module: str, capfd: pytest.CaptureFixture[str]) -> None:
    assert main(["run", "--tier", "reference", "--invoke", "crash", module, "65536"]) == 134
    frames = capfd.readouterr().err.splitlines()[1:]
    assert [line.split()[1] for line in frames] == ["inner", "outer"]
    assert all(", at offset 0x" in line for line in frames)


def test_a_deep_backtrace_is_cut(module: str, capfd: pytest.CaptureFixture[str]) -> None:
    assert main(["run", "--tier", "reference", "--invoke", "deep", module]) == 134
    lines = capfd.readouterr().err.splitlines()
    assert lines[0].endswith("trap: call stack exhausted")
    assert len(lines) == MAX_FRAMES + 2
    assert lines[-1] == "  and 44 or more"


@pytest.mark.parametrize("command", [["run", "--invoke", "add", "{module}", "1", "2"], ["dis", "{module}"]])
def test_output_that_cannot_be_written_is_one_line(module: str, command: list[str]) -> None:
    arguments = [sys.executable, "-m", "vm.cli", *(part.format(module=module) for part in command)]
    with Path("/dev/full").open("w") as full:
        done = subprocess.run(arguments, stdout=full, stderr=subprocess.PIPE, check=False)
    said = b"wasmvm: the output cannot be written: No space left on device\n"
    assert (done.returncode, done.stderr) == (2, said)


def test_ctrl_c_ends_a_program_that_never_returns(module: str, tier: str) -> None:
    command = [sys.executable, "-m", "vm.cli", "run", "--tier", tier, "--invoke", "spin", module]
    with subprocess.Popen(command, stderr=subprocess.PIPE, stdout=subprocess.PIPE) as process:
        assert process.stdout is not None
        assert process.stdout.read(7) == b"started"
        process.send_signal(signal.SIGINT)
        _, err = process.communicate(timeout=30)
    assert (process.returncode, err) == (130, b"wasmvm: interrupted\n")


def test_a_trap_is_one_line_and_a_backtrace(
    module: str, tier: str, capfd: pytest.CaptureFixture[str]
) -> None:
    assert main(["run", "--tier", tier, "--invoke", "crash", module, "65536"]) == 134
    out, err = capfd.readouterr()
    assert out == ""
    assert err.splitlines()[0] == f"wasmvm: {module}: trap: out of bounds memory access"


BAD_USE = {
    "near": (["--invoke", "ad", "{module}", "1", "2"], "no exported function 'ad'; did you mean add?"),
    "far": (["--invoke", "xyz", "{module}"], "no exported function 'xyz'; there are: add, wide,"),
    "few": (["--invoke", "add", "{module}", "1"], "add takes i32 i32; 1 given"),
    "many": (["--invoke", "nothing", "{module}", "1"], "nothing takes no arguments; 1 given"),
    "type": (["--invoke", "add", "{module}", "1", "2.5"], "argument 2: expected i32, got '2.5'"),
    "range": (
        ["--invoke", "add", "{module}", "4294967296", "2"],
        "argument 1: expected i32, got '4294967296'",
    ),
    "reactor": (["{module}"], "it has no _start; --invoke a function instead (add, wide,"),
    "missing": (["nowhere.wasm"], "nowhere.wasm: No such file or directory; check the path"),
    "env": (["--env", "=x", "{module}"], "--env =x: expected NAME or NAME=VALUE"),
    "listen": (["--tcplisten", "80", "{module}"], "expected HOST:PORT, not '80'"),
    "dir": (["--dir", "/nowhere", "{module}"], "not a directory: /nowhere"),
    "knob": (["--set", "tier_call=1", "{module}"], "expected NAME=VALUE with one of tier, memory_guard,"),
    "number": (["--set", "tier_calls=many", "{module}"], "tier_calls: expected a whole number, got 'many'"),
    "setting": (["--set", "tier_calls=-1", "{module}"], "tier_calls: expected 0 to"),
}


@pytest.mark.parametrize("case", BAD_USE)
def test_bad_use_is_one_line_and_exit_code_2(
    module: str, case: str, capfd: pytest.CaptureFixture[str]
) -> None:
    arguments, message = BAD_USE[case]
    assert main(["run", "--tier", "reference", *(a.format(module=module) for a in arguments)]) == 2
    out, err = capfd.readouterr()
    assert out == ""
    assert err.startswith("wasmvm: ")
    assert err.count("\n") == 1
    assert message in err


FIB = (PROGRAMS / "fib.wasm").read_bytes()
BAD_FILES = {
    "truncated": (FIB[:300], "length out of bounds"),
    "empty": (b"", "the file is empty"),
    "magic": (b"GIF89a..", "magic header not detected"),
    "component": (b"\0asm\x0d\0\1\0", "a WebAssembly component, not a core module"),
    "invalid": (
        wasmtime.wat2wasm('(module (func (export "_start") (result i32) i32.const 1))').replace(
            b"\x41\x01", b"\x42\x01"
        ),
        "type mismatch",
    ),
}


@pytest.mark.parametrize("command", ["run", "validate", "dis"])
@pytest.mark.parametrize("case", BAD_FILES)
def test_a_bad_file_is_named_with_place_and_remedy(
    command: str, case: str, tmp_path: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    content, message = BAD_FILES[case]
    path = tmp_path / "bad.wasm"
    path.write_bytes(content)
    if (command, case) == ("dis", "invalid"):
        pytest.skip("dis shows invalid modules too: that is what one reads them for")
    assert main([command, str(path)]) == 2
    out, err = capfd.readouterr()
    assert out == ""
    assert err.count("\n") == 1
    assert err.startswith(f"wasmvm: {path}: ")
    assert message in err
    assert ";" in err


def test_an_import_that_nobody_defines_is_named(tmp_path: Path, capfd: pytest.CaptureFixture[str]) -> None:
    path = tmp_path / "imports.wasm"
    path.write_bytes(
        wasmtime.wat2wasm('(module (import "env" "missing_function" (func)) (func (export "_start")))')
    )
    assert main(["run", "--tier", "reference", str(path)]) == 2
    err = capfd.readouterr().err
    assert err.count("\n") == 1
    assert "missing_function" in err


def test_validate_says_yes_and_no(tmp_path: Path, module: str, capfd: pytest.CaptureFixture[str]) -> None:
    bad = tmp_path / "bad.wasm"
    bad.write_bytes(BAD_FILES["invalid"][0])
    assert main(["validate", module]) == 0
    assert capfd.readouterr() == (f"{module}: valid\n", "")
    assert main(["validate", "--json", module, str(bad), "nowhere.wasm"]) == 2
    good, invalid, missing = json.loads(capfd.readouterr().out)
    assert good == {"file": module, "valid": True}
    assert (invalid["valid"], invalid["error"]["kind"], invalid["error"]["function"]) == (False, "invalid", 0)
    assert invalid["error"]["message"] == "type mismatch"
    assert invalid["error"]["offset"] > 8
    assert missing["error"]["kind"] == "unreadable"


def test_dis_shows_names_and_instructions(capfd: pytest.CaptureFixture[str]) -> None:
    assert main(["dis", str(PROGRAMS / "fib.wasm")]) == 0
    out = capfd.readouterr().out
    for text in ("<fib>", "i64.add", "fd_write"):
        assert text in out


def test_dis_into_a_closed_pipe_ends_quietly() -> None:
    with subprocess.Popen(
        [sys.executable, "-m", "vm.cli", "dis", str(PROGRAMS / "words.wasm")],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    ) as process:
        assert process.stdout is not None
        assert process.stderr is not None
        process.stdout.readline()
        process.stdout.close()
        assert process.stderr.read() == ""


@pytest.mark.parametrize("command", [[], ["run"], ["validate"], ["dis"]])
def test_help_shows_how_with_examples(command: list[str], capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as caught:
        main([*command, "-h"])
    assert caught.value.code == 0
    out = capsys.readouterr().out
    assert not command or f"wasmvm {command[0]}" in out.split("examples:")[1]


def test_version_is_the_packages(capsys: pytest.CaptureFixture[str]) -> None:
    from importlib.metadata import version

    with pytest.raises(SystemExit):
        main(["--version"])
    assert capsys.readouterr().out == f"wasmvm {version('regress')}\n"


@pytest.mark.parametrize(
    "tier_and_unwanted", [("reference", "llvmlite numpy numba"), ("llvm", "numpy numba")]
)
def test_running_a_small_module_imports_no_more_than_its_tier_needs(
    module: str, tier_and_unwanted: tuple[str, str]
) -> None:
    tier, unwanted = tier_and_unwanted
    code = (
        "import sys; from vm.cli import main;"
        f"main(['run', '--tier', {tier!r}, '--invoke', 'add', {module!r}, '1', '2']); print(*sys.modules)"
    )
    out = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True).stdout
    answer, modules = out.splitlines()
    assert answer == "3"
    assert not set(unwanted.split()) & set(modules.split())


@pytest.mark.parametrize(
    ("kind", "value", "text"),
    [
        ("f32", 0.10000000149011612, "0.1"),
        ("f32", 3.4028234663852886e38, "3.4028235e+38"),
        ("f64", 0.1, "0.1"),
    ],
)
def test_floats_are_printed_as_short_as_they_can_be_read_back(kind: str, value: float, text: str) -> None:
    assert render(kind, value) == text


def test_references_cannot_be_typed() -> None:
    with pytest.raises(InputError, match="externref"):
        parse("externref", "1", 1)


def test_a_closed_stdin_is_an_empty_one() -> None:
    """As a daemon or a cron job may have it."""
    run = f"import os, sys; os.close(0); from vm.cli import main; sys.exit(main(['run', {str(PROBE)!r}]))"
    done = subprocess.run([sys.executable, "-c", run], capture_output=True, text=True, check=False)
    assert done.returncode == 7
    assert "input" not in done.stdout
