"""Types of Python objects that native code calls: subclasses of ordinary classes, made through Python's API.

An object of one has, behind what its base class has, a vectorcall function (``vm.native.entries``) and the
address of a record. Until it is armed, that is the type's own record, which has nothing but a fallback.
"""

from __future__ import annotations

import ctypes
import struct

from vm.isa.types import FuncType
from vm.memory.native import WORD, Block, poke
from vm.native.agreed import (
    MOST,
    OBJECT_SIZE,
    PATIENCE,
    RECORD_AT,
    RECORD_BUDGET,
    RECORD_CALLER,
    RECORD_COUNTS,
    RECORD_ENOUGH,
    RECORD_FALLBACK,
    RECORD_FUNCTION,
    RECORD_INVOKE,
    RECORD_KINDS,
    RECORD_PLACE,
    RECORD_SIZE,
    RECORD_STATE,
    RECORD_STORE,
    VECTORCALL_AT,
    kinds,
)
from vm.native.border import border
from vm.native.glue import python_function
from vm.runtime.functions import Function
from vm.typed import Any, Callable, NamedTuple

_DEFAULT, _HAVE_VECTORCALL = 1 << 18, 1 << 11
"""Flags of types (Include/object.h): Py_TPFLAGS_DEFAULT, Py_TPFLAGS_HAVE_VECTORCALL."""

_TP_CALL, _TP_MEMBERS = 50, 72
"""Numbers of slots (Include/typeslots.h), part of the stable ABI."""

_PYSSIZET, _READONLY = 19, 1
"""Of a member's description (Include/structmember.h)."""


class CallableType:
    """A subclass of ``base`` whose objects are called as ``entry`` of ``vm.native.entries`` says.

    ``fallback`` is what happens where that knows no way: a function of the object and its arguments.
    """

    def __init__(self, base: type[Any], entry: str, fallback: Callable[..., Any]) -> None:
        assert base.__basicsize__ <= VECTORCALL_AT, "vm.native.entries leaves too little room for the base"
        self._entry = border().symbols[entry]
        self._fallback = fallback
        self._unarmed = Block(RECORD_SIZE)
        self._unarmed.words[RECORD_FALLBACK // WORD] = id(fallback)
        self.type = _make_type(base)

    def new(self) -> Any:
        """A new object, not armed; nothing of its base is initialised."""
        made = object.__new__(self.type)
        poke(id(made) + RECORD_AT, self._unarmed.address)
        poke(id(made) + VECTORCALL_AT, self._entry)
        return made

    def record(self, function: Function, way: Way, store: object) -> CallRecord:
        """What armed objects for ``function`` point to; ``store`` is their first argument.."""
        return CallRecord(function, way, store, self._fallback)


def serves(type: FuncType) -> bool:
    """Whether functions of this type can be called this way: those on numbers, and not too many."""
    few = len(type.params) <= MOST and len(type.results) <= MOST
    return few and kinds((*type.params, *type.results)) is not None


class Way(NamedTuple):
    """How a function is entered: where the address of its code stands, ``invoke`` of its type, its store's
    state, and bytes of stack.
    """

    place: int
    invoke: int
    state: int
    budget: int


class CallRecord:
    """A record in native memory, and what it refers to. Whoever points to it keeps it."""

    def __init__(self, function: Function, way: Way, store: object, fallback: Callable[..., Any]) -> None:
        type = function.type
        self.store = store
        self._caller: object = None
        self._kinds = ctypes.create_string_buffer(kinds((*type.params, *type.results)) or b"")
        self._block = Block(RECORD_SIZE)
        self.address = self._block.address
        for field, value in {
            RECORD_STORE: id(store),
            RECORD_COUNTS: len(type.params) | len(type.results) << 32,
            RECORD_KINDS: ctypes.addressof(self._kinds),
            RECORD_FUNCTION: function.record,
            RECORD_PLACE: way.place,
            RECORD_INVOKE: way.invoke,
            RECORD_STATE: way.state,
            RECORD_BUDGET: way.budget,
            RECORD_FALLBACK: id(fallback),
            RECORD_ENOUGH: PATIENCE,
        }.items():
            self._block.words[field // WORD] = value

    def admit(self, caller: object) -> None:
        """Take ``caller`` for the store, too; the one before it no longer."""
        self._caller = caller
        self._block.words[RECORD_CALLER // WORD] = id(caller)

    def arm(self, callable: object) -> None:
        """Let an object of a ``CallableType`` use this record, which it must keep."""
        poke(id(callable) + RECORD_AT, self.address)


def _make_type(base: type[Any]) -> type[Any]:
    """A type of objects that are called through the vectorcall function in them; it has no subclasses."""
    name = f"{base.__module__}.{base.__qualname__}".encode()
    text = ctypes.create_string_buffer(b"__vectorcalloffset__")
    members = ctypes.create_string_buffer(
        struct.pack("PiniP", ctypes.addressof(text), _PYSSIZET, VECTORCALL_AT, _READONLY, 0) + bytes(40)
    )
    slots = ctypes.create_string_buffer(
        struct.pack("iP", _TP_CALL, python_function("PyVectorcall_Call"))
        + struct.pack("iP", _TP_MEMBERS, ctypes.addressof(members))
        + bytes(16)
    )
    title = ctypes.create_string_buffer(name)
    flags = _DEFAULT | _HAVE_VECTORCALL
    spec = ctypes.create_string_buffer(
        struct.pack("PiiIP", ctypes.addressof(title), OBJECT_SIZE, 0, flags, ctypes.addressof(slots))
    )
    make = ctypes.pythonapi.PyType_FromSpecWithBases
    make.restype, make.argtypes = ctypes.py_object, [ctypes.c_void_p, ctypes.py_object]
    made: type[Any] = make(spec, base)
    _NAMES.append((title, text))
    made.__doc__ = base.__doc__
    return made


_NAMES: list[object] = []
"""Texts that types point to."""
