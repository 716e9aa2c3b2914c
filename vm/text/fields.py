"""The second of two walks over a module: every field to the bytes of its section (spec 6.6)."""

from __future__ import annotations

from dataclasses import dataclass, field

from vm.isa.opcodes import BY_NAME
from vm.isa.types import FUNCREF, PAGE_SIZE, RefType, ValType, ValueType
from vm.module.leb import encode_signed
from vm.module.sections import EXPORT_KINDS
from vm.text import types
from vm.text.code import Code
from vm.text.cursor import Cursor
from vm.text.immediates import END, Scope, code_bytes, u
from vm.text.outline import Field, Outline
from vm.text.spaces import Unnamed

_FUNC_KIND = b"\0"  # the only kind of elements that are written as function indices
_EXCEPTION = b"\0"  # the only kind of tags
_TABLE_WITH_INIT = b"\x40\0"

_REF_FUNC = code_bytes(BY_NAME["ref.func"])
_CONSTANTS = {
    ValType.I32: code_bytes(BY_NAME["i32.const"]),
    ValType.I64: code_bytes(BY_NAME["i64.const"]),
}


@dataclass(slots=True)
class Sections:
    """What each section holds, item by item; and the names of locals and labels by function.

    ``marks`` has for each of ``codes`` where its instructions come from, as ``Code.marks`` does, and
    ``local_bytes`` how long the locals before them are.
    """

    imports: list[bytes] = field(default_factory=list)
    functions: list[bytes] = field(default_factory=list)
    tables: list[bytes] = field(default_factory=list)
    memories: list[bytes] = field(default_factory=list)
    tags: list[bytes] = field(default_factory=list)
    globals: list[bytes] = field(default_factory=list)
    exports: list[bytes] = field(default_factory=list)
    start: bytes | None = None
    elements: list[bytes] = field(default_factory=list)
    codes: list[bytes] = field(default_factory=list)
    marks: list[list[tuple[int, int]]] = field(default_factory=list)
    data: list[bytes] = field(default_factory=list)
    uses_data: bool = False
    local_names: dict[int, dict[int, str]] = field(default_factory=dict)
    local_bytes: list[int] = field(default_factory=list)
    label_names: dict[int, dict[int, str]] = field(default_factory=dict)


@dataclass(slots=True)
class _Elements:
    """Elements of a segment: ``items`` in binary; indices of functions unless ``expressions``."""

    type: RefType
    expressions: bool
    items: list[bytes]

    def encode(self) -> bytes:
        """Their count and themselves."""
        return u(len(self.items)) + b"".join(self.items)


def encode_fields(c: Cursor, found: Outline) -> Sections:
    """All fields of the module whose first walk gave ``found``."""
    walk = _Walk(c, found)
    for entry in found.fields:
        c.at = entry.at
        walk.field(entry)
        for _ in range(entry.depth):
            c.close()
    return walk.sections


def text_name(name: str) -> bytes:
    """A name in binary."""
    encoded = name.encode()
    return u(len(encoded)) + encoded


