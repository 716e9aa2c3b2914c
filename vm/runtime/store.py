"""A store: everything that instances made together share, and that lives as long as they do."""

from __future__ import annotations

import ctypes
import weakref

from vm.config import Config
from vm.errors import LinkError, VMError
from vm.gc import cycles
from vm.gc.record import BASE, HeapRecord
from vm.gc.words import is_object
from vm.isa.canonical import canonical
from vm.isa.types import PAGE_SIZE, DefType, FuncType, GlobalType, MemoryType, TableType, TagType
from vm.memory.bounds import guarded
from vm.memory.linear import LinearMemory
from vm.memory.native import WORD, Block, Heap, peek, poke
from vm.records import Record
from vm.runtime.exceptions import Exn
from vm.runtime.functions import Binder, Function, HostCallable
from vm.runtime.globals import Global
from vm.runtime.instance import Instance
from vm.runtime.layout import (
    GLOBAL_SIZE,
    RECORD_HANDLE,
    RECORD_SIZE,
    RECORD_TYPE,
    STATE_HEAP,
    STATE_MEMORIES,
    STATE_PASSED,
    STATE_PAYLOAD,
    STATE_REFERENCE,
    STATE_RELEASES,
    STATE_SIZE,
    STATE_TAG,
    TABLE_SIZE,
)
from vm.runtime.metering import Epoch, Meters
from vm.runtime.references import define, hold_all, traced
from vm.runtime.tables import Table
from vm.runtime.tags import Tag
from vm.runtime.words import from_words, offsets, to_words
from vm.typed import TYPE_CHECKING, Callable, ClassVar, Iterator, Protocol, Sequence

if TYPE_CHECKING:
    from vm.gc.heap import Heap as ManagedHeap
    from vm.gc.heap import MakeTracer


class BodyRunner(Protocol):
    """What a store needs of a tier (``vm.tiers.base.Tier`` says the rest)."""

    shows_roots: ClassVar[bool]
    native: ClassVar[bool]

    def attach(self, instance: Instance) -> None:
        """Get ready to run functions of ``instance``."""

    def call(self, function: Function, args: Sequence[int]) -> list[int]:
        """Run a defined function on bit patterns."""


class StoreLimits(Record, frozen=True):
    """How many objects one store may have, and how big each may be; None is no limit of the store's."""

    memory_bytes: int | None = None
    table_elements: int | None = None
    instances: int | None = None
    tables: int | None = None
    memories: int | None = None


def _below(what: str, present: int, most: int | None) -> None:
    if most is not None and present >= most:
        raise VMError(f"resource limit exceeded: {present + 1} {what}, the store may have {most}")


def _never_left(instance: Instance, *where: int) -> int:
    raise VMError(f"compiled code leaves for a machine that this store's tier does not have: {where}")


