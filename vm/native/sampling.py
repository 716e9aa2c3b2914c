"""Where a thread is, many times a second: a signal's handler as code, and the ring that it writes into.

A timer of the system's interrupts one thread. If that runs code for a store, the handler copies the head of
the store's state, and walks (``vm.native.walking``) from where the thread was, as a trap would. It writes
into the copy, so whatever the store is in the middle of stays as it is; it takes no lock, and no memory.
Outside of function bodies, in a host function or a library, the walk begins where a callback asks Python
(``vm.native.crossing``), if one does; else only the address is noted.

Times are of the monotonic clock: what the processor does for other processes counts as the place where the
thread was stopped meanwhile, which is fair to all places. A clock of processor time would tell the time in
steps of four milliseconds, as Linux does for such timers.
"""

from __future__ import annotations

import ctypes
import os
import signal
import threading

from vm.errors import VMError
from vm.memory.native import WORD, Block, poke
from vm.native import arena
from vm.native.arena import SPAN, STENCIL_SPAN, bodies, stencils
from vm.native.code import Code, kept
from vm.native.glue import Glue, glue
from vm.native.signals import SIGINT, handle, handler_of
from vm.native.signals_text import RBP, RIP
from vm.once import once
from vm.runtime.layout import (
    STATE_AWAY,
    STATE_ERRAND,
    STATE_JUMP_BUFFER,
    STATE_MACHINE,
    STATE_MACHINE_SIZE,
    STATE_SIZE,
    STATE_TRACE,
    STATE_TRACE_LENGTH,
    TRACE_MAXIMUM,
)
from vm.typed import NamedTuple

_PREVIOUS, _WRITTEN, _READ, _DROPPED, _ELSEWHERE, _RING = 0, 8, 16, 24, 32, 64
"""Fields of the data: the handler before; entries written and read so far; entries for which there was no
room, and interruptions while the thread ran no code for a store."""

_TIME, _WHOSE, _STATE = 0, 16, 24
_ENTRY = _STATE + STATE_SIZE
_ENTRIES = 1 << 12

_R12, _R15 = 72, 96
"""Where Linux saves these registers, as ``vm.native.signals`` has it of others."""

_SI_CODE, _SI_VALUE, _SI_TIMER = 8, 24, -2
"""siginfo_t of a timer's signal (asm-generic/siginfo.h)."""

_CLOCK_MONOTONIC, _SIGEV_THREAD_ID = 1, 4
_SIGEVENT, _SA_RESTART = 64, 0x1000_0000

INSIDE = (1 << 64) - 1
"""The errand of code that asks nothing: it runs itself."""

_INSIDE = INSIDE - (1 << 64)

MOST_RATE = 10_000
"""Interruptions a second: one takes a microsecond or two."""


