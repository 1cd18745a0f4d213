alias real = f32;
// What a driver makes of arithmetic that WGSL leaves open. Everything comes from x, so that no compiler settles it before.
// Layout: x, y, rounded, as many numbers as the entry points use. One invocation.
@group(0) @binding(0) var<storage, read> x: array<f32>;
@group(0) @binding(1) var<storage, read_write> y: array<f32>;

@compute @workgroup_size(1)
fn arithmetic() {
  y[0] = fma(x[0], x[1], x[2]);
  y[1] = x[0] * x[1] + x[2];
  y[2] = select(x[3], 0, x[3] < 0);
  y[3] = select(0.0, 1.0, x[3] == x[3]);
  y[4] = x[4] * 0.5;
  y[5] = x[5] / x[6];
  y[6] = inverseSqrt(x[5]);
  y[7] = exp(x[6]);
  y[8] = log(x[5]);
  y[9] = cos(x[7]);
}

@group(0) @binding(1) var<storage, read_write> rounded: array<real>;

// rounded [5]: four numbers as they are stored, and what a rounding in a register takes off the first.
@compute @workgroup_size(1)
fn rounding() {
  for (var at = 0u; at < 4; at++) { rounded[at] = real(x[at]); }
  rounded[4] = real((f32(real(x[0])) - x[0]) * 1024);
}
