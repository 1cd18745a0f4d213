alias real = f32;
// The convolutions of plain.wgsl in larger tiles, for layers of nine and more channels. A load from a storage buffer is
// what costs most on a software adapter and a load from a uniform buffer a fraction of it, so the weights come through
// a uniform binding: of 64 KiB at most, so a dispatch adds the taps from `first_tap` on that fit, and the next dispatch
// goes on where it stopped. The result does not depend on the adapter: the same taps are added in the same order.
// Layout: as in plain.wgsl; `taps` is w from first_tap on. A tile is eight pixels along x times sixteen channels.
override batch: u32;
override in_height: u32;
override in_width: u32;
override in_quads: u32;
override out_height: u32;
override out_width: u32;
override out_quads: u32;
override kernel_height: u32;
override kernel_width: u32;
override stride: u32;
override padding: u32;
override biased: bool = false; // without a bias, any buffer stands in for b
override first_tap: u32 = 0;
override tap_count: u32 = 0;
override lanes: u32 = 64;

@group(0) @binding(0) var<storage, read> x: array<vec4<real>>;
@group(0) @binding(1) var<storage, read> b: array<vec4<real>>;
@group(0) @binding(2) var<uniform> taps: array<vec4<real>, 4096>;
@group(0) @binding(3) var<storage, read_write> y: array<vec4<real>>;

// sum + v w, for four inputs (the columns of w) and four outputs.
fn multiply_add(w: mat4x4f, v: vec4f, sum: vec4f) -> vec4f {
  return fma(v.xxxx, w[0], fma(v.yyyy, w[1], fma(v.zzzz, w[2], fma(v.wwww, w[3], sum))));
}

// Four inputs by four outputs of one tap, from its first input on.
fn weights_at(at: u32) -> mat4x4f {
  return mat4x4f(
    vec4f(taps[at]),
    vec4f(taps[at + out_quads]),
    vec4f(taps[at + 2 * out_quads]),
    vec4f(taps[at + 3 * out_quads]),
  );
}

// One pixel of x, or zero where it lies in the padding (coordinates below zero have wrapped to large ones).
fn input_at(row: u32, ix: u32, quad: u32, inside: bool) -> vec4f {
  let at = (row * in_width + min(ix, in_width - 1)) * in_quads + quad;
  return select(vec4f(), vec4f(x[at]), inside && ix < in_width);
}

