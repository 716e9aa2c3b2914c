"""How native code asks Python, as LLVM IR: what the runtime is asked for, behind host functions.

python_help, python_compile    what ``help`` and ``compile`` of ``vm.native.glue`` call
python_step, python_translate, python_catch, python_hot     the same for ``vm.tiers.threaded``
"""

from __future__ import annotations

from vm.native.agreed import BORDER
from vm.native.crossing import FAILURES_IR, LOCK_IR, arrived, border, left
from vm.native.host_calls import HOST_CALLS_IR
from vm.native.kinds import KINDS_IR

_STATE = """\
  %state = call ptr @pthread_getspecific(i32 ptrtoint (ptr @thread_key to i32))
"""


def _arrived(name: str) -> str:
    """The errand is the method's place at the border, doubled."""
    return _STATE + arrived(str(2 * BORDER.index(name)))


def _does(name: str) -> str:
    """``python_name(handle, number, words)``: a method that leaves its answer where its caller looks."""
    return f"""\
define void @python_{name}(i64 %handle, i32 %number, ptr %words) #0 {{
  %array = alloca [4 x ptr]
{_arrived(name)}{border("method", name)}\
  %handle_word = inttoptr i64 %handle to ptr
  call void @number(ptr %array, i64 1, ptr %handle_word)
  %number_word = inttoptr i32 %number to ptr
  call void @number(ptr %array, i64 2, ptr %number_word)
  call void @number(ptr %array, i64 3, ptr %words)
  %answer = call ptr @ask(ptr %state, ptr %method, ptr %array, i64 3)
  call void @drop(ptr %answer)
{left()}\
  ret void
}}
"""


def _answers(name: str, *, asks_record: bool) -> str:
    """``python_name(record, answer)``, or without a record: a method that returns the answer, an int.

    The answer stays as it is when Python raised.
    """
    record = "  call void @number(ptr %array, i64 1, ptr %record)\n" if asks_record else ""
    return f"""\
define void @python_{name}({"ptr %record, " if asks_record else ""}ptr %place) #0 {{
  %array = alloca [2 x ptr]
{_arrived(name)}{border("method", name)}{record}\
  %answer = call ptr @ask(ptr %state, ptr %method, ptr %array, i64 {int(asks_record)})
  %raised = icmp eq ptr %answer, null
  br i1 %raised, label %done, label %made
made:
  %word = call i64 @PyLong_AsUnsignedLongLongMask(ptr %answer)
  store i64 %word, ptr %place
  call void @Py_DecRef(ptr %answer)
  br label %done
done:
{left()}\
  ret void
}}
"""


_REQUESTS = (
    """\
@thread_key = external global i8
declare ptr @pthread_getspecific(i32)
"""
    + _does("help")
    + _does("step")
    + _answers("compile", asks_record=True)
    + _answers("translate", asks_record=True)
    + _answers("catch", asks_record=False)
    + _answers("hot", asks_record=True)
)

CALLBACKS_IR = KINDS_IR + LOCK_IR + FAILURES_IR + HOST_CALLS_IR + _REQUESTS
"""All of it."""
