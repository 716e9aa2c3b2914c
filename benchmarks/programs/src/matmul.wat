;; A product of two n x n matrices of f64, A[i][j] = i + 2j, B[i][j] = i - j; prints the trace.
(module
  (; prelude ;)
  (memory (export "memory") 1)
  (func $cell (param $matrix i32) (param $n i32) (param $i i32) (param $j i32) (result i32)
    (i32.add (local.get $matrix)
      (i32.shl (i32.add (i32.mul (local.get $i) (local.get $n)) (local.get $j)) (i32.const 3))))
  (func $fill (param $a i32) (param $b i32) (param $n i32)
    (local $i i32) (local $j i32)
    (loop $rows
      (local.set $j (i32.const 0))
      (loop $columns
        (f64.store (call $cell (local.get $a) (local.get $n) (local.get $i) (local.get $j))
          (f64.convert_i32_s (i32.add (local.get $i) (i32.shl (local.get $j) (i32.const 1)))))
        (f64.store (call $cell (local.get $b) (local.get $n) (local.get $i) (local.get $j))
          (f64.convert_i32_s (i32.sub (local.get $i) (local.get $j))))
        (local.set $j (i32.add (local.get $j) (i32.const 1)))
        (br_if $columns (i32.lt_u (local.get $j) (local.get $n))))
      (local.set $i (i32.add (local.get $i) (i32.const 1)))
      (br_if $rows (i32.lt_u (local.get $i) (local.get $n)))))
  (func $dot (param $a i32) (param $b i32) (param $n i32) (result f64)
    (local $k i32) (local $sum f64)
    (loop $next
      (local.set $sum
        (f64.add (local.get $sum) (f64.mul (f64.load (local.get $a)) (f64.load (local.get $b)))))
      (local.set $a (i32.add (local.get $a) (i32.const 8)))
      (local.set $b (i32.add (local.get $b) (i32.shl (local.get $n) (i32.const 3))))
      (local.set $k (i32.add (local.get $k) (i32.const 1)))
      (br_if $next (i32.lt_u (local.get $k) (local.get $n))))
    (local.get $sum))
  (func $matmul (export "matmul") (param $n i32) (result f64)
    (local $a i32) (local $b i32) (local $c i32) (local $i i32) (local $j i32) (local $trace f64)
    (local.set $a (i32.const 1024))
    (local.set $b (call $cell (local.get $a) (local.get $n) (local.get $n) (i32.const 0)))
    (local.set $c (call $cell (local.get $b) (local.get $n) (local.get $n) (i32.const 0)))
    (drop (memory.grow
      (i32.shr_u
        (i32.add (call $cell (local.get $c) (local.get $n) (local.get $n) (i32.const 0)) (i32.const 65535))
        (i32.const 16))))
    (call $fill (local.get $a) (local.get $b) (local.get $n))
    (loop $rows
      (local.set $j (i32.const 0))
      (loop $columns
        (f64.store (call $cell (local.get $c) (local.get $n) (local.get $i) (local.get $j))
          (call $dot
            (call $cell (local.get $a) (local.get $n) (local.get $i) (i32.const 0))
            (call $cell (local.get $b) (local.get $n) (i32.const 0) (local.get $j))
            (local.get $n)))
        (local.set $j (i32.add (local.get $j) (i32.const 1)))
        (br_if $columns (i32.lt_u (local.get $j) (local.get $n))))
      (local.set $trace
        (f64.add (local.get $trace)
          (f64.load (call $cell (local.get $c) (local.get $n) (local.get $i) (local.get $i)))))
      (local.set $i (i32.add (local.get $i) (i32.const 1)))
      (br_if $rows (i32.lt_u (local.get $i) (local.get $n))))
    (local.get $trace))
  (func (export "_start")
    (call $print (i64.trunc_sat_f64_u (call $matmul (call $argument))))))
