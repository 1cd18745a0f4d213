alias real = f32;
// The convolutions of plain.wgsl that go forward in memory, in larger tiles, for kernels of one, three, five or seven
// taps a row: the forward pass, and the input gradient at stride 1, a forward pass over dy with the weights turned.
//   y[n, oy, ox, o] = sum_{ky, kx, i} x[n, oy s - p + ky, ox s - p + kx, i] w[ky, kx, i, o]            (+ epilogue)
//   turned, in k rows of k taps: the same with y = dx, x = dy, w[k - 1 - ky, k - 1 - kx, o, i] in place of
//   w[ky, kx, i, o], and padding k - 1 - p
// A load from a buffer costs most where a device gathers it lane by lane, as a software adapter does: so each pixel of
// x is loaded once for all taps of a row and sixteen outputs, and the weights, which eight lanes share, are loaded by
// eight lanes together, a vec4 each, and handed around with shuffles.
// Layout: x [N, in_height, in_width, in_quads], y [N, out_height, out_width, out_quads]; w as in plain.wgsl.
// One invocation makes eight pixels along x, sixteen channels of each. Workgroups: x, y tiles of pixels, z channels.
override batch: u32;
override in_height: u32;
override in_width: u32;
override in_quads: u32;
override out_height: u32;
override out_width: u32;
override out_quads: u32;
override kernel_height: u32;
override kernel_width: u32; // 1, 3, 5 or 7
override in_channels: u32; // of each vec4 of inputs: 4, or fewer of the only one
override tile_quads: u32; // vec4s of outputs that every tile has, up to 4
override stride: u32; // 1 or 2
override padding: u32;
override turned: bool = false; // stride 1 only
override biased: bool = false;
override added: bool = false;
override rectified: bool = false;
override lanes: u32 = 64;

@group(0) @binding(0) var<storage, read> x: array<vec4<real>>;
@group(0) @binding(1) var<storage, read> w: array<vec4f>;
@group(0) @binding(2) var<storage, read> b: array<vec4f>; // [out_quads]; without a bias, any buffer stands in
@group(0) @binding(3) var<storage, read> addend: array<vec4<real>>; // y's shape; likewise
@group(0) @binding(4) var<storage, read_write> y: array<vec4<real>>;

// What one row of the kernel has for four inputs and sixteen outputs: for each tap a matrix for four outputs each,
// whose columns are the inputs.
struct Tap { a: mat4x4f, b: mat4x4f, c: mat4x4f, d: mat4x4f }
alias Row = array<Tap, 7>;
alias Pixels = array<vec4f, 21>; // what a row of the kernel meets of x over eight pixels of y
struct Pair { far: Tap, near: Tap }

fn add_products(sum: vec4f, m: mat4x4f, v: vec4f) -> vec4f {
  var y = sum;
  if (in_channels > 3) { y = fma(v.wwww, m[3], y); }
  return fma(v.xxxx, m[0], fma(v.yyyy, m[1], fma(v.zzzz, m[2], y)));
}

fn add_tap(y: mat4x4f, w: Tap, v: vec4f) -> mat4x4f {
  var sum = y;
  sum[0] = add_products(y[0], w.a, v);
  if (tile_quads > 1) { sum[1] = add_products(y[1], w.b, v); }
  if (tile_quads > 2) { sum[2] = add_products(y[2], w.c, v); }
  if (tile_quads > 3) { sum[3] = add_products(y[3], w.d, v); }
  return sum;
}

fn add_pair(y: mat4x4f, w: Pair, far: vec4f, near: vec4f) -> mat4x4f {
  return add_tap(add_tap(y, w.far, far), w.near, near);
}

// A pixel of y plus the products of a row with the pixels of x from `first` on.
fn add_row(y: mat4x4f, taps: Row, v: Pixels, first: u32) -> mat4x4f {
  var sum = add_tap(y, taps[0], v[first]);
  if (kernel_width > 1) { sum = add_tap(add_tap(sum, taps[1], v[first + 1]), taps[2], v[first + 2]); }
  if (kernel_width > 3) { sum = add_tap(add_tap(sum, taps[3], v[first + 3]), taps[4], v[first + 4]); }
  if (kernel_width > 5) { sum = add_tap(add_tap(sum, taps[5], v[first + 5]), taps[6], v[first + 6]); }
  return sum;
}

