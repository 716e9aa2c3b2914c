;; What a hand-written kernel needs to be a command-line program: its first argument as a number, and a number
;; printed as a line. build.py puts this text in place of the line "(; prelude ;)" of each .wat source.
;; Memory below 1024 is the prelude's; kernels use what lies above.
(import "wasi_snapshot_preview1" "args_get" (func $args_get (param i32 i32) (result i32)))
(import "wasi_snapshot_preview1" "args_sizes_get" (func $args_sizes_get (param i32 i32) (result i32)))
(import "wasi_snapshot_preview1" "fd_write" (func $fd_write (param i32 i32 i32 i32) (result i32)))

;; The decimal number in argv[1]; traps when there is none.
(func $argument (result i32)
  (local $at i32) (local $digit i32) (local $value i32)
  (drop (call $args_sizes_get (i32.const 0) (i32.const 4)))
  (if (i32.lt_u (i32.load (i32.const 0)) (i32.const 2)) (then unreachable))
  (if (i32.gt_u (i32.load (i32.const 4)) (i32.const 800)) (then unreachable))
  (if (i32.gt_u (i32.load (i32.const 0)) (i32.const 16)) (then unreachable))
  (drop (call $args_get (i32.const 8) (i32.const 128)))
  (local.set $at (i32.load (i32.const 12)))
  (block $end
    (loop $next
      (local.set $digit (i32.sub (i32.load8_u (local.get $at)) (i32.const 48)))
      (br_if $end (i32.gt_u (local.get $digit) (i32.const 9)))
      (local.set $value (i32.add (i32.mul (local.get $value) (i32.const 10)) (local.get $digit)))
      (local.set $at (i32.add (local.get $at) (i32.const 1)))
      (br $next)))
  (local.get $value))

;; Prints an unsigned number and a newline.
(func $print (param $value i64)
  (local $at i32)
  (local.set $at (i32.const 1000))
  (i32.store8 (local.get $at) (i32.const 10))
  (loop $next
    (local.set $at (i32.sub (local.get $at) (i32.const 1)))
    (i32.store8 (local.get $at)
      (i32.wrap_i64 (i64.add (i64.rem_u (local.get $value) (i64.const 10)) (i64.const 48))))
    (local.set $value (i64.div_u (local.get $value) (i64.const 10)))
    (br_if $next (i64.ne (local.get $value) (i64.const 0))))
  (i32.store (i32.const 0) (local.get $at))
  (i32.store (i32.const 4) (i32.sub (i32.const 1001) (local.get $at)))
  (drop (call $fd_write (i32.const 1) (i32.const 0) (i32.const 1) (i32.const 8))))
