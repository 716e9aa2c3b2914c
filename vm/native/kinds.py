"""Numbers between Python objects and words of native memory, as LLVM IR; as ``vm.api.numbers`` does.

    to_object(kind, at)             a new object for the number at ``at``, or null with an exception set
    from_object(kind, object, at)   whether the object is of the type that the kind wants, and then stores it

A kind is a byte that stands for a type of number. Objects of any other type than ``vm.api.numbers`` takes,
and references, are left to Python, which knows the rules and what to say. Only functions of Python's API are
used, no layouts of its objects.
"""

from __future__ import annotations

KINDS_IR = """\
@int_type = external global i8
@float_type = external global i8
declare ptr @PyObject_Type(ptr)
declare i32 @PyType_IsSubtype(ptr, ptr)
declare void @Py_DecRef(ptr)
declare ptr @PyLong_FromLongLong(i64)
declare ptr @PyLong_FromUnsignedLongLong(i64)
declare i64 @PyLong_AsUnsignedLongLongMask(ptr)
declare i64 @PyLong_AsUnsignedLongLong(ptr)
declare ptr @PyFloat_FromDouble(double)
declare double @PyFloat_AsDouble(ptr)
declare ptr @PyNumber_Rshift(ptr, ptr)
declare ptr @PyNumber_Lshift(ptr, ptr)
declare ptr @PyNumber_Or(ptr, ptr)
declare ptr @PyErr_Occurred()
declare void @PyErr_Clear()
define internal i1 @is_a(ptr %object, ptr %type) #0 {
  %found = call ptr @PyObject_Type(ptr %object)
  call void @Py_DecRef(ptr %found)
  %exact = icmp eq ptr %found, %type
  br i1 %exact, label %yes, label %ask
ask:
  %below = call i32 @PyType_IsSubtype(ptr %found, ptr %type)
  %is = icmp ne i32 %below, 0
  ret i1 %is
yes:
  ret i1 true
}
define internal i64 @words_of(i8 %kind) #0 {
  %wide = icmp eq i8 %kind, 5
  %words = select i1 %wide, i64 2, i64 1
  ret i64 %words
}
define internal ptr @to_object(i8 %kind, ptr %at) #0 {
  switch i8 %kind, label %vector [ i8 1, label %i32 i8 2, label %i64 i8 3, label %f32 i8 4, label %f64 ]
i32:
  %short = load i32, ptr %at
  %signed = sext i32 %short to i64
  %i = call ptr @PyLong_FromLongLong(i64 %signed)
  ret ptr %i
i64:
  %long = load i64, ptr %at
  %l = call ptr @PyLong_FromLongLong(i64 %long)
  ret ptr %l
f32:
  %single = load float, ptr %at
  %widened = fpext float %single to double
  %f = call ptr @PyFloat_FromDouble(double %widened)
  ret ptr %f
f64:
  %double = load double, ptr %at
  %d = call ptr @PyFloat_FromDouble(double %double)
  ret ptr %d
vector:
  %low = load i64, ptr %at
  %high_at = getelementptr i64, ptr %at, i64 1
  %high = load i64, ptr %high_at
  %v = call ptr @wide_object(i64 %low, i64 %high)
  ret ptr %v
}
define internal ptr @wide_object(i64 %low, i64 %high) noinline #0 {
  %upper = call ptr @PyLong_FromUnsignedLongLong(i64 %high)
  %count = call ptr @PyLong_FromUnsignedLongLong(i64 64)
  %shifted = call ptr @both(ptr @PyNumber_Lshift, ptr %upper, ptr %count)
  %lower = call ptr @PyLong_FromUnsignedLongLong(i64 %low)
  %whole = call ptr @both(ptr @PyNumber_Or, ptr %shifted, ptr %lower)
  ret ptr %whole
}
define internal ptr @both(ptr %operation, ptr %one, ptr %other) #0 {
  %no_one = icmp eq ptr %one, null
  %no_other = icmp eq ptr %other, null
  %missing = or i1 %no_one, %no_other
  br i1 %missing, label %give_up, label %go
give_up:
  br label %done
go:
  %found = call ptr %operation(ptr %one, ptr %other)
  br label %done
done:
  %result = phi ptr [ null, %give_up ], [ %found, %go ]
  call void @drop(ptr %one)
  call void @drop(ptr %other)
  ret ptr %result
}
define internal void @drop(ptr %object) #0 {
  %none = icmp eq ptr %object, null
  br i1 %none, label %done, label %go
go:
  call void @Py_DecRef(ptr %object)
  br label %done
done:
  ret void
}
define internal i1 @from_object(i8 %kind, ptr %object, ptr %at) #0 {
  switch i8 %kind, label %vector [ i8 1, label %i32 i8 2, label %i64 i8 3, label %f32 i8 4, label %f64 ]
i32:
  %is_i = call i1 @is_a(ptr %object, ptr @int_type)
  br i1 %is_i, label %take_i, label %other
take_i:
  %i = call i64 @PyLong_AsUnsignedLongLongMask(ptr %object)
  %short = and i64 %i, 4294967295
  store i64 %short, ptr %at
  ret i1 true
i64:
  %is_l = call i1 @is_a(ptr %object, ptr @int_type)
  br i1 %is_l, label %take_l, label %other
take_l:
  %l = call i64 @PyLong_AsUnsignedLongLongMask(ptr %object)
  store i64 %l, ptr %at
  ret i1 true
f32:
  %is_f = call i1 @is_a(ptr %object, ptr @float_type)
  br i1 %is_f, label %take_f, label %other
take_f:
  %f = call double @PyFloat_AsDouble(ptr %object)
  %single = fptrunc double %f to float
  %pattern = bitcast float %single to i32
  %word = zext i32 %pattern to i64
  store i64 %word, ptr %at
  ret i1 true
f64:
  %is_d = call i1 @is_a(ptr %object, ptr @float_type)
  br i1 %is_d, label %take_d, label %other
take_d:
  %d = call double @PyFloat_AsDouble(ptr %object)
  store double %d, ptr %at
  ret i1 true
vector:
  %is_v = call i1 @is_a(ptr %object, ptr @int_type)
  br i1 %is_v, label %take_v, label %other
take_v:
  %fits = call i1 @take_wide(ptr %object, ptr %at)
  ret i1 %fits
other:
  ret i1 false
}
define internal i1 @take_wide(ptr %object, ptr %at) noinline #0 {
  %low = call i64 @PyLong_AsUnsignedLongLongMask(ptr %object)
  store i64 %low, ptr %at
  %count = call ptr @PyLong_FromUnsignedLongLong(i64 64)
  %none = icmp eq ptr %count, null
  br i1 %none, label %bad, label %shift
shift:
  %upper = call ptr @PyNumber_Rshift(ptr %object, ptr %count)
  call void @Py_DecRef(ptr %count)
  %lost = icmp eq ptr %upper, null
  br i1 %lost, label %bad, label %read
read:
  %high = call i64 @PyLong_AsUnsignedLongLong(ptr %upper)
  call void @Py_DecRef(ptr %upper)
  %high_at = getelementptr i64, ptr %at, i64 1
  store i64 %high, ptr %high_at
  %suspect = icmp eq i64 %high, -1
  br i1 %suspect, label %look, label %good
look:
  %error = call ptr @PyErr_Occurred()
  %fine = icmp eq ptr %error, null
  br i1 %fine, label %good, label %bad
good:
  ret i1 true
bad:
  call void @PyErr_Clear()
  ret i1 false
}
"""
"""Both, and what they need; attributes #0 are ``vm.native.glue.FRAMES``."""
