alias real = f32;
// Conversion between float32 and half precision, element by element:
//   narrow: y = x rounded to the nearest (beyond 65504: infinity);  widen: y = x.  They are each other's vjp.
// Layout: all tensors of one shape, as vec4s. One invocation a vec4.
override quads: u32; // vec4s in all
override lanes: u32 = 64;

@group(0) @binding(0) var<storage, read> wide: array<vec4f>;
@group(0) @binding(1) var<storage, read_write> narrowed: array<vec4<real>>;

@compute @workgroup_size(lanes)
fn narrow(
  @builtin(workgroup_id) group: vec3u,
  @builtin(num_workgroups) groups: vec3u,
  @builtin(local_invocation_index) lane: u32,
) {
  let i = (group.y * groups.x + group.x) * lanes + lane;
  if (i >= quads) { return; }
  narrowed[i] = vec4<real>(wide[i]);
}

@group(0) @binding(0) var<storage, read> half: array<vec4<real>>;
@group(0) @binding(1) var<storage, read_write> widened: array<vec4f>;

@compute @workgroup_size(lanes)
fn widen(
  @builtin(workgroup_id) group: vec3u,
  @builtin(num_workgroups) groups: vec3u,
  @builtin(local_invocation_index) lane: u32,
) {
  let i = (group.y * groups.x + group.x) * lanes + lane;
  if (i >= quads) { return; }
  widened[i] = vec4f(half[i]);
}
