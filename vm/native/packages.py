"""How compiled code makes an exnref of the exception that it has caught, and throws one again.

package(ctx)            the reference to what was thrown last: a new package, unless it has come from one
throw_ref(ctx, word)    throws what a (non-null) reference refers to
"""

from __future__ import annotations

from vm.gc.record import BASE, CURSOR, LIMIT
from vm.native.help import NUMBERS
from vm.runtime.layout import CONTEXT_STATE, STATE_HEAP, STATE_PAYLOAD, STATE_REFERENCE, STATE_TAG
from vm.runtime.packages import PACKAGE_TAG, PACKAGE_VALUES, TAG_BYTES, TAG_SIZE

_HANDLE_BITS = 7
"""A reference in which one of these bits is set is the handle of a Python object."""


def _load(name: str, type: str, base: str, offset: int) -> str:
    field = f"  %{name}_at = getelementptr i8, ptr %{base}, i64 {offset}\n"
    return f"{field}  %{name} = load {type}, ptr %{name}_at\n"


PACKAGES_IR = (
    """\
declare void @llvm.memcpy.p0.p0.i64(ptr, ptr, i64, i1)
define i64 @package(ptr %ctx) #0 {
"""
    + _load("state", "ptr", "ctx", CONTEXT_STATE)
    + _load("known", "i64", "state", STATE_REFERENCE)
    + """\
  %new = icmp eq i64 %known, 0
  br i1 %new, label %make, label %old
old:
  ret i64 %known
make:
"""
    + _load("tag", "ptr", "state", STATE_TAG)
    + _load("heap", "ptr", "state", STATE_HEAP)
    + _load("size", "i64", "tag", TAG_SIZE)
    + _load("cursor", "i64", "heap", CURSOR)
    + _load("limit", "i64", "heap", LIMIT)
    + """\
  %end = add i64 %cursor, %size
  %fits = icmp ule i64 %end, %limit
  br i1 %fits, label %take, label %ask
take:
  store i64 %end, ptr %cursor_at
  br label %fill
ask:
  %found = call i64 @allocate(ptr %ctx, i64 %size)
  br label %fill
fill:
  %word = phi i64 [ %cursor, %take ], [ %found, %ask ]
"""
    + _load("base", "ptr", "heap", BASE)
    + _load("payload", "ptr", "state", STATE_PAYLOAD)
    + _load("bytes", "i64", "tag", TAG_BYTES)
    + f"""\
  %object = getelementptr i8, ptr %base, i64 %word
  %type = load i64, ptr %tag
  store i64 %type, ptr %object
  %object_tag = getelementptr i8, ptr %object, i64 {PACKAGE_TAG}
  store ptr %tag, ptr %object_tag
  %values = getelementptr i8, ptr %object, i64 {PACKAGE_VALUES}
  call void @llvm.memcpy.p0.p0.i64(ptr %values, ptr %payload, i64 %bytes, i1 false)
  store i64 %word, ptr %known_at
  ret i64 %word
}}
define void @throw_ref(ptr %ctx, i64 %word) noreturn #0 {{
  %own = call ptr @llvm.frameaddress.p0(i32 0)
  %return_field = getelementptr i8, ptr %own, i64 8
  %return = load i64, ptr %return_field
  %caller = load ptr, ptr %own
  %words = alloca [2 x i64]
"""
    + _load("state", "ptr", "ctx", CONTEXT_STATE)
    + f"""\
  %bits = and i64 %word, {_HANDLE_BITS}
  %package = icmp eq i64 %bits, 0
  br i1 %package, label %empty, label %ask
ask:
  %argument = getelementptr i64, ptr %words, i64 1
  store i64 %word, ptr %argument
  call void @help(ptr %ctx, i32 {NUMBERS["throw_ref"]}, ptr %words)
  br label %go
empty:
"""
    + _load("heap", "ptr", "state", STATE_HEAP)
    + _load("base", "ptr", "heap", BASE)
    + _load("payload", "ptr", "state", STATE_PAYLOAD)
    + "  %object = getelementptr i8, ptr %base, i64 %word\n"
    + _load("tag", "ptr", "object", PACKAGE_TAG)
    + _load("bytes", "i64", "tag", TAG_BYTES)
    + f"""\
  %values = getelementptr i8, ptr %object, i64 {PACKAGE_VALUES}
  call void @llvm.memcpy.p0.p0.i64(ptr %payload, ptr %values, i64 %bytes, i1 false)
  %tag_field = getelementptr i8, ptr %state, i64 {STATE_TAG}
  store ptr %tag, ptr %tag_field
  %reference_field = getelementptr i8, ptr %state, i64 {STATE_REFERENCE}
  store i64 %word, ptr %reference_field
  br label %go
go:
  call void @trace(ptr %state, i64 %return, ptr %caller)
  call void @rethrow(ptr %state)
  unreachable
}}
"""
)
"""The code, for the module in which ``allocate``, ``help``, ``trace`` and ``rethrow`` are."""
