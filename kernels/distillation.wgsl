// Knowledge distillation (Hinton et al. 2015), a number a sample, from softmax.wgsl's results at temperature T:
//   losses[n] = T^2 sum_c p[n, c] (log p[n, c] - log q[n, c]),  p = softmax(teacher / T), q = softmax(student / T)
//   vjp: dstudent[n, c] = T (q[n, c] - p[n, c]) dlosses[n];  the teacher has none. dlosses may be
//   one number for all, times a factor, if the broadcast is merged with it.
// Layout: logits, p, q [N, classes padded to a multiple of four]; log sums, losses, dlosses [N, likewise].
// `forward` has an invocation a sample, padding included; `vjp` one a stored element.
override count: u32; // forward: samples; vjp: stored elements
override padded: u32 = 0; // forward: samples, padded
override classes: u32 = 0;
override stored: u32; // classes, padded
override temperature: f32;
override spread: bool = false; // vjp: dlosses is a scalar
override factor: f32 = 1; // vjp: of that scalar
override lanes: u32 = 64;

@group(0) @binding(0) var<storage, read> student: array<f32>;
@group(0) @binding(1) var<storage, read> teacher: array<f32>;
@group(0) @binding(2) var<storage, read> student_log_sum: array<f32>;
@group(0) @binding(3) var<storage, read> teacher_log_sum: array<f32>;
@group(0) @binding(4) var<storage, read> teacher_p: array<f32>;
@group(0) @binding(5) var<storage, read_write> losses: array<f32>;

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
  var total = 0f;
  for (var c = 0u; c < classes; c++) {
    let at = i * stored + c;
    let log_q = student[at] / temperature - student_log_sum[i];
    let log_p = teacher[at] / temperature - teacher_log_sum[i];
    total += teacher_p[at] * (log_p - log_q);
  }
  losses[i] = temperature * temperature * total;
}

@group(0) @binding(0) var<storage, read> q: array<f32>;
@group(0) @binding(1) var<storage, read> p: array<f32>;
@group(0) @binding(2) var<storage, read> dlosses: array<f32>;
@group(0) @binding(3) var<storage, read_write> dstudent: array<f32>;

@compute @workgroup_size(lanes)
fn vjp(
  @builtin(workgroup_id) group: vec3u,
  @builtin(num_workgroups) groups: vec3u,
  @builtin(local_invocation_index) lane: u32,
) {
  let i = (group.y * groups.x + group.x) * lanes + lane;
  if (i >= count) { return; }
  var dloss = factor * dlosses[0];
  if (!spread) { dloss = dlosses[i / stored]; }
  dstudent[i] = temperature * (q[i] - p[i]) * dloss;
}
