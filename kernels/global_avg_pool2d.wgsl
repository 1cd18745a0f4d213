alias real = f32;
// The mean of each channel over all positions of an image:
//   y[n, c] = sum_p x[n, p, c] / positions;  vjp: dx[n, p, c] = dy[n, c] / positions
// The two are each other's vjp. The means and their gradients are float32 whatever real is.
// Layout: x, dx [N, positions, quads] vec4s, y, dy [N, quads]. One invocation a vec4.
override batch: u32;
override positions: u32;
override quads: u32; // vec4s a position
override lanes: u32 = 64;

@group(0) @binding(0) var<storage, read> x: array<vec4<real>>;
@group(0) @binding(1) var<storage, read_write> y: array<vec4f>;

@compute @workgroup_size(lanes)
fn forward(
  @builtin(workgroup_id) group: vec3u,
  @builtin(num_workgroups) groups: vec3u,
  @builtin(local_invocation_index) lane: u32,
) {
  let i = (group.y * groups.x + group.x) * lanes + lane;
  let n = i / quads;
  if (n >= batch) { return; }
  let first = n * positions * quads + i % quads;
  var total = vec4f();
  for (var p = 0u; p < positions; p++) {
    total += vec4f(x[first + p * quads]);
  }
  y[i] = total / f32(positions);
}

@group(0) @binding(0) var<storage, read> dy: array<vec4f>;
@group(0) @binding(1) var<storage, read_write> dx: array<vec4<real>>;

@compute @workgroup_size(lanes)
fn spread(
  @builtin(workgroup_id) group: vec3u,
  @builtin(num_workgroups) groups: vec3u,
  @builtin(local_invocation_index) lane: u32,
) {
  let i = (group.y * groups.x + group.x) * lanes + lane;
  let n = i / quads / positions;
  if (n >= batch) { return; }
  dx[i] = vec4<real>(dy[n * quads + i % quads] / f32(positions));
}