@compute @workgroup_size(lanes)
fn forward(
  @builtin(workgroup_id) group: vec3u,
  @builtin(num_workgroups) groups: vec3u,
  @builtin(local_invocation_index) lane: u32,
) {
  let i = (group.y * groups.x + group.x) * lanes + lane;
  let tiles = (out_width + 7) / 8;
  let ox = i % tiles * 8;
  let oy = i / tiles % out_height;
  let n = i / tiles / out_height % batch;
  let o = i / tiles / out_height / batch * 4;
  if (o >= out_quads) { return; }
  let at = ((n * out_height + oy) * out_width + ox) * out_quads + o;
  let o0 = min(o + 0, out_quads - 1);
  let o1 = min(o + 1, out_quads - 1);
  let o2 = min(o + 2, out_quads - 1);
  let o3 = min(o + 3, out_quads - 1);
  var y00 = start(o0, at + o0 - o, ox);
  var y01 = start(o0, at + o0 - o + 1 * out_quads, ox + 1);
  var y02 = start(o0, at + o0 - o + 2 * out_quads, ox + 2);
  var y03 = start(o0, at + o0 - o + 3 * out_quads, ox + 3);
  var y04 = start(o0, at + o0 - o + 4 * out_quads, ox + 4);
  var y05 = start(o0, at + o0 - o + 5 * out_quads, ox + 5);
  var y06 = start(o0, at + o0 - o + 6 * out_quads, ox + 6);
  var y07 = start(o0, at + o0 - o + 7 * out_quads, ox + 7);
  var y10 = start(o1, at + o1 - o, ox);
  var y11 = start(o1, at + o1 - o + 1 * out_quads, ox + 1);
  var y12 = start(o1, at + o1 - o + 2 * out_quads, ox + 2);
  var y13 = start(o1, at + o1 - o + 3 * out_quads, ox + 3);
  var y14 = start(o1, at + o1 - o + 4 * out_quads, ox + 4);
  var y15 = start(o1, at + o1 - o + 5 * out_quads, ox + 5);
  var y16 = start(o1, at + o1 - o + 6 * out_quads, ox + 6);
  var y17 = start(o1, at + o1 - o + 7 * out_quads, ox + 7);
  var y20 = start(o2, at + o2 - o, ox);
  var y21 = start(o2, at + o2 - o + 1 * out_quads, ox + 1);
  var y22 = start(o2, at + o2 - o + 2 * out_quads, ox + 2);
  var y23 = start(o2, at + o2 - o + 3 * out_quads, ox + 3);
  var y24 = start(o2, at + o2 - o + 4 * out_quads, ox + 4);
  var y25 = start(o2, at + o2 - o + 5 * out_quads, ox + 5);
  var y26 = start(o2, at + o2 - o + 6 * out_quads, ox + 6);
  var y27 = start(o2, at + o2 - o + 7 * out_quads, ox + 7);
  var y30 = start(o3, at + o3 - o, ox);
  var y31 = start(o3, at + o3 - o + 1 * out_quads, ox + 1);
  var y32 = start(o3, at + o3 - o + 2 * out_quads, ox + 2);
  var y33 = start(o3, at + o3 - o + 3 * out_quads, ox + 3);
  var y34 = start(o3, at + o3 - o + 4 * out_quads, ox + 4);
  var y35 = start(o3, at + o3 - o + 5 * out_quads, ox + 5);
  var y36 = start(o3, at + o3 - o + 6 * out_quads, ox + 6);
  var y37 = start(o3, at + o3 - o + 7 * out_quads, ox + 7);
  for (var tap = 0u; tap < tap_count; tap++) {
    let iy = oy * stride + (first_tap + tap) / kernel_width - padding;
    let ix = ox * stride + (first_tap + tap) % kernel_width - padding;
    let inside = iy < in_height;
    let row = n * in_height + min(iy, in_height - 1);
    for (var quad = 0u; quad < in_quads; quad++) {
      let from_quad = (tap * in_quads + quad) * 4 * out_quads;
      let x0 = input_at(row, ix + 0 * stride, quad, inside);
      let x1 = input_at(row, ix + 1 * stride, quad, inside);
      let x2 = input_at(row, ix + 2 * stride, quad, inside);
      let x3 = input_at(row, ix + 3 * stride, quad, inside);
      let x4 = input_at(row, ix + 4 * stride, quad, inside);
      let x5 = input_at(row, ix + 5 * stride, quad, inside);
      let x6 = input_at(row, ix + 6 * stride, quad, inside);
      let x7 = input_at(row, ix + 7 * stride, quad, inside);
      let w0 = weights_at(from_quad + o0);
      y00 = multiply_add(w0, x0, y00);
      y01 = multiply_add(w0, x1, y01);
      y02 = multiply_add(w0, x2, y02);
      y03 = multiply_add(w0, x3, y03);
      y04 = multiply_add(w0, x4, y04);
      y05 = multiply_add(w0, x5, y05);
      y06 = multiply_add(w0, x6, y06);
      y07 = multiply_add(w0, x7, y07);
      let w1 = weights_at(from_quad + o1);
      y10 = multiply_add(w1, x0, y10);
      y11 = multiply_add(w1, x1, y11);
      y12 = multiply_add(w1, x2, y12);
      y13 = multiply_add(w1, x3, y13);
      y14 = multiply_add(w1, x4, y14);
      y15 = multiply_add(w1, x5, y15);
      y16 = multiply_add(w1, x6, y16);
      y17 = multiply_add(w1, x7, y17);
      let w2 = weights_at(from_quad + o2);
      y20 = multiply_add(w2, x0, y20);
      y21 = multiply_add(w2, x1, y21);
      y22 = multiply_add(w2, x2, y22);
      y23 = multiply_add(w2, x3, y23);
      y24 = multiply_add(w2, x4, y24);
      y25 = multiply_add(w2, x5, y25);
      y26 = multiply_add(w2, x6, y26);
      y27 = multiply_add(w2, x7, y27);
      let w3 = weights_at(from_quad + o3);
      y30 = multiply_add(w3, x0, y30);
      y31 = multiply_add(w3, x1, y31);
      y32 = multiply_add(w3, x2, y32);
      y33 = multiply_add(w3, x3, y33);
      y34 = multiply_add(w3, x4, y34);
      y35 = multiply_add(w3, x5, y35);
      y36 = multiply_add(w3, x6, y36);
      y37 = multiply_add(w3, x7, y37);
    }
  }
  y[at] = vec4<real>(y00);
  if (ox + 1 < out_width) { y[at + 1 * out_quads] = vec4<real>(y01); }
  if (ox + 2 < out_width) { y[at + 2 * out_quads] = vec4<real>(y02); }
  if (ox + 3 < out_width) { y[at + 3 * out_quads] = vec4<real>(y03); }
  if (ox + 4 < out_width) { y[at + 4 * out_quads] = vec4<real>(y04); }
  if (ox + 5 < out_width) { y[at + 5 * out_quads] = vec4<real>(y05); }
  if (ox + 6 < out_width) { y[at + 6 * out_quads] = vec4<real>(y06); }
  if (ox + 7 < out_width) { y[at + 7 * out_quads] = vec4<real>(y07); }
  if (o + 1 < out_quads) {
    y[at + 1] = vec4<real>(y10);
    if (ox + 1 < out_width) { y[at + 1 * out_quads + 1] = vec4<real>(y11); }
    if (ox + 2 < out_width) { y[at + 2 * out_quads + 1] = vec4<real>(y12); }
    if (ox + 3 < out_width) { y[at + 3 * out_quads + 1] = vec4<real>(y13); }
    if (ox + 4 < out_width) { y[at + 4 * out_quads + 1] = vec4<real>(y14); }
    if (ox + 5 < out_width) { y[at + 5 * out_quads + 1] = vec4<real>(y15); }
    if (ox + 6 < out_width) { y[at + 6 * out_quads + 1] = vec4<real>(y16); }
    if (ox + 7 < out_width) { y[at + 7 * out_quads + 1] = vec4<real>(y17); }
  }
  if (o + 2 < out_quads) {
    y[at + 2] = vec4<real>(y20);
    if (ox + 1 < out_width) { y[at + 1 * out_quads + 2] = vec4<real>(y21); }
    if (ox + 2 < out_width) { y[at + 2 * out_quads + 2] = vec4<real>(y22); }
    if (ox + 3 < out_width) { y[at + 3 * out_quads + 2] = vec4<real>(y23); }
    if (ox + 4 < out_width) { y[at + 4 * out_quads + 2] = vec4<real>(y24); }
    if (ox + 5 < out_width) { y[at + 5 * out_quads + 2] = vec4<real>(y25); }
    if (ox + 6 < out_width) { y[at + 6 * out_quads + 2] = vec4<real>(y26); }
    if (ox + 7 < out_width) { y[at + 7 * out_quads + 2] = vec4<real>(y27); }
  }
  if (o + 3 < out_quads) {
    y[at + 3] = vec4<real>(y30);
    if (ox + 1 < out_width) { y[at + 1 * out_quads + 3] = vec4<real>(y31); }
    if (ox + 2 < out_width) { y[at + 2 * out_quads + 3] = vec4<real>(y32); }
    if (ox + 3 < out_width) { y[at + 3 * out_quads + 3] = vec4<real>(y33); }
    if (ox + 4 < out_width) { y[at + 4 * out_quads + 3] = vec4<real>(y34); }
    if (ox + 5 < out_width) { y[at + 5 * out_quads + 3] = vec4<real>(y35); }
    if (ox + 6 < out_width) { y[at + 6 * out_quads + 3] = vec4<real>(y36); }
    if (ox + 7 < out_width) { y[at + 7 * out_quads + 3] = vec4<real>(y37); }
  }
}

