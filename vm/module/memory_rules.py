"""What the instructions on memories ask of the operand stack (spec 3.4.8), beside ``vm.module.rules``.

An address has the type of its memory's addresses. A copy counts in the narrower of the two memories' types.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any

from vm.errors import DecodeError
from vm.isa.opcodes import Immediate, Opcode
from vm.isa.types import ValType

if TYPE_CHECKING:
    from vm.module.body import BodyValidator

Immediates = tuple[Any, ...]
Rule = Callable[["BodyValidator", Immediates], None]

_I32, _I64 = ValType.I32, ValType.I64
_MAX_OFFSET = 2**32 - 1


def address_of(v: BodyValidator, memory: int) -> ValType:
    """The type of addresses of memory number ``memory``, which must exist."""
    v.check_index(memory, v.module.memories, "memory")
    return v.module.memories[memory].address


def narrower(first: ValType, second: ValType) -> ValType:
    """The type that counts what goes from one memory or table to another."""
    return _I64 if first is second is _I64 else _I32


def access_rule(opcode: Opcode) -> Rule:
    """The rule of a load or store, of vectors and their lanes too."""
    assert opcode.type is not None
    types = {address: opcode.at(address) for address in (_I32, _I64)}
    params = {address: list(type.params) for address, type in types.items()}
    results, count = opcode.type.results, len(opcode.type.params)
    has_lane = opcode.immediate is Immediate.MEMARG_LANE

    def rule(v: BodyValidator, immediates: Immediates) -> None:
        address = _check_memarg(v, immediates)
        if has_lane:
            check_lanes(v, immediates[3:])
        wanted = params[address]
        stack = v.stack
        if len(stack) - count >= v.frame.height and stack[-count:] == wanted:
            stack[-count:] = results  # nearly always; an access has no more results than parameters
            return
        v.pop_all(wanted)
        v.push_all(results)

    return rule


def _check_memarg(v: BodyValidator, immediates: Immediates) -> ValType:
    """Check alignment, offset and memory; gives the type of the address."""
    address = address_of(v, immediates[2])
    if 1 << immediates[0] > v.opcode.access:
        detail = f"{1 << immediates[0]}, the access has {v.opcode.access} bytes"
        raise v.fail("alignment must not be larger than natural", detail)
    if v.opcode.is_atomic and 1 << immediates[0] != v.opcode.access:
        raise v.fail("atomic alignment must be natural", f"{1 << immediates[0]}, not {v.opcode.access}")
    if immediates[1] > _MAX_OFFSET and address is _I32:
        raise v.fail("offset out of range", f"{immediates[1]:#x}, addresses of this memory have 32 bits")
    return address


def check_lanes(v: BodyValidator, immediates: Immediates) -> None:
    """Lane indices must be among the lanes there are."""
    for lane in immediates:
        if lane >= v.opcode.lanes:
            raise v.fail("invalid lane index", f"{lane}, there are {v.opcode.lanes} lanes")


def check_data(v: BodyValidator, immediates: Immediates) -> None:
    """A data segment, which a body may name only when their number stands in front of the code."""
    if v.module.data_count is None:
        raise DecodeError("data count section required", v.at, f"{v.opcode} in function {v.index}")
    v.check_index(immediates[0], v.module.data, "data segment")


def _size(v: BodyValidator, immediates: Immediates) -> None:
    v.push(address_of(v, immediates[0]))


def _grow(v: BodyValidator, immediates: Immediates) -> None:
    address = address_of(v, immediates[0])
    v.pop(address)
    v.push(address)


def _fill(v: BodyValidator, immediates: Immediates) -> None:
    address = address_of(v, immediates[0])
    v.pop_all((address, _I32, address))


def _copy(v: BodyValidator, immediates: Immediates) -> None:
    target, source = (address_of(v, memory) for memory in immediates)
    v.pop_all((target, source, narrower(target, source)))


def _init(v: BodyValidator, immediates: Immediates) -> None:
    address = address_of(v, immediates[1])
    check_data(v, immediates)
    v.pop_all((address, _I32, _I32))


MEMORY_RULES: dict[str, Rule] = {
    "memory.size": _size,
    "memory.grow": _grow,
    "memory.fill": _fill,
    "memory.copy": _copy,
    "memory.init": _init,
}
"""By instruction name; loads and stores have ``access_rule``."""
