// One-hot rows:  y[n, c] = 1 where c = labels[n], else 0.
// Layout: labels [N]; y [N, classes padded to a multiple of four]. One invocation a stored element.
override count: u32; // stored elements of y
override stored: u32; // classes, padded
override lanes: u32 = 64;

@group(0) @binding(0) var<storage, read> labels: array<u32>;
@group(0) @binding(1) var<storage, read_write> y: array<f32>;

@compute @workgroup_size(lanes)
fn forward(
  @builtin(workgroup_id) group: vec3u,
  @builtin(num_workgroups) groups: vec3u,
  @builtin(local_invocation_index) lane: u32,
) {
  let i = (group.y * groups.x + group.x) * lanes + lane;
  if (i >= count) { return; }
  y[i] = select(0.0, 1.0, i % stored == labels[i / stored]);
}