// One pixel of x, or zero where it lies in the padding (coordinates below zero have wrapped to large ones).
fn input_at(row: u32, ix: u32, quad: u32, inside: bool) -> vec4f {
  let at = (row * in_width + min(ix, in_width - 1)) * in_quads + quad;
  return select(vec4f(), vec4f(x[at]), inside && ix < in_width);
}

// The vec4 of w that a lane loads for a tap: rows `half` and `half + 1` of four by four outputs.
fn weight_at(tap: u32, quad: u32, o: u32, lane: u32, half: u32) -> vec4f {
  let source = min(o + (lane & 3), out_quads - 1);
  let row = half + (lane >> 2);
  if (turned) { return w[((tap * out_quads + source) * 4 + row) * in_quads + quad]; }
  return w[((tap * in_quads + quad) * 4 + row) * out_quads + source];
}

// Four inputs by four outputs, from what the lanes have loaded.
fn block(first: vec4f, second: vec4f, o: u32) -> mat4x4f {
  let m = mat4x4f(
    subgroupShuffle(first, o),
    subgroupShuffle(first, o + 4),
    subgroupShuffle(second, o),
    subgroupShuffle(second, o + 4),
  );
  if (turned) { return transpose(m); }
  return m;
}

fn blocks(first: vec4f, second: vec4f) -> Tap {
  return Tap(block(first, second, 0), block(first, second, 1), block(first, second, 2), block(first, second, 3));
}

fn tap_or_zero(tap: u32, quad: u32, o: u32, lane: u32, exists: bool) -> Tap {
  let present = select(0u, tap, exists);
  let first = select(vec4f(), weight_at(present, quad, o, lane, 0), exists);
  let second = select(vec4f(), weight_at(present, quad, o, lane, 2), exists);
  return blocks(first, second);
}

// The taps of one row of the kernel, or of the turned kernel.
fn row_at(ky: u32, quad: u32, o: u32, lane: u32) -> Row {
  let first = select(ky * kernel_width, (kernel_height - ky) * kernel_width - 1, turned);
  let next = select(1u, 0xffffffffu, turned);
  return Row(
    tap_or_zero(first, quad, o, lane, true),
    tap_or_zero(first + next, quad, o, lane, kernel_width > 1),
    tap_or_zero(first + 2 * next, quad, o, lane, kernel_width > 1),
    tap_or_zero(first + 3 * next, quad, o, lane, kernel_width > 3),
    tap_or_zero(first + 4 * next, quad, o, lane, kernel_width > 3),
    tap_or_zero(first + 5 * next, quad, o, lane, kernel_width > 5),
    tap_or_zero(first + 6 * next, quad, o, lane, kernel_width > 5),
  );
}

// Eight pixels of y, sixteen channels of each.
struct Tile { a: mat4x4f, b: mat4x4f, c: mat4x4f, d: mat4x4f, e: mat4x4f, f: mat4x4f, g: mat4x4f, h: mat4x4f }

// The image of a tile, the first of its pixels and the first vec4 of its channels.
struct Place { n: u32, oy: u32, ox: u32, o: u32 }

// By the bits, since a driver may make max of a comparison, which drops NaN: the negative numbers go from 0x80000001,
// the least, to 0xff800000, -Infinity.
fn rectify(value: vec4f) -> vec4f {
  return select(value, vec4f(), bitcast<vec4u>(value) - 0x80000001u < vec4u(0x7f800000u));
}

// Stores a sum with its epilogue, and returns what it has stored.
fn store(at: u32, o: u32, inside: bool, sum: vec4f) -> vec4f {
  if (!inside || o >= out_quads) { return vec4f(); }
  var value = sum;
  if (biased) { value += b[o]; }
  if (added) { value += vec4f(addend[at + o]); }
  if (rectified) { value = rectify(value); }
  let stored = vec4<real>(value);
  y[at + o] = stored;
  return vec4f(stored);
}

fn store_pixel(p: Place, ox: u32, sum: mat4x4f) -> mat4x4f {
  let at = ((p.n * out_height + p.oy) * out_width + ox) * out_quads;
  let inside = p.n < batch && p.oy < out_height && ox < out_width;
  return mat4x4f(
    store(at, p.o, inside, sum[0]),
    store(at, p.o + 1, inside, sum[1]),
    store(at, p.o + 2, inside, sum[2]),
    store(at, p.o + 3, inside, sum[3]),
  );
}

// The second matrix where it is the wanted one, the first elsewhere.
fn choose(m: mat4x4f, other: mat4x4f, is_it: bool) -> mat4x4f {
  return mat4x4f(
    select(m[0], other[0], is_it),
    select(m[1], other[1], is_it),
    select(m[2], other[2], is_it),
    select(m[3], other[3], is_it),
  );
}

