"""Where things lie in the native records that all tiers share. Words of 8 bytes; offsets in bytes.

state (one per store)        function record (a funcref points here)   table record
  0  jump buffer now           0  what the machine runs, or 0            0  address of the elements
  8  stack limit               8  context of the callee                  8  number of elements
 16  trap code                16  type id
 24  thread that runs now     24  handle in store.functions            host context
 32  whom to ask in Python    32  what compiled code calls, or 0         0  state
 40  callback: runtime help                                              8  handle in store.functions
 48  callback: compile                                                  16  (no memory)
                                                                        24  callback: host call
                                                                        32  see ``vm.native.callbacks``
 56  its newest guarded memory: where a pair of its base and the next such pair lies
 64  fuel left
 72  address of the engine's epoch
 80  the epoch that is the deadline
 88  the managed heap's record (``vm.gc.record``), or 0 while there is no heap
 96  the newest exception handler of the running entry (``vm.native.unwinding``)
104  tag record of the exception that was thrown last
112  a reference to that exception, or 0 while there is none
120  address of its values, in words
128  address of the words that calls pass beside registers
136  code: where a signal's handler makes a thread go on that must stop
144  the value stack's end now             (144 to 240: the threaded machine's)
152  newest entry of the control stack
160  the memory of both stacks: start, end
176  the record whose code is wanted; the answer of a step
184  callback: step
192  callback: translate
200  callback: who catches
208  where the machine's own code lies, and how many bytes it has
224  Python's state of the running thread while it is without Python's lock, or 0
232  whether calls release that lock, however short they are
240  callback: hot
248  the record that a tail call from compiled code goes to, or 0
256  the frame of the callback that asks Python now, or 0
264  what it asks (``vm.native.crossing``)
272  for tests: how many safe points compiled code may still pass before it leaves for the machine
280  number of code addresses in a trap's trace, which follow, innermost first

context (one per instance), reached from the first argument of compiled code
  0  state
  8  handle in store.instances
 16  base of memory 0
 24  (free)
 32  pointers: imported function records, table records, tag records, imported global cells, further
     memories' bases
  .  cells of the globals defined here (16 bytes each, so that a vector fits)
  .  records of the functions defined here (40 bytes each)
"""

from __future__ import annotations

from vm.errors import TrapCode
from vm.module.model import ModuleData
from vm.records import Record
from vm.runtime.backtrace import MOST

STATE_JUMP_BUFFER = 0
STATE_STACK_LIMIT = 8
STATE_TRAP_CODE = 16
STATE_OWNER = 24
STATE_BORDER = 32
STATE_HELP = 40
STATE_COMPILE = 48
STATE_MEMORIES = 56
STATE_FUEL = 64
STATE_EPOCH = 72
STATE_DEADLINE = 80
STATE_HEAP = 88
STATE_HANDLER = 96
STATE_TAG = 104
STATE_REFERENCE = 112
STATE_PAYLOAD = 120
STATE_PASSED = 128
STATE_STOP = 136
STATE_FRAMES = 144
STATE_CONTROL = 152
STATE_STACK = 160
STATE_STACK_END = 168
STATE_PENDING = 176
STATE_STEP = 184
STATE_TRANSLATE = 192
STATE_CATCH = 200
STATE_MACHINE = 208
STATE_MACHINE_SIZE = 216
STATE_SAVED = 224
STATE_RELEASES = 232
STATE_HOT = 240
STATE_TAIL = 248
STATE_AWAY = 256
STATE_ERRAND = 264
STATE_POINTS = 272
STATE_TRACE_LENGTH = 280
STATE_TRACE = 288
CONTROL_ENTRY = 24
"""Bytes of an entry of the control stack: where to go on, the caller's frame, the caller's context."""

TRACE_MAXIMUM = MOST
STATE_SIZE = STATE_TRACE + 8 * TRACE_MAXIMUM

RECORD_CODE = 0
RECORD_CONTEXT = 8
RECORD_TYPE = 16
RECORD_HANDLE = 24
RECORD_NATIVE = 32
RECORD_SIZE = 40

TABLE_ELEMENTS = 0
TABLE_LENGTH = 8
TABLE_SIZE = 16

CONTEXT_STATE = 0
CONTEXT_INSTANCE = 8
CONTEXT_MEMORY = 16
CONTEXT_POINTERS = 32

HOST_CALLBACK = 24
HOST_CALLABLE = 32
HOST_CALLER = 40
HOST_SETTLE = 48
HOST_PARAMS = 56
HOST_RESULTS = 60
HOST_KINDS = 64
HOST_SIZE = 80

GLOBAL_SIZE = 16

TRAPS: tuple[TrapCode, ...] = tuple(TrapCode)
"""A trap code's number in native state is its place here, plus one; 0 is no trap."""


def trap_number(code: TrapCode) -> int:
    """How native code names a trap: its place in ``TRAPS`` plus one."""
    return TRAPS.index(code) + 1


class ContextLayout(Record, frozen=True):
    """The offsets in a context, which follow from the module alone."""

    functions: int
    tables: int
    tags: int
    imported_globals: int
    memories: int
    globals: int
    records: int
    size: int
    imported_function_count: int
    imported_global_count: int

    @classmethod
    def of(cls, module: ModuleData) -> ContextLayout:
        """The layout for instances of ``module``."""
        functions = CONTEXT_POINTERS
        tables = functions + 8 * module.imported_functions
        tags = tables + 8 * len(module.tables)
        imported_globals = tags + 8 * len(module.tags)
        memories = imported_globals + 8 * module.imported_globals
        cells = _align(memories + 8 * max(0, len(module.memories) - 1))
        records = cells + GLOBAL_SIZE * (len(module.globals) - module.imported_globals)
        size = records + RECORD_SIZE * len(module.bodies)
        return cls(
            functions,
            tables,
            tags,
            imported_globals,
            memories,
            cells,
            records,
            size,
            module.imported_functions,
            module.imported_globals,
        )

    def function_pointer(self, index: int) -> int:
        """Where the pointer to the record of imported function ``index`` lies."""
        return self.functions + 8 * index

    def record(self, index: int) -> int:
        """Where the record of defined function ``index`` (of the whole index space) lies."""
        return self.records + RECORD_SIZE * (index - self.imported_function_count)

    def table_pointer(self, index: int) -> int:
        """Where the pointer to the record of table ``index`` lies."""
        return self.tables + 8 * index

    def memory_pointer(self, index: int) -> int:
        """Where the base of memory ``index`` lies."""
        return self.memories + 8 * (index - 1) if index else CONTEXT_MEMORY

    def tag_pointer(self, index: int) -> int:
        """Where the pointer to the record of tag ``index`` lies."""
        return self.tags + 8 * index

    def global_pointer(self, index: int) -> int:
        """Where the pointer to the cell of imported global ``index`` lies."""
        return self.imported_globals + 8 * index

    def global_cell(self, index: int) -> int:
        """Where the cell of defined global ``index`` (of the whole index space) lies."""
        return self.globals + GLOBAL_SIZE * (index - self.imported_global_count)


def _align(offset: int) -> int:
    return (offset + 15) & ~15
