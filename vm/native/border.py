"""The border with Python in this process: the code of ``vm.native.callbacks`` and ``vm.native.entries``.

It is the same for all functions, whatever their types, so it is compiled once on a machine, and loaded from
disk from then on.
"""

from __future__ import annotations

import ctypes
import faulthandler

from vm.gc import cycles
from vm.memory.native import WORD, Block, packed
from vm.native import arena
from vm.native.agreed import BORDER
from vm.native.code import kept
from vm.native.glue import Glue, glue, python_function, sources
from vm.native.signals import signals
from vm.once import once
from vm.runtime.exceptions import Exn

_LEVEL = 2

_API = (
    "PyErr_CheckSignals",
    "PyErr_Clear",
    "PyErr_ExceptionMatches",
    "PyErr_Fetch",
    "PyErr_NormalizeException",
    "PyErr_Occurred",
    "PyEval_RestoreThread",
    "PyEval_SaveThread",
    "PyException_SetTraceback",
    "PyFloat_AsDouble",
    "PyFloat_FromDouble",
    "PyList_New",
    "PyList_SetItem",
    "PyLong_AsUnsignedLongLong",
    "PyLong_AsUnsignedLongLongMask",
    "PyLong_FromLongLong",
    "PyLong_FromUnsignedLongLong",
    "PyMethod_New",
    "PyNumber_Lshift",
    "PyNumber_Or",
    "PyNumber_Rshift",
    "PyObject_SetAttr",
    "PyObject_Size",
    "PyObject_Type",
    "PyObject_Vectorcall",
    "PySequence_GetItem",
    "PyType_IsSubtype",
    "Py_DecRef",
    "Py_IncRef",
)
"""What is used of Python's API: public functions, found by name."""


def _ir() -> str:
    from vm.native.callbacks import CALLBACKS_IR  # ready-made code does without the texts
    from vm.native.entries import ENTRIES_IR
    from vm.native.glue_text import FRAMES

    return FRAMES + CALLBACKS_IR + ENTRIES_IR


def _is_enabled() -> int:
    """The address of the C function behind ``faulthandler.is_enabled``; it ignores two pointers."""
    get_function = ctypes.pythonapi.PyCFunction_GetFunction
    get_function.restype, get_function.argtypes = ctypes.c_void_p, [ctypes.py_object]
    return int(get_function(faulthandler.is_enabled))


class Border:
    """The process's border; ``symbols`` are the addresses of its functions."""

    def __init__(self, glue: Glue) -> None:
        externals = {
            **glue.externals,
            **{name: python_function(name) for name in _API},
            "thread_key": glue.key,
            "floor_key": glue.floor_key,
            "collecting": cycles.LOOKING.address,
            "faulthandler_is_enabled": _is_enabled(),
            "faulthandler_seen": signals(glue).seen.address,
            "none": id(None),
            "int_type": id(int),
            "float_type": id(float),
            "tuple_type": id(tuple),
            "list_type": id(list),
            "exn_type": id(Exn),
        }
        self._code = kept("border", _ir, _LEVEL, arena.glue(), externals, sources=sources())
        self.symbols = self._code.symbols


@once
def border() -> Border:
    """The process's border."""
    return Border(glue())


class Doors:
    """What native code of one store asks Python through: the objects that ``BORDER`` lists, at ``address``.

    ``link`` has the methods; it owns this object.
    """

    def __init__(self, link: object) -> None:
        self._objects = [link, "_pending", *(getattr(link, f"_{name}", None) for name in BORDER[2:])]
        self._block = Block(WORD * len(BORDER))
        self._block.words[: len(BORDER)] = packed([id(each) for each in self._objects])
        self.address = self._block.address
