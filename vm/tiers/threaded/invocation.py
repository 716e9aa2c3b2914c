"""Handlers of calls and returns, of what a function's entry checks, and of steps that Python runs.

A frame is a run of slots of the store's value stack: parameters, locals, operands. A callee's frame starts
at its arguments, which are the caller's topmost operands, and its results lie where its arguments were. The
control stack grows down from the other end of the same memory; its entries say where to go on in callers.

What a function record's code points to is an instruction too: ``enter`` for a body, ``native`` for one that
has been compiled, ``host`` for a host function. All start with the same fields: words of parameters, words
of results.
"""

from __future__ import annotations

from functools import partial

from vm.errors import TrapCode
from vm.isa.types import ValType
from vm.native.glue import UNWOUND
from vm.native.walking import SLACK
from vm.records import Record
from vm.runtime.layout import (
    CONTEXT_INSTANCE,
    CONTEXT_MEMORY,
    CONTEXT_STATE,
    CONTROL_ENTRY,
    HOST_CALLBACK,
    RECORD_CONTEXT,
    RECORD_TYPE,
    STATE_CONTROL,
    STATE_DEADLINE,
    STATE_EPOCH,
    STATE_FRAMES,
    STATE_FUEL,
    STATE_PENDING,
    STATE_STEP,
    STATE_TAIL,
)
from vm.tiers.threaded.moves import Write, element
from vm.tiers.threaded.text import FIELDS, HandlerText, size

# calls: the first fields are the slot of the arguments, and the first slot beyond what is in use


class _Form(Record, frozen=True):
    """A call or a tail call, with so many fields before the words; a tail call has one field more: the
    number of words that its arguments take, which become the frame of the function that is called.
    """

    tail: bool
    fields: int
    words: int = 0

    @property
    def length(self) -> int:
        """Bytes of the instruction."""
        return size(self.fields + self.tail, self.words)

    def word(self, b: HandlerText, number: int) -> str:
        """One of its words."""
        return b.word(size(self.fields + self.tail, number))


def _go(b: HandlerText, form: _Form, code: str, *, ctx: str = "%ctx", mem: str = "%mem") -> None:
    """Run ``code`` on the arguments, and come back behind this instruction unless it is a tail call."""
    b.length = form.length
    if form.tail:
        amount = b.value(f"shl i64 {b.field(form.fields)}, 3")
        b.effect(f"call void @llvm.memmove.p0.p0.i64(ptr %fr, ptr {b.slot(0)}, i64 {amount}, i1 false)")
        b.go(code, ctx=ctx, mem=mem)
        return
    b.go(code, fr=b.slot(0), ctx=ctx, cs=_push(b, form.length), mem=mem)


def _push(b: HandlerText, length: int) -> str:
    """A new entry of the control stack: this frame, to go on so many bytes behind the instruction's start."""
    entry = b.at("%cs", -CONTROL_ENTRY)
    b.effect(f"store ptr {b.at('%pc', length)}, ptr {entry}")
    b.effect(f"store ptr %fr, ptr {b.at(entry, 8)}")
    b.effect(f"store ptr %ctx, ptr {b.at(entry, 16)}")
    return entry


def _code(b: HandlerText, record: str) -> str:
    """The code of a record; when it has none yet, it is made and the instruction starts anew."""
    code = b.load("ptr", record)
    missing = b.label()
    b.branch(b.value(f"icmp eq ptr {code}, null"), missing, b.label())
    b.later(missing, lambda: _ask_for_code(b, record))
    return code


def _ask_for_code(b: HandlerText, record: str) -> None:
    state = publish(b, b.slot(1), _push(b, FIELDS))
    b.effect(f"store ptr {record}, ptr {b.at(state, STATE_PENDING)}")
    b.jump("@retry")


def _call(*, tail: bool) -> Write:
    """Fields: arguments, extent, where the record lies in the context."""

    def write(b: HandlerText) -> None:
        _go(b, _Form(tail, 3), _code(b, b.at("%ctx", b.field(2))))

    return write


