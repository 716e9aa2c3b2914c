"""Sections to a module (spec 5.5), with the custom "name" section for what the text called things (7.4.1)."""

from __future__ import annotations

from collections.abc import Iterable

from vm.text.definitions import encoded_groups
from vm.text.fields import Sections, text_name
from vm.text.immediates import u
from vm.text.outline import Outline
from vm.text.spaces import Space

HEADER = b"\0asm\1\0\0\0"

_CUSTOM = 0
_MODULE_NAME, _LOCAL_NAMES, _LABEL_NAMES, _FIELD_NAMES = 0, 2, 3, 10


def assemble(found: Outline, sections: Sections) -> bytes:
    """The whole binary. Sections without content are left out."""
    data_count = u(len(sections.data)) if sections.uses_data else b""
    parts = [
        _vector(1, encoded_groups(found.spaces.types)),
        _vector(2, sections.imports),
        _vector(3, sections.functions),
        _vector(4, sections.tables),
        _vector(5, sections.memories),
        _vector(13, sections.tags),
        _vector(6, sections.globals),
        _vector(7, sections.exports),
        _section(8, sections.start or b""),
        _vector(9, sections.elements),
        _section(12, data_count),
        _vector(10, sections.codes),
        _vector(11, sections.data),
        _names(found, sections),
    ]
    return HEADER + b"".join(parts)


def _section(number: int, content: bytes) -> bytes:
    return bytes([number]) + u(len(content)) + content if content else b""


def _vector(number: int, items: list[bytes]) -> bytes:
    return _section(number, u(len(items)) + b"".join(items)) if items else b""


def _names(found: Outline, sections: Sections) -> bytes:
    """The "name" section: subsections in the order of their numbers, those without names left out."""
    spaces = found.spaces
    parts = {_MODULE_NAME: text_name(found.name[1:]) if found.name else b""}
    by_number = {
        1: spaces.functions,
        4: spaces.types,
        5: spaces.tables,
        6: spaces.memories,
        7: spaces.globals,
        8: spaces.elements,
        9: spaces.data,
        11: spaces.tags,
    }
    for number, space in by_number.items():
        parts[number] = _name_map(_of(space)) if space.by_name else b""
    parts[_LOCAL_NAMES] = _indirect_map(sections.local_names)
    parts[_LABEL_NAMES] = _indirect_map(sections.label_names)
    parts[_FIELD_NAMES] = _indirect_map(
        {index: dict(_of(space)) for index, space in spaces.types.fields.items() if space.by_name}
    )
    content = b"".join(_section(number, parts[number]) for number in sorted(parts))
    return _section(_CUSTOM, text_name("name") + content) if content else b""


def _of(space: Space) -> Iterable[tuple[int, str]]:
    return ((index, name) for name, index in space.by_name.items())


def _name_map(names: Iterable[tuple[int, str]]) -> bytes:
    """Names by index, in the order of the indices, without the text's $."""
    items = [u(index) + text_name(name[1:]) for index, name in sorted(names)]
    return u(len(items)) + b"".join(items)


def _indirect_map(names: dict[int, dict[int, str]]) -> bytes:
    if not names:
        return b""
    items = [u(function) + _name_map(entries.items()) for function, entries in sorted(names.items())]
    return u(len(items)) + b"".join(items)
