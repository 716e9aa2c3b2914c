;; Primes below n by Eratosthenes' sieve: byte loads and stores with strides.
(module
  (; prelude ;)
  (memory (export "memory") 1)
  (func $sieve (export "sieve") (param $n i32) (result i64)
    (local $base i32) (local $i i32) (local $j i32) (local $count i64)
    (local.set $base (i32.const 1024))
    (drop (memory.grow (i32.add (i32.shr_u (local.get $n) (i32.const 16)) (i32.const 1))))
    (memory.fill (local.get $base) (i32.const 0) (local.get $n))
    (local.set $i (i32.const 2))
    (block $end
      (loop $next
        (br_if $end (i32.ge_u (local.get $i) (local.get $n)))
        (if (i32.eqz (i32.load8_u (i32.add (local.get $base) (local.get $i))))
          (then
            (local.set $count (i64.add (local.get $count) (i64.const 1)))
            (local.set $j (i32.shl (local.get $i) (i32.const 1)))
            (block $crossed
              (loop $cross
                (br_if $crossed (i32.ge_u (local.get $j) (local.get $n)))
                (i32.store8 (i32.add (local.get $base) (local.get $j)) (i32.const 1))
                (local.set $j (i32.add (local.get $j) (local.get $i)))
                (br $cross)))))
        (local.set $i (i32.add (local.get $i) (i32.const 1)))
        (br $next)))
    (local.get $count))
  (func (export "_start")
    (call $print (call $sieve (call $argument)))))
