;; Sums of squares of a kernel's filters, in float32, four filters to a vector: each lane rounds each square and each sum
;; like numpy's sequential sum over (kh, kw, in) does. No fused multiply-add exists in the instructions used.
(module
  (import "env" "memory" (memory 1))
  ;; $weights: bytes of the kernel's first element. $rows: a multiple of 8. $row, $column: bytes from one filter, and one
  ;; input channel, to the next. $offsets: bytes of an i32 list of $positions kernel positions, each a byte offset.
  ;; $sums: bytes of the result, one float32 for each filter.
  (func (export "norms")
    (param $weights i32) (param $rows i32) (param $row i32) (param $columns i32) (param $column i32)
    (param $offsets i32) (param $positions i32) (param $norms i32)
    (local $at i32) (local $other i32) (local $k i32) (local $left i32) (local $two i32) (local $three i32)
    (local $a v128) (local $b v128) (local $v v128) (local $w v128)
    (local.set $two (i32.shl (local.get $row) (i32.const 1)))
    (local.set $three (i32.add (local.get $two) (local.get $row)))
    (block $done
      (loop $filters
        (br_if $done (i32.eqz (local.get $rows)))
        (local.set $a (v128.const f32x4 0 0 0 0))
        (local.set $b (v128.const f32x4 0 0 0 0))
        (local.set $k (i32.const 0))
        (block $summed
          (loop $kernel
            (br_if $summed (i32.eq (local.get $k) (local.get $positions)))
            (local.set $at
              (i32.add (local.get $weights)
                (i32.load (i32.add (local.get $offsets) (i32.shl (local.get $k) (i32.const 2))))))
            (local.set $other (i32.add (local.get $at) (i32.shl (local.get $two) (i32.const 1))))
            (local.set $left (local.get $columns))
            (block $ended
              (loop $inputs
                (br_if $ended (i32.eqz (local.get $left)))
                (local.set $v (v128.load32_zero (local.get $at)))
                (local.set $v (v128.load32_lane 1 (i32.add (local.get $at) (local.get $row)) (local.get $v)))
                (local.set $v (v128.load32_lane 2 (i32.add (local.get $at) (local.get $two)) (local.get $v)))
                (local.set $v (v128.load32_lane 3 (i32.add (local.get $at) (local.get $three)) (local.get $v)))
                (local.set $w (v128.load32_zero (local.get $other)))
                (local.set $w (v128.load32_lane 1 (i32.add (local.get $other) (local.get $row)) (local.get $w)))
                (local.set $w (v128.load32_lane 2 (i32.add (local.get $other) (local.get $two)) (local.get $w)))
                (local.set $w (v128.load32_lane 3 (i32.add (local.get $other) (local.get $three)) (local.get $w)))
                (local.set $a (f32x4.add (local.get $a) (f32x4.mul (local.get $v) (local.get $v))))
                (local.set $b (f32x4.add (local.get $b) (f32x4.mul (local.get $w) (local.get $w))))
                (local.set $at (i32.add (local.get $at) (local.get $column)))
                (local.set $other (i32.add (local.get $other) (local.get $column)))
                (local.set $left (i32.sub (local.get $left) (i32.const 1)))
                (br $inputs)))
            (local.set $k (i32.add (local.get $k) (i32.const 1)))
            (br $kernel)))
        (v128.store (local.get $norms) (f32x4.sqrt (local.get $a)))
        (v128.store offset=16 (local.get $norms) (f32x4.sqrt (local.get $b)))
        (local.set $norms (i32.add (local.get $norms) (i32.const 32)))
        (local.set $weights (i32.add (local.get $weights) (i32.shl (local.get $row) (i32.const 3))))
        (local.set $rows (i32.sub (local.get $rows) (i32.const 8)))
        (br $filters)))))