def _ir() -> str:
    """The signal's handler. Whoever enters says whose state it is some instructions before there is a buffer
    to leave by, which tells a walk where to end: who is interrupted between is elsewhere yet.
    """
    return f"""\
@bodies = external global i8
@stencils = external global i8
@thread_key = external global i8
@sampling_data = external global i8
declare ptr @pthread_getspecific(i32)
declare i32 @clock_gettime(i32, ptr)
declare void @walk(ptr, i64, ptr, i64)
declare void @llvm.memcpy.p0.p0.i64(ptr, ptr, i64, i1)
define void @sampled(i32 %signal, ptr %info, ptr %context) nounwind {{
  %code_field = getelementptr i8, ptr %info, i64 {_SI_CODE}
  %code = load i32, ptr %code_field
  %timer = icmp eq i32 %code, {_SI_TIMER}
  %value_field = getelementptr i8, ptr %info, i64 {_SI_VALUE}
  %value = load ptr, ptr %value_field
  %mine = icmp eq ptr %value, @sampling_data
  %ours = and i1 %timer, %mine
  br i1 %ours, label %sample, label %other
other:
  %previous = load i64, ptr @sampling_data
  %none = icmp ule i64 %previous, 1
  br i1 %none, label %done, label %chain
chain:
  %function = inttoptr i64 %previous to ptr
  call void %function(i32 %signal, ptr %info, ptr %context)
  br label %done
done:
  ret void
sample:
  %state = call ptr @pthread_getspecific(i32 ptrtoint (ptr @thread_key to i32))
  %idle = icmp eq ptr %state, null
  br i1 %idle, label %elsewhere, label %entered
entered:
  %buffer_field = getelementptr i8, ptr %state, i64 {STATE_JUMP_BUFFER}
  %buffer = load ptr, ptr %buffer_field
  %early = icmp eq ptr %buffer, null
  br i1 %early, label %elsewhere, label %room
elsewhere:
  call void @add(i64 {_ELSEWHERE}, i64 1)
  ret void
room:
  %written_field = getelementptr i8, ptr @sampling_data, i64 {_WRITTEN}
  %written = load i64, ptr %written_field
  %read_field = getelementptr i8, ptr @sampling_data, i64 {_READ}
  %read = load atomic i64, ptr %read_field acquire, align 8
  %waiting = sub i64 %written, %read
  %full = icmp uge i64 %waiting, {_ENTRIES}
  br i1 %full, label %drop, label %note
drop:
  call void @add(i64 {_DROPPED}, i64 1)
  ret void
note:
  %number = and i64 %written, {_ENTRIES - 1}
  %offset = mul i64 %number, {_ENTRY}
  %ring = getelementptr i8, ptr @sampling_data, i64 {_RING}
  %entry = getelementptr i8, ptr %ring, i64 %offset
  %clocked = call i32 @clock_gettime(i32 {_CLOCK_MONOTONIC}, ptr %entry)
  %whose = getelementptr i8, ptr %entry, i64 {_WHOSE}
  store ptr %state, ptr %whose
  %copy = getelementptr i8, ptr %entry, i64 {_STATE}
  call void @llvm.memcpy.p0.p0.i64(ptr %copy, ptr %state, i64 {STATE_TRACE_LENGTH}, i1 false)
  call void @place(ptr %copy, ptr %context)
  %after = add i64 %written, 1
  store atomic i64 %after, ptr %written_field release, align 8
  ret void
}}
define internal void @add(i64 %offset, i64 %count) nounwind {{
  %field = getelementptr i8, ptr @sampling_data, i64 %offset
  %before = load i64, ptr %field
  %sum = add i64 %before, %count
  store i64 %sum, ptr %field
  ret void
}}
define internal i64 @register(ptr %context, i64 %offset) nounwind {{
  %field = getelementptr i8, ptr %context, i64 %offset
  %value = load i64, ptr %field
  ret i64 %value
}}
define internal void @place(ptr %copy, ptr %context) nounwind {{
  %rip = call i64 @register(ptr %context, i64 {RIP})
  %inside = add i64 %rip, 1
  %cs = call i64 @register(ptr %context, i64 {_R15})
  %into = sub i64 %rip, ptrtoint (ptr @bodies to i64)
  %body = icmp ult i64 %into, {SPAN}
  br i1 %body, label %which, label %outside
outside:
  %away = call i64 @register(ptr %copy, i64 {STATE_AWAY})
  %callback = inttoptr i64 %away to ptr
  call void @walk(ptr %copy, i64 %inside, ptr %callback, i64 0)
  ret void
which:
  %errand_field = getelementptr i8, ptr %copy, i64 {STATE_ERRAND}
  store i64 {_INSIDE}, ptr %errand_field
  %machine = call i64 @register(ptr %copy, i64 {STATE_MACHINE})
  %machine_size = call i64 @register(ptr %copy, i64 {STATE_MACHINE_SIZE})
  %into_machine = sub i64 %rip, %machine
  %interpreted = icmp ult i64 %into_machine, %machine_size
  br i1 %interpreted, label %handler, label %made
handler:
  %pc = call i64 @register(ptr %context, i64 {_R12})
  %behind = add i64 %pc, {WORD}
  call void @walk(ptr %copy, i64 %behind, ptr null, i64 %cs)
  ret void
made:
  %into_stencils = sub i64 %rip, ptrtoint (ptr @stencils to i64)
  %copied = icmp ult i64 %into_stencils, {STENCIL_SPAN}
  br i1 %copied, label %stencil, label %native
stencil:
  call void @walk(ptr %copy, i64 %inside, ptr null, i64 %cs)
  ret void
native:
  %rbp = call i64 @register(ptr %context, i64 {RBP})
  %frame = inttoptr i64 %rbp to ptr
  call void @walk(ptr %copy, i64 %inside, ptr %frame, i64 0)
  ret void
}}
"""


class Sample(NamedTuple):
    """One interruption: when, in nanoseconds of the monotonic clock, and the addresses of a trace, innermost
    first; ``state`` is the address of the store's. ``errand`` is what Python was asked for, as the state has
    it: then the first address is of no function body. It is ``INSIDE`` in one.
    """

    at: int
    trace: tuple[int, ...]
    state: int
    errand: int

    @property
    def cut(self) -> bool:
        """Whether there were more frames than a trace has room for."""
        return len(self.trace) == TRACE_MAXIMUM