class Store:
    """Owner of functions, host objects and native records. Nothing in it is freed before the store itself.

    Used by one thread at a time; references (funcref, externref) are meaningful only inside their store.
    """

    def __init__(self, runner: BodyRunner, config: Config, epoch: Epoch | None = None) -> None:
        self.runner = runner
        self.config = self._config = config
        self.frame_roots: Callable[[], Iterator[tuple[int, int]]] = lambda: iter(())
        """Where a tier's frames hold references, as ``vm.gc.heap.Binding`` says of roots."""
        self.leave: Callable[..., int] = _never_left
        """Called with an instance, and what compiled code says of the place where it leaves a function; gives
        the record that goes on for it."""
        self.exception_type: Callable[[Tag, Sequence[int]], Exn] = Exn
        self._packages: weakref.WeakValueDictionary[int, Exn] = weakref.WeakValueDictionary()
        self._tags: dict[int, Tag] = {}
        self._payload_words = 0
        self.state = Block(STATE_SIZE)
        self.meters = Meters(self.state, epoch or Epoch())
        self.limits = StoreLimits()
        self._memory_bytes = config.max_memory_pages * PAGE_SIZE
        self.functions: list[Function] = []
        self.instances: list[Instance] = []
        self._heap = Heap()
        self._managed: ManagedHeap | None = None
        self.tracer: MakeTracer | None = None
        self.heap_record = HeapRecord(config.max_wasm_stack // WORD)
        self.state.words[STATE_HEAP // WORD] = self.heap_record.address
        self._passed = Block(0)
        self._memories: list[LinearMemory] = []
        self.tables: list[Table] = []
        self.globals: list[Global] = []
        self.entries = 0

    @property
    def look(self) -> Callable[[], None] | None:
        """What a long wait calls now and then, for it raises at a deadline; None: there is none."""
        return self.meters.look if self.config.epoch_interruption else None

    def call(self, function: Function, args: Sequence[int]) -> Sequence[int]:
        """Call any function of this store with bit patterns that fit its type."""
        self.entries += 1  # before it looks: whoever freezes the heap announces that, then looks here
        try:
            if cycles.LOOKING.words[0]:
                self.heap.use()
            if function.host is not None:
                return function.host(args)
            return self.runner.call(function, args)
        finally:
            self.entries -= 1

    def register_instance(self, instance: Instance) -> int:
        """Keep ``instance`` alive; returns its handle."""
        _below("instances", len(self.instances), self.limits.instances)
        self.instances.append(instance)
        return len(self.instances) - 1

    def register_function(self, function: Function) -> Function:
        """Give ``function`` its handle and fill in its record (all but the code and the context)."""
        poke(function.record + RECORD_TYPE, function.definition.id)
        poke(function.record + RECORD_HANDLE, len(self.functions))
        self.functions.append(function)
        return function

    def host_function(
        self, type: FuncType | DefType, host: HostCallable | None, bind: Binder | None = None
    ) -> Function:
        """A function that runs ``host``, or, with ``bind``, one callable per importing instance."""
        record = self._heap.allocate(RECORD_SIZE)
        definition = canonical(type) if isinstance(type, FuncType) else type
        define([definition])
        return self.register_function(Function(definition, record, host=host, bind=bind, owner=self))

    def memory(self, type: MemoryType) -> LinearMemory:
        """A new memory; the store keeps it, for its code as well as the signal handler goes by addresses."""
        _below("memories", len(self._memories), self.limits.memories)
        memory = LinearMemory(
            type, max_bytes=self._memory_bytes, guarded=guarded(type, self.config.memory_guard)
        )
        memory.owner = None if type.shared else self
        self._keep(memory)
        return memory

    def adopt(self, memory: LinearMemory) -> None:
        """Let this store's code use a shared memory that was made elsewhere.

        Raises ``LinkError`` for one without the guard that the code relies on.
        """
        if memory.guarded is not guarded(memory.type, self.config.memory_guard):
            raise LinkError("a shared memory is of an engine with another memory_guard: use one engine")
        if memory not in self._memories:
            self._keep(memory)

    def _keep(self, memory: LinearMemory) -> None:
        """Keep a memory; a guarded one is entered into the list that the signal handler walks, which is made
        of pairs of a base and the next pair.
        """
        self._memories.append(memory)
        if memory.type.shared:
            self.state.words[STATE_RELEASES // WORD] = 1
        if not memory.guarded:
            return
        newest = STATE_MEMORIES // WORD
        entry = self.allocate(2 * WORD)
        poke(entry, memory.address)
        poke(entry + WORD, self.state.words[newest])
        self.state.words[newest] = entry

    def table(self, type: TableType, init: int = 0) -> Table:
        """A new table, filled with the reference ``init``."""
        _below("tables", len(self.tables), self.limits.tables)
        limit = self.config.max_table_elements
        table = Table(
            type,
            self.allocate(TABLE_SIZE),
            max_elements=limit,
            init=init,
            owner=self,
            hold=self.hold if traced(type.element) else None,
        )
        self.tables.append(table)
        return table

    def set_limits(self, limits: StoreLimits) -> None:
        """Bound what there is and what will be; a memory or table that is bigger already just cannot grow."""
        self.limits = limits
        elements = self._config.max_table_elements
        self._memory_bytes = self._config.max_memory_pages * PAGE_SIZE
        if limits.memory_bytes is not None:
            self._memory_bytes = min(limits.memory_bytes, self._memory_bytes)
        if limits.table_elements is not None:
            elements = min(limits.table_elements, elements)
        for memory in self._memories:
            memory.limit(self._memory_bytes)
        for table in self.tables:
            table.limit(elements)
        self.config = self._config.with_(max_table_elements=elements)

    def global_(self, type: GlobalType, value: int) -> Global:
        """A new global that belongs to no instance."""
        return self.define_global(type, self.allocate(GLOBAL_SIZE), value)

    def define_global(self, type: GlobalType, cell: int, value: int) -> Global:
        """A new global with a cell of its instance's."""
        variable = Global(type, cell, value, owner=self, hold=self.hold if traced(type.content) else None)
        self.globals.append(variable)
        return variable

    def exception(self, tag: Tag, bits: Sequence[int]) -> Exn:
        """A new exception, which keeps alive what it refers to; ``exception_type`` may make more of it."""
        return self.exception_type(tag, hold_all(self, tag.signature.params, bits))

    def throw(self, exception: Exn) -> None:
        """Put an exception into the state, where native code throws it from; ``thrown`` gives it back."""
        words = self.state.words
        reference = self.extern_handle(exception)  # may collect: tag and values must still fit
        words[STATE_TAG // WORD] = exception.origin.record
        words[STATE_REFERENCE // WORD] = reference
        if exception.origin.owner is self:
            values = to_words(exception.origin.signature.params, exception.bits)
            payload = (ctypes.c_uint64 * len(values)).from_address(words[STATE_PAYLOAD // WORD])
            payload[:] = values  # type: ignore[assignment]  # ints are what it takes

    def thrown(self) -> Exn:
        """The exception that native code threw last, as a Python object."""
        words = self.state.words
        reference = words[STATE_REFERENCE // WORD]
        if reference:
            return self.exception_at(reference)
        return self._unpacked(words[STATE_TAG // WORD], words[STATE_PAYLOAD // WORD])

    def uncaught(self) -> Exn:
        """As ``thrown``, of an exception that native code is done with."""
        thrown = self.thrown()
        self.state.words[STATE_REFERENCE // WORD] = 0
        return thrown

    def exception_at(self, reference: int) -> Exn:
        """The exception that a (non-null) exnref refers to: the same object as long as somebody has it."""
        word = int(reference)
        if is_object(word):
            exception = self._packages.get(word)
            if exception is None:
                from vm.runtime.packages import PACKAGE_TAG, PACKAGE_VALUES

                record = self.heap.load(word, PACKAGE_TAG, WORD)
                exception = self._unpacked(
                    record, self.heap.record.words[BASE // WORD] + word + PACKAGE_VALUES
                )
                exception.package = self.hold(word)
                self._packages[word] = exception
            return exception
        found = self.extern(word)
        assert isinstance(found, Exn)
        return found

    def exception_reference(self) -> int:
        """The exnref for the exception that native code threw last, as a handle if it has none so far."""
        words = self.state.words
        if not words[STATE_REFERENCE // WORD]:
            words[STATE_REFERENCE // WORD] = self.extern_handle(self.thrown())
        return words[STATE_REFERENCE // WORD]

    def _unpacked(self, record: int, values: int) -> Exn:
        """A new exception of a tag, with values from native memory."""
        tag = self._tags[record]
        types = tag.signature.params
        payload = (ctypes.c_uint64 * offsets(types)[-1]).from_address(values)[:]
        return self.exception(tag, from_words(types, payload))

    def payload_references(self) -> Iterator[int]:
        """Addresses of references to and in the exception that native code threw last."""
        yield self.state.address + STATE_REFERENCE
        tag = self._tags.get(self.state.words[STATE_TAG // WORD])
        if tag is not None:
            start, types = self.state.words[STATE_PAYLOAD // WORD], tag.signature.params
            places = zip(types, offsets(types), strict=False)
            yield from (start + at * WORD for type, at in places if traced(type))

    def tag(self, type: TagType) -> Tag:
        """A new tag, different from all others; the state gets room for its values."""
        from vm.runtime.packages import TAG_RECORD, describe_packages  # few modules have any

        tag = Tag(type, self.allocate(TAG_RECORD), owner=self)
        tag.package = describe_packages(tag.record, tag.signature)
        self._tags[tag.record] = tag
        needed = offsets(tag.signature.params)[-1]
        if needed > self._payload_words:
            self.state.words[STATE_PAYLOAD // WORD] = self.allocate(needed * WORD)
            self._payload_words = needed
        return tag

    def make_room_for_passing(self, words: int) -> None:
        """Let calls pass so many words beside registers; between calls, for they do not survive it."""
        if words > len(self._passed.words):
            self._passed = Block(words * WORD)
            self.state.words[STATE_PASSED // WORD] = self._passed.address

    def allocate(self, size: int) -> int:
        """The address of ``size`` zeroed bytes that live as long as the store."""
        return self._heap.allocate(size)

    def function_at(self, reference: int) -> Function:
        """The function that the (non-null) funcref value ``reference`` denotes."""
        return self.functions[peek(reference + RECORD_HANDLE)]

    @property
    def heap(self) -> ManagedHeap:
        """Objects, and handles to Python objects."""
        if self._managed is None:
            from vm.runtime.heaps import make_heap  # programs on numbers and memories do without

            self._managed = make_heap(self)
        return self._managed

    def trace_with(self, make: MakeTracer) -> None:
        """How collections of a heap that is not small are to be made."""
        self.tracer = make
        if self._managed is not None:
            self._managed.trace_with(make)

    def hold(self, word: int) -> int:
        """A reference (of any kind but functions') as an int that keeps alive what it refers to."""
        return self.heap.hold(word) if word else 0

    def extern_handle(self, value: object) -> int:
        """The externref value for a Python object; None is the null reference. Equal for the same object."""
        return 0 if value is None else self.heap.handle(value)

    def extern(self, handle: int) -> object:
        """The Python object behind an externref value."""
        return self.heap.host_value(handle) if handle else None
