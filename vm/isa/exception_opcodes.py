"""Rows of the opcode table that throw and catch: the standard form, and the legacy form that it replaced.

Source: specification 5.4.1; for the legacy form the exception handling proposal's "legacy/Exceptions.md".
"""

from __future__ import annotations

from vm.isa.opcode import Feature, Immediate, Opcode, row

_STANDARD, _LEGACY = Feature.EXCEPTIONS, Feature.LEGACY_EXCEPTIONS

CATCH_KINDS = {(True, False): 0, (True, True): 1, (False, False): 2, (False, True): 3}
"""The byte of a ``try_table`` clause, by whether it names a tag and whether it wants a reference."""

EXCEPTION_OPCODES: tuple[Opcode, ...] = (
    row(0x06, "try", Immediate.BLOCK, None, _LEGACY),
    row(0x07, "catch", Immediate.TAG, None, _LEGACY),
    row(0x08, "throw", Immediate.TAG, None, _STANDARD),
    row(0x09, "rethrow", Immediate.LABEL, None, _LEGACY),
    row(0x0A, "throw_ref", Immediate.NONE, None, _STANDARD),
    row(0x18, "delegate", Immediate.LABEL, None, _LEGACY),
    row(0x19, "catch_all", Immediate.NONE, None, _LEGACY),
    row(0x1F, "try_table", Immediate.TRY_TABLE, None, _STANDARD),
)
"""The instructions of both forms; ``throw`` belongs to both."""
