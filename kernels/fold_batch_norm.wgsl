// A batch normalisation with fixed statistics, folded into the convolution before it:
//   scale[o] = weight[o] * (variance[o] + epsilon)^(-1/2)
//   folded[k, i, o] = w[k, i, o] * scale[o]            folded_bias[o] = bias[o] - mean[o] * scale[o]
// Layout: w, folded [taps, inputs padded, out_quads] vec4s; everything else [out_quads]. One invocation a vec4 of w.
override quads: u32; // vec4s of w in all
override out_quads: u32;
override channels: u32; // outputs
override epsilon: f32;
override lanes: u32 = 64;

@group(0) @binding(0) var<storage, read> w: array<vec4f>;
@group(0) @binding(1) var<storage, read> weight: array<vec4f>;
@group(0) @binding(2) var<storage, read> bias: array<vec4f>;
@group(0) @binding(3) var<storage, read> mean: array<vec4f>;
@group(0) @binding(4) var<storage, read> variance: array<vec4f>;
@group(0) @binding(5) var<storage, read_write> folded: array<vec4f>;
@group(0) @binding(6) var<storage, read_write> folded_bias: array<vec4f>;

@compute @workgroup_size(lanes)
fn forward(
  @builtin(workgroup_id) group: vec3u,
  @builtin(num_workgroups) groups: vec3u,
  @builtin(local_invocation_index) lane: u32,
) {
  let i = (group.y * groups.x + group.x) * lanes + lane;
  if (i >= quads) { return; }
  let o = i % out_quads;
  let channel = o * 4 + vec4u(0, 1, 2, 3);
  let deviation = select(vec4f(), inverseSqrt(variance[o] + epsilon), channel < vec4u(channels));
  let scale = weight[o] * deviation;
  folded[i] = w[i] * scale;
  if (i < out_quads) { folded_bias[i] = bias[i] - mean[i] * scale; }
}
