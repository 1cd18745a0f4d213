alias real = f32;
// Mean of squared differences over all elements:
//   y = sum (a - b)^2 / size          vjp: da = 2 (a - b) / size * dy, db = -da
// Layout: a, b, da of one shape, as vec4s, the padding zero; y, dy a scalar.
// The sum is two-pass in a fixed order: `partial` adds a chunk of vec4s an invocation, `finish` is one workgroup.
override quads: u32; // vec4s in all
override size: u32; // logical elements
override chunk: u32 = 1; // vec4s that one invocation of `partial` adds
override chunks: u32 = 1;
override sign: f32 = 1; // vjp: 1 for da, -1 for db
override lanes: u32 = 64;

@group(0) @binding(0) var<storage, read> a: array<vec4<real>>;
@group(0) @binding(1) var<storage, read> b: array<vec4<real>>;
@group(0) @binding(2) var<storage, read_write> partials: array<f32>;

@compute @workgroup_size(lanes)
fn partial(@builtin(global_invocation_id) id: vec3u) {
  if (id.x >= chunks) { return; }
  var total = 0f;
  for (var i = id.x * chunk; i < min((id.x + 1) * chunk, quads); i++) {
    let d = vec4f(a[i]) - vec4f(b[i]);
    total += dot(d, d);
  }
  partials[id.x] = total;
}

@group(0) @binding(0) var<storage, read> parts: array<f32>;
@group(0) @binding(1) var<storage, read_write> y: array<vec4f>;
var<workgroup> totals: array<f32, lanes>;

@compute @workgroup_size(lanes)
fn finish(@builtin(local_invocation_index) lane: u32) {
  var total = 0f;
  for (var part = lane; part < chunks; part += lanes) {
    total += parts[part];
  }
  totals[lane] = total;
  for (var half = lanes / 2; half > 0; half /= 2) {
    workgroupBarrier();
    if (lane < half) { totals[lane] += totals[lane + half]; }
  }
  if (lane == 0) { y[0] = vec4f(totals[0] / f32(size), 0, 0, 0); }
}

@group(0) @binding(2) var<storage, read> dy: array<f32>;
@group(0) @binding(3) var<storage, read_write> da: array<vec4<real>>;

@compute @workgroup_size(lanes)
fn vjp(
  @builtin(workgroup_id) group: vec3u,
  @builtin(num_workgroups) groups: vec3u,
  @builtin(local_invocation_index) lane: u32,
) {
  let i = (group.y * groups.x + group.x) * lanes + lane;
  if (i >= quads) { return; }
  da[i] = vec4<real>(sign * 2 / f32(size) * dy[0] * (vec4f(a[i]) - vec4f(b[i])));
}
