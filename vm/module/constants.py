"""Validation of constant expressions: globals' initialisers, offsets and items of segments (spec 3.4.9)."""

from __future__ import annotations

from vm.errors import ValidationError
from vm.isa.opcodes import BY_CODE
from vm.isa.types import FuncType, ValType, ValueType
from vm.module.body import BodyValidator, ControlFrame, Operand
from vm.module.instructions import read
from vm.module.leb import signed
from vm.module.limits import MAX_OPERANDS
from vm.module.model import ConstExpr, ModuleData
from vm.module.rules import RULES

CONSTANT = frozenset(
    {
        *("i32.const", "i64.const", "f32.const", "f64.const", "v128.const"),
        *(f"{kind}.{op}" for kind in ("i32", "i64") for op in ("add", "sub", "mul")),
        *("ref.null", "ref.func", "ref.i31", "global.get", "any.convert_extern", "extern.convert_any"),
        *("struct.new", "struct.new_default", "array.new", "array.new_default", "array.new_fixed"),
    }
)
"""The instructions that a constant expression may use (spec 3.4.9)."""

_I32_CONST = 0x41


def check_constant(
    module: ModuleData, expression: ConstExpr, wanted: ValueType, globals_in_scope: int
) -> None:
    """Raise ``ValidationError`` unless the expression is constant and gives one ``wanted``.

    It may read immutable globals with an index below ``globals_in_scope``.
    """
    if wanted is ValType.I32 and _is_number(module.binary, expression):
        return
    _ConstantValidator(module, expression, wanted, globals_in_scope).check()


def _is_number(binary: bytes, expression: ConstExpr) -> bool:
    """Whether the expression is ``i32.const`` alone, as nearly all are."""
    if binary[expression.start] != _I32_CONST:
        return False
    return signed(binary, expression.start + 1, 32)[1] == expression.end - 1


class _ConstantValidator(BodyValidator):
    """A body without locals that gives one value, and of whose instructions few may stand there."""

    def __init__(self, module: ModuleData, expression: ConstExpr, wanted: ValueType, scope: int) -> None:
        self.module = module
        self.index = None
        self.references = range(len(module.functions))  # a function that is named here counts as declared
        self.opcode = BY_CODE[0x01]
        self.at = self.next = expression.start
        self.locals = ()
        self.stack: list[Operand] = []
        self.max_stack = 0
        self.ref_slots: set[int] = set()
        self.frame = ControlFrame("function", FuncType((), (wanted,)), 0, [], self.at, 0)
        self._wanted = wanted
        self._scope = scope

    def check(self) -> None:
        """Walk over it."""
        while True:
            self.at = self.next
            self.opcode, immediates, self.next = read(self.module.binary, self.at)
            if self.opcode.name == "end":
                break
            if self.opcode.name == "global.get":
                self._check_global(immediates[0])
            if self.opcode.name not in CONSTANT:
                raise ValidationError(
                    "constant expression required", self.at, f"{self.opcode} is not constant"
                )
            RULES[self.opcode.code](self, immediates)
        self.pop(self._wanted)
        if self.stack:
            raise self.fail("type mismatch", f"{len(self.stack)} values too many beside a {self._wanted}")
        if self.max_stack > MAX_OPERANDS:
            raise self.fail("constant expression required", f"more than {MAX_OPERANDS} operands")

    def _check_global(self, index: int) -> None:
        self.check_index(index, range(self._scope), "global")
        if self.module.globals[index].mutable:
            raise self.fail("constant expression required", f"global {index} is mutable")
