alias real = f32;
// Convolution, NHWC activations and HWIO weights, zero padding p, stride s:
//   y[n, oy, ox, o]     = b[o] + sum_{ky, kx, i} x[n, oy s - p + ky, ox s - p + kx, i] w[ky, kx, i, o]
//   dx[n, iy, ix, i]    = sum_{ky, kx, o} dy[n, (iy + p - ky) / s, (ix + p - kx) / s, o] w[ky, kx, i, o]
//   dw[ky, kx, i, o]    = sum_{n, oy, ox} x[n, oy s - p + ky, ox s - p + kx, i] dy[n, oy, ox, o]
// The three are closed under differentiation: each one's vjps are the other two.
// Layout: x [N, in_height, in_width, in_quads], y [N, out_height, out_width, out_quads], both vec4s of channels;
// w [kernel_height, kernel_width, 4 in_quads, out_quads] vec4s of output channels; b [out_quads]. Padding is zero.
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
override biased: bool = false; // without a bias or an addend, any buffer stands in for it
override added: bool = false;
override rectified: bool = false;
override lanes: u32 = 64;

@group(0) @binding(0) var<storage, read> x: array<vec4<real>>;
@group(0) @binding(1) var<storage, read> w: array<vec4f>;
@group(0) @binding(2) var<storage, read> b: array<vec4f>;
@group(0) @binding(3) var<storage, read> addend: array<vec4<real>>; // of the shape of what is written
@group(0) @binding(4) var<storage, read_write> y: array<vec4<real>>;

// By the bits, since a driver may make max of a comparison, which drops NaN: the negative numbers go from 0x80000001,
// the least, to 0xff800000, -Infinity.
fn rectify(value: vec4f) -> vec4f {
  return select(value, vec4f(), bitcast<vec4u>(value) - 0x80000001u < vec4u(0x7f800000u));
}

// Writes a sum: plus the bias, plus the addend, rectified.
fn store(at: u32, quad: u32, inside: bool, sum: vec4f) {
  if (!inside) { return; }
  var value = sum;
  if (biased) { value += b[quad]; }
  if (added) { value += vec4f(addend[at]); }
  if (rectified) { value = rectify(value); }
  y[at] = vec4<real>(value);
}

// One pixel of x, or zero where it lies in the padding (coordinates below zero have wrapped to large ones).
fn input_at(row: u32, ix: u32, quad: u32, inside: bool) -> vec4f {
  if (!inside || ix >= in_width) { return vec4f(); }
  return vec4f(x[(row * in_width + ix) * in_quads + quad]);
}

// One invocation makes four neighbouring pixels of y, four output channels of each.
@compute @workgroup_size(lanes)
fn forward(
  @builtin(workgroup_id) group: vec3u,
  @builtin(num_workgroups) groups: vec3u,
  @builtin(local_invocation_index) lane: u32,
) {
  let i = (group.y * groups.x + group.x) * lanes + lane;
  let tiles = (out_width + 3) / 4;
  let o = i % out_quads;
  let ox = i / out_quads % tiles * 4;
  let oy = i / out_quads / tiles % out_height;
  let n = i / out_quads / tiles / out_height;
  if (n >= batch) { return; }
  var y0 = vec4f();
  var y1 = vec4f();
  var y2 = vec4f();
  var y3 = vec4f();
  for (var ky = 0u; ky < kernel_height; ky++) {
    let iy = oy * stride + ky - padding;
    let inside = iy < in_height;
    let row = n * in_height + iy;
    for (var kx = 0u; kx < kernel_width; kx++) {
      let ix = ox * stride + kx - padding;
      for (var quad = 0u; quad < in_quads; quad++) {
        let at = ((ky * kernel_width + kx) * in_quads + quad) * 4 * out_quads + o;
        let w0 = w[at];
        let w1 = w[at + out_quads];
        let w2 = w[at + 2 * out_quads];
        let w3 = w[at + 3 * out_quads];
        let x0 = input_at(row, ix, quad, inside);
        let x1 = input_at(row, ix + stride, quad, inside);
        let x2 = input_at(row, ix + 2 * stride, quad, inside);
        let x3 = input_at(row, ix + 3 * stride, quad, inside);
        y0 = fma(x0.xxxx, w0, fma(x0.yyyy, w1, fma(x0.zzzz, w2, fma(x0.wwww, w3, y0))));
        y1 = fma(x1.xxxx, w0, fma(x1.yyyy, w1, fma(x1.zzzz, w2, fma(x1.wwww, w3, y1))));
        y2 = fma(x2.xxxx, w0, fma(x2.yyyy, w1, fma(x2.zzzz, w2, fma(x2.wwww, w3, y2))));
        y3 = fma(x3.xxxx, w0, fma(x3.yyyy, w1, fma(x3.zzzz, w2, fma(x3.wwww, w3, y3))));
      }
    }
  }
  let at = ((n * out_height + oy) * out_width + ox) * out_quads + o;
  store(at, o, true, y0);
  store(at + out_quads, o, ox + 1 < out_width, y1);
  store(at + 2 * out_quads, o, ox + 2 < out_width, y2);
  store(at + 3 * out_quads, o, ox + 3 < out_width, y3);
}

@group(0) @binding(0) var<storage, read> dy: array<vec4<real>>;

// One pixel of dy, or zero where there is none.
fn gradient_at(row: u32, ox: u32, quad: u32, inside: bool) -> vec4f {
  if (!inside || ox >= out_width) { return vec4f(); }
  return vec4f(dy[(row * out_width + ox) * out_quads + quad]);
}