def _call_record(b: HandlerText, form: _Form, record: str) -> None:
    code = _code(b, record)
    context = b.load("ptr", b.at(record, RECORD_CONTEXT))
    _go(b, form, code, ctx=context, mem=b.load("ptr", b.at(context, CONTEXT_MEMORY)))


def _call_import(*, tail: bool) -> Write:
    """Fields: arguments, extent, where the pointer to the record lies in the context."""
    return lambda b: _call_record(b, _Form(tail, 3), b.load("ptr", b.at("%ctx", b.field(2))))


def _call_indirect(*, tail: bool, final: bool) -> Write:
    """Fields: arguments, extent, index, table; words: the type's number, the number of its step.

    A type that is not final may have subtypes: the step asks whether the one that was found is one.
    """
    form = _Form(tail, 4, 2)

    def write(b: HandlerText) -> None:
        reference = b.load("ptr", element(b, 2, 3, TrapCode.UNDEFINED_ELEMENT))
        b.trap_if(b.value(f"icmp eq ptr {reference}, null"), TrapCode.UNINITIALIZED_ELEMENT)
        found = b.load("i64", b.at(reference, RECORD_TYPE))
        differs = b.value(f"icmp ne i64 {found}, {form.word(b, 0)}")
        if final:
            b.trap_if(differs, TrapCode.BAD_SIGNATURE)
        else:
            _check_subtype(b, form, reference, differs)
        _call_record(b, form, reference)

    return write


def _call_ref(*, tail: bool) -> Write:
    """Fields: arguments, extent, reference."""

    def write(b: HandlerText) -> None:
        reference = b.load("ptr", b.slot(2))
        b.trap_if(b.value(f"icmp eq ptr {reference}, null"), TrapCode.NULL_FUNCTION_REFERENCE)
        _call_record(b, _Form(tail, 3), reference)

    return write


def _check_subtype(b: HandlerText, form: _Form, reference: str, differs: str) -> None:
    ask, following = b.label(), b.label()
    b.branch(differs, ask, following)

    def write() -> None:
        words = b.slot(1)
        b.effect(f"store ptr {reference}, ptr {words}, align 8")
        number = b.value(f"trunc i64 {form.word(b, 1)} to i32")
        _ask_python(b, number, words, b.at(words, 8))
        extends = b.load("i64", words)
        b.trap_if(b.value(f"icmp eq i64 {extends}, 0"), TrapCode.BAD_SIGNATURE)
        b.effect(f"br label %{following}")

    b.later(ask, write)


def _return(b: HandlerText, cs: str = "%cs") -> None:
    """Go on where the newest entry of the control stack says."""
    b.length = b.length or size(0)
    pc = b.load("ptr", cs)
    fr = b.load("ptr", b.at(cs, 8))
    context = b.load("ptr", b.at(cs, 16))
    memory = b.load("ptr", b.at(context, CONTEXT_MEMORY))
    b.go(pc, fr=fr, ctx=context, cs=b.at(cs, CONTROL_ENTRY), mem=memory)


def _return_one(b: HandlerText) -> None:
    b.length = size(1)
    b.effect(f"store i64 {b.read(0, ValType.I64)}, ptr %fr")
    _return(b)


def _check_room(b: HandlerText, end: str) -> None:
    """Trap unless the frame may reach up to ``end``."""
    limit = b.at("%cs", -SLACK)
    b.trap_if(b.value(f"icmp ugt ptr {end}, {limit}"), TrapCode.STACK_OVERFLOW)


def _enter(b: HandlerText) -> None:
    """Fields: words of parameters, words of results, slots of the frame."""
    _check_room(b, b.slot(2))
    b.next(size(3))


def _enter_clear(b: HandlerText) -> None:
    """As ``enter``, with one more field: so many slots behind the parameters become 0."""
    _check_room(b, b.slot(2))
    b.effect("br label %before")
    b.block("before")
    first = b.slot(0)
    end = b.value(f"getelementptr i64, ptr {first}, i64 {b.field(3)}")
    b.effect("br label %clear")
    b.block("clear")
    b.effect(f"%at = phi ptr [ {first}, %before ], [ %following, %clear ]")
    b.effect("store i64 0, ptr %at")
    b.effect("%following = getelementptr i8, ptr %at, i64 8")
    b.effect(f"%more = icmp ult ptr %following, {end}")
    b.effect("br i1 %more, label %clear, label %done")
    b.block("done")
    b.next(size(4))


