"""Errors on their way from a compiler's process to the program."""

from __future__ import annotations

from vm.errors import CompileError, DecodeError, ValidationError, VMError
from vm.typed import Any


def to_data(error: BaseException) -> dict[str, Any]:
    """An error as what JSON can say. What is not the engine's own is a fault of the compiler."""
    data: dict[str, Any] = {"type": type(error).__name__, "text": str(error)}
    if isinstance(error, DecodeError | ValidationError):
        data |= {"message": error.message, "offset": error.offset, "detail": error.detail}
        data["function"] = getattr(error, "function", None)
    elif isinstance(error, VMError):
        data["type"] = "VMError"
    return data


def from_data(data: dict[str, Any]) -> VMError:
    """The error that ``to_data`` was given, or one that says what happened there."""
    match data["type"]:
        case "ValidationError":
            return ValidationError(data["message"], data["offset"], data["detail"], data["function"])
        case "DecodeError":
            return DecodeError(data["message"], data["offset"], data["detail"])
        case "VMError":
            return VMError(data["text"])
        case other:
            return CompileError(f"compiling failed: {other}: {data['text']}")
