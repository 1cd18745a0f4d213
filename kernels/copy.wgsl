alias real = f32;
// Copy into a part of a larger buffer:  y[offset + i] = x[i].
// Layout: x, y as vec4s. One invocation a vec4 of x.
override quads: u32; // vec4s of x
override offset: u32; // in y, in vec4s
override lanes: u32 = 64;

@group(0) @binding(0) var<storage, read> x: array<vec4<real>>;
@group(0) @binding(1) var<storage, read_write> y: array<vec4<real>>;

@compute @workgroup_size(lanes)
fn forward(
  @builtin(workgroup_id) group: vec3u,
  @builtin(num_workgroups) groups: vec3u,
  @builtin(local_invocation_index) lane: u32,
) {
  let i = (group.y * groups.x + group.x) * lanes + lane;
  if (i >= quads) { return; }
  y[offset + i] = x[i];
}