fn pixel_of(t: Tile, at: u32) -> mat4x4f {
  let ab = choose(t.a, t.b, at == 1);
  let cd = choose(t.c, t.d, at == 3);
  let ef = choose(t.e, t.f, at == 5);
  let gh = choose(t.g, t.h, at == 7);
  return choose(choose(ab, cd, at >= 2), choose(ef, gh, at >= 6), at >= 4);
}

fn with_pixel(t: Tile, at: u32, m: mat4x4f) -> Tile {
  return Tile(
    choose(t.a, m, at == 0),
    choose(t.b, m, at == 1),
    choose(t.c, m, at == 2),
    choose(t.d, m, at == 3),
    choose(t.e, m, at == 4),
    choose(t.f, m, at == 5),
    choose(t.g, m, at == 6),
    choose(t.h, m, at == 7),
  );
}

// The pixels lie `step` apart. A loop, since a driver compiles stores that are written out for longer.
fn store_tile(p: Place, step: u32, t: Tile) -> Tile {
  var stored = t;
  for (var at = 0u; at < min(8, out_width); at++) {
    stored = with_pixel(stored, at, store_pixel(p, p.ox + at * step, pixel_of(t, at)));
  }
  return stored;
}

// The place of an invocation's tile. None leaves early, since the others read its weights; one past the end computes
// what it does not store.
fn place_of(i: u32, o: u32) -> Place {
  let tiles = (out_width + 7) / 8;
  return Place(i / tiles / out_height, i / tiles % out_height, i % tiles * 8, o);
}

// Rows and inputs are one loop: a driver may copy all sums at each turn of each loop that they go through.
fn forward_tile(p: Place, lane: u32) -> Tile {
  let image = min(p.n, batch - 1) * in_height;
  var y0 = mat4x4f();
  var y1 = mat4x4f();
  var y2 = mat4x4f();
  var y3 = mat4x4f();
  var y4 = mat4x4f();
  var y5 = mat4x4f();
  var y6 = mat4x4f();
  var y7 = mat4x4f();
  var ky = 0u;
  var quad = 0u;
  for (var at = 0u; at < kernel_height * in_quads; at++) {
    let iy = p.oy * stride + ky - padding;
    let ix = p.ox * stride - padding;
    let inside = iy < in_height;
    let row = image + min(iy, in_height - 1);
    let v = Pixels(
      input_at(row, ix, quad, inside),
      input_at(row, ix + 1, quad, inside),
      input_at(row, ix + 2, quad, inside),
      input_at(row, ix + 3, quad, inside),
      input_at(row, ix + 4, quad, inside),
      input_at(row, ix + 5, quad, inside),
      input_at(row, ix + 6, quad, inside),
      input_at(row, ix + 7, quad, inside),
      input_at(row, ix + 8, quad, inside),
      input_at(row, ix + 9, quad, inside),
      input_at(row, ix + 10, quad, inside),
      input_at(row, ix + 11, quad, inside),
      input_at(row, ix + 12, quad, inside),
      input_at(row, ix + 13, quad, inside),
      input_at(row, ix + 14, quad, inside),
      input_at(row, ix + 15, quad, inside),
      input_at(row, ix + 16, quad, inside),
      input_at(row, ix + 17, quad, inside),
      input_at(row, ix + 18, quad, inside),
      input_at(row, ix + 19, quad, inside),
      input_at(row, ix + 20, quad, inside),
    );
    let w = row_at(ky, quad, p.o, lane);
    y0 = add_row(y0, w, v, 0);
    y1 = add_row(y1, w, v, stride);
    y2 = add_row(y2, w, v, 2 * stride);
    y3 = add_row(y3, w, v, 3 * stride);
    y4 = add_row(y4, w, v, 4 * stride);
    y5 = add_row(y5, w, v, 5 * stride);
    y6 = add_row(y6, w, v, 6 * stride);
    y7 = add_row(y7, w, v, 7 * stride);
    quad++;
    ky += select(0u, 1u, quad == in_quads);
    quad = select(quad, 0u, quad == in_quads);
  }
  return Tile(y0, y1, y2, y3, y4, y5, y6, y7);
}

// The weights of a row for the products of Winograd's F(2, 3): u is g0, (g0 + g1 + g2) / 2, (g0 - g1 + g2) / 2, g2.
struct WinogradRow { a: Tap, b: Tap, c: Tap, d: Tap }

