"""Sections to a module (spec 5.5), with the custom "name" section for what the text called things (7.4.1)."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from vm.text.annotations import FIRST, LAST, CustomSection
from vm.text.definitions import encoded_groups
from vm.text.fields import Sections, text_name
from vm.text.immediates import u
from vm.text.outline import Outline

HEADER = b"\0asm\1\0\0\0"

_CUSTOM = 0
_MODULE_NAME, _LOCAL_NAMES, _LABEL_NAMES, _FIELD_NAMES = 0, 2, 3, 10


def assemble(found: Outline, sections: Sections, customs: Sequence[CustomSection] = ()) -> bytes:
    """The whole binary. Sections without content are left out; ``customs`` stand where they want to."""
    data_count = u(len(sections.data)) if sections.uses_data else b""
    parts = {FIRST: b""} | _known_sections(found, sections, data_count) | {LAST: b""}
    binary = HEADER
    for number, part in parts.items():
        around = [custom for custom in customs if custom.place == number]
        binary += b"".join(_custom(custom) for custom in around if custom.before)
        binary += part
        binary += b"".join(_custom(custom) for custom in around if not custom.before)
    return binary + _names(found, sections)


def _known_sections(found: Outline, sections: Sections, data_count: bytes) -> dict[int, bytes]:
    """Sections by number, in their order."""
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
    ]
    return dict(zip(_ORDER, parts, strict=True))


_ORDER = (1, 2, 3, 4, 5, 13, 6, 7, 8, 9, 12, 10, 11)


def _custom(custom: CustomSection) -> bytes:
    return _section(_CUSTOM, text_name(custom.name) + custom.content)


def _section(number: int, content: bytes) -> bytes:
    return bytes([number]) + u(len(content)) + content if content else b""


def _vector(number: int, items: list[bytes]) -> bytes:
    return _section(number, u(len(items)) + b"".join(items)) if items else b""


def _names(found: Outline, sections: Sections) -> bytes:
    """The "name" section: subsections in the order of their numbers, those without names left out."""
    spaces = found.spaces
    parts = {_MODULE_NAME: text_name(found.name) if found.name else b""}
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
        parts[number] = _name_map(space.names) if space.names else b""
    parts[_LOCAL_NAMES] = _indirect_map(sections.local_names)
    parts[_LABEL_NAMES] = _indirect_map(sections.label_names)
    parts[_FIELD_NAMES] = _indirect_map(
        {index: space.names for index, space in spaces.types.fields.items() if space.names}
    )
    content = b"".join(_section(number, parts[number]) for number in sorted(parts))
    return _section(_CUSTOM, text_name("name") + content) if content else b""


def _name_map(names: Mapping[int, str]) -> bytes:
    """Names by index, in the order of the indices."""
    items = [u(index) + text_name(name) for index, name in sorted(names.items())]
    return u(len(items)) + b"".join(items)


def _indirect_map(names: dict[int, dict[int, str]]) -> bytes:
    if not names:
        return b""
    items = [u(function) + _name_map(entries) for function, entries in sorted(names.items())]
    return u(len(items)) + b"".join(items)