def publish(b: HandlerText, end: str, control: str = "%cs") -> str:
    """Say in the state, before Python runs, where the stacks end now; gives the state."""
    state = b.load("ptr", b.at("%ctx", CONTEXT_STATE))
    b.effect(f"store ptr {end}, ptr {b.at(state, STATE_FRAMES)}")
    b.effect(f"store ptr {control}, ptr {b.at(state, STATE_CONTROL)}")
    return state


def _host(b: HandlerText) -> None:
    """Fields: words of parameters, words of results, the greater of them plus one.

    Python gets an array whose first word is the answer, so the arguments move up by one and results down.
    """
    end = b.slot(2)
    _check_room(b, end)
    values = b.at("%fr", 8)
    amount = b.value(f"shl i64 {b.field(0)}, 3")
    b.effect(f"call void @llvm.memmove.p0.p0.i64(ptr {values}, ptr %fr, i64 {amount}, i1 false)")
    b.effect("store i64 0, ptr %fr")
    state = publish(b, end)
    callback = b.load("ptr", b.at("%ctx", HOST_CALLBACK))
    b.effect(f"call void {callback}(ptr %ctx, ptr %fr)")
    _unwind_unless(b, state, b.load("i64", "%fr"))
    amount = b.value(f"shl i64 {b.field(1)}, 3")
    b.effect(f"call void @llvm.memmove.p0.p0.i64(ptr %fr, ptr {values}, i64 {amount}, i1 false)")
    _return(b)


def _native(b: HandlerText) -> None:
    """Fields: words of parameters, words of results, slots of the frame; words: the thunk, the code.

    What is behind a record whose function has been compiled. The thunk takes the arguments from the frame
    and leaves the results there. If a tail call from compiled code has come back here, its arguments lie
    behind the frame: they become the frame of the function that it goes to.
    """
    end = b.slot(2)
    _check_room(b, end)
    state = publish(b, end)
    b.effect(f"store ptr null, ptr {b.at(state, STATE_TAIL)}")
    thunk, code = b.word(size(3)), b.word(size(3, 1))
    thunk = b.value(f"inttoptr i64 {thunk} to ptr")
    b.effect(f"call void {thunk}(i64 {code}, ptr %ctx, ptr %fr)")
    record = b.load("ptr", b.at(state, STATE_TAIL))
    tail = b.label()
    b.branch(b.value(f"icmp ne ptr {record}, null"), tail, b.label())
    _return(b)

    def write() -> None:
        b.effect(f"store ptr null, ptr {b.at(state, STATE_TAIL)}")  # else a native around this one finds it
        target = b.load("ptr", record)
        words = b.value(f"zext i32 {b.load('i32', b.at(target, FIELDS))} to i64")
        amount = b.value(f"shl i64 {words}, 3")
        b.effect(f"call void @llvm.memmove.p0.p0.i64(ptr %fr, ptr {end}, i64 {amount}, i1 false)")
        context = b.load("ptr", b.at(record, RECORD_CONTEXT))
        b.go(target, ctx=context, mem=b.load("ptr", b.at(context, CONTEXT_MEMORY)))

    b.later(tail, write)


def _resume(b: HandlerText) -> None:
    """Fields: words of the frame that are there, words of results, slots of the frame; word: where to go on.

    What the machine runs in the place of compiled code that has left its function somewhere in the middle.
    """
    b.length = size(3, 1)
    _check_room(b, b.slot(2))
    b.go(b.value(f"inttoptr i64 {b.word(size(3))} to ptr"))


