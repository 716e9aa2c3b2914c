"""Addresses that travel from block to block as 64 bits: a step between LLVM's passes and its code generator.

An address in a memory of WebAssembly's is an i32, extended where it is used. On x86-64 whatever computes 32
bits extends them at no cost, but LLVM selects instructions block by block: of a value from another block, or
of a phi, it does not know that. It moves the value to a register of its own, for each use in a loop anew, and
then has it in two. So here the extension goes to where the value is made, and phis of such values become phis
of 64 bits. LLVM's own passes do the opposite on the way, which is why this comes last; and llvmlite has no
passes of one's own, which is why it works on the text of the optimised module.
"""

from __future__ import annotations

import re

_INTEGER = re.compile(r"-?\d+")
_NAME = re.compile(r"%[-\w.$]+")
_DEFINED = re.compile(r"  (%[-\w.$]+) = ")
_EXTENDED = re.compile(r"  (%[-\w.$]+) = zext (?:nneg )?i32 (%[-\w.$]+) to i64")
_PHI = re.compile(r"  (%[-\w.$]+) = phi i32 (.*)")
_ARM = re.compile(r"\[ (.+?), (%[-\w.$]+) \]")
_NUMBER = re.compile(r"%(\d+)\b")
_NUMBERED_BLOCK = re.compile(r"^(\d+):")


def widened(ir: str) -> str:
    """A module as LLVM prints it, to the same with each function's addresses widened."""
    out: list[str] = []
    body: list[str] | None = None
    for line in ir.split("\n"):
        if body is None:
            out.append(line)
            body = [] if line.startswith("define ") else None
        elif line == "}":
            out += [*_function(body), line]
            body = None
        else:
            body.append(line)
    return "\n".join(out)


def _function(body: list[str]) -> list[str]:
    """A body's lines."""
    if not any(map(_EXTENDED.match, body)) or any('%"' in line for line in body):
        return body
    lines = _named(body)
    extended = {match[1]: match[2] for line in lines if (match := _EXTENDED.match(line))}
    phis = {match[1]: _ARM.findall(match[2]) for line in lines if (match := _PHI.match(line))}
    wide = _closure(set(extended.values()), phis)
    if not all(_known(value) for name in wide & phis.keys() for value, _ in phis[name]):
        return body
    renamed = {name: _wide(value) for name, value in extended.items()}
    defined = {match[1] for line in lines if (match := _DEFINED.match(line))}
    out = [lines[0], *(_extension(name) for name in sorted(wide - defined))]
    narrow: list[str] = []
    for line in lines[1:]:
        match = _DEFINED.match(line)
        name = match[1] if match else ""
        if " = phi " not in line:
            out += narrow
            narrow = []
        if name in wide and name in phis:
            arms = ", ".join(f"[ {_wide(value)}, {block} ]" for value, block in phis[name])
            out.append(f"  {_wide(name)} = phi i64 {arms}")
            narrow.append(f"  {name} = trunc nuw i64 {_wide(name)} to i32")
        elif name not in renamed:
            out.append(_NAME.sub(lambda found: renamed.get(found[0], found[0]), line))
            if name in wide:
                out.append(_extension(name))
    return out


def _named(lines: list[str]) -> list[str]:
    """The lines with names instead of numbers, which have to follow each other; the first one is a label."""
    lines = [_NUMBERED_BLOCK.sub(r"n\1:", _NUMBER.sub(r"%n\1", line), count=1) for line in lines]
    return lines if _is_label(lines[0]) else ["n0:", *lines]


def _is_label(line: str) -> bool:
    return not line.startswith(" ")


def _closure(wide: set[str], phis: dict[str, list[tuple[str, str]]]) -> set[str]:
    """These values, and those that come to phis among them."""
    queue = [name for name in wide if name in phis]
    while queue:
        for value, _ in phis[queue.pop()]:
            if value.startswith("%") and value not in wide:
                wide.add(value)
                if value in phis:
                    queue.append(value)
    return wide


def _extension(name: str) -> str:
    return f"  {_wide(name)} = zext i32 {name} to i64"


def _wide(value: str) -> str:
    """What stands for an i32 as 64 bits; of what is undefined, 0 is one of the values that it may have."""
    if value.startswith("%"):
        return f"%wide.{value[1:]}"
    return str(int(value) & 0xFFFFFFFF) if _INTEGER.fullmatch(value) else "0"


def _known(value: str) -> bool:
    """Whether ``_wide`` knows the value; the addresses of symbols, say, are other constants."""
    return value.startswith("%") or value in ("undef", "poison") or _INTEGER.fullmatch(value) is not None
