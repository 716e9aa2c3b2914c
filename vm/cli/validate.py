"""``wasmvm validate``: say whether modules are valid, and where the first fault is."""

from __future__ import annotations

import argparse
import sys
from dataclasses import dataclass

from vm.cli.errors import EXIT_USAGE, InputError, described, place, read_file, to_binary
from vm.errors import ValidationError, WasmError

_EXAMPLES = """\
examples:
  wasmvm validate app.wasm
  wasmvm validate --json build/*.wasm | jq '.[] | select(.valid | not)'

exit code: 0 when all are valid, 2 otherwise.
"""


@dataclass(frozen=True, slots=True)
class Verdict:
    """One file and what is in it: ``error`` is None when the module is valid."""

    file: str
    content: bytes
    error: InputError | WasmError | None

    def line(self) -> str:
        """For people."""
        if self.error is None:
            return f"{self.file}: valid"
        if isinstance(self.error, WasmError):
            return described(self.file, self.error, self.content)
        return str(self.error)

    def record(self) -> dict[str, object]:
        """For programs: ``offset`` in bytes, ``function`` an index, null where there is none.

        Of a text there are ``line`` and ``column`` where they are known; when it is malformed, ``offset``
        counts characters, else bytes of the binary that it stands for.
        """
        error = self.error
        record: dict[str, object] = {"file": self.file, "valid": error is None}
        if isinstance(error, WasmError):
            function = error.function if isinstance(error, ValidationError) else None
            kind = "invalid" if isinstance(error, ValidationError) else "malformed"
            where = place(error, self.content)
            record["error"] = {
                "kind": kind,
                "message": error.message,
                "detail": error.detail,
                "offset": error.offset,
                "function": function,
                **({"line": where.line, "column": where.column} if where else {}),
            }
        elif error is not None:
            record["error"] = {"kind": "unreadable", "message": str(error)}
        return record


def add(commands: argparse._SubParsersAction[argparse.ArgumentParser]) -> None:
    """Register the command."""
    command = commands.add_parser(
        "validate",
        help="check that modules are valid",
        description="Decode and validate modules completely.",
        epilog=_EXAMPLES,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    command.add_argument("--json", action="store_true", help="print a JSON list of verdicts")
    command.add_argument("files", nargs="+", metavar="FILE", help="modules (.wasm, .wat)")
    command.set_defaults(main=main)


def main(arguments: argparse.Namespace) -> int:
    """Check them all; the exit code."""
    verdicts = [check(file) for file in arguments.files]
    if arguments.json:
        import json

        print(json.dumps([verdict.record() for verdict in verdicts], indent=2))
    else:
        for verdict in verdicts:
            if verdict.error is None:
                print(verdict.line())
            else:
                print(f"wasmvm: {verdict.line()}", file=sys.stderr)
    return EXIT_USAGE if any(verdict.error for verdict in verdicts) else 0


def check(file: str) -> Verdict:
    """Read, decode and validate one file."""
    from vm.module.decoder import decode
    from vm.module.validator import validate
    from vm.native.validation import kernel

    content = b""
    try:
        content = read_file(file)
        module = decode(to_binary(content))
        validate(module, kernel(module.bodies.code_bytes))
    except (InputError, WasmError) as error:
        return Verdict(file, content, error)
    return Verdict(file, content, None)
