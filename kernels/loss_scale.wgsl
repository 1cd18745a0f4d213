// Dynamic loss scaling, as PyTorch's GradScaler: the gradients g are those of scale * loss. Where one of them is not
// finite, the step is skipped and the scale halved; after `interval` steps in a row that were not, it is doubled.
//   inspect: found <- 1 where an element of g is not finite
//   update:  found = 1: scale <- scale / 2, good <- 0, skipped <- skipped + 1
//            found = 0: good <- good + 1, and where that is `interval`: scale <- 2 scale, good <- 0
//            then found <- 0; outcome is the scale of this step, below zero where the step was skipped
// Layout: g flat, as vec4s; scale, outcome a scalar each; counts [good, skipped]; found a word. One invocation a vec4
// of g; `update` is one invocation.
override quads: u32 = 1; // vec4s of g
override interval: u32 = 1;
override lanes: u32 = 64;
const LEAST = 0x1p-100f; // a scale that is never left, so that its inverse stays finite
const MOST = 0x1p+100f;

@group(0) @binding(0) var<storage, read> g: array<vec4f>;
@group(0) @binding(1) var<storage, read_write> flag: array<atomic<u32>>; // found

// By the bits, since comparisons with NaN are not reliable on every driver.
@compute @workgroup_size(lanes)
fn inspect(
  @builtin(workgroup_id) group: vec3u,
  @builtin(num_workgroups) groups: vec3u,
  @builtin(local_invocation_index) lane: u32,
) {
  let i = (group.y * groups.x + group.x) * lanes + lane;
  if (i >= quads) { return; }
  let exponent = bitcast<vec4u>(g[i]) & vec4u(0x7f800000u);
  if (any(exponent == vec4u(0x7f800000u))) { atomicOr(&flag[0], 1u); }
}

@group(0) @binding(0) var<storage, read_write> scale: array<f32>;
@group(0) @binding(1) var<storage, read_write> counts: array<f32>;
@group(0) @binding(2) var<storage, read_write> found: array<u32>;
@group(0) @binding(3) var<storage, read_write> outcome: array<vec4f>;

@compute @workgroup_size(1)
fn update() {
  let before = scale[0];
  if (found[0] != 0) {
    outcome[0] = vec4f(-before, 0, 0, 0);
    scale[0] = max(before / 2, LEAST);
    counts[0] = 0;
    counts[1] += 1;
    found[0] = 0;
    return;
  }
  outcome[0] = vec4f(before, 0, 0, 0);
  let good = counts[0] + 1;
  let is_due = good >= f32(interval);
  counts[0] = select(good, 0f, is_due);
  if (is_due) { scale[0] = min(2 * before, MOST); }
}
