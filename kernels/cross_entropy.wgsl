alias real = f32;
// Cross-entropy of logits against labels, a number a sample, from softmax.wgsl's results:
//   losses[n] = log_sum[n] - x[n, labels[n]]      vjp: dx[n, c] = (softmax(x)[n, c] - [c = labels[n]]) dlosses[n]
// Layout: x, p, dx [N, classes padded to a multiple of four]; labels, log_sum, losses, dlosses [N, likewise].
// `forward` has an invocation a sample, padding included; `vjp` one a stored element.
override count: u32; // forward: samples; vjp: stored elements of dx
override padded: u32 = 0; // forward: samples, padded
override stored: u32; // classes, padded
override lanes: u32 = 64;

@group(0) @binding(0) var<storage, read> x: array<real>;
@group(0) @binding(1) var<storage, read> log_sum: array<f32>;
@group(0) @binding(2) var<storage, read> labels: array<u32>;
@group(0) @binding(3) var<storage, read_write> losses: array<f32>;

@compute @workgroup_size(lanes)
fn forward(
  @builtin(workgroup_id) group: vec3u,
  @builtin(num_workgroups) groups: vec3u,
  @builtin(local_invocation_index) lane: u32,
) {
  let i = (group.y * groups.x + group.x) * lanes + lane;
  if (i >= padded) { return; }
  if (i >= count) {
    losses[i] = 0;
    return;
  }
  losses[i] = log_sum[i] - f32(x[i * stored + labels[i]]);
}

@group(0) @binding(0) var<storage, read> p: array<real>; // softmax(x)
@group(0) @binding(1) var<storage, read> dlosses: array<f32>;
@group(0) @binding(3) var<storage, read_write> dx: array<real>;

@compute @workgroup_size(lanes)
fn vjp(
  @builtin(workgroup_id) group: vec3u,
  @builtin(num_workgroups) groups: vec3u,
  @builtin(local_invocation_index) lane: u32,
) {
  let i = (group.y * groups.x + group.x) * lanes + lane;
  if (i >= count) { return; }
  let hit = select(0f, 1f, i % stored == labels[i / stored]);
  dx[i] = real((f32(p[i]) - hit) * dlosses[i / stored]);
}
