// Mirrors images, left to right; its own vjp:
//   y[n, row, column, c] = x[n, row, width - 1 - column, c]
// Layout: x, y [N, height, width, quads] vec4s. One invocation a vec4 of y.
override rows: u32; // N height
override width: u32;
override quads: u32; // vec4s a pixel
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
  if (i >= rows * width * quads) { return; }
  let pixel = i / quads;
  let column = pixel % width;
  y[i] = x[(pixel - column + width - 1 - column) * quads + i % quads];
}