class _Walk:
    """One method a kind of field, from behind its name and its inline exports."""

    def __init__(self, c: Cursor, found: Outline) -> None:
        self.c = c
        self.spaces = found.spaces
        self.sections = Sections()
        self._handlers = {
            "func": self._function,
            "table": self._table,
            "memory": self._memory,
            "global": self._global,
            "tag": self._tag,
            "elem": self._element_segment,
            "data": self._data_segment,
            "export": self._export,
            "start": self._start,
        }

    def field(self, entry: Field) -> None:
        """Encode one field, up to the parentheses that close it."""
        for name in entry.exports:
            self._export_as(name, entry.kind, entry.index)
        if entry.imported is None:
            self._handlers[entry.kind](entry)
        else:
            self._import(entry, *entry.imported)

    def _import(self, entry: Field, module: str, name: str) -> None:
        kind = bytes([EXPORT_KINDS.index(entry.kind)])
        described = self._imported_type(entry.kind)
        self.sections.imports.append(text_name(module) + text_name(name) + kind + described)

    def _imported_type(self, kind: str) -> bytes:
        match kind:
            case "func":
                return u(types.type_use(self.c, self.spaces.types, Unnamed()))
            case "table":
                return types.table_type(self.c, self.spaces.types, types.address_type(self.c))
            case "memory":
                return types.memory_type(self.c, types.address_type(self.c))
            case "tag":
                return self._tag_type()
            case _:
                return types.global_type(self.c, self.spaces.types)

    def _function(self, entry: Field) -> None:
        scope = Scope(self.c, self.spaces)
        self.sections.functions.append(u(types.type_use(self.c, self.spaces.types, scope.locals)))
        locals_ = _runs(types.variables(self.c, "local", self.spaces.types, scope.locals))
        code = Code(scope)
        code.sequence()
        body = locals_ + code.expression()
        self.sections.codes.append(u(len(body)) + body)
        self.sections.marks.append(code.marks)
        self.sections.uses_data |= scope.uses_data
        self.sections.local_bytes.append(len(locals_))
        if scope.locals.names:
            self.sections.local_names[entry.index] = scope.locals.names
        if scope.labels.all_names:
            self.sections.label_names[entry.index] = scope.labels.all_names

    def _table(self, entry: Field) -> None:
        c = self.c
        address = types.address_type(c)
        if not c.sees_natural():
            self._table_with_elements(entry, address)
            return
        described = types.table_type(c, self.spaces.types, address)
        if c.words[c.at] != ")":
            described = _TABLE_WITH_INIT + described + self._expression()
        self.sections.tables.append(described)

    def _table_with_elements(self, entry: Field, address: ValType) -> None:
        c = self.c
        element = types.reference_type(c, self.spaces.types)
        if not c.opens("elem"):
            raise c.unexpected("(elem")
        if c.words[c.at] == "(":
            elements = _Elements(element, True, self._element_expressions())
        else:
            elements = self._functions_as(element)
        c.close()
        size = u(len(elements.items))
        flags = types.limits_flags(address, maximum=True)
        self.sections.tables.append(types.encoded(element) + bytes([flags]) + size + size)
        self._active_elements(entry.index, _zero(address), elements)

    def _memory(self, entry: Field) -> None:
        c = self.c
        address = types.address_type(c)
        bits = types.page_bits(c)
        if bits is None and not c.sees("data"):
            self.sections.memories.append(types.memory_type(c, address))
            return
        if not c.opens("data"):
            raise c.unexpected("(data")
        content = self._strings()
        c.close()
        size = PAGE_SIZE if bits is None else 1 << bits
        pages = u(-(-len(content) // size))
        flags = types.limits_flags(address, maximum=True)
        self.sections.memories.append(types.with_pages(bytes([flags]) + pages + pages, bits))
        self._active_data(entry.index, _zero(address), content)

    def _tag(self, entry: Field) -> None:
        self.sections.tags.append(self._tag_type())

    def _tag_type(self) -> bytes:
        return _EXCEPTION + u(types.type_use(self.c, self.spaces.types, Unnamed()))

    def _global(self, entry: Field) -> None:
        described = types.global_type(self.c, self.spaces.types)
        self.sections.globals.append(described + self._expression())

    def _export(self, entry: Field) -> None:
        c = self.c
        name = c.name()
        c.take("(")
        space = self.spaces.definable.get(c.words[c.at])
        if space is None:
            raise c.unexpected("what is exported")
        c.at += 1
        self._export_as(name, space.kind, space.index(c))
        c.close()

    def _export_as(self, name: str, kind: str, index: int) -> None:
        self.sections.exports.append(text_name(name) + bytes([EXPORT_KINDS.index(kind)]) + u(index))

    def _start(self, entry: Field) -> None:
        self.sections.start = u(self.spaces.functions.index(self.c))

    # segments

    def _element_segment(self, entry: Field) -> None:
        c = self.c
        if c.words[c.at] == "declare":
            c.at += 1
            self._inactive_elements(self._elements(), declarative=True)
        elif types.sees_reference_type(c) or c.words[c.at] == "func":
            self._inactive_elements(self._elements(), declarative=False)
        else:
            explicit = c.opens("table")
            table = self.spaces.tables.index(c) if explicit or self.spaces.tables.sees_index(c) else 0
            if explicit:
                c.close()
            offset = self._wrapped_expression("offset")
            self._active_elements(table, offset, self._elements(func_needed=explicit))

    def _elements(self, *, func_needed: bool = True) -> _Elements:
        """A list of elements; where no table is named, ``func`` may be left out."""
        c = self.c
        if types.sees_reference_type(c):
            return _Elements(types.reference_type(c, self.spaces.types), True, self._element_expressions())
        if func_needed or c.words[c.at] == "func":
            c.take("func")
        return _Elements(FUNCREF, False, self._function_indices())

    def _functions_as(self, element: RefType) -> _Elements:
        """Function indices in a table of ``element``: only those of functions can stand as indices."""
        indices = self._function_indices()
        if element == FUNCREF:
            return _Elements(element, False, indices)
        return _Elements(element, True, [_REF_FUNC + index + END for index in indices])

    def _function_indices(self) -> list[bytes]:
        found = []
        while self.spaces.functions.sees_index(self.c):
            found.append(u(self.spaces.functions.index(self.c)))
        return found

    def _element_expressions(self) -> list[bytes]:
        found = []
        while self.c.words[self.c.at] == "(":
            found.append(self._wrapped_expression("item"))
        return found

    def _active_elements(self, table: int, offset: bytes, elements: _Elements) -> None:
        """Flags: 2 says that the table and the elements' type follow, 4 that elements are expressions."""
        flags = 4 if elements.expressions else 0
        described = b""
        if table or elements.type != FUNCREF:
            flags |= 2
            described = types.encoded(elements.type) if elements.expressions else _FUNC_KIND
        target = u(table) if flags & 2 else b""
        self.sections.elements.append(u(flags) + target + offset + described + elements.encode())

    def _inactive_elements(self, elements: _Elements, *, declarative: bool) -> None:
        """Flags: 1 not active, 2 declarative, 4 expressions."""
        flags = 1 | (2 if declarative else 0) | (4 if elements.expressions else 0)
        described = types.encoded(elements.type) if elements.expressions else _FUNC_KIND
        self.sections.elements.append(u(flags) + described + elements.encode())

    def _data_segment(self, entry: Field) -> None:
        c = self.c
        if c.words[c.at] == "(" or self.spaces.memories.sees_index(c):
            explicit = c.opens("memory")
            memory = self.spaces.memories.index(c) if explicit or c.words[c.at] != "(" else 0
            if explicit:
                c.close()
            self._active_data(memory, self._wrapped_expression("offset"), self._strings())
        else:
            content = self._strings()
            self.sections.data.append(u(1) + u(len(content)) + content)

    def _active_data(self, memory: int, offset: bytes, content: bytes) -> None:
        target = u(2) + u(memory) if memory else u(0)
        self.sections.data.append(target + offset + u(len(content)) + content)

    def _strings(self) -> bytes:
        content = self.c.strings()
        if self.c.words[self.c.at] != ")":
            raise self.c.unexpected("a string or )")
        return content

    # constant expressions

    def _expression(self) -> bytes:
        """Instructions up to the closing parenthesis."""
        code = Code(Scope(self.c, self.spaces))
        code.sequence()
        return code.expression()

    def _wrapped_expression(self, keyword: str) -> bytes:
        """``(keyword instructions)``, or one folded instruction."""
        if self.c.opens(keyword):
            found = self._expression()
            self.c.close()
            return found
        code = Code(Scope(self.c, self.spaces))
        code.folded()
        return code.expression()


def _runs(declared: list[ValueType]) -> bytes:
    """Locals as the binary has them: how many of one type in a row."""
    runs: list[tuple[int, ValueType]] = []
    for member in declared:
        if runs and runs[-1][1] == member:
            runs[-1] = (runs[-1][0] + 1, member)
        else:
            runs.append((1, member))
    return u(len(runs)) + b"".join(u(count) + types.encoded(member) for count, member in runs)


def _zero(address: ValType) -> bytes:
    """The offset of contents written inside their table or memory."""
    return _CONSTANTS[address] + encode_signed(0) + END