def _count(b: HandlerText) -> None:
    """Field: extent; word: how often it may still run before Python is asked where to go on."""
    counter = b.at("%pc", size(1))
    left = b.value(f"sub i64 {b.load('i64', counter)}, 1")
    b.effect(f"store i64 {left}, ptr {counter}")
    hot = b.label()
    b.branch(b.value(f"icmp slt i64 {left}, 1"), hot, b.label())
    b.next(size(1, 1))

    def write() -> None:
        state = publish(b, b.slot(0), _push(b, FIELDS))
        b.jump("@hot", mem=state)

    b.later(hot, write)


def _unwind_unless(b: HandlerText, state: str, answer: str) -> None:
    """Unless Python's answer is 1: leave with its exception, which waits, when it is 0; else throw the
    WebAssembly exception that it has put into the state.
    """
    other = b.label()
    b.branch(b.value(f"icmp ne i64 {answer}, 1"), other, b.label())

    def write() -> None:
        unwind, throw = b.label(), b.label()
        machine = f"ptr %pc, ptr %fr, ptr %ctx, ptr %cs, ptr {state}"
        b.effect(f"br i1 {b.value(f'icmp eq i64 {answer}, 0')}, label %{unwind}, label %{throw}")
        b.block(unwind)
        b.effect(f"call preserve_nonecc void @halt({machine}, i64 0, i64 0, i64 {UNWOUND})")
        b.effect("unreachable")
        b.block(throw)
        b.effect(f"call preserve_nonecc void @hurl({machine})")
        b.effect("unreachable")

    b.later(other, write)


def _step(b: HandlerText) -> None:
    """Have Python run an instruction. Fields: slot of the operands and results, its number, extent."""
    _ask_python(b, b.load("i32", b.at("%pc", 12)), b.slot(0), b.slot(2))
    b.next(size(3))


def _ask_python(b: HandlerText, number: str, words: str, end: str) -> None:
    """Run step ``number`` (i32) of the instance on an array of words; unwind if it raised.

    What it throws is looked for from an entry of the control stack on that stands for this instruction.
    """
    entry = _push(b, FIELDS)
    state = publish(b, end, entry)
    answer = b.at(state, STATE_PENDING)
    b.effect(f"store i64 0, ptr {answer}")
    handle = b.load("i64", b.at("%ctx", CONTEXT_INSTANCE))
    callback = b.load("ptr", b.at(state, STATE_STEP))
    b.effect(f"call void {callback}(i64 {handle}, i32 {number}, ptr {words})")
    _unwind_unless(b, state, b.load("i64", answer))


def _fuel(b: HandlerText) -> None:
    """Word: how much to burn."""
    cost = b.word(8)
    field = b.at(b.load("ptr", b.at("%ctx", CONTEXT_STATE)), STATE_FUEL)
    left = b.load("i64", field)
    b.effect(f"store i64 {b.value(f'call i64 @llvm.usub.sat.i64(i64 {left}, i64 {cost})')}, ptr {field}")
    b.trap_if(b.value(f"icmp ult i64 {left}, {cost}"), TrapCode.OUT_OF_FUEL)
    b.next(size(0, 1))


def _epoch(b: HandlerText) -> None:
    """Another thread advances the epoch."""
    state = b.load("ptr", b.at("%ctx", CONTEXT_STATE))
    now = b.value(f"load volatile i64, ptr {b.load('ptr', b.at(state, STATE_EPOCH))}")
    deadline = b.value(f"load volatile i64, ptr {b.at(state, STATE_DEADLINE)}")
    b.trap_if(b.value(f"icmp uge i64 {now}, {deadline}"), TrapCode.INTERRUPT)
    b.next(size(0))


HANDLERS: dict[str, Write] = {
    **{
        ("return_" * tail + name): write(tail=tail)
        for tail in (False, True)
        for name, write in (
            ("call", _call),
            ("call import", _call_import),
            ("call_indirect", partial(_call_indirect, final=True)),
            ("call_indirect open", partial(_call_indirect, final=False)),
            ("call_ref", _call_ref),
        )
    },
    "return": _return,
    "return one": _return_one,
    "host": _host,
    "native": _native,
    "resume": _resume,
    "count": _count,
    "step": _step,
    "fuel": _fuel,
    "epoch": _epoch,
    "enter": _enter,
    "enter clear": _enter_clear,
}
"""How each is written, by name."""
