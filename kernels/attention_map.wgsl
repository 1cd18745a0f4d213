alias real = f32;
// Activation-based attention map (Zagoruyko & Komodakis 2017, F_sum^2), a sample at a time:
//   m[p] = mean_c x[p, c]^2         y[p] = m[p] / max(|m|, EPSILON)
// vjp, with g = dy - y <dy, y> (no second term where |m| <= EPSILON):
//   dx[p, c] = 2 / channels * x[p, c] * g[p] / max(|m|, EPSILON)
// Layout: x, dx [N, positions, quads] vec4s; y, dy [N, positions padded to a multiple of four]; norm [N, likewise].
// One workgroup a sample; its lanes stride over the positions.
override batch: u32;
override positions: u32;
override stored: u32; // positions, padded
override channels: u32;
override quads: u32; // vec4s a position
override lanes: u32 = 64;
const EPSILON = 1e-12;

@group(0) @binding(0) var<storage, read> x: array<vec4<real>>;
@group(0) @binding(1) var<storage, read_write> y: array<f32>;
@group(0) @binding(2) var<storage, read_write> norm: array<f32>;
var<workgroup> totals: array<f32, lanes>;

fn sum_of_lanes(lane: u32, value: f32) -> f32 {
  totals[lane] = value;
  for (var half = lanes / 2; half > 0; half /= 2) {
    workgroupBarrier();
    if (lane < half) { totals[lane] += totals[lane + half]; }
  }
  workgroupBarrier();
  return totals[0];
}

fn mean_square(position: u32) -> f32 {
  var total = 0f;
  for (var quad = 0u; quad < quads; quad++) {
    let v = vec4f(x[position * quads + quad]);
    total += dot(v, v);
  }
  return total / f32(channels);
}

@compute @workgroup_size(lanes)
fn forward(@builtin(workgroup_id) group: vec3u, @builtin(local_invocation_index) lane: u32) {
  let n = group.x;
  if (n >= batch) {
    if (lane == 0) { norm[n] = 0; }
    return;
  }
  var squares = 0f;
  for (var p = lane; p < positions; p += lanes) {
    let m = mean_square(n * positions + p);
    y[n * stored + p] = m;
    squares += m * m;
  }
  let length = sqrt(sum_of_lanes(lane, squares));
  for (var p = lane; p < stored; p += lanes) {
    y[n * stored + p] = select(0f, y[n * stored + p] / max(length, EPSILON), p < positions);
  }
  if (lane == 0) { norm[n] = length; }
}

@group(0) @binding(1) var<storage, read> attention: array<f32>; // y of the forward
@group(0) @binding(2) var<storage, read> length: array<f32>; // norm of the forward
@group(0) @binding(3) var<storage, read> dy: array<f32>;
@group(0) @binding(4) var<storage, read_write> dx: array<vec4<real>>;

@compute @workgroup_size(lanes)
fn vjp(@builtin(workgroup_id) group: vec3u, @builtin(local_invocation_index) lane: u32) {
  let n = group.x;
  var product = 0f;
  for (var p = lane; p < positions; p += lanes) {
    product += dy[n * stored + p] * attention[n * stored + p];
  }
  let along = select(0f, sum_of_lanes(lane, product), length[n] > EPSILON);
  let factor = 2 / (f32(channels) * max(length[n], EPSILON));
  for (var i = lane; i < positions * quads; i += lanes) {
    let at = n * stored + i / quads;
    let g = dy[at] - attention[at] * along;
    let xi = n * positions * quads + i;
    dx[xi] = vec4<real>(factor * g * vec4f(x[xi]));
  }
}