// One invocation makes four pixels of dx that lie `stride` apart, so that all four meet the same taps of the kernel,
// four input channels of each.
@compute @workgroup_size(lanes)
fn input_gradient(
  @builtin(workgroup_id) group: vec3u,
  @builtin(num_workgroups) groups: vec3u,
  @builtin(local_invocation_index) lane: u32,
) {
  let i = (group.y * groups.x + group.x) * lanes + lane;
  let tiles = (in_width + 4 * stride - 1) / (4 * stride) * stride;
  let quad = i % in_quads;
  let tile = i / in_quads % tiles;
  let iy = i / in_quads / tiles % in_height;
  let n = i / in_quads / tiles / in_height;
  if (n >= batch) { return; }
  let ix = tile / stride * 4 * stride + tile % stride;
  var x0 = vec4f();
  var x1 = vec4f();
  var x2 = vec4f();
  var x3 = vec4f();
  for (var ky = 0u; ky < kernel_height; ky++) {
    let down = iy + padding - ky;
    if (down % stride != 0) { continue; }
    let inside = down / stride < out_height;
    let row = n * out_height + down / stride;
    for (var kx = 0u; kx < kernel_width; kx++) {
      // A start left of zero is moved to the right by whole strides here, and back in ox, so that no value wraps.
      let across = ix + padding + kernel_width * stride - kx;
      if (across % stride != 0) { continue; }
      let ox = across / stride - kernel_width;
      for (var o = 0u; o < out_quads; o++) {
        let at = ((ky * kernel_width + kx) * in_quads + quad) * 4 * out_quads + o;
        let w0 = w[at];
        let w1 = w[at + out_quads];
        let w2 = w[at + 2 * out_quads];
        let w3 = w[at + 3 * out_quads];
        let g0 = gradient_at(row, ox, o, inside);
        let g1 = gradient_at(row, ox + 1, o, inside);
        let g2 = gradient_at(row, ox + 2, o, inside);
        let g3 = gradient_at(row, ox + 3, o, inside);
        x0 += vec4f(dot(g0, w0), dot(g0, w1), dot(g0, w2), dot(g0, w3));
        x1 += vec4f(dot(g1, w0), dot(g1, w1), dot(g1, w2), dot(g1, w3));
        x2 += vec4f(dot(g2, w0), dot(g2, w1), dot(g2, w2), dot(g2, w3));
        x3 += vec4f(dot(g3, w0), dot(g3, w1), dot(g3, w2), dot(g3, w3));
      }
    }
  }
  let at = ((n * in_height + iy) * in_width + ix) * in_quads + quad;
  let step = stride * in_quads;
  store(at, quad, ix < in_width, x0);
  store(at + step, quad, ix + stride < in_width, x1);
  store(at + 2 * step, quad, ix + 2 * stride < in_width, x2);
  store(at + 3 * step, quad, ix + 3 * stride < in_width, x3);
}

override chunk: u32 = 1; // output rows that one invocation of `weight_gradient` adds up
override chunks: u32 = 1;

@group(0) @binding(1) var<storage, read> upstream: array<vec4<real>>; // dy
@group(0) @binding(2) var<storage, read_write> partial: array<vec4f>; // [chunks, the shape of w]

// One invocation adds up one chunk of output rows for one tap of the kernel, four input by eight output channels.
// sum.wgsl then adds the chunks.
@compute @workgroup_size(lanes)
fn weight_gradient(
  @builtin(workgroup_id) group: vec3u,
  @builtin(num_workgroups) groups: vec3u,
  @builtin(local_invocation_index) lane: u32,
) {
  let i = (group.y * groups.x + group.x) * lanes + lane;
  let pairs = (out_quads + 1) / 2;
  let o = i % pairs * 2;
  let quad = i / pairs % in_quads;
  let kx = i / pairs / in_quads % kernel_width;
  let ky = i / pairs / in_quads / kernel_width % kernel_height;
  let part = i / pairs / in_quads / kernel_width / kernel_height;
  if (part >= chunks) { return; }
  let paired = o + 1 < out_quads;
  let second = select(o, o + 1, paired);
  var a0 = vec4f();
  var a1 = vec4f();
  var a2 = vec4f();
  var a3 = vec4f();
  var b0 = vec4f();
  var b1 = vec4f();
  var b2 = vec4f();
  var b3 = vec4f();
  for (var row = part * chunk; row < min((part + 1) * chunk, batch * out_height); row++) {
    let iy = row % out_height * stride + ky - padding;
    if (iy >= in_height) { continue; }
    let in_row = (row / out_height * in_height + iy) * in_width;
    for (var ox = 0u; ox < out_width; ox++) {
      let ix = ox * stride + kx - padding;
      if (ix >= in_width) { continue; }
      let v = vec4f(x[(in_row + ix) * in_quads + quad]);
      let at = (row * out_width + ox) * out_quads;
      let g = vec4f(upstream[at + o]);
      let h = vec4f(upstream[at + second]);
      a0 = fma(v.xxxx, g, a0);
      a1 = fma(v.yyyy, g, a1);
      a2 = fma(v.zzzz, g, a2);
      a3 = fma(v.wwww, g, a3);
      b0 = fma(v.xxxx, h, b0);
      b1 = fma(v.yyyy, h, b1);
      b2 = fma(v.zzzz, h, b2);
      b3 = fma(v.wwww, h, b3);
    }
  }
  let at = (((part * kernel_height + ky) * kernel_width + kx) * in_quads + quad) * 4 * out_quads + o;
  partial[at] = a0;
  partial[at + out_quads] = a1;
  partial[at + 2 * out_quads] = a2;
  partial[at + 3 * out_quads] = a3;
  if (paired) {
    partial[at + 1] = b0;
    partial[at + out_quads + 1] = b1;
    partial[at + 2 * out_quads + 1] = b2;
    partial[at + 3 * out_quads + 1] = b3;
  }
}
