// Softmax over the last dimension, with a temperature:
//   log_sum[n] = log sum_c exp(x[n, c] / T)      y[n, c] = exp(x[n, c] / T) / sum_k exp(x[n, k] / T)
// The largest logit is taken out first, so that large logits do not overflow.
// Layout: x, y [N, classes padded to a multiple of four]; log_sum [N, likewise]. One workgroup a sample.
override batch: u32;
override classes: u32;
override stored: u32; // classes, padded
override temperature: f32 = 1;
override lanes: u32 = 64;

@group(0) @binding(0) var<storage, read> x: array<f32>;
@group(0) @binding(1) var<storage, read_write> y: array<f32>;
@group(0) @binding(2) var<storage, read_write> log_sum: array<f32>;
var<workgroup> shared_values: array<f32, lanes>;

fn largest_of_lanes(lane: u32) -> f32 {
  for (var half = lanes / 2; half > 0; half /= 2) {
    workgroupBarrier();
    if (lane < half) { shared_values[lane] = max(shared_values[lane], shared_values[lane + half]); }
  }
  workgroupBarrier();
  return shared_values[0];
}

fn sum_of_lanes(lane: u32) -> f32 {
  for (var half = lanes / 2; half > 0; half /= 2) {
    workgroupBarrier();
    if (lane < half) { shared_values[lane] += shared_values[lane + half]; }
  }
  workgroupBarrier();
  return shared_values[0];
}

@compute @workgroup_size(lanes)
fn forward(@builtin(workgroup_id) group: vec3u, @builtin(local_invocation_index) lane: u32) {
  let n = group.x;
  if (n >= batch) {
    if (lane == 0) { log_sum[n] = 0; }
    return;
  }
  var largest = x[n * stored] / temperature;
  for (var c = lane; c < classes; c += lanes) {
    largest = max(largest, x[n * stored + c] / temperature);
  }
  shared_values[lane] = largest;
  largest = largest_of_lanes(lane);
  workgroupBarrier();
  var total = 0f;
  for (var c = lane; c < classes; c += lanes) {
    total += exp(x[n * stored + c] / temperature - largest);
  }
  shared_values[lane] = total;
  total = sum_of_lanes(lane);
  for (var c = lane; c < stored; c += lanes) {
    y[n * stored + c] = select(0, exp(x[n * stored + c] / temperature - largest) / total, c < classes);
  }
  if (lane == 0) { log_sum[n] = largest + log(total); }
}
