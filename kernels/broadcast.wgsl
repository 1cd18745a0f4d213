alias real = f32;
// Repeats a number a channel over all rows, or a number a row over all of its channels:
//   channels: y[r, c] = v[c]         rows: y[r, c] = v[r / rows_each]
// times a factor, where the product is merged with it. Their vjps are the sums of sum.wgsl.
// Layout: y [rows, channels / 4] vec4s, the padding zero; v [channels] or [rows / rows_each]. Where y holds weights,
// its rows come in blocks of stored_inputs, of which all but the first `inputs` are padding. One invocation a vec4.
override quads: u32; // vec4s in all
override channels: u32;
override rows_each: u32 = 1;
override inputs: u32 = 1;
override stored_inputs: u32 = 1;
override factor: f32 = 1;
override lanes: u32 = 64;

@group(0) @binding(0) var<storage, read> channel_values: array<vec4f>;
@group(0) @binding(1) var<storage, read_write> y: array<vec4<real>>;

@compute @workgroup_size(lanes)
fn over_rows(
  @builtin(workgroup_id) group: vec3u,
  @builtin(num_workgroups) groups: vec3u,
  @builtin(local_invocation_index) lane: u32,
) {
  let i = (group.y * groups.x + group.x) * lanes + lane;
  if (i >= quads) { return; }
  let row_quads = (channels + 3) / 4;
  let inside = i / row_quads % stored_inputs < inputs;
  y[i] = vec4<real>(select(vec4f(), factor * channel_values[i % row_quads], inside));
}

@group(0) @binding(0) var<storage, read> row_values: array<f32>;

@compute @workgroup_size(lanes)
fn over_channels(
  @builtin(workgroup_id) group: vec3u,
  @builtin(num_workgroups) groups: vec3u,
  @builtin(local_invocation_index) lane: u32,
) {
  let i = (group.y * groups.x + group.x) * lanes + lane;
  if (i >= quads) { return; }
  let row_quads = (channels + 3) / 4;
  let channel = i % row_quads * 4 + vec4u(0, 1, 2, 3);
  let value = vec4f(factor * row_values[i / row_quads / rows_each]);
  let inside = i / row_quads % stored_inputs < inputs;
  y[i] = vec4<real>(select(vec4f(), value, (channel < vec4u(channels)) & vec4<bool>(inside)));
}
