"""The validator's kernel: what it is written in, and that its two forms are one."""

from __future__ import annotations

import ast
import random
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.vm import binary as b
from vm.errors import ValidationError, WasmError
from vm.isa.opcodes import OPCODES
from vm.module.body import check_bodies, facts_of
from vm.module.decoder import decode
from vm.module.kernel import errors, facts, faults, layout, restricted
from vm.module.kernel.run import Checker, Kernel, PlainChecker
from vm.module.leb import encode_unsigned
from vm.module.model import ModuleData
from vm.module.validator import validate_module
from vm.native import validation

KERNEL = Path(restricted.__file__).parent
_PLAIN = {"restricted.py", "facts.py", "errors.py", "run.py", "__init__.py"}
RESTRICTED = sorted(path for path in KERNEL.glob("*.py") if path.name not in _PLAIN)
PROGRAMS = sorted((Path(__file__).parents[2] / "benchmarks" / "programs" / "wasm").glob("*.wasm"))

_ALLOWED = (
    *(ast.Return, ast.Expr, ast.Assign, ast.AugAssign, ast.If, ast.While, ast.Break),
    *(ast.IfExp, ast.Compare, ast.BoolOp, ast.BinOp, ast.UnaryOp, ast.Call, ast.Attribute, ast.Subscript),
    *(ast.Constant, ast.Name, ast.Tuple, ast.expr_context, ast.cmpop, ast.operator, ast.unaryop, ast.boolop),
)


def kernel_functions() -> Iterator[tuple[str, ast.FunctionDef]]:
    for path in RESTRICTED:
        for node in ast.parse(path.read_text(encoding="utf-8")).body:
            if isinstance(node, ast.FunctionDef) and node.decorator_list:
                yield path.name, node


def test_kernel_functions_are_restricted_python() -> None:
    functions = list(kernel_functions())
    assert len(functions) > 100
    for file, function in functions:
        for node in (inner for statement in function.body for inner in ast.walk(statement)):
            line = getattr(node, "lineno", function.lineno)
            assert isinstance(node, _ALLOWED), f"{file}:{line}: {type(node).__name__}"


def test_every_fault_has_a_number_of_its_own_and_a_message() -> None:
    numbers = {name: number for name, number in vars(faults).items() if name.isupper()}
    assert len(set(numbers.values())) == len(numbers)
    assert {name for name, number in numbers.items() if number not in errors.EXPLAINED} == set()


def test_every_opcode_has_a_rule() -> None:
    rules = [facts.opcode_row(opcode)[layout.RULE] for opcode in OPCODES]
    assert all(rules)


BUILT_ONCE = pytest.mark.xdist_group("native kernel")
"""One worker makes the native kernel, some fifteen seconds' work, and no other waits for it."""


@pytest.fixture(scope="module")
def native(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Kernel]:
    """The kernel as machine code."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("WASMVM_CACHE", str(tmp_path_factory.mktemp("native")))
        validation.build()
        yield validation.kernel(1 << 30)


def outcome(checker: Checker, module: ModuleData, number: int) -> tuple[int, list[list[int]]]:
    """All that is known of a body: the fault, the state, the side table, handlers."""
    w, (start, end) = checker.work, module.bodies.extents[number]
    fault = checker.check_body(module.imported_functions + number, start, end)
    state = list(w.state)
    known = [state]
    if not fault:
        state[layout.FAULT_A : layout.FAULT_AT + 1] = []  # of the last fault, maybe in another test
        known += [
            list(w.table[: layout.ENTRY_CELLS * w.state[layout.ENTRIES]]),
            list(w.handlers[: layout.HANDLER_CELLS * w.state[layout.HANDLERS]]),
            list(w.clauses[: layout.CLAUSE_CELLS * w.state[layout.CLAUSES]]),
        ]
    return fault, known


@BUILT_ONCE
@pytest.mark.parametrize("path", PROGRAMS, ids=lambda path: path.stem)
def test_native_and_plain_kernel_agree_on_damaged_bodies(path: Path, native: Kernel) -> None:
    assert native is not PlainChecker
    binary = path.read_bytes()
    module = decode(binary)
    validate_module(module)
    random_ = random.Random(path.stem)
    for _ in range(200):
        number = random_.randrange(len(module.bodies.extents))
        start, end = module.bodies.extents[number]
        damaged = bytearray(binary)
        for _ in range(random_.choice((0, 1, 1, 2, 5))):
            byte = random_.choice((random_.randrange(256), 0x0B, 0x1A, 0x20))
            damaged[random_.randrange(start, end)] = byte
        known = facts_of(module)
        plain = PlainChecker(bytes(damaged), known, end - start)
        quick = native(bytes(damaged), known, end - start)
        assert outcome(plain, module, number) == outcome(quick, module, number)


@BUILT_ONCE
@pytest.mark.parametrize("path", PROGRAMS, ids=lambda path: path.stem)
def test_native_kernel_checks_whole_modules(path: Path, native: Kernel) -> None:
    module = decode(path.read_bytes())
    validate_module(module)
    check_bodies(module, native)
    _, end = module.bodies.extents[-1]
    broken = decode(module.binary[: end - 1] + b"\x05" + module.binary[end:])
    validate_module(broken)
    messages = []
    for kernel in (PlainChecker, native):
        with pytest.raises(WasmError) as caught:
            check_bodies(broken, kernel)
        messages.append(str(caught.value))
    assert messages[0] == messages[1]


@pytest.mark.parametrize("code", ["fb 00 00 0b", "41 00 fb 02 00 e7 07 0b"])
def test_parameters_are_not_read_as_fields(code: str) -> None:
    """They are listed more tightly: a structure of as many fields would end far behind the module's facts."""
    many = b"\x60" + encode_unsigned(1_000) + b"\x7e" * 1_000 + b"\0"
    types = b"\2" + many + b.NO_ARGS
    body = b"\0" + bytes.fromhex(code)
    module = decode(
        b.HEADER
        + bytes([b.TYPE, *encode_unsigned(len(types))])
        + types
        + b.section(b.FUNCTION, b"\1")
        + b.section(b.CODE, encode_unsigned(len(body)) + body)
    )
    validate_module(module)
    with pytest.raises(ValidationError, match="type 0 is not a structure"):
        check_bodies(module, PlainChecker)
