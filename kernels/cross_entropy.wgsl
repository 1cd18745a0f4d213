// Softmax cross-entropy of logits against labels, a number a sample:
//   largest[n] = max_c x[n, c]      total[n] = sum_c exp(x[n, c] - largest[n])
//   losses[n] = largest[n] + log total[n] - x[n, labels[n]]
//   vjp: dx[n, c] = (exp(x[n, c] - largest[n]) / total[n] - [c = labels[n]]) dlosses[n]
// where dlosses may be one number for all, times a factor, if the broadcast is merged with it. The largest logit is
// taken out first, so that large logits do not overflow.
// Layout: x, dx [N, classes padded to a multiple of four]; labels, losses, dlosses [N, likewise]; normalisers [2, N,
// likewise], largest and total. `forward` is a workgroup a sample, padding included; `vjp` has an invocation a stored
// element.
override batch: u32;
override classes: u32;
override stored: u32; // classes, padded
override padded: u32; // samples, padded
override spread: bool = false; // vjp: dlosses is a scalar
override factor: f32 = 1; // vjp: of that scalar
override lanes: u32 = 64;

@group(0) @binding(0) var<storage, read> x: array<f32>;
@group(0) @binding(1) var<storage, read> labels: array<u32>;
@group(0) @binding(2) var<storage, read_write> losses: array<f32>;
@group(0) @binding(3) var<storage, read_write> new_normalisers: array<f32>;
var<workgroup> values: array<f32, lanes>;

@compute @workgroup_size(lanes)
fn forward(@builtin(workgroup_id) group: vec3u, @builtin(local_invocation_index) lane: u32) {
  let n = group.x;
  if (n >= batch) {
    if (lane == 0) {
      losses[n] = 0;
      new_normalisers[n] = 0;
      new_normalisers[padded + n] = 0;
    }
    return;
  }
  var largest = x[n * stored];
  for (var c = lane; c < classes; c += lanes) { largest = max(largest, x[n * stored + c]); }
  values[lane] = largest;
  for (var half = lanes / 2; half > 0; half /= 2) {
    workgroupBarrier();
    if (lane < half) { values[lane] = max(values[lane], values[lane + half]); }
  }
  workgroupBarrier();
  largest = values[0];
  workgroupBarrier();
  var total = 0f;
  for (var c = lane; c < classes; c += lanes) { total += exp(x[n * stored + c] - largest); }
  values[lane] = total;
  for (var half = lanes / 2; half > 0; half /= 2) {
    workgroupBarrier();
    if (lane < half) { values[lane] += values[lane + half]; }
  }
  if (lane == 0) {
    losses[n] = largest + log(values[0]) - x[n * stored + labels[n]];
    new_normalisers[n] = largest;
    new_normalisers[padded + n] = values[0];
  }
}

@group(0) @binding(2) var<storage, read> normalisers: array<f32>;
@group(0) @binding(3) var<storage, read> dlosses: array<f32>;
@group(0) @binding(4) var<storage, read_write> dx: array<f32>;

@compute @workgroup_size(lanes)
fn vjp(
  @builtin(workgroup_id) group: vec3u,
  @builtin(num_workgroups) groups: vec3u,
  @builtin(local_invocation_index) lane: u32,
) {
  let i = (group.y * groups.x + group.x) * lanes + lane;
  if (i >= batch * stored) { return; }
  let n = i / stored;
  if (i % stored >= classes) {
    dx[i] = 0;
    return;
  }
  let probability = exp(x[i] - normalisers[n]) / normalisers[padded + n];
  let hit = select(0f, 1f, i % stored == labels[n]);
  var dloss = factor * dlosses[0];
  if (!spread) { dloss = dlosses[n]; }
  dx[i] = (probability - hit) * dloss;
}
