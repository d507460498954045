;; Compares two rows that lie in one memory, run by run. It knows no types: rows are one another if their bytes are.
(module
  (import "env" "memory" (memory 1))
  ;; $a, $b: bytes where the rows begin. $ofA, $ofB, $sizes: bytes of i32 lists, three i32 from one run to the next: how far
  ;; behind the beginning of each row a run lies, and how long it is (a multiple of 2), in bytes. $runs: how many there are.
  ;; Returns 1 where all bytes are equal, else 0.
  (func (export "same")
    (param $a i32) (param $b i32) (param $ofA i32) (param $ofB i32) (param $sizes i32) (param $runs i32) (result i32)
    (local $x i32) (local $y i32) (local $left i32)
    (block $equal
      (loop $run
        (br_if $equal (i32.eqz (local.get $runs)))
        (local.set $x (i32.add (local.get $a) (i32.load (local.get $ofA))))
        (local.set $y (i32.add (local.get $b) (i32.load (local.get $ofB))))
        (local.set $left (i32.load (local.get $sizes)))
        (block $short
          (loop $sixteen
            (br_if $short (i32.lt_u (local.get $left) (i32.const 16)))
            (if (v128.any_true (v128.xor (v128.load align=1 (local.get $x)) (v128.load align=1 (local.get $y))))
              (then (return (i32.const 0))))
            (local.set $x (i32.add (local.get $x) (i32.const 16)))
            (local.set $y (i32.add (local.get $y) (i32.const 16)))
            (local.set $left (i32.sub (local.get $left) (i32.const 16)))
            (br $sixteen)))
        (block $tiny
          (loop $four
            (br_if $tiny (i32.lt_u (local.get $left) (i32.const 4)))
            (if (i32.ne (i32.load align=1 (local.get $x)) (i32.load align=1 (local.get $y)))
              (then (return (i32.const 0))))
            (local.set $x (i32.add (local.get $x) (i32.const 4)))
            (local.set $y (i32.add (local.get $y) (i32.const 4)))
            (local.set $left (i32.sub (local.get $left) (i32.const 4)))
            (br $four)))
        (if (local.get $left)
          (then
            (if (i32.ne (i32.load16_u align=1 (local.get $x)) (i32.load16_u align=1 (local.get $y)))
              (then (return (i32.const 0))))))
        (local.set $ofA (i32.add (local.get $ofA) (i32.const 12)))
        (local.set $ofB (i32.add (local.get $ofB) (i32.const 12)))
        (local.set $sizes (i32.add (local.get $sizes) (i32.const 12)))
        (local.set $runs (i32.sub (local.get $runs) (i32.const 1)))
        (br $run)))
    (i32.const 1)))
