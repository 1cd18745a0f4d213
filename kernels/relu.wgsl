alias real = f32;
// Rectifier:  y = max(x, 0), a NaN stays;  vjp: dx = dy where y > 0, else 0 (0 at x = 0).
// Layout: all tensors of one shape, as vec4s. One invocation a vec4.
override quads: u32; // vec4s in all
override in_place: bool = false; // dy lies where dx is written
override lanes: u32 = 64;

@group(0) @binding(0) var<storage, read> x: array<vec4<real>>;
@group(0) @binding(1) var<storage, read_write> y: array<vec4<real>>;

// By the bits, since a driver may make max of a comparison, which drops NaN: the negative numbers go from 0x80000001,
// the least, to 0xff800000, -Infinity.
fn rectify(value: vec4f) -> vec4f {
  return select(value, vec4f(), bitcast<vec4u>(value) - 0x80000001u < vec4u(0x7f800000u));
}

@compute @workgroup_size(lanes)
fn forward(
  @builtin(workgroup_id) group: vec3u,
  @builtin(num_workgroups) groups: vec3u,
  @builtin(local_invocation_index) lane: u32,
) {
  let i = (group.y * groups.x + group.x) * lanes + lane;
  if (i >= quads) { return; }
  y[i] = vec4<real>(rectify(vec4f(x[i])));
}

@group(0) @binding(0) var<storage, read> dy: array<vec4<real>>;
@group(0) @binding(1) var<storage, read> open: array<vec4<real>>; // y of the forward
@group(0) @binding(2) var<storage, read_write> dx: array<vec4<real>>;

@compute @workgroup_size(lanes)
fn gate(
  @builtin(workgroup_id) group: vec3u,
  @builtin(num_workgroups) groups: vec3u,
  @builtin(local_invocation_index) lane: u32,
) {
  let i = (group.y * groups.x + group.x) * lanes + lane;
  if (i >= quads) { return; }
  var value = vec4<real>();
  if (in_place) { value = dx[i]; } else { value = dy[i]; }
  dx[i] = select(vec4<real>(), value, open[i] > vec4<real>());
}
