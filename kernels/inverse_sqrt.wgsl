// Inverse square root:  y = (x + epsilon)^(-1/2);  vjp: dx = -1/2 * dy * y^3.
// Layout: x, y [rows, channels / 4] vec4s, the padding zero in both. One invocation a vec4.
override quads: u32; // vec4s in all
override channels: u32;
override epsilon: f32;
override lanes: u32 = 64;

@group(0) @binding(0) var<storage, read> x: array<vec4f>;
@group(0) @binding(1) var<storage, read_write> y: array<vec4f>;

@compute @workgroup_size(lanes)
fn forward(
  @builtin(workgroup_id) group: vec3u,
  @builtin(num_workgroups) groups: vec3u,
  @builtin(local_invocation_index) lane: u32,
) {
  let i = (group.y * groups.x + group.x) * lanes + lane;
  if (i >= quads) { return; }
  let channel = i % ((channels + 3) / 4) * 4 + vec4u(0, 1, 2, 3);
  y[i] = select(vec4f(), inverseSqrt(x[i] + epsilon), channel < vec4u(channels));
}