fn winograd_row(ky: u32, quad: u32, o: u32, lane: u32) -> WinogradRow {
  let tap = select(ky * 3, kernel_height * 3 - 1 - ky * 3, turned);
  let next = select(1u, 0xffffffffu, turned);
  let left0 = weight_at(tap, quad, o, lane, 0);
  let left1 = weight_at(tap, quad, o, lane, 2);
  let middle0 = weight_at(tap + next, quad, o, lane, 0) / 2;
  let middle1 = weight_at(tap + next, quad, o, lane, 2) / 2;
  let right0 = weight_at(tap + 2 * next, quad, o, lane, 0);
  let right1 = weight_at(tap + 2 * next, quad, o, lane, 2);
  let outer0 = (left0 + right0) / 2;
  let outer1 = (left1 + right1) / 2;
  return WinogradRow(
    blocks(left0, left1),
    blocks(outer0 + middle0, outer1 + middle1),
    blocks(outer0 - middle0, outer1 - middle1),
    blocks(right0, right1),
  );
}

// The forward pass of kernels three taps wide at stride 1 by Winograd's F(2, 3) along x (Lavin & Gray 2016): two
// pixels of a row from four products for each row of taps, in place of six,
//   m = (x0 - x2) u0, (x1 + x2) u1, (x2 - x1) u2, (x1 - x3) u3      y0 = m0 + m1 + m2, y1 = m1 - m2 - m3
// The products are added up before they are put together, in a (m0), b, c and d for each of four pairs.
fn winograd_tile(p: Place, lane: u32) -> Tile {
  let image = min(p.n, batch - 1) * in_height;
  var a0 = mat4x4f();
  var b0 = mat4x4f();
  var c0 = mat4x4f();
  var d0 = mat4x4f();
  var a1 = mat4x4f();
  var b1 = mat4x4f();
  var c1 = mat4x4f();
  var d1 = mat4x4f();
  var a2 = mat4x4f();
  var b2 = mat4x4f();
  var c2 = mat4x4f();
  var d2 = mat4x4f();
  var a3 = mat4x4f();
  var b3 = mat4x4f();
  var c3 = mat4x4f();
  var d3 = mat4x4f();
  var ky = 0u;
  var quad = 0u;
  for (var at = 0u; at < kernel_height * in_quads; at++) {
    let iy = p.oy + ky - padding;
    let ix = p.ox - padding;
    let inside = iy < in_height;
    let row = image + min(iy, in_height - 1);
    let x0 = input_at(row, ix, quad, inside);
    let x1 = input_at(row, ix + 1, quad, inside);
    let x2 = input_at(row, ix + 2, quad, inside);
    let x3 = input_at(row, ix + 3, quad, inside);
    let x4 = input_at(row, ix + 4, quad, inside);
    let x5 = input_at(row, ix + 5, quad, inside);
    let x6 = input_at(row, ix + 6, quad, inside);
    let x7 = input_at(row, ix + 7, quad, inside);
    let x8 = input_at(row, ix + 8, quad, inside);
    let x9 = input_at(row, ix + 9, quad, inside);
    let w = winograd_row(ky, quad, p.o, lane);
    a0 = add_tap(a0, w.a, x0 - x2);
    b0 = add_tap(b0, w.b, x1 + x2);
    c0 = add_tap(c0, w.c, x2 - x1);
    d0 = add_tap(d0, w.d, x1 - x3);
    a1 = add_tap(a1, w.a, x2 - x4);
    b1 = add_tap(b1, w.b, x3 + x4);
    c1 = add_tap(c1, w.c, x4 - x3);
    d1 = add_tap(d1, w.d, x3 - x5);
    a2 = add_tap(a2, w.a, x4 - x6);
    b2 = add_tap(b2, w.b, x5 + x6);
    c2 = add_tap(c2, w.c, x6 - x5);
    d2 = add_tap(d2, w.d, x5 - x7);
    a3 = add_tap(a3, w.a, x6 - x8);
    b3 = add_tap(b3, w.b, x7 + x8);
    c3 = add_tap(c3, w.c, x8 - x7);
    d3 = add_tap(d3, w.d, x7 - x9);
    quad++;
    ky += select(0u, 1u, quad == in_quads);
    quad = select(quad, 0u, quad == in_quads);
  }
  return Tile(
    a0 + b0 + c0,
    b0 - c0 - d0,
    a1 + b1 + c1,
    b1 - c1 - d1,
    a2 + b2 + c2,
    b2 - c2 - d2,
    a3 + b3 + c3,
    b3 - c3 - d3,
  );
}

