"""Translation of everything that is not control flow: which handler, with which operands.

An instruction that has no handler is left to Python, which runs the reference tier's step for it.
"""

from __future__ import annotations

from collections.abc import Mapping

from vm.isa.opcodes import OPCODES, Immediate, Opcode
from vm.isa.types import ValType
from vm.runtime.words import WORD_MASK, width
from vm.tiers.threaded import control, exceptions, objects
from vm.tiers.threaded.steps import of_reference
from vm.tiers.threaded.translate import LOW, Fusion, Translate, Translator, pack
from vm.typed import Any

_I32, _I64 = ValType.I32, ValType.I64

_EFFECTS: dict[str, tuple[int, int]] = {
    "memory.grow": (1, 1),
    "memory.init": (3, 0),
    "table.grow": (2, 1),
    "table.fill": (3, 0),
    "table.copy": (3, 0),
    "table.init": (3, 0),
}
"""Words taken and given by instructions that are left to Python and whose row has no type."""


def table(handlers: Mapping[str, int], mode: str) -> dict[int, Translate]:
    """What translates each opcode in a module whose memory 0 is accessed as ``mode`` says.

    Which instructions have handlers, and which forms, is read off the handlers' names: the meanings that they
    were made from need not be there.
    """
    found: dict[int, Translate] = {}
    by_name = _BY_HAND | control.TABLE | exceptions.TABLE | objects.TABLE
    for opcode in OPCODES:
        by_hand = by_name.get(opcode.name)
        if by_hand is not None:
            found[opcode.code] = by_hand
        elif opcode.type is not None and (opcode.name in handlers or f"{opcode.name} any" in handlers):
            found[opcode.code] = _derived(opcode, handlers, mode)
        else:
            found[opcode.code] = _step(opcode)
    return found


def fusions(handlers: Mapping[str, int]) -> dict[int, Fusion]:
    """The branches that take the place of each comparison, by its handler's address."""
    found = {}
    for opcode in OPCODES:
        if opcode.type is None or f"{opcode.name} if" not in handlers:
            continue
        unary = len(opcode.type.params) == 1
        for k in ("", " k") if f"{opcode.name} k" in handlers else ("",):
            holds, fails = (handlers[f"{opcode.name} {sense}{k}"] for sense in ("if", "unless"))
            found[handlers[opcode.name + k]] = Fusion(holds, fails, bool(k), unary)
    return found


def _step(opcode: Opcode) -> Translate:
    if opcode.type is not None:
        params, results = opcode.type.params, opcode.type.results
    else:
        taken, given = _EFFECTS[opcode.name]
        params, results = (_I64,) * taken, (_I64,) * given
    return lambda t, immediates: t.step(of_reference(opcode, immediates, len(params)), params, results)


def _derived(opcode: Opcode, handlers: Mapping[str, int], mode: str) -> Translate:
    """The common shapes have a function each, since translating is what a first call waits for."""
    assert opcode.type is not None
    if opcode.access:
        return _memory(opcode, handlers, mode)
    if f"{opcode.name} k" in handlers:
        return _binary(handlers[opcode.name], handlers[f"{opcode.name} k"])
    return _general(opcode, handlers[opcode.name])


def _binary(handler: int, with_constant: int) -> Translate:
    """Two operands of one word, a result of one."""

    def translate(t: Translator, _: tuple[Any, ...]) -> None:
        y = t.operands.pop()
        t.top = t.homes.pop()
        x = t.pop()
        home = t.top
        if y >= 0:
            t.compute(handler, home | x << 32, y)
        else:
            t.compute(with_constant, home | x << 32, t.constants[~y])
        t.push()

    return translate


def _memory(opcode: Opcode, handlers: Mapping[str, int], mode: str) -> Translate:
    """An access to memory; to another one than memory 0 with the handler for any."""
    assert opcode.type is not None
    params, results = opcode.type.params, opcode.type.results
    elsewhere = _access(opcode, handlers[f"{opcode.name} any"])
    if mode == "any":
        return elsewhere
    handler = handlers[f"{opcode.name} {mode}"]
    if opcode.immediate is Immediate.MEMARG and len(params) == 1 and len(results) == 1:
        return _load(handler, width(results[0]), elsewhere)
    if f"{opcode.name} {mode} k" in handlers:
        return _store(handler, handlers[f"{opcode.name} {mode} k"], elsewhere)
    here = _access(opcode, handler, any_memory=False)
    return lambda t, immediates: (elsewhere if immediates[2] else here)(t, immediates)


