// Number of samples whose label is among the k largest logits; of equal logits the first class comes first, and a
// sample with a logit that is not finite is never right.
// Layout: x [N, classes padded to a multiple of four]; labels [N]; y a scalar. One workgroup in all.
override batch: u32;
override classes: u32;
override stored: u32; // classes, padded
override k: u32;
override lanes: u32 = 64;

@group(0) @binding(0) var<storage, read> x: array<f32>;
@group(0) @binding(1) var<storage, read> labels: array<u32>;
@group(0) @binding(2) var<storage, read_write> y: array<vec4f>;
var<workgroup> counts: array<u32, lanes>;

// By its bits, since comparisons with NaN are not reliable on every driver.
fn is_finite(value: f32) -> bool {
  return (bitcast<u32>(value) & 0x7f800000u) != 0x7f800000u;
}

fn is_right(n: u32) -> bool {
  let label = labels[n];
  let logit = x[n * stored + label];
  var before = 0u;
  for (var c = 0u; c < classes; c++) {
    let other = x[n * stored + c];
    if (!is_finite(other)) { return false; }
    if (other > logit || (other == logit && c < label)) { before++; }
  }
  return before < k;
}

@compute @workgroup_size(lanes)
fn forward(@builtin(local_invocation_index) lane: u32) {
  var count = 0u;
  for (var n = lane; n < batch; n += lanes) {
    if (is_right(n)) { count++; }
  }
  counts[lane] = count;
  for (var half = lanes / 2; half > 0; half /= 2) {
    workgroupBarrier();
    if (lane < half) { counts[lane] += counts[lane + half]; }
  }
  if (lane == 0) { y[0] = vec4f(f32(counts[0]), 0, 0, 0); }
}