@compute @workgroup_size(lanes)
fn forward(
  @builtin(workgroup_id) group: vec3u,
  @builtin(num_workgroups) groups: vec3u,
  @builtin(local_invocation_index) local: u32,
  @builtin(subgroup_invocation_id) in_subgroup: u32,
) {
  let p = place_of((group.y * groups.x + group.x) * lanes + local, group.z * 4);
  _ = store_tile(p, 1, forward_tile(p, in_subgroup & 7));
}

@compute @workgroup_size(lanes)
fn winograd(
  @builtin(workgroup_id) group: vec3u,
  @builtin(num_workgroups) groups: vec3u,
  @builtin(local_invocation_index) local: u32,
  @builtin(subgroup_invocation_id) in_subgroup: u32,
) {
  let p = place_of((group.y * groups.x + group.x) * lanes + local, group.z * 4);
  _ = store_tile(p, 1, winograd_tile(p, in_subgroup & 7));
}

// With the moments of what is stored, for batch_norm.wgsl: each workgroup makes a part of them, where all of its pixels
// are pixels of y. The moments of equally many numbers each, with means m and sums of squared deviations s, are together
//   m = (m1 + m2) / 2, s = s1 + s2 + (m1 - m2)^2 count / 2     (Chan et al. 1979), count that of either
@group(0) @binding(5) var<storage, read_write> moments: array<vec4f>; // [parts, 2, out_quads]
var<workgroup> shared_moments: array<vec4f, lanes>; // of eight lanes each, four means, then four sums

struct Moments { mean: vec4f, squares: vec4f }

fn moments_of(a: vec4f, b: vec4f, c: vec4f, d: vec4f, e: vec4f, f: vec4f, g: vec4f, h: vec4f) -> Moments {
  let mean = (a + b + c + d + e + f + g + h) / 8;
  return Moments(
    mean,
    square(a - mean) + square(b - mean) + square(c - mean) + square(d - mean) +
      square(e - mean) + square(f - mean) + square(g - mean) + square(h - mean),
  );
}

fn square(v: vec4f) -> vec4f { return v * v; }

// A lane's moments with those of the lane whose number differs by `other`: where that bit is set, of `high` in both.
fn halved(low: Moments, high: Moments, lane: u32, other: u32, count: f32) -> Moments {
  let is_high = (lane & other) != 0;
  let mean = select(low.mean, high.mean, is_high);
  let squares = select(low.squares, high.squares, is_high);
  let met = subgroupShuffleXor(select(high.mean, low.mean, is_high), other);
  let met_squares = subgroupShuffleXor(select(high.squares, low.squares, is_high), other);
  return Moments((mean + met) / 2, squares + met_squares + square(mean - met) * (count / 2));
}

fn store_moments(part: u32, p: Place, local: u32, t: Tile) {
  let lane = local & 7;
  let one = moments_of(t.a[0], t.b[0], t.c[0], t.d[0], t.e[0], t.f[0], t.g[0], t.h[0]);
  let two = moments_of(t.a[1], t.b[1], t.c[1], t.d[1], t.e[1], t.f[1], t.g[1], t.h[1]);
  let three = moments_of(t.a[2], t.b[2], t.c[2], t.d[2], t.e[2], t.f[2], t.g[2], t.h[2]);
  let four = moments_of(t.a[3], t.b[3], t.c[3], t.d[3], t.e[3], t.f[3], t.g[3], t.h[3]);
  let left = halved(one, two, lane, 1, 8);
  let right = halved(three, four, lane, 1, 8);
  let quarter = halved(left, right, lane, 2, 16); // of vec4 lane % 4 of the channels
  let all = halved(quarter, quarter, lane, 4, 32);
  shared_moments[local] = select(all.mean, all.squares, lane >= 4);
  workgroupBarrier();
  if (local >= 4 || p.n >= batch || p.o + local >= out_quads) { return; }
  var mean = vec4f();
  for (var at = local; at < lanes; at += 8) { mean += shared_moments[at]; }
  mean /= f32(lanes / 8);
  var squares = vec4f();
  for (var at = local; at < lanes; at += 8) {
    squares += shared_moments[at + 4] + 64 * square(shared_moments[at] - mean);
  }
  let at = part * 2 * out_quads + p.o + local;
  moments[at] = mean;
  moments[at + out_quads] = squares;
}

