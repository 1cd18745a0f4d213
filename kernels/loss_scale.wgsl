// Dynamic loss scaling, as PyTorch's GradScaler, for gradients of scale * loss that inspection.wgsl has looked at. Where
// one of them is not finite, the step is skipped and the scale halved; after `interval` steps in a row that were not, it
// is doubled.
//   found = 0: good <- good + 1, and where that is `interval`: scale <- 2 scale, good <- 0
//   found is the place of a gradient: scale <- scale / 2, good <- 0, skipped <- skipped + 1, found <- 0
//   found is a place before the gradients, or the scale is 1 already: skipped <- skipped + 1; no scale would help
//   outcome is the scale of this step, below zero where the step was skipped
// Layout: scale, outcome a scalar each; counts [good, skipped]; found a word. One invocation.
override interval: u32;
override first: u32; // place of the first gradient
const LEAST = 1f;
const MOST = 0x1p+100f; // a scale that is never left, so that it stays finite

@group(0) @binding(0) var<storage, read_write> scale: array<f32>;
@group(0) @binding(1) var<storage, read_write> counts: array<f32>;
@group(0) @binding(2) var<storage, read_write> found: array<u32>;
@group(0) @binding(3) var<storage, read_write> outcome: array<vec4f>;

@compute @workgroup_size(1)
fn update() {
  let before = scale[0];
  if (found[0] != 0) {
    outcome[0] = vec4f(-before, 0, 0, 0);
    counts[1] += 1;
    if (~found[0] < first || before <= LEAST) { return; }
    scale[0] = max(before / 2, LEAST);
    counts[0] = 0;
    found[0] = 0;
    return;
  }
  outcome[0] = vec4f(before, 0, 0, 0);
  let good = counts[0] + 1;
  let is_due = good >= f32(interval);
  counts[0] = select(good, 0f, is_due);
  if (is_due) { scale[0] = min(2 * before, MOST); }
}
