"""Every error the engine raises, as one tree.

    VMError                     anything this package raises on purpose (``WasmtimeError`` in the API)
    ├── WasmError               something is wrong with a module
    │   ├── DecodeError         the bytes are malformed                     offset
    │   ├── TextError           the text is malformed                       line, column, source
    │   └── ValidationError     the module is well formed but invalid       offset, function
    ├── LinkError               imports do not fit what was given           missing
    ├── ArgumentError           a call has too few or too many arguments; a TypeError, too
    ├── ConfigError             a knob got a value outside its range        knob
    ├── CompileError            a compiler failed, or its process ended: a fault of the engine, not the module
    └── Trap                    execution stopped                           code, frames
        └── ExitTrap            a WASI program called ``proc_exit``         exit_code

Facts are fields; ``str(error)`` is one line that says what was wrong and where. Translating to exit
codes and colours is the edge's work (``vm.cli``).
"""

from __future__ import annotations

from vm.enums import Enum
from vm.records import Record


class VMError(Exception):
    """Base of the tree."""


class WasmError(VMError):
    """A module cannot be used.

    ``message`` is the specification's own wording ("unexpected end", "type mismatch"), ``offset`` the
    byte in the binary where the fault was seen, ``detail`` what was found and expected there.
    """

    def __init__(self, message: str, offset: int, detail: str = "") -> None:
        self.message = message
        self.offset = offset
        self.detail = detail
        super().__init__(message, offset, detail)

    def __str__(self) -> str:
        detail = f": {self.detail}" if self.detail else ""
        return f"{self.message}{detail} (at offset {self.offset:#x})"


class DecodeError(WasmError):
    """The bytes do not follow the binary format (spec chapter 5: *malformed*)."""


class TextError(WasmError):
    """The text does not follow the text format (spec chapter 6: *malformed*).

    ``line`` and ``column`` count from 1, ``source`` is that line, ``offset`` counts characters of the text.
    """

    def __init__(
        self, message: str, offset: int, line: int, column: int, source: str, detail: str = ""
    ) -> None:
        super().__init__(message, offset, detail)
        self.line = line
        self.column = column
        self.source = source

    def __str__(self) -> str:
        detail = f": {self.detail}" if self.detail else ""
        return f"{self.message}{detail} (at line {self.line}, column {self.column})"


class ValidationError(WasmError):
    """The module breaks a validation rule (spec chapter 3: *invalid*).

    ``function`` is the index of the function whose body is at fault, or None for a module-level rule.
    """

    def __init__(self, message: str, offset: int, detail: str = "", function: int | None = None) -> None:
        super().__init__(message, offset, detail)
        self.function = function

    def __str__(self) -> str:
        where = "" if self.function is None else f" in function {self.function}"
        return super().__str__() + where


class LinkError(VMError):
    """An instance cannot be made from a module and the imports given (*unlinkable*).

    ``missing`` lists every import that has no definition, as ``(module, name)``.
    """

    def __init__(self, message: str, missing: tuple[tuple[str, str], ...] = ()) -> None:
        super().__init__(message)
        self.missing = missing


class ArgumentError(VMError, TypeError):
    """A call has too few or too many arguments: a TypeError as in Python, a VMError as in wasmtime-py."""


class ConfigError(VMError):
    """A configuration knob got a value it does not take."""

    def __init__(self, knob: str, message: str) -> None:
        super().__init__(f"{knob}: {message}")
        self.knob = knob


class CompileError(VMError):
    """A compiler failed at valid code, or its process ended; the code can still run in another tier."""


class TrapCode(Enum):
    """Why execution stopped; the value is the specification's wording, as its test suite checks it."""

    STACK_OVERFLOW = "call stack exhausted"
    MEMORY_OUT_OF_BOUNDS = "out of bounds memory access"
    TABLE_OUT_OF_BOUNDS = "out of bounds table access"
    UNDEFINED_ELEMENT = "undefined element"
    UNINITIALIZED_ELEMENT = "uninitialized element"
    BAD_SIGNATURE = "indirect call type mismatch"
    INTEGER_OVERFLOW = "integer overflow"
    INTEGER_DIVISION_BY_ZERO = "integer divide by zero"
    BAD_CONVERSION_TO_INTEGER = "invalid conversion to integer"
    UNREACHABLE = "unreachable"
    INTERRUPT = "interrupt"
    OUT_OF_FUEL = "all fuel consumed by WebAssembly"
    NULL_REFERENCE = "null reference"
    NULL_FUNCTION_REFERENCE = "null function reference"
    NULL_STRUCTURE_REFERENCE = "null structure reference"
    NULL_ARRAY_REFERENCE = "null array reference"
    NULL_I31_REFERENCE = "null i31 reference"
    ARRAY_OUT_OF_BOUNDS = "out of bounds array access"
    CAST_FAILURE = "cast failure"
    HEAP_EXHAUSTED = "no room in the heap of objects"
    HEAP_MISALIGNED = "unaligned atomic"
    ATOMIC_WAIT_NON_SHARED_MEMORY = "expected shared memory"
    NULL_EXCEPTION = "null exception reference"
    UNCAUGHT_EXCEPTION = "thrown WebAssembly exception"

    INDIRECT_CALL_TO_NULL = UNINITIALIZED_ELEMENT  # wasmtime-py's name for it


class Frame(Record, frozen=True):
    """One WebAssembly frame of a backtrace, innermost first.

    ``module_offset`` is the instruction's place in the binary, and ``func_offset`` the same from the start of
    its function's body; None where a tier does not know it.
    """

    function_index: int
    function_name: str | None
    module_name: str | None = None
    module_offset: int | None = None
    func_offset: int | None = None

    @property
    def func_index(self) -> int:
        """``function_index``, by wasmtime-py's name."""
        return self.function_index

    @property
    def func_name(self) -> str | None:
        """``function_name``, by wasmtime-py's name."""
        return self.function_name


class Trap(VMError):
    """Execution stopped for a reason the specification defines, or that the host asked for."""

    def __init__(
        self, code: TrapCode | str | None, message: str = "", frames: tuple[Frame, ...] = ()
    ) -> None:
        if isinstance(code, str):  # Trap("why"), as a host function raises it with wasmtime-py
            message = code
        self.trap_code = None if isinstance(code, str) else code
        self.code: TrapCode | int | None = self.trap_code
        self.message = message or (self.trap_code.value if self.trap_code else "trap")
        self.frames = frames
        super().__init__(self.message)


class ExitTrap(Trap):
    """A WASI program ended itself; ``exit_code`` is what it passed to ``proc_exit``."""

    def __init__(self, exit_code: int) -> None:
        super().__init__(None, f"Exited with i32 exit status {exit_code}")
        self.exit_code = exit_code
        self.code = exit_code  # the name that wasmtime-py gives it
