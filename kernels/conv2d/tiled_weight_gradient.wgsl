alias real = f32;
// The weight gradient of plain.wgsl in larger tiles, for kernels three wide:
//   partial[chunk, ky, kx, i, o] = sum_{rows oy of the chunk, ox} x[n, oy s - p + ky, ox s - p + kx, i] dy[n, oy, ox, o]
// sum.wgsl then adds the chunks, in a fixed order.
// Layout: as in plain.wgsl. A tile is the three taps of a row of the kernel times eight input by eight output channels.
override batch: u32;
override in_height: u32;
override in_width: u32;
override in_quads: u32;
override out_height: u32;
override out_width: u32;
override out_quads: u32;
override kernel_height: u32;
override kernel_width: u32 = 3;
override stride: u32;
override padding: u32;
override chunk: u32 = 1; // output rows that one invocation adds up
override chunks: u32 = 1;
override lanes: u32 = 64;

@group(0) @binding(0) var<storage, read> x: array<vec4<real>>;
@group(0) @binding(1) var<storage, read> dy: array<vec4<real>>;
@group(0) @binding(2) var<storage, read_write> partial: array<vec4f>; // [chunks, the shape of w]

// One pixel of x, or zero where it lies in the padding (coordinates below zero have wrapped to large ones).
fn input_at(row: u32, ix: u32, quad: u32, inside: bool) -> vec4f {
  let at = (row * in_width + min(ix, in_width - 1)) * in_quads + quad;
  return select(vec4f(), vec4f(x[at]), inside && ix < in_width);
}

// sum + the outer product of four inputs and four outputs, a column an input.
fn add_outer(sum: mat4x4f, v: vec4f, g: vec4f) -> mat4x4f {
  return mat4x4f(
    fma(v.xxxx, g, sum[0]),
    fma(v.yyyy, g, sum[1]),
    fma(v.zzzz, g, sum[2]),
    fma(v.wwww, g, sum[3]),
  );
}

fn store_weights(at: u32, sum: mat4x4f) {
  partial[at] = sum[0];
  partial[at + out_quads] = sum[1];
  partial[at + 2 * out_quads] = sum[2];
  partial[at + 3 * out_quads] = sum[3];
}

// One invocation adds up one chunk of output rows for one tile, with a window of three pixels of x that slides along
// the row.
@compute @workgroup_size(lanes)
fn weight_gradient(
  @builtin(workgroup_id) group: vec3u,
  @builtin(num_workgroups) groups: vec3u,
  @builtin(local_invocation_index) lane: u32,
) {
  let i = (group.y * groups.x + group.x) * lanes + lane;
  let o_pairs = (out_quads + 1) / 2;
  let i_pairs = (in_quads + 1) / 2;
  let o = i % o_pairs * 2;
  let quad = i / o_pairs % i_pairs * 2;
  let ky = i / o_pairs / i_pairs % kernel_height;
  let part = i / o_pairs / i_pairs / kernel_height;
  if (part >= chunks) { return; }
  let next_o = min(o + 1, out_quads - 1);
  let next_quad = min(quad + 1, in_quads - 1);
  var w000 = mat4x4f();
  var w001 = mat4x4f();
  var w010 = mat4x4f();
  var w011 = mat4x4f();
  var w100 = mat4x4f();
  var w101 = mat4x4f();
  var w110 = mat4x4f();
  var w111 = mat4x4f();
  var w200 = mat4x4f();
  var w201 = mat4x4f();
  var w210 = mat4x4f();
  var w211 = mat4x4f();
  for (var row = part * chunk; row < min((part + 1) * chunk, batch * out_height); row++) {
    let iy = row % out_height * stride + ky - padding;
    if (iy >= in_height) { continue; }
    let in_row = row / out_height * in_height + iy;
    var middle0 = input_at(in_row, 0 - padding, quad, true);
    var middle1 = input_at(in_row, 0 - padding, next_quad, true);
    var right0 = input_at(in_row, 1 - padding, quad, true);
    var right1 = input_at(in_row, 1 - padding, next_quad, true);
    for (var ox = 0u; ox < out_width; ox++) {
      let ix = ox * stride - padding;
      var left0 = middle0;
      var left1 = middle1;
      middle0 = right0;
      middle1 = right1;
      if (stride > 1) {
        left0 = input_at(in_row, ix, quad, true);
        left1 = input_at(in_row, ix, next_quad, true);
        middle0 = input_at(in_row, ix + 1, quad, true);
        middle1 = input_at(in_row, ix + 1, next_quad, true);
      }
      right0 = input_at(in_row, ix + 2, quad, true);
      right1 = input_at(in_row, ix + 2, next_quad, true);
      let at = (row * out_width + ox) * out_quads;
      let g0 = vec4f(dy[at + o]);
      let g1 = vec4f(dy[at + next_o]);
      w000 = add_outer(w000, left0, g0);
      w001 = add_outer(w001, left0, g1);
      w010 = add_outer(w010, left1, g0);
      w011 = add_outer(w011, left1, g1);
      w100 = add_outer(w100, middle0, g0);
      w101 = add_outer(w101, middle0, g1);
      w110 = add_outer(w110, middle1, g0);
      w111 = add_outer(w111, middle1, g1);
      w200 = add_outer(w200, right0, g0);
      w201 = add_outer(w201, right0, g1);
      w210 = add_outer(w210, right1, g0);
      w211 = add_outer(w211, right1, g1);
    }
  }
  let tap = part * kernel_height * 3 + ky * 3;
  store_weights((tap * in_quads + quad) * 4 * out_quads + o, w000);
  if (o + 1 < out_quads) { store_weights((tap * in_quads + quad) * 4 * out_quads + o + 1, w001); }
  if (quad + 1 < in_quads) { store_weights((tap * in_quads + quad + 1) * 4 * out_quads + o, w010); }
  if (quad + 1 < in_quads && o + 1 < out_quads) { store_weights((tap * in_quads + quad + 1) * 4 * out_quads + o + 1, w011); }
  store_weights(((tap + 1) * in_quads + quad) * 4 * out_quads + o, w100);
  if (o + 1 < out_quads) { store_weights(((tap + 1) * in_quads + quad) * 4 * out_quads + o + 1, w101); }
  if (quad + 1 < in_quads) { store_weights(((tap + 1) * in_quads + quad + 1) * 4 * out_quads + o, w110); }
  if (quad + 1 < in_quads && o + 1 < out_quads) { store_weights(((tap + 1) * in_quads + quad + 1) * 4 * out_quads + o + 1, w111); }
  store_weights(((tap + 2) * in_quads + quad) * 4 * out_quads + o, w200);
  if (o + 1 < out_quads) { store_weights(((tap + 2) * in_quads + quad) * 4 * out_quads + o + 1, w201); }
  if (quad + 1 < in_quads) { store_weights(((tap + 2) * in_quads + quad + 1) * 4 * out_quads + o, w210); }
  if (quad + 1 < in_quads && o + 1 < out_quads) { store_weights(((tap + 2) * in_quads + quad + 1) * 4 * out_quads + o + 1, w211); }
}
