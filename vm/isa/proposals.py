"""Bytes that belong to proposals this engine does not have yet: so that an error can say which one it is.

A row that enters the opcode table leaves this list.
"""

from __future__ import annotations

_TAIL_CALLS = "tail calls"
_FUNCTION_REFERENCES = "typed function references"

UNSUPPORTED_OPCODES: dict[int, str] = {
    **dict.fromkeys((0x12, 0x13), _TAIL_CALLS),
    **dict.fromkeys((0x15,), _FUNCTION_REFERENCES),
}
"""Proposals by an instruction's first byte."""


def remark(byte: int, proposals: dict[int, str]) -> str:
    """What an error says about an unknown byte."""
    proposal = proposals.get(byte)
    known = f" ({proposal}, which is not supported yet)" if proposal else ""
    return f"byte {byte:#04x}{known}"