def _load(handler: int, words: int, elsewhere: Translate) -> Translate:
    def translate(t: Translator, immediates: tuple[Any, ...]) -> None:
        if immediates[2]:
            elsewhere(t, immediates)
            return
        address = t.pop()
        t.compute(handler, t.top | address << 32, immediates[1])
        t.push(words)

    return translate


def _store(handler: int, with_constant: int, elsewhere: Translate) -> Translate:
    def translate(t: Translator, immediates: tuple[Any, ...]) -> None:
        if immediates[2]:
            elsewhere(t, immediates)
            return
        value = t.operands.pop()
        t.top = t.homes.pop()
        address = t.pop()
        if value >= 0:
            t.emit(handler, address | value << 32, immediates[1])
        else:
            t.emit(with_constant, address, immediates[1], t.constants[~value])

    return translate


def _access(opcode: Opcode, handler: int, *, any_memory: bool = True) -> Translate:
    """The other accesses to memory: vectors, lanes, read-modify-write, any memory."""
    assert opcode.type is not None
    count, results = len(opcode.type.params), opcode.type.results

    def translate(t: Translator, immediates: tuple[Any, ...]) -> None:
        operands = t.pop_many(count)
        _, offset, memory, *lanes = immediates
        fields = [*operands, *lanes]
        if any_memory:
            fields.append(t.layout.memory_pointer(memory))
        if results:
            t.compute(handler, *pack([t.top, *fields]), offset)
            t.push(width(results[0]))
        else:
            t.emit(handler, *pack(fields), offset)

    return translate


def _general(opcode: Opcode, handler: int) -> Translate:
    """Any number of operands and results, small immediates in fields."""
    assert opcode.type is not None
    count, results = len(opcode.type.params), [width(type) for type in opcode.type.results]

    def translate(t: Translator, immediates: tuple[Any, ...]) -> None:
        operands = t.pop_many(count)
        words = handler, *pack([t.top, *operands, *immediates])
        if len(results) == 1:
            t.compute(*words)
        else:
            t.emit(*words)
        for words_of_result in results:
            t.push(words_of_result)

    return translate


# by hand


def _drop(t: Translator, _: tuple[Any, ...]) -> None:
    t.operands.pop()
    t.top = t.homes.pop()


def _select(t: Translator, _: tuple[Any, ...]) -> None:
    condition = t.pop()
    second, words = t.pop_words()
    first = t.pop()
    handler = t.handlers["select" if words == 1 else "select v"]
    t.compute(handler, t.top | first << 32, second | condition << 32)
    t.push(words)


def _local_get(t: Translator, immediates: tuple[Any, ...]) -> None:
    slot = t.locals[immediates[0]]
    t.push_at(slot, t.locals[immediates[0] + 1] - slot)


def _set(t: Translator, index: int) -> tuple[int, int]:
    """Pop an operand into a local; gives the local's slot and width."""
    slot = t.locals[index]
    words = t.locals[index + 1] - slot
    operand = t.operands.pop()
    t.top = home = t.homes.pop()
    if operand == slot:
        return slot, words
    if slot in t.operands:
        t.save(slot)
    if operand != home or not t.redirect(home, slot):
        t.move(slot, operand, words)
    return slot, words


def _local_set(t: Translator, immediates: tuple[Any, ...]) -> None:
    _set(t, immediates[0])


def _local_tee(t: Translator, immediates: tuple[Any, ...]) -> None:
    t.push_at(*_set(t, immediates[0]))


def _int(mask: int) -> Translate:
    return lambda t, immediates: t.push_constant(immediates[0] & mask)


def _float(t: Translator, immediates: tuple[Any, ...]) -> None:
    t.push_constant(immediates[0])


