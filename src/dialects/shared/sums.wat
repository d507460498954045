;; Sums of squares or of absolute values of a kernel's float32 weights, in float64, of each filter and of each input column. Four filters are taken
;; at a time, each in a lane of its own, so that every sum adds the same numbers in the same order as a plain loop does.
(module
  (import "env" "memory" (memory 1))
  ;; $weights: bytes of the kernel's first element. $rows: a multiple of 4. $row, $column: bytes from one filter, and one
  ;; input channel, to the next. $offsets: bytes of an i32 list of $positions kernel positions, each a byte offset.
  ;; $isSquare: 0 for absolute values. $rowSums: bytes of the result, one float64 for each filter.
  ;; $columnSums: bytes of a float64 for each input channel that is added to; 0 for none.
  (func (export "sums")
    (param $weights i32) (param $rows i32) (param $row i32) (param $columns i32) (param $column i32)
    (param $offsets i32) (param $positions i32) (param $isSquare i32) (param $rowSums i32) (param $columnSums i32)
    (local $start i32) (local $at i32) (local $k i32) (local $left i32) (local $two i32) (local $three i32) (local $end i32) (local $to i32)
    (local $a v128) (local $b v128) (local $wa v128) (local $wb v128) (local $v v128) (local $w v128) (local $sum f64)
    (local.set $two (i32.shl (local.get $row) (i32.const 1)))
    (local.set $three (i32.add (local.get $two) (local.get $row)))
    (local.set $end (i32.add (local.get $offsets) (i32.shl (local.get $positions) (i32.const 2))))
    (block $done
      (loop $filters
        (br_if $done (i32.eqz (local.get $rows)))
        (local.set $a (v128.const f64x2 0 0))
        (local.set $b (v128.const f64x2 0 0))
        (local.set $start (local.get $weights))
        (local.set $to (local.get $columnSums))
        (local.set $left (local.get $columns))
        (block $ended
          (loop $inputs
            (br_if $ended (i32.eqz (local.get $left)))
            (local.set $wa (v128.const f64x2 0 0))
            (local.set $wb (v128.const f64x2 0 0))
            (local.set $k (local.get $offsets))
            (block $summed
              (loop $kernel
                (br_if $summed (i32.eq (local.get $k) (local.get $end)))
                (local.set $at (i32.add (local.get $start) (i32.load (local.get $k))))
                (local.set $v (v128.load32_zero (local.get $at)))
                (local.set $v (v128.load32_lane 1 (i32.add (local.get $at) (local.get $row)) (local.get $v)))
                (local.set $w (v128.load32_zero (i32.add (local.get $at) (local.get $two))))
                (local.set $w (v128.load32_lane 1 (i32.add (local.get $at) (local.get $three)) (local.get $w)))
                (local.set $v (f64x2.promote_low_f32x4 (local.get $v)))
                (local.set $w (f64x2.promote_low_f32x4 (local.get $w)))
                (if (local.get $isSquare)
                  (then
                    (local.set $v (f64x2.mul (local.get $v) (local.get $v)))
                    (local.set $w (f64x2.mul (local.get $w) (local.get $w))))
                  (else
                    (local.set $v (f64x2.abs (local.get $v)))
                    (local.set $w (f64x2.abs (local.get $w)))))
                (local.set $wa (f64x2.add (local.get $wa) (local.get $v)))
                (local.set $wb (f64x2.add (local.get $wb) (local.get $w)))
                (local.set $k (i32.add (local.get $k) (i32.const 4)))
                (br $kernel)))
            (local.set $a (f64x2.add (local.get $a) (local.get $wa)))
            (local.set $b (f64x2.add (local.get $b) (local.get $wb)))
            (if (local.get $columnSums)
              (then
                (local.set $sum (f64.add (f64.load (local.get $to)) (f64x2.extract_lane 0 (local.get $wa))))
                (local.set $sum (f64.add (local.get $sum) (f64x2.extract_lane 1 (local.get $wa))))
                (local.set $sum (f64.add (local.get $sum) (f64x2.extract_lane 0 (local.get $wb))))
                (local.set $sum (f64.add (local.get $sum) (f64x2.extract_lane 1 (local.get $wb))))
                (f64.store (local.get $to) (local.get $sum))
                (local.set $to (i32.add (local.get $to) (i32.const 8)))))
            (local.set $start (i32.add (local.get $start) (local.get $column)))
            (local.set $left (i32.sub (local.get $left) (i32.const 1)))
            (br $inputs)))
        (v128.store (local.get $rowSums) (local.get $a))
        (v128.store offset=16 (local.get $rowSums) (local.get $b))
        (local.set $rowSums (i32.add (local.get $rowSums) (i32.const 32)))
        (local.set $weights (i32.add (local.get $weights) (i32.shl (local.get $row) (i32.const 2))))
        (local.set $rows (i32.sub (local.get $rows) (i32.const 4)))
        (br $filters)))))