// What a result begins with: the bias, or what the dispatch before left.
fn start(o: u32, at: u32, ox: u32) -> vec4f {
  if (first_tap > 0) {
    if (ox >= out_width) { return vec4f(); }
    return vec4f(y[at]);
  }
  if (biased) { return vec4f(b[o]); }
  return vec4f();
}

@group(0) @binding(0) var<storage, read> dy: array<vec4<real>>;
@group(0) @binding(1) var<uniform> taps_again: array<vec4<real>, 4096>;
@group(0) @binding(2) var<storage, read_write> dx: array<vec4<real>>;

// One pixel of dy, or zero where there is none.
fn gradient_at(row: u32, ox: u32, quad: u32, inside: bool) -> vec4f {
  let at = (row * out_width + min(ox, out_width - 1)) * out_quads + quad;
  return select(vec4f(), vec4f(dy[at]), inside && ox < out_width);
}

// Four outputs by four inputs of one tap, from its first input on.
fn turned_weights_at(at: u32) -> mat4x4f {
  return transpose(mat4x4f(
    vec4f(taps_again[at]),
    vec4f(taps_again[at + out_quads]),
    vec4f(taps_again[at + 2 * out_quads]),
    vec4f(taps_again[at + 3 * out_quads]),
  ));
}

// The eight pixels of a tile lie `stride` apart, so that all meet the same taps.
@compute @workgroup_size(lanes)
fn input_gradient(
  @builtin(workgroup_id) group: vec3u,
  @builtin(num_workgroups) groups: vec3u,
  @builtin(local_invocation_index) lane: u32,
) {
  let i = (group.y * groups.x + group.x) * lanes + lane;
  let tiles = (in_width + 8 * stride - 1) / (8 * stride) * stride;
  let tile = i % tiles;
  let iy = i / tiles % in_height;
  let n = i / tiles / in_height % batch;
  let quad = i / tiles / in_height / batch * 4;
  if (quad >= in_quads) { return; }
  let ix = tile / stride * 8 * stride + tile % stride;
  let at = ((n * in_height + iy) * in_width + ix) * in_quads + quad;
  let i0 = min(quad + 0, in_quads - 1);
  let i1 = min(quad + 1, in_quads - 1);
  let i2 = min(quad + 2, in_quads - 1);
  let i3 = min(quad + 3, in_quads - 1);
  var x00 = gradient_before(at + i0 - quad, ix);
  var x01 = gradient_before(at + i0 - quad + 1 * stride * in_quads, ix + 1 * stride);
  var x02 = gradient_before(at + i0 - quad + 2 * stride * in_quads, ix + 2 * stride);
  var x03 = gradient_before(at + i0 - quad + 3 * stride * in_quads, ix + 3 * stride);
  var x04 = gradient_before(at + i0 - quad + 4 * stride * in_quads, ix + 4 * stride);
  var x05 = gradient_before(at + i0 - quad + 5 * stride * in_quads, ix + 5 * stride);
  var x06 = gradient_before(at + i0 - quad + 6 * stride * in_quads, ix + 6 * stride);
  var x07 = gradient_before(at + i0 - quad + 7 * stride * in_quads, ix + 7 * stride);
  var x10 = gradient_before(at + i1 - quad, ix);
  var x11 = gradient_before(at + i1 - quad + 1 * stride * in_quads, ix + 1 * stride);
  var x12 = gradient_before(at + i1 - quad + 2 * stride * in_quads, ix + 2 * stride);
  var x13 = gradient_before(at + i1 - quad + 3 * stride * in_quads, ix + 3 * stride);
  var x14 = gradient_before(at + i1 - quad + 4 * stride * in_quads, ix + 4 * stride);
  var x15 = gradient_before(at + i1 - quad + 5 * stride * in_quads, ix + 5 * stride);
  var x16 = gradient_before(at + i1 - quad + 6 * stride * in_quads, ix + 6 * stride);
  var x17 = gradient_before(at + i1 - quad + 7 * stride * in_quads, ix + 7 * stride);
  var x20 = gradient_before(at + i2 - quad, ix);
  var x21 = gradient_before(at + i2 - quad + 1 * stride * in_quads, ix + 1 * stride);
  var x22 = gradient_before(at + i2 - quad + 2 * stride * in_quads, ix + 2 * stride);
  var x23 = gradient_before(at + i2 - quad + 3 * stride * in_quads, ix + 3 * stride);
  var x24 = gradient_before(at + i2 - quad + 4 * stride * in_quads, ix + 4 * stride);
  var x25 = gradient_before(at + i2 - quad + 5 * stride * in_quads, ix + 5 * stride);
  var x26 = gradient_before(at + i2 - quad + 6 * stride * in_quads, ix + 6 * stride);
  var x27 = gradient_before(at + i2 - quad + 7 * stride * in_quads, ix + 7 * stride);
  var x30 = gradient_before(at + i3 - quad, ix);
  var x31 = gradient_before(at + i3 - quad + 1 * stride * in_quads, ix + 1 * stride);
  var x32 = gradient_before(at + i3 - quad + 2 * stride * in_quads, ix + 2 * stride);
  var x33 = gradient_before(at + i3 - quad + 3 * stride * in_quads, ix + 3 * stride);
  var x34 = gradient_before(at + i3 - quad + 4 * stride * in_quads, ix + 4 * stride);
  var x35 = gradient_before(at + i3 - quad + 5 * stride * in_quads, ix + 5 * stride);
  var x36 = gradient_before(at + i3 - quad + 6 * stride * in_quads, ix + 6 * stride);
  var x37 = gradient_before(at + i3 - quad + 7 * stride * in_quads, ix + 7 * stride);
  for (var tap = 0u; tap < tap_count; tap++) {
    let ky = (first_tap + tap) / kernel_width;
    let kx = (first_tap + tap) % kernel_width;
    let down = iy + padding - ky;
    // A start left of zero is moved to the right by whole strides here, and back in ox, so that no value wraps.
    let across = ix + padding + kernel_width * stride - kx;
    if (down % stride != 0 || across % stride != 0) { continue; }
    let inside = down / stride < out_height;
    let row = n * out_height + min(down / stride, out_height - 1);
    let ox = across / stride - kernel_width;
    for (var o = 0u; o < out_quads; o++) {
      let from_input = tap * in_quads * 4 * out_quads + o;
      let g0 = gradient_at(row, ox, o, inside);
      let g1 = gradient_at(row, ox + 1, o, inside);
      let g2 = gradient_at(row, ox + 2, o, inside);
      let g3 = gradient_at(row, ox + 3, o, inside);
      let g4 = gradient_at(row, ox + 4, o, inside);
      let g5 = gradient_at(row, ox + 5, o, inside);
      let g6 = gradient_at(row, ox + 6, o, inside);
      let g7 = gradient_at(row, ox + 7, o, inside);
      let w0 = turned_weights_at(from_input + i0 * 4 * out_quads);
      x00 = multiply_add(w0, g0, x00);
      x01 = multiply_add(w0, g1, x01);
      x02 = multiply_add(w0, g2, x02);
      x03 = multiply_add(w0, g3, x03);
      x04 = multiply_add(w0, g4, x04);
      x05 = multiply_add(w0, g5, x05);
      x06 = multiply_add(w0, g6, x06);
      x07 = multiply_add(w0, g7, x07);
      let w1 = turned_weights_at(from_input + i1 * 4 * out_quads);
      x10 = multiply_add(w1, g0, x10);
      x11 = multiply_add(w1, g1, x11);
      x12 = multiply_add(w1, g2, x12);
      x13 = multiply_add(w1, g3, x13);
      x14 = multiply_add(w1, g4, x14);
      x15 = multiply_add(w1, g5, x15);
      x16 = multiply_add(w1, g6, x16);
      x17 = multiply_add(w1, g7, x17);
      let w2 = turned_weights_at(from_input + i2 * 4 * out_quads);
      x20 = multiply_add(w2, g0, x20);
      x21 = multiply_add(w2, g1, x21);
      x22 = multiply_add(w2, g2, x22);
      x23 = multiply_add(w2, g3, x23);
      x24 = multiply_add(w2, g4, x24);
      x25 = multiply_add(w2, g5, x25);
      x26 = multiply_add(w2, g6, x26);
      x27 = multiply_add(w2, g7, x27);
      let w3 = turned_weights_at(from_input + i3 * 4 * out_quads);
      x30 = multiply_add(w3, g0, x30);
      x31 = multiply_add(w3, g1, x31);
      x32 = multiply_add(w3, g2, x32);
      x33 = multiply_add(w3, g3, x33);
      x34 = multiply_add(w3, g4, x34);
      x35 = multiply_add(w3, g5, x35);
      x36 = multiply_add(w3, g6, x36);
      x37 = multiply_add(w3, g7, x37);
    }
  }
  if (ix < in_width) { dx[at] = vec4<real>(x00); }
  if (ix + 1 * stride < in_width) { dx[at + 1 * stride * in_quads] = vec4<real>(x01); }
  if (ix + 2 * stride < in_width) { dx[at + 2 * stride * in_quads] = vec4<real>(x02); }
  if (ix + 3 * stride < in_width) { dx[at + 3 * stride * in_quads] = vec4<real>(x03); }
  if (ix + 4 * stride < in_width) { dx[at + 4 * stride * in_quads] = vec4<real>(x04); }
  if (ix + 5 * stride < in_width) { dx[at + 5 * stride * in_quads] = vec4<real>(x05); }
  if (ix + 6 * stride < in_width) { dx[at + 6 * stride * in_quads] = vec4<real>(x06); }
  if (ix + 7 * stride < in_width) { dx[at + 7 * stride * in_quads] = vec4<real>(x07); }
  if (quad + 1 < in_quads) {
    if (ix < in_width) { dx[at + 1] = vec4<real>(x10); }
    if (ix + 1 * stride < in_width) { dx[at + 1 * stride * in_quads + 1] = vec4<real>(x11); }
    if (ix + 2 * stride < in_width) { dx[at + 2 * stride * in_quads + 1] = vec4<real>(x12); }
    if (ix + 3 * stride < in_width) { dx[at + 3 * stride * in_quads + 1] = vec4<real>(x13); }
    if (ix + 4 * stride < in_width) { dx[at + 4 * stride * in_quads + 1] = vec4<real>(x14); }
    if (ix + 5 * stride < in_width) { dx[at + 5 * stride * in_quads + 1] = vec4<real>(x15); }
    if (ix + 6 * stride < in_width) { dx[at + 6 * stride * in_quads + 1] = vec4<real>(x16); }
    if (ix + 7 * stride < in_width) { dx[at + 7 * stride * in_quads + 1] = vec4<real>(x17); }
  }
  if (quad + 2 < in_quads) {
    if (ix < in_width) { dx[at + 2] = vec4<real>(x20); }
    if (ix + 1 * stride < in_width) { dx[at + 1 * stride * in_quads + 2] = vec4<real>(x21); }
    if (ix + 2 * stride < in_width) { dx[at + 2 * stride * in_quads + 2] = vec4<real>(x22); }
    if (ix + 3 * stride < in_width) { dx[at + 3 * stride * in_quads + 2] = vec4<real>(x23); }
    if (ix + 4 * stride < in_width) { dx[at + 4 * stride * in_quads + 2] = vec4<real>(x24); }
    if (ix + 5 * stride < in_width) { dx[at + 5 * stride * in_quads + 2] = vec4<real>(x25); }
    if (ix + 6 * stride < in_width) { dx[at + 6 * stride * in_quads + 2] = vec4<real>(x26); }
    if (ix + 7 * stride < in_width) { dx[at + 7 * stride * in_quads + 2] = vec4<real>(x27); }
  }
  if (quad + 3 < in_quads) {
    if (ix < in_width) { dx[at + 3] = vec4<real>(x30); }
    if (ix + 1 * stride < in_width) { dx[at + 1 * stride * in_quads + 3] = vec4<real>(x31); }
    if (ix + 2 * stride < in_width) { dx[at + 2 * stride * in_quads + 3] = vec4<real>(x32); }
    if (ix + 3 * stride < in_width) { dx[at + 3 * stride * in_quads + 3] = vec4<real>(x33); }
    if (ix + 4 * stride < in_width) { dx[at + 4 * stride * in_quads + 3] = vec4<real>(x34); }
    if (ix + 5 * stride < in_width) { dx[at + 5 * stride * in_quads + 3] = vec4<real>(x35); }
    if (ix + 6 * stride < in_width) { dx[at + 6 * stride * in_quads + 3] = vec4<real>(x36); }
    if (ix + 7 * stride < in_width) { dx[at + 7 * stride * in_quads + 3] = vec4<real>(x37); }
  }
}

// What the dispatch before left, zero in the first.
fn gradient_before(at: u32, ix: u32) -> vec4f {
  if (first_tap == 0 || ix >= in_width) { return vec4f(); }
  return vec4f(dx[at]);
}