def _vector(t: Translator, immediates: tuple[Any, ...]) -> None:
    bits = immediates[0]
    t.compute(t.handlers["const v"], t.top, bits & WORD_MASK, bits >> 64)
    t.push(2)


def _global(t: Translator, index: int) -> tuple[str, int, int]:
    """What to add to the handlers' names, where the cell or its pointer lies, and the value's width."""
    words = width(t.module.globals[index].content)
    suffix = " v" if words == 2 else ""
    if index < t.module.imported_globals:
        return " import" + suffix, t.layout.global_pointer(index), words
    return suffix, t.layout.global_cell(index), words


def _global_get(t: Translator, immediates: tuple[Any, ...]) -> None:
    suffix, place, words = _global(t, immediates[0])
    t.compute(t.handlers["global.get" + suffix], t.top | place << 32)
    t.push(words)


def _global_set(t: Translator, immediates: tuple[Any, ...]) -> None:
    suffix, place, _ = _global(t, immediates[0])
    t.emit(t.handlers["global.set" + suffix], t.pop() | place << 32)


def _ref_null(t: Translator, _: tuple[Any, ...]) -> None:
    t.push_constant(0)


def _ref_func(t: Translator, immediates: tuple[Any, ...]) -> None:
    index = immediates[0]
    if index < t.module.imported_functions:
        t.compute(t.handlers["ref.func import"], t.top | t.layout.function_pointer(index) << 32)
    else:
        t.compute(t.handlers["ref.func"], t.top | t.layout.record(index) << 32)
    t.push()


def _ref_is_null(t: Translator, _: tuple[Any, ...]) -> None:
    reference = t.pop()
    t.compute(t.handlers["i64.eqz"], t.top | reference << 32)
    t.push()


def _table_get(t: Translator, immediates: tuple[Any, ...]) -> None:
    index = t.pop()
    t.compute(t.handlers["table.get"], t.top | index << 32, t.layout.table_pointer(immediates[0]))
    t.push()


def _table_set(t: Translator, immediates: tuple[Any, ...]) -> None:
    index, value = t.pop_many(2)
    t.emit(t.handlers["table.set"], index | value << 32, t.layout.table_pointer(immediates[0]))


def _table_size(t: Translator, immediates: tuple[Any, ...]) -> None:
    t.compute(t.handlers["table.size"], t.top | t.layout.table_pointer(immediates[0]) << 32)
    t.push()


def _memory_size(t: Translator, immediates: tuple[Any, ...]) -> None:
    memory = immediates[0]
    place, bits = t.layout.memory_pointer(memory), t.module.memories[memory].page_bits
    t.compute(t.handlers["memory.size"], t.top | place << 32, bits)
    t.push()


def _bulk(name: str) -> Translate:
    """``memory.fill`` and ``memory.copy``."""

    def translate(t: Translator, immediates: tuple[Any, ...]) -> None:
        operands = t.pop_many(3)
        t.emit(t.handlers[name], *pack([*operands, *map(t.layout.memory_pointer, immediates)]))

    return translate


def _shuffle(t: Translator, immediates: tuple[Any, ...]) -> None:
    x, y = t.pop_many(2)
    mask = int.from_bytes(bytes(immediates), "little")
    t.compute(t.handlers["i8x16.shuffle"], t.top | x << 32, y, mask & WORD_MASK, mask >> 64)
    t.push(2)


_BY_HAND: dict[str, Translate] = {
    "drop": _drop,
    "select": _select,
    "select_t": _select,
    "local.get": _local_get,
    "local.set": _local_set,
    "local.tee": _local_tee,
    "i32.const": _int(LOW),
    "i64.const": _int(WORD_MASK),
    "f32.const": _float,
    "f64.const": _float,
    "v128.const": _vector,
    "i8x16.shuffle": _shuffle,
    "global.get": _global_get,
    "global.set": _global_set,
    "ref.null": _ref_null,
    "ref.func": _ref_func,
    "ref.is_null": _ref_is_null,
    "table.get": _table_get,
    "table.set": _table_set,
    "table.size": _table_size,
    "memory.size": _memory_size,
    "memory.fill": _bulk("memory.fill"),
    "memory.copy": _bulk("memory.copy"),
}
"""By instruction name."""
