"""Loops that can be checked before they start: which ones, what they touch, how often they go round.

C's loops over arrays come as one block that ends with a branch to its own start. Followed once with symbols
in the place of its locals, such a body tells its *inductions* (locals that grow by a constant a round),
addresses that are sums of these and of what does not change, and when it ends: where the difference of two
such sums is 0. With the locals' values at the start, the number of rounds and the bytes that will be touched
are arithmetic (``vm.tiers.llvm.versions`` makes code of it). Sums are modulo 2^32, as the code's own are.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field

from vm.isa.opcodes import Opcode
from vm.isa.semantics import SEMANTICS
from vm.isa.types import ValType, ValueType
from vm.module.instructions import read
from vm.module.model import ModuleData
from vm.typed import Any

_MASK = 0xFFFF_FFFF

_MOST_INSTRUCTIONS = 400
"""Of a body that is translated twice."""

_MOST_GROUPS = 12
"""Ranges to check: more would take longer than the loop gains."""

_MOST_TERMS = 8
"""Of a sum; C's addresses have one to three."""

_DIVIDES = (".div_", ".rem_")
_TRAPPING = (".trunc_f", "atomic")
"""Parts of the names of what may trap by itself, or orders other accesses."""


@dataclass(frozen=True, slots=True)
class Sum:
    """An i32: ``constant`` plus the values of locals (at the start of a round), each times a factor."""

    constant: int
    factors: tuple[tuple[int, int], ...] = ()

    @classmethod
    def of(cls, constant: int, factors: Mapping[int, int]) -> Sum:
        """Modulo 2^32, without factors of 0."""
        kept = {index: factor & _MASK for index, factor in sorted(factors.items())}
        return cls(constant & _MASK, tuple((index, factor) for index, factor in kept.items() if factor))

    def plus(self, other: Sum, times: int = 1) -> Sum:
        """``self + times * other``."""
        factors = dict(self.factors)
        for index, factor in other.factors:
            factors[index] = factors.get(index, 0) + times * factor
        return Sum.of(self.constant + times * other.constant, factors)


@dataclass(frozen=True, slots=True)
class Differs:
    """A condition: whether a sum, which changes by ``stride`` from round to round, is not 0."""

    distance: Sum
    stride: int = 0


@dataclass(frozen=True, slots=True)
class Below:
    """A condition: whether a sum, which grows by ``stride`` from round to round, is below another, which does
    not change, both without sign. Loops that go down to a bound, as C's libraries fill and copy, are left as
    they are: bigger functions are not inlined, and a pattern matcher took 1.24 of its time.
    """

    index: Sum
    bound: Sum
    stride: int = 0

    @classmethod
    def of(cls, name: str, x: Sum, y: Sum) -> Below:
        """What ``lt`` and ``gt`` ask."""
        if name.endswith("_s"):
            x, y = x.plus(Sum(1 << 31)), y.plus(Sum(1 << 31))
        return cls(x, y) if "lt" in name else cls(y, x)


Condition = Differs | Below
Known = Sum | Condition | None
"""What is known of an operand."""


@dataclass(frozen=True, slots=True)
class Access:
    """A load or store at offset ``at`` of the module: of ``width`` bytes from ``index + offset`` on."""

    at: int
    memory: int
    index: Sum
    offset: int
    width: int


@dataclass(frozen=True, slots=True)
class Group:
    """Accesses that go through a memory side by side, ``step`` bytes a round. The lowest index begins at
    ``start``; ``ahead`` says, by offset in the module, how far from there each access is, and ``reach`` where
    the last of their bytes ends.
    """

    memory: int
    start: Sum
    step: int
    ahead: Mapping[int, int]
    reach: int


@dataclass(frozen=True, slots=True)
class Plan:
    """A loop: its body, up to the ``br_if`` at offset ``branch``, goes round while a condition holds at
    rounds' ends.
    """

    branch: int
    condition: Condition
    groups: tuple[Group, ...]


@dataclass(slots=True)
class _Walk:
    """A body as far as it was followed."""

    types: Sequence[ValueType]
    locals: dict[int, Known] = field(default_factory=dict)
    stack: list[Known] = field(default_factory=list)
    accesses: list[Access] = field(default_factory=list)


def plan(module: ModuleData, at: int, types: Sequence[ValueType]) -> Plan | None:
    """How to check the loop without parameters whose code begins at offset ``at``, in a valid function with
    locals of these types; None where it cannot be checked before it starts.
    """
    walk = _Walk(types)
    for _ in range(_MOST_INSTRUCTIONS):
        opcode, immediates, following = read(module.binary, at)
        if opcode.name == "br_if":
            ends = immediates[0] == 0 and read(module.binary, following)[0].name == "end"
            return _plan(walk, at) if ends and len(walk.stack) == 1 else None
        follow = _FOLLOW.get(opcode.name)
        if follow is not None:
            follow(walk, immediates)
        elif not _computes(opcode) or not _follow(module, walk, opcode, immediates, at):
            return None
        at = following
    return None


def _get(walk: _Walk, immediates: tuple[Any, ...]) -> None:
    index = immediates[0]
    own = Sum(0, ((index, 1),)) if walk.types[index] is ValType.I32 else None
    walk.stack.append(walk.locals.get(index, own))


def _tee(walk: _Walk, immediates: tuple[Any, ...]) -> None:
    walk.locals[immediates[0]] = walk.stack[-1]


def _set(walk: _Walk, immediates: tuple[Any, ...]) -> None:
    walk.locals[immediates[0]] = walk.stack.pop()


