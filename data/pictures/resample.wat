;; Weighted sums of bytes in fixed point, as PIL resizes; taps.ts makes the places and weights, 32 bits each:
;;   y[i] = (2^21 + sum_t weights[i, t] * x[first[i] + t]) >> 22
;; A vector holds four 32-bit sums: red, green and blue of a pixel, and one of a byte that does not count.
;; `deno task assemble` makes resample.wasm of it.
(module
  (memory (export "memory") 1)

  ;; One row across: pixels of three bytes at $x, to pixels of four bytes, the first at $y, the next $step bytes on.
  (func $row (param $x i32) (param $first i32) (param $weights i32) (param $taps i32) (param $columns i32)
    (param $y i32) (param $step i32)
    (local $from i32) (local $end i32) (local $sum v128)
    (loop $each_column
      (local.set $from (i32.add (local.get $x) (i32.mul (i32.load (local.get $first)) (i32.const 3))))
      (local.set $end (i32.add (local.get $weights) (i32.shl (local.get $taps) (i32.const 2))))
      (local.set $sum (v128.const i32x4 0x200000 0x200000 0x200000 0x200000))
      (loop $each_tap
        (local.set $sum (i32x4.add (local.get $sum) (i32x4.mul
          (v128.load32_splat (local.get $weights))
          (i32x4.extend_low_i16x8_u (i16x8.extend_low_i8x16_u (v128.load32_zero (local.get $from)))))))
        (local.set $from (i32.add (local.get $from) (i32.const 3)))
        (local.set $weights (i32.add (local.get $weights) (i32.const 4)))
        (br_if $each_tap (i32.lt_u (local.get $weights) (local.get $end))))
      (local.set $sum (i32x4.shr_u (local.get $sum) (i32.const 22)))
      (local.set $sum (i16x8.narrow_i32x4_u (local.get $sum) (local.get $sum)))
      (v128.store32_lane 0 (local.get $y) (i8x16.narrow_i16x8_u (local.get $sum) (local.get $sum)))
      (local.set $y (i32.add (local.get $y) (local.get $step)))
      (local.set $first (i32.add (local.get $first) (i32.const 4)))
      (local.set $columns (i32.sub (local.get $columns) (i32.const 1)))
      (br_if $each_column (local.get $columns))))

  ;; Rows across: at $x, $stride bytes apart, to [rows, columns, 4] at $y; $step is 4, or -4 to mirror, from the end of a row.
  (func (export "across") (param $x i32) (param $stride i32) (param $first i32) (param $weights i32) (param $taps i32)
    (param $columns i32) (param $rows i32) (param $y i32) (param $step i32)
    (loop $each_row
      (call $row (local.get $x) (local.get $first) (local.get $weights) (local.get $taps) (local.get $columns)
        (local.get $y) (local.get $step))
      (local.set $x (i32.add (local.get $x) (local.get $stride)))
      (local.set $y (i32.add (local.get $y) (i32.shl (local.get $columns) (i32.const 2))))
      (local.set $rows (i32.sub (local.get $rows) (i32.const 1)))
      (br_if $each_row (local.get $rows))))

  ;; Down: [lines, columns, 4] at $x, to three planes [rows, columns] at $y, $plane bytes apart. Four columns at a time, so
  ;; that up to three bytes after a row are written too, before those of the next row.
  (func (export "down") (param $x i32) (param $first i32) (param $weights i32) (param $taps i32)
    (param $columns i32) (param $rows i32) (param $y i32) (param $plane i32)
    (local $row i32) (local $from i32) (local $at i32) (local $weight i32) (local $end i32) (local $column i32)
    (local $pixels v128) (local $half v128) (local $w v128)
    (local $a v128) (local $b v128) (local $c v128) (local $d v128)
    (local.set $row (i32.shl (local.get $columns) (i32.const 2)))
    (loop $each_row
      (local.set $from (i32.add (local.get $x) (i32.mul (i32.load (local.get $first)) (local.get $row))))
      (local.set $end (i32.add (local.get $weights) (i32.shl (local.get $taps) (i32.const 2))))
      (local.set $column (i32.const 0))
      (loop $each_column
        (local.set $a (v128.const i32x4 0x200000 0x200000 0x200000 0x200000))
        (local.set $b (local.get $a))
        (local.set $c (local.get $a))
        (local.set $d (local.get $a))
        (local.set $at (i32.add (local.get $from) (i32.shl (local.get $column) (i32.const 2))))
        (local.set $weight (local.get $weights))
        (loop $each_tap
          (local.set $w (v128.load32_splat (local.get $weight)))
          (local.set $pixels (v128.load (local.get $at)))
          (local.set $half (i16x8.extend_low_i8x16_u (local.get $pixels)))
          (local.set $a (i32x4.add (local.get $a) (i32x4.mul (local.get $w) (i32x4.extend_low_i16x8_u (local.get $half)))))
          (local.set $b (i32x4.add (local.get $b) (i32x4.mul (local.get $w) (i32x4.extend_high_i16x8_u (local.get $half)))))
          (local.set $half (i16x8.extend_high_i8x16_u (local.get $pixels)))
          (local.set $c (i32x4.add (local.get $c) (i32x4.mul (local.get $w) (i32x4.extend_low_i16x8_u (local.get $half)))))
          (local.set $d (i32x4.add (local.get $d) (i32x4.mul (local.get $w) (i32x4.extend_high_i16x8_u (local.get $half)))))
          (local.set $at (i32.add (local.get $at) (local.get $row)))
          (local.set $weight (i32.add (local.get $weight) (i32.const 4)))
          (br_if $each_tap (i32.lt_u (local.get $weight) (local.get $end))))
        (local.set $pixels (i8x16.narrow_i16x8_u
          (i16x8.narrow_i32x4_u
            (i32x4.shr_u (local.get $a) (i32.const 22)) (i32x4.shr_u (local.get $b) (i32.const 22)))
          (i16x8.narrow_i32x4_u
            (i32x4.shr_u (local.get $c) (i32.const 22)) (i32x4.shr_u (local.get $d) (i32.const 22)))))
        (local.set $pixels (i8x16.shuffle 0 4 8 12 1 5 9 13 2 6 10 14 3 7 11 15 (local.get $pixels) (local.get $pixels)))
        (local.set $at (i32.add (local.get $y) (local.get $column)))
        (v128.store32_lane 0 (local.get $at) (local.get $pixels))
        (local.set $at (i32.add (local.get $at) (local.get $plane)))
        (v128.store32_lane 1 (local.get $at) (local.get $pixels))
        (v128.store32_lane 2 (i32.add (local.get $at) (local.get $plane)) (local.get $pixels))
        (local.set $column (i32.add (local.get $column) (i32.const 4)))
        (br_if $each_column (i32.lt_u (local.get $column) (local.get $columns))))
      (local.set $y (i32.add (local.get $y) (local.get $columns)))
      (local.set $weights (local.get $end))
      (local.set $first (i32.add (local.get $first) (i32.const 4)))
      (local.set $rows (i32.sub (local.get $rows) (i32.const 1)))
      (br_if $each_row (local.get $rows)))))
