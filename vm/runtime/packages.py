"""Exceptions as objects of the managed heap: what an exnref refers to when compiled code has made it.

    0  header     8  tag record     16  the values, in words as in the state's payload

So a package is filled and emptied by copying words. A word that holds a reference is a traced field of 4
bytes and padding. The tag's record says of which type, and how big, its packages are.
"""

from __future__ import annotations

import functools

from vm.isa.canonical import canonical_group
from vm.isa.types import EXTERNREF, DefType, FieldType, FuncType, StructType, SubType, ValType
from vm.memory.native import WORD, poke
from vm.runtime.references import define, traced
from vm.runtime.words import offsets
from vm.typed import Iterator

PACKAGE_TAG = 8
PACKAGE_VALUES = 16

TAG_TYPE, TAG_SIZE, TAG_BYTES = 0, 8, 16
"""Fields of a tag's record: the number of its packages' type, their size, and how many bytes of values."""
TAG_RECORD = 24

_WHOLE = FieldType(ValType.I64, True)
_REFERENCE = (FieldType(EXTERNREF, True), FieldType(ValType.I32, True))


def _fields(signature: FuncType) -> Iterator[FieldType]:
    yield _WHOLE
    for type in signature.params:
        if traced(type):
            yield from _REFERENCE
        else:
            yield from [_WHOLE] * (2 if type is ValType.V128 else 1)


@functools.lru_cache(maxsize=1024)
def package_type(signature: FuncType) -> DefType:
    """The type of packages for a tag with this signature."""
    (type,) = canonical_group([SubType(StructType(tuple(_fields(signature))))])
    return type


def describe_packages(record: int, signature: FuncType) -> DefType:
    """Fill in a tag's record; gives the type, which has to live as long as the record."""
    type = package_type(signature)
    define([type])
    bytes_ = offsets(signature.params)[-1] * WORD
    poke(record + TAG_TYPE, type.id)
    poke(record + TAG_SIZE, PACKAGE_VALUES + bytes_)
    poke(record + TAG_BYTES, bytes_)
    return type