def _select(walk: _Walk, _: tuple[Any, ...]) -> None:
    walk.stack[-3:] = [None]


_FOLLOW: dict[str, Callable[[_Walk, tuple[Any, ...]], object]] = {
    "nop": lambda walk, _: None,
    "drop": lambda walk, _: walk.stack.pop(),
    "select": _select,
    "i32.const": lambda walk, immediates: walk.stack.append(Sum(immediates[0] & _MASK)),
    **{f"{type}.const": lambda walk, _: walk.stack.append(None) for type in ("i64", "f32", "f64", "v128")},
    "global.get": lambda walk, _: walk.stack.append(None),
    "local.get": _get,
    "local.set": _set,
    "local.tee": _tee,
}
"""What is not a function of its operands, or a constant."""


def _computes(opcode: Opcode) -> bool:
    """Whether an instruction is a function of operands and memory that traps, if at all, by its address."""
    return opcode.name in SEMANTICS and not any(part in opcode.name for part in _TRAPPING)


def _follow(module: ModuleData, walk: _Walk, opcode: Opcode, immediates: tuple[Any, ...], at: int) -> bool:
    """Follow a function of operands; whether its address, if it has one, is a sum."""
    assert opcode.type is not None  # as of all that have a meaning
    if any(part in opcode.name for part in _DIVIDES) and not _divisor(walk.stack[-1]):
        return False
    count = len(opcode.type.params)
    operands = walk.stack[len(walk.stack) - count :]
    del walk.stack[len(walk.stack) - count :]
    if opcode.access:
        _, offset, memory = immediates[:3]
        index = operands[0]
        if not isinstance(index, Sum) or module.memories[memory].address is not ValType.I32:
            return False
        walk.accesses.append(Access(at, memory, index, offset, opcode.access))
    result = _result(opcode.name, operands)
    if isinstance(result, Sum) and len(result.factors) > _MOST_TERMS:
        result = None
    walk.stack += [result] * len(opcode.type.results)
    return True


def _divisor(operand: Known) -> bool:
    """Whether no division by this one traps."""
    return isinstance(operand, Sum) and not operand.factors and operand.constant not in (0, _MASK)


def _result(name: str, operands: Sequence[Known]) -> Known:
    """What an instruction makes of sums."""
    sums = [operand for operand in operands if isinstance(operand, Sum)]
    if len(sums) < 2 or len(sums) < len(operands):
        return None
    x, y = sums
    factor = None if y.factors else y.constant
    match name:
        case "i32.add":
            return x.plus(y)
        case "i32.sub":
            return x.plus(y, -1)
        case "i32.ne":
            return Differs(x.plus(y, -1))
        case "i32.lt_s" | "i32.lt_u" | "i32.gt_s" | "i32.gt_u":
            return Below.of(name, x, y)
        case "i32.mul" if factor is not None:
            return Sum(0).plus(x, factor)
        case "i32.mul" if not x.factors:
            return Sum(0).plus(y, x.constant)
        case "i32.shl" if factor is not None:
            return Sum(0).plus(x, 1 << factor % 32)
    return None


def _plan(walk: _Walk, branch: int) -> Plan | None:
    """The loop that ends at ``branch``, whose body was followed."""
    steps = {index: _growth(index, value) for index, value in walk.locals.items()}
    condition = _condition(walk.stack[-1], steps)
    groups: dict[tuple[int, tuple[tuple[int, int], ...]], list[Access]] = {}
    for access in walk.accesses:
        groups.setdefault((access.memory, access.index.factors), []).append(access)
    if condition is None or not 0 < len(groups) <= _MOST_GROUPS:
        return None
    found = [_group(accesses, _change(accesses[0].index, steps)) for accesses in groups.values()]
    known = tuple(group for group in found if group is not None)
    return Plan(branch, condition, known) if len(known) == len(found) else None


def _condition(holds: Known, steps: Mapping[int, int | None]) -> Condition | None:
    """The condition with its stride; None where it does not come out, or nobody knows when."""
    if isinstance(holds, Below):
        index, bound = holds.index, holds.bound
        stride = _change(index, steps)
        if stride is None or stride < 1 or _change(bound, steps) != 0:
            return None
        return Below(index, bound, stride)
    distance = holds.distance if isinstance(holds, Differs) else holds
    stride = _change(distance, steps)
    return Differs(distance, stride) if isinstance(distance, Sum) and stride else None


def _growth(index: int, value: Known) -> int | None:
    """What is added to a local in each round; None where it changes in another way."""
    if isinstance(value, Sum) and value.factors == ((index, 1),):
        return value.constant
    return None


def _change(sum: Known, steps: Mapping[int, int | None]) -> int | None:
    """What is added to a sum in each round, from -2^31 on; None where it changes in another way."""
    total = 0
    for index, factor in sum.factors if isinstance(sum, Sum) else ():
        step = steps.get(index, 0)
        if step is None:
            return None
        total += factor * step
    return _signed(total & _MASK)


def _group(accesses: Sequence[Access], step: int | None) -> Group | None:
    """These accesses, whose indices differ by constants."""
    if step is None:
        return None
    first = min(accesses, key=lambda access: _signed(access.index.constant)).index
    lowest = _signed(first.constant)
    ahead = {access.at: _signed(access.index.constant) - lowest + access.offset for access in accesses}
    reach = max(ahead[access.at] + access.width for access in accesses)
    return Group(accesses[0].memory, first, step, ahead, reach)


def _signed(value: int) -> int:
    return value - (1 << 32) if value & (1 << 31) else value