@compute @workgroup_size(lanes)
fn forward_with_moments(
  @builtin(workgroup_id) group: vec3u,
  @builtin(num_workgroups) groups: vec3u,
  @builtin(local_invocation_index) local: u32,
  @builtin(subgroup_invocation_id) in_subgroup: u32,
) {
  let part = group.y * groups.x + group.x;
  let p = place_of(part * lanes + local, group.z * 4);
  store_moments(part, p, local, store_tile(p, 1, forward_tile(p, in_subgroup & 7)));
}

@compute @workgroup_size(lanes)
fn winograd_with_moments(
  @builtin(workgroup_id) group: vec3u,
  @builtin(num_workgroups) groups: vec3u,
  @builtin(local_invocation_index) local: u32,
  @builtin(subgroup_invocation_id) in_subgroup: u32,
) {
  let part = group.y * groups.x + group.x;
  let p = place_of(part * lanes + local, group.z * 4);
  store_moments(part, p, local, store_tile(p, 1, winograd_tile(p, in_subgroup & 7)));
}

// The input gradient at stride 2, with y = dx and x = dy. A pixel of dx meets every other tap a row and every other row
// of taps, which ones depends on whether its coordinates are odd: z counts four kinds of pixels for each sixteen
// channels, so that all lanes of a workgroup want the same weights. The eight pixels lie two apart.
@compute @workgroup_size(lanes)
fn input_gradient(
  @builtin(workgroup_id) group: vec3u,
  @builtin(num_workgroups) groups: vec3u,
  @builtin(local_invocation_index) local: u32,
  @builtin(subgroup_invocation_id) in_subgroup: u32,
) {
  let i = (group.y * groups.x + group.x) * lanes + local;
  let lane = in_subgroup & 7;
  let tiles = (out_width + 15) / 16;
  let lines = (out_height + 1) / 2;
  let ox = i % tiles * 16 + group.z % 2;
  let odd = group.z / 2 % 2;
  let oy = i / tiles % lines * 2 + odd;
  let n = i / tiles / lines;
  let image = min(n, batch - 1) * in_height;
  let o = group.z / 4 * 4;
  let near = (ox + padding) % 2; // the first tap of a row that a pixel meets; the other is two further
  var y0 = mat4x4f();
  var y1 = mat4x4f();
  var y2 = mat4x4f();
  var y3 = mat4x4f();
  var y4 = mat4x4f();
  var y5 = mat4x4f();
  var y6 = mat4x4f();
  var y7 = mat4x4f();
  let top = (odd + padding) % 2; // likewise the first row of taps, by a number that all lanes share
  var ky = top;
  var quad = 0u;
  for (var at = 0u; at < (kernel_height - top + 1) / 2 * in_quads; at++) {
    let iy = (oy + padding - ky) / 2;
    let ix = (ox + padding - near) / 2 - 1;
    let inside = iy < in_height;
    let row = image + min(iy, in_height - 1);
    let x0 = input_at(row, ix, quad, inside);
    let x1 = input_at(row, ix + 1, quad, inside);
    let x2 = input_at(row, ix + 2, quad, inside);
    let x3 = input_at(row, ix + 3, quad, inside);
    let x4 = input_at(row, ix + 4, quad, inside);
    let x5 = input_at(row, ix + 5, quad, inside);
    let x6 = input_at(row, ix + 6, quad, inside);
    let x7 = input_at(row, ix + 7, quad, inside);
    let x8 = input_at(row, ix + 8, quad, inside);
    let tap = ky * kernel_width + near;
    let w = Pair(
      tap_or_zero(tap + 2, quad, o, lane, near + 2 < kernel_width),
      tap_or_zero(tap, quad, o, lane, near < kernel_width),
    );
    y0 = add_pair(y0, w, x0, x1);
    y1 = add_pair(y1, w, x1, x2);
    y2 = add_pair(y2, w, x2, x3);
    y3 = add_pair(y3, w, x3, x4);
    y4 = add_pair(y4, w, x4, x5);
    y5 = add_pair(y5, w, x5, x6);
    y6 = add_pair(y6, w, x6, x7);
    y7 = add_pair(y7, w, x7, x8);
    quad++;
    ky += select(0u, 2u, quad == in_quads);
    quad = select(quad, 0u, quad == in_quads);
  }
  _ = store_tile(Place(n, oy, ox, o), 2, Tile(y0, y1, y2, y3, y4, y5, y6, y7));
}
