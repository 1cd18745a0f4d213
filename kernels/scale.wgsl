alias real = f32;
// Product with a fixed number:  y = factor * x;  vjp: dx = factor * dy.
// Layout: x, y of one shape, as vec4s. One invocation a vec4.
override quads: u32; // vec4s in all
override factor: f32;
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
  y[i] = vec4<real>(factor * vec4f(x[i]));
}
