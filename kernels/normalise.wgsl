alias real = f32;
// A sample divided by its norm:
//   norm[n] = |x[n]|_2 or |x[n]|_1         y[n, i] = x[n, i] / max(norm[n], EPSILON)
// vjp, with g = dy - y <dy, y> for l2 and g = dy - sign(x) <dy, y> for l1 (no second term where norm <= EPSILON):
//   dx[n, i] = g[n, i] / max(norm[n], EPSILON), and 0 where norm[n] = 0
// Layout: x, y, dy, dx [N, quads] vec4s, a sample's own padding among them; norm [N, padded to a multiple of four].
// One workgroup a sample; its lanes stride over the vec4s.
override batch: u32;
override quads: u32; // vec4s a sample
override l1: bool;
override lanes: u32 = 64;
const EPSILON = 1e-12;

@group(0) @binding(0) var<storage, read> x: array<vec4<real>>;
@group(0) @binding(1) var<storage, read_write> y: array<vec4f>;
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

@compute @workgroup_size(lanes)
fn forward(
  @builtin(workgroup_id) group: vec3u,
  @builtin(num_workgroups) groups: vec3u,
  @builtin(local_invocation_index) lane: u32,
) {
  let n = group.y * groups.x + group.x;
  if (n >= batch) {
    if (lane == 0 && n < (batch + 3) / 4 * 4) { norm[n] = 0; }
    return;
  }
  var total = vec4f();
  for (var i = n * quads + lane; i < (n + 1) * quads; i += lanes) {
    let v = vec4f(x[i]);
    total += select(v * v, abs(v), l1);
  }
  let sum = sum_of_lanes(lane, total.x + total.y + total.z + total.w);
  let length = select(sqrt(sum), sum, l1);
  for (var i = n * quads + lane; i < (n + 1) * quads; i += lanes) {
    y[i] = vec4f(x[i]) / max(length, EPSILON);
  }
  if (lane == 0) { norm[n] = length; }
}

@group(0) @binding(0) var<storage, read> unit: array<vec4f>; // y of the forward
@group(0) @binding(1) var<storage, read> lengths: array<f32>; // norm of the forward
@group(0) @binding(2) var<storage, read> dy: array<vec4f>;
@group(0) @binding(3) var<storage, read_write> dx: array<vec4<real>>;

@compute @workgroup_size(lanes)
fn vjp(
  @builtin(workgroup_id) group: vec3u,
  @builtin(num_workgroups) groups: vec3u,
  @builtin(local_invocation_index) lane: u32,
) {
  let n = group.y * groups.x + group.x;
  if (n >= batch) { return; }
  var product = 0f;
  for (var i = n * quads + lane; i < (n + 1) * quads; i += lanes) {
    product += dot(dy[i], unit[i]);
  }
  let length = lengths[n];
  let along = select(0f, sum_of_lanes(lane, product), length > EPSILON);
  for (var i = n * quads + lane; i < (n + 1) * quads; i += lanes) {
    let g = dy[i] - along * select(unit[i], sign(unit[i]), l1);
    dx[i] = vec4<real>(select(vec4f(), g / max(length, EPSILON), length > 0));
  }
}
