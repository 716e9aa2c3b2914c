"""Which words the text format knows: tells "unexpected here" from "unknown everywhere"."""

from __future__ import annotations

import difflib
import re

from vm.isa.opcodes import BY_NAME, TEXT_NAMES
from vm.isa.types import SHORT_REFS, Heap, PackedType, ValType
from vm.text import numbers

INSTRUCTIONS = frozenset(BY_NAME) - TEXT_NAMES.keys()
"""Names of instructions; the text calls both forms of those that have two the same."""

_STRUCTURE = frozenset(
    """
    binary catch_all_ref catch_ref data declare do elem export field final global import
    item local memory module mut nan:arithmetic nan:canonical null offset pagesize param quote rec
    ref result shared start sub table tag then type
    """.split()  # noqa: SIM905 - a list of words is read more easily as words
)
_TYPES = frozenset(
    str(word) for words in (ValType, SHORT_REFS.values(), Heap, PackedType) for word in words
) - {"bot"}
_ARGUMENT = re.compile(r"(?:offset|align)=(.*)")

_RENAMED = {
    "get_local": "local.get",
    "set_local": "local.set",
    "tee_local": "local.tee",
    "get_global": "global.get",
    "set_global": "global.set",
    "current_memory": "memory.size",
    "grow_memory": "memory.grow",
    "anyfunc": "funcref",
}
"""Words of drafts before version 1.0 that old texts still use."""


def known(word: str) -> bool:
    """Whether the format has a place for ``word``, here or elsewhere."""
    if word in INSTRUCTIONS or word in _STRUCTURE or word in _TYPES or numbers.is_number(word):
        return True
    argument = _ARGUMENT.fullmatch(word)
    return argument is not None and argument[1][:1].isdigit() and numbers.is_number(argument[1])


def hint(word: str) -> str:
    """What the author of an unknown word may have meant, or an empty string."""
    if word in _RENAMED:
        return f"it is called {_RENAMED[word]} now"
    near = difflib.get_close_matches(word[:80], INSTRUCTIONS | _STRUCTURE | _TYPES, n=1, cutoff=0.75)
    return f"did you mean {near[0]}?" if near else ""