class Sampler:
    """The process's: one thread at a time. ``missed`` and ``elsewhere`` count since ``start``."""

    def __init__(self, glue: Glue) -> None:
        self._data = Block(_RING + _ENTRIES * _ENTRY)
        libc = ctypes.CDLL(None)
        addresses = {
            "bodies": bodies().start,
            "stencils": stencils().start,
            "thread_key": glue.key,
            "sampling_data": self._data.address,
            "clock_gettime": ctypes.cast(libc.clock_gettime, ctypes.c_void_p).value or 0,
        }
        self._code: Code = kept("sampling", _ir, 1, arena.glue(), glue.externals | addresses)
        self._lock = threading.Lock()
        self._timer: ctypes.c_void_p | None = None

    def start(self, rate: int) -> None:
        """Interrupt the calling thread so many times a second, until ``stop``. VMError when another is."""
        if not 1 <= rate <= MOST_RATE:
            raise VMError(f"rate: expected 1 to {MOST_RATE} samples a second, got {rate}")
        if not self._lock.acquire(blocking=False):
            raise VMError("this process is being profiled already: end that first")
        try:
            self._install()
            words = self._data.words
            words[_READ // WORD] = words[_WRITTEN // WORD]
            words[_DROPPED // WORD] = words[_ELSEWHERE // WORD] = 0
            self._timer = _timer(self._data.address, 1_000_000_000 // rate)
        except BaseException:
            self._lock.release()
            raise

    def pause(self) -> None:
        """No more; what was noted can still be taken. Any thread may do so."""
        if self._timer is not None:
            _librt().timer_delete(self._timer)
            self._timer = None

    def stop(self) -> None:
        """As ``pause``, and others may start: for who has started, once."""
        self.pause()
        self._lock.release()

    def take(self) -> list[Sample]:
        """What was noted since the last time."""
        words = self._data.words
        read, written = words[_READ // WORD], words[_WRITTEN // WORD]
        found = []
        for number in range(read, written):
            at = (_RING + number % _ENTRIES * _ENTRY) // WORD
            start = at + (_STATE + STATE_TRACE) // WORD
            length = words[at + (_STATE + STATE_TRACE_LENGTH) // WORD]
            when = words[at + _TIME // WORD] * 1_000_000_000 + words[at + _TIME // WORD + 1]
            trace = tuple(words[start : start + min(length, TRACE_MAXIMUM)])
            state, errand = words[at + _WHOSE // WORD], words[at + (_STATE + STATE_ERRAND) // WORD]
            found.append(Sample(when, trace, state, errand))
        words[_READ // WORD] = written
        return found

    @property
    def elsewhere(self) -> int:
        """Interruptions while the thread ran no code for a store."""
        return self._data.words[_ELSEWHERE // WORD]

    @property
    def missed(self) -> int:
        """Interruptions for which nobody had made room in time."""
        return self._data.words[_DROPPED // WORD]

    def _install(self) -> None:
        """Get in front of the present handler, unless that is this one. Ctrl-C waits: its handler would find
        the thread in this one, not in the body that it is to stop.
        """
        handler, present = self._code.symbols["sampled"], handler_of(signal.SIGPROF)
        if present != handler:
            poke(self._data.address + _PREVIOUS, present)
            handle(signal.SIGPROF, handler, _SA_RESTART, waits=SIGINT)


def _librt() -> ctypes.CDLL:
    libc = ctypes.CDLL(None, use_errno=True)
    try:
        libc.timer_create.argtypes = [ctypes.c_int, ctypes.c_void_p, ctypes.c_void_p]
    except AttributeError:
        raise VMError("profiling needs timers that glibc has in its main library since 2.34") from None
    libc.timer_settime.argtypes = [ctypes.c_void_p, ctypes.c_int, ctypes.c_void_p, ctypes.c_void_p]
    libc.timer_delete.argtypes = [ctypes.c_void_p]
    return libc


def _timer(value: int, interval: int) -> ctypes.c_void_p:
    """A running timer that interrupts the calling thread each ``interval`` nanoseconds; it says ``value``."""
    libc, timer, event, times = _librt(), ctypes.c_void_p(), Block(_SIGEVENT), Block(32)
    event.words[0] = value
    event.words[1] = signal.SIGPROF | _SIGEV_THREAD_ID << 32
    event.words[2] = threading.get_native_id()
    times.words[0], times.words[1] = divmod(interval, 1_000_000_000)
    times.words[2], times.words[3] = times.words[0], times.words[1]
    if libc.timer_create(_CLOCK_MONOTONIC, event.address, ctypes.byref(timer)) != 0:
        raise VMError(f"no timer to profile with: {os.strerror(ctypes.get_errno())}")
    libc.timer_settime(timer, 0, times.address, None)
    return timer


@once
def sampler() -> Sampler:
    """The process's sampler."""
    return Sampler(glue())
