"""The custom "name" section: what a compiler called the module and its functions (spec 7.4.1).

It is advice for people: whatever is malformed in it is left out, and never an error.
"""

from __future__ import annotations

from vm.errors import DecodeError
from vm.module.model import Names
from vm.module.reader import Reader

_MODULE, _FUNCTIONS = 0, 1


def read_names(data: bytes, start: int, end: int) -> Names:
    """The names in the section contents ``start:end``, as far as they can be read."""
    names = Names()
    r = Reader(data, start, end)
    try:
        while r.at < end:
            kind = r.byte("name subsection")
            size = r.u32("subsection size")
            begin = r.skip(size, "name subsection")
            _subsection(names, kind, Reader(data, begin, begin + size))
    except DecodeError:
        pass  # the rest is unreadable; what was read before it stays useful
    return names


def _subsection(names: Names, kind: int, r: Reader) -> None:
    if kind == _MODULE:
        names.module = r.name("module name")
    elif kind == _FUNCTIONS:
        for _ in range(r.count("function names")):
            index = r.u32("function index")
            names.functions[index] = r.name("function name")
