;; The smallest useful module: what start-up costs when there is next to nothing to start.
(module
  (func (export "add") (param i32 i32) (result i32)
    (i32.add (local.get 0) (local.get 1))))
