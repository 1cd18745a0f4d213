// Stochastic gradient descent with momentum m and weight decay d, over all parameters in one dispatch:
//   v <- m v + (g + d p)        p <- p - rate * v            (Nesterov: p <- p - rate * (g + d p + m v))
// as PyTorch's SGD; v starts as zeros, which makes the first step's v the gradient, as there.
// With a loss scale, g is divided by it first. Nothing happens where an inspection found a number that is not finite.
// Layout: p, g, v flat buffers of one size, as vec4s; `values` holds the learning rate; scale a scalar and found a word
// (any buffers, where there is none). One invocation a vec4.
override quads: u32; // vec4s in all
override momentum: f32;
override weight_decay: f32;
override nesterov: bool = false;
override scaled: bool = false;
override inspected: bool = false;
override rate_at: u32; // place of the learning rate in `values`
override lanes: u32 = 64;

@group(0) @binding(0) var<storage, read> values: array<u32>;
@group(0) @binding(1) var<storage, read> g: array<vec4f>;
@group(0) @binding(2) var<storage, read> scale: array<f32>;
@group(0) @binding(3) var<storage, read> found: array<u32>;
@group(0) @binding(4) var<storage, read_write> p: array<vec4f>;
@group(0) @binding(5) var<storage, read_write> v: array<vec4f>;

@compute @workgroup_size(lanes)
fn step(
  @builtin(workgroup_id) group: vec3u,
  @builtin(num_workgroups) groups: vec3u,
  @builtin(local_invocation_index) lane: u32,
) {
  let i = (group.y * groups.x + group.x) * lanes + lane;
  if (i >= quads) { return; }
  if (inspected) {
    if (found[0] != 0) { return; }
  }
  var gradient = g[i];
  if (scaled) { gradient /= scale[0]; }
  gradient += weight_decay * p[i];
  let velocity = momentum * v[i] + gradient;
  v[i] = velocity;
  p[i] -= bitcast<f32>(values[rate_at]) * select(velocity, gradient + momentum * velocity, nesterov);
}
