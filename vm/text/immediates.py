"""What follows an instruction's name, for each kind of immediate of the opcode table (spec 6.5, 5.4).

``PARSERS`` is the counterpart of the readers in ``vm.module.instructions``: a new instruction whose
immediate is known needs nothing here.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field

from vm.isa.exception_opcodes import CATCH_KINDS
from vm.isa.opcodes import BY_CODE, BY_NAME, Immediate, Opcode
from vm.isa.types import RefType
from vm.module.leb import encode_signed, encode_unsigned
from vm.text import casts, numbers, types, vectors
from vm.text.cursor import OUT_OF_RANGE, Cursor
from vm.text.keywords import INSTRUCTIONS
from vm.text.lexer import shortened
from vm.text.spaces import Space, Spaces
from vm.typed import TypeAlias

_SHORT = [bytes([value]) for value in range(0x80)]
_EMPTY_BLOCK = b"\x40"
_EXPLICIT_MEMORY = 0x40


def u(value: int) -> bytes:
    """An unsigned LEB128 number."""
    return _SHORT[value] if value < 0x80 else encode_unsigned(value)


@dataclass(slots=True)
class Labels:
    """The blocks around a place, innermost last, and the name of every block there was."""

    names: list[str | None] = field(default_factory=list)
    depths: dict[str, list[int]] = field(default_factory=dict)
    count: int = 0
    all_names: dict[int, str] = field(default_factory=dict)

    def push(self, name: str | None) -> None:
        """Enter a block."""
        if name is not None:
            self.depths.setdefault(name, []).append(len(self.names))
            self.all_names[self.count] = name[1:]
        self.names.append(name)
        self.count += 1

    def pop(self) -> None:
        """Leave the innermost block."""
        name = self.names.pop()
        if name is not None:
            self.depths[name].pop()

    def index(self, c: Cursor) -> int:
        """Read a label: how many blocks further out its block is."""
        word = c.words[c.at]
        if word[:1] != "$":
            return c.natural(32, "a label")
        depths = self.depths.get(word)
        if not depths:
            raise c.fail("unknown label", detail=word)
        c.at += 1
        return len(self.names) - 1 - depths[-1]


@dataclass(slots=True)
class Scope:
    """What the instructions of one body or constant expression can name."""

    c: Cursor
    spaces: Spaces
    locals: Space = field(default_factory=lambda: Space("local", "local"))
    labels: Labels = field(default_factory=Labels)
    uses_data: bool = False
    """Whether an instruction names a data segment: readers want to be told of their number then."""


Parser: TypeAlias = Callable[[Scope], bytes]
"""Reads the immediates of one instruction, gives them in binary."""


def block_type(s: Scope) -> bytes:
    """The type of a block; parameters cannot have names."""
    c = s.c
    if not c.sees("type"):
        start = c.at
        found = types.signature(c, s.spaces.types)
        if not found.params and len(found.results) <= 1:
            return types.encoded(found.results[0]) if found.results else _EMPTY_BLOCK
        c.at = start
    return encode_signed(types.type_use(c, s.spaces.types))


def _try_table(s: Scope) -> bytes:
    """A block type and catch clauses, whose labels are those outside."""
    head = block_type(s)
    clauses = []
    while s.c.words[s.c.at] == "(" and s.c.words[s.c.at + 1] in _CLAUSES:
        clauses.append(_catch_clause(s))
    return head + u(len(clauses)) + b"".join(clauses)


def _catch_clause(s: Scope) -> bytes:
    kind = _CLAUSES[s.c.words[s.c.at + 1]]
    s.c.at += 2
    tag = u(s.spaces.tags.index(s.c)) if kind[0] else b""
    clause = u(CATCH_KINDS[kind]) + tag + u(s.labels.index(s.c))
    s.c.close()
    return clause


_CLAUSES = {
    "catch": (True, False),
    "catch_ref": (True, True),
    "catch_all": (False, False),
    "catch_all_ref": (False, True),
}
"""Whether a clause names a tag, and whether it wants a reference."""


def _label(s: Scope) -> bytes:
    return u(s.labels.index(s.c))


def _label_table(s: Scope) -> bytes:
    labels = [s.labels.index(s.c)]
    while s.c.words[s.c.at][:1] == "$" or s.c.sees_natural():
        labels.append(s.labels.index(s.c))
    return u(len(labels) - 1) + b"".join(map(u, labels))


def _call_indirect(s: Scope) -> bytes:
    table = _optional(s, s.spaces.tables)
    return u(types.type_use(s.c, s.spaces.types)) + table


def _optional(s: Scope, space: Space) -> bytes:
    """An index that is 0 unless given."""
    return u(space.index(s.c)) if space.sees_index(s.c) else b"\0"


def _optional_pair(s: Scope, space: Space) -> bytes:
    if not space.sees_index(s.c):
        return b"\0\0"
    return u(space.index(s.c)) + u(space.index(s.c))


def _segment(s: Scope, segments: Space, targets: Space) -> bytes:
    """A segment and, in front of it, the table or memory that it goes to, which may be left out."""
    words, at = s.c.words, s.c.at
    target = b"\0"
    if targets.sees_index(s.c) and (words[at + 1][:1] == "$" or words[at + 1][:1].isdigit()):
        target = u(targets.index(s.c))
    return u(segments.index(s.c)) + target


def _data(s: Scope) -> bytes:
    s.uses_data = True
    return u(s.spaces.data.index(s.c))


def _data_memory(s: Scope) -> bytes:
    s.uses_data = True
    return _segment(s, s.spaces.data, s.spaces.memories)


def _memory_argument(s: Scope, access: int) -> bytes:
    """``offset=`` and ``align=``; the alignment is that of the access unless given."""
    c = s.c
    memory = s.spaces.memories.index(c) if s.spaces.memories.sees_index(c) else 0
    offset = _argument(c, "offset=") or 0
    at = c.at
    alignment = _argument(c, "align=")
    if alignment is None:
        alignment = access
    elif alignment.bit_count() != 1:
        raise c.fail("alignment must be a power of two", at, f"{alignment} is none")
    flags = alignment.bit_length() - 1
    if memory:
        return u(flags | _EXPLICIT_MEMORY) + u(memory) + u(offset)
    return u(flags) + u(offset)


def _memory_lane(s: Scope, access: int) -> bytes:
    """A memory argument and a lane: a number that stands alone is the lane, not the memory."""
    c = s.c
    following = c.words[c.at + 1]
    if c.sees_natural() and not (following[:1].isdigit() or following.startswith(("offset=", "align="))):
        return u(access.bit_length() - 1) + b"\0" + vectors.lane(c)
    return _memory_argument(s, access) + vectors.lane(c)


def _argument(c: Cursor, prefix: str) -> int | None:
    word = c.words[c.at]
    if not word.startswith(prefix):
        return None
    try:
        value = numbers.natural(word[len(prefix) :], 64)
    except OverflowError:
        raise c.fail(OUT_OF_RANGE, detail=f"{shortened(word)} in 64 bits") from None
    if value is None:
        raise c.unexpected(f"{prefix} and a number")
    c.at += 1
    return value


def _integer(bits: int) -> Parser:
    def parse(s: Scope) -> bytes:
        c = s.c
        try:
            value = numbers.integer(c.words[c.at], bits)
        except OverflowError:
            raise c.fail(OUT_OF_RANGE, detail=f"an i{bits} was expected") from None
        if value is None:
            raise c.unexpected("an integer")
        c.at += 1
        return encode_signed(value)

    return parse


def _float(form: numbers.Format) -> Parser:
    def parse(s: Scope) -> bytes:
        c = s.c
        try:
            bits = numbers.float_bits(c.words[c.at], form)
        except OverflowError:
            raise c.fail(OUT_OF_RANGE, detail=f"an f{form.width} was expected") from None
        if bits is None:
            raise c.unexpected("a number")
        c.at += 1
        return bits.to_bytes(form.width // 8, "little")

    return parse


def _heap_type(s: Scope) -> bytes:
    return types.encoded_heap(RefType(types.heap_type(s.c, s.spaces.types)))


def _select_types(s: Scope) -> bytes:
    return types.encoded_types(types.results(s.c, s.spaces.types))


PARSERS: dict[Immediate, Parser | None] = {
    Immediate.NONE: None,
    Immediate.BLOCK: block_type,
    Immediate.LABEL: _label,
    Immediate.LABEL_TABLE: _label_table,
    Immediate.FUNC: lambda s: u(s.spaces.functions.index(s.c)),
    Immediate.TYPE: casts.type_index,
    Immediate.TYPE_FIELD: casts.type_field,
    Immediate.TYPE_COUNT: casts.type_count,
    Immediate.TYPE_DATA: casts.type_data,
    Immediate.TYPE_ELEM: casts.type_elem,
    Immediate.TYPE_TYPE: casts.type_type,
    Immediate.CAST: casts.branch_on_cast,
    Immediate.CALL_INDIRECT: _call_indirect,
    Immediate.LOCAL: lambda s: u(s.locals.index(s.c)),
    Immediate.GLOBAL: lambda s: u(s.spaces.globals.index(s.c)),
    Immediate.TABLE: lambda s: _optional(s, s.spaces.tables),
    Immediate.TABLE_TABLE: lambda s: _optional_pair(s, s.spaces.tables),
    Immediate.ELEM: lambda s: u(s.spaces.elements.index(s.c)),
    Immediate.ELEM_TABLE: lambda s: _segment(s, s.spaces.elements, s.spaces.tables),
    Immediate.DATA: _data,
    Immediate.DATA_MEMORY: _data_memory,
    Immediate.MEMORY: lambda s: _optional(s, s.spaces.memories),
    Immediate.MEMORY_MEMORY: lambda s: _optional_pair(s, s.spaces.memories),
    Immediate.I32: _integer(32),
    Immediate.I64: _integer(64),
    Immediate.F32: _float(numbers.F32),
    Immediate.F64: _float(numbers.F64),
    Immediate.V128: lambda s: vectors.vector(s.c),
    Immediate.LANE: lambda s: vectors.lane(s.c),
    Immediate.SHUFFLE: lambda s: vectors.shuffle(s.c),
    Immediate.REF_TYPE: _heap_type,
    Immediate.NON_NULL_TYPE: _heap_type,
    Immediate.SELECT_TYPES: _select_types,
    Immediate.TAG: lambda s: u(s.spaces.tags.index(s.c)),
    Immediate.TRY_TABLE: _try_table,
    Immediate.FENCE: lambda s: b"\0",
}
"""How each kind of immediate is read, in binary form; None when there is nothing to read. A memory
argument is missing: what it means when nothing is written depends on the instruction."""


def code_bytes(opcode: Opcode) -> bytes:
    """An opcode in binary."""
    if opcode.prefix is None:
        return bytes([opcode.code])
    return bytes([opcode.prefix]) + encode_unsigned(opcode.sub)


def _parser(opcode: Opcode) -> Parser | None:
    if opcode.immediate is Immediate.MEMARG:
        return lambda s: _memory_argument(s, opcode.access)
    if opcode.immediate is Immediate.MEMARG_LANE:
        return lambda s: _memory_lane(s, opcode.access)
    return PARSERS[opcode.immediate]


def _entry(opcode: Opcode) -> tuple[bytes, Parser | None]:
    return code_bytes(opcode), _parser(opcode)


_ARM_NAMES = frozenset({"else", "catch", "catch_all", "delegate"})
_OPENING = {Immediate.BLOCK: block_type, Immediate.TRY_TABLE: _try_table}

PLAIN = {
    name: _entry(BY_NAME[name])
    for name in INSTRUCTIONS - _ARM_NAMES - {"end"}
    if BY_NAME[name].immediate not in _OPENING
}
BLOCKS = {
    opcode.name: (code_bytes(opcode), _OPENING[opcode.immediate])
    for opcode in BY_CODE.values()
    if opcode.immediate in _OPENING
}
"""Opcodes of the instructions that open blocks, and what reads the rest of their heads."""

ARMS = {name: _entry(BY_NAME[name]) for name in _ARM_NAMES}
"""Opcode and parser of the instructions that stand between the parts of a block, or close it otherwise."""

PLAIN |= {
    name: (b"", casts.reference_type(code_bytes(BY_NAME[name]), code_bytes(BY_NAME[f"{name}_null"])))
    for name in ("ref.test", "ref.cast")
}

"""Opcode and parser of every instruction that is no block, nor part of one; parsers of casts give both."""

SELECT_TYPED = _entry(BY_NAME["select_t"])
END = code_bytes(BY_NAME["end"])
