alias real = f32;
// The weight gradient of plain.wgsl in larger tiles, for kernels of five or seven taps a row and at most eight rows:
//   partial[part, ky, kx, i, o] = sum_{rows oy of the part, ox} x[n, oy s - p + ky, ox s - p + kx, i] dy[n, oy, ox, o]
// sum.wgsl then adds the parts, in a fixed order.
// Eight lanes take the rows of the kernel, one each. All meet the same dy: they load it together, a vec4 each, and hand
// it around with shuffles. A lane loads a pixel of x once for all taps of its row.
// Layout: as in plain.wgsl. A workgroup makes all taps of four input by sixteen output channels of one part.
override batch: u32;
override in_height: u32;
override in_width: u32;
override in_channels: u32;
override in_quads: u32;
override out_height: u32;
override out_width: u32;
override out_quads: u32;
override kernel_height: u32; // at most 8
override kernel_width: u32; // 5 or 7
override stride: u32; // 1 or 2
override padding: u32;
override chunk: u32; // output rows of a part
override chunks: u32;

@group(0) @binding(0) var<storage, read> x: array<vec4<real>>;
@group(0) @binding(1) var<storage, read> dy: array<vec4<real>>;
@group(0) @binding(2) var<storage, read_write> partial: array<vec4f>; // [chunks, the shape of w]

// The sums of one tap: a matrix for four outputs each, a column an input.
struct Tap { a: mat4x4f, b: mat4x4f, c: mat4x4f, d: mat4x4f }
alias Pixels = array<vec4f, 21>; // what a row of taps meets of x over eight pixels of dy
alias Gradients = array<mat4x4f, 8>; // these pixels of dy, sixteen channels of each

fn add_outer(sum: mat4x4f, v: vec4f, g: vec4f) -> mat4x4f {
  var last = sum[3];
  if (in_channels > 3) { last = fma(v.wwww, g, last); }
  return mat4x4f(fma(v.xxxx, g, sum[0]), fma(v.yyyy, g, sum[1]), fma(v.zzzz, g, sum[2]), last);
}

fn add_pixel(sum: Tap, v: vec4f, g: mat4x4f) -> Tap {
  return Tap(
    add_outer(sum.a, v, g[0]),
    add_outer(sum.b, v, g[1]),
    add_outer(sum.c, v, g[2]),
    add_outer(sum.d, v, g[3]),
  );
}

// A tap plus the products of eight pixels of dy with those of x from `first` on.
fn add_pixels(tap: Tap, v: Pixels, first: u32, g: Gradients) -> Tap {
  var sum = add_pixel(tap, v[first], g[0]);
  sum = add_pixel(sum, v[first + stride], g[1]);
  sum = add_pixel(sum, v[first + 2 * stride], g[2]);
  sum = add_pixel(sum, v[first + 3 * stride], g[3]);
  sum = add_pixel(sum, v[first + 4 * stride], g[4]);
  sum = add_pixel(sum, v[first + 5 * stride], g[5]);
  sum = add_pixel(sum, v[first + 6 * stride], g[6]);
  sum = add_pixel(sum, v[first + 7 * stride], g[7]);
  return sum;
}

// One pixel of x, or zero where it lies in the padding (coordinates below zero have wrapped to large ones).
fn input_at(row: u32, ix: u32, quad: u32, inside: bool) -> vec4f {
  let at = (row * in_width + min(ix, in_width - 1)) * in_quads + quad;
  return select(vec4f(), vec4f(x[at]), inside && ix < in_width);
}

// One vec4 of dy, or zero where there is none.
fn gradient_at(row: u32, ox: u32, o: u32, inside: bool) -> vec4f {
  let at = (row * out_width + min(ox, out_width - 1)) * out_quads + min(o, out_quads - 1);
  return select(vec4f(), vec4f(dy[at]), inside && ox < out_width);
}

// Sixteen channels of a pixel of dy, from what the lanes from `first` on have loaded.
fn pixel(loaded: vec4f, first: u32) -> mat4x4f {
  return mat4x4f(
    subgroupShuffle(loaded, first),
    subgroupShuffle(loaded, first + 1),
    subgroupShuffle(loaded, first + 2),
    subgroupShuffle(loaded, first + 3),
  );
}

fn store(at: u32, o: u32, sum: mat4x4f) {
  if (o >= out_quads) { return; }
  partial[at + o] = sum[0];
  partial[at + out_quads + o] = sum[1];
  partial[at + 2 * out_quads + o] = sum[2];
  partial[at + 3 * out_quads + o] = sum[3];
}

fn store_tap(tap: u32, quad: u32, o: u32, sum: Tap) {
  let at = (tap * in_quads + quad) * 4 * out_quads;
  store(at, o, sum.a);
  store(at, o + 1, sum.b);
  store(at, o + 2, sum.c);
  store(at, o + 3, sum.d);
}

@compute @workgroup_size(8)
fn weight_gradient(
  @builtin(workgroup_id) group: vec3u,
  @builtin(num_workgroups) groups: vec3u,
  @builtin(subgroup_invocation_id) lane: u32,
) {
  let i = group.y * groups.x + group.x;
  let out_tiles = (out_quads + 3) / 4;
  let o = i % out_tiles * 4;
  let quad = i / out_tiles % in_quads;
  let part = i / out_tiles / in_quads;
  let across = (out_width + 7) / 8;
  let rows = batch * out_height;
  var t0 = Tap();
  var t1 = Tap();
  var t2 = Tap();
  var t3 = Tap();
  var t4 = Tap();
  var t5 = Tap();
  var t6 = Tap();
  // Rows and pixels are one loop: a driver may copy all sums at each turn of each loop that they go through.
  for (var at = 0u; at < chunk * across; at++) {
    let wanted = part * chunk + at / across; // the last part may have fewer rows
    let inside = wanted < rows;
    let row = min(wanted, rows - 1);
    let ox = at % across * 8;
    let iy = row % out_height * stride + lane - padding;
    let ix = ox * stride - padding;
    let in_row = row / out_height * in_height + min(iy, in_height - 1);
    let meets = inside && lane < kernel_height && iy < in_height;
    let v = Pixels(
      input_at(in_row, ix, quad, meets),
      input_at(in_row, ix + 1, quad, meets),
      input_at(in_row, ix + 2, quad, meets),
      input_at(in_row, ix + 3, quad, meets),
      input_at(in_row, ix + 4, quad, meets),
      input_at(in_row, ix + 5, quad, meets),
      input_at(in_row, ix + 6, quad, meets),
      input_at(in_row, ix + 7, quad, meets),
      input_at(in_row, ix + 8, quad, meets),
      input_at(in_row, ix + 9, quad, meets),
      input_at(in_row, ix + 10, quad, meets),
      input_at(in_row, ix + 11, quad, meets),
      input_at(in_row, ix + 12, quad, meets),
      input_at(in_row, ix + 13, quad, meets),
      input_at(in_row, ix + 14, quad, meets),
      input_at(in_row, ix + 15, quad, meets),
      input_at(in_row, ix + 16, quad, meets),
      input_at(in_row, ix + 17, quad, meets),
      input_at(in_row, ix + 18, quad, meets),
      input_at(in_row, ix + 19, quad, meets),
      input_at(in_row, ix + 20, quad, meets),
    );
    let first = gradient_at(row, ox + lane / 4, o + lane % 4, inside);
    let second = gradient_at(row, ox + 2 + lane / 4, o + lane % 4, inside);
    let third = gradient_at(row, ox + 4 + lane / 4, o + lane % 4, inside);
    let fourth = gradient_at(row, ox + 6 + lane / 4, o + lane % 4, inside);
    let g = Gradients(
      pixel(first, 0),
      pixel(first, 4),
      pixel(second, 0),
      pixel(second, 4),
      pixel(third, 0),
      pixel(third, 4),
      pixel(fourth, 0),
      pixel(fourth, 4),
    );
    t0 = add_pixels(t0, v, 0, g);
    t1 = add_pixels(t1, v, 1, g);
    t2 = add_pixels(t2, v, 2, g);
    t3 = add_pixels(t3, v, 3, g);
    t4 = add_pixels(t4, v, 4, g);
    if (kernel_width > 5) {
      t5 = add_pixels(t5, v, 5, g);
      t6 = add_pixels(t6, v, 6, g);
    }
  }
  if (lane >= kernel_height || part >= chunks) { return; }
  let tap = (part * kernel_height + lane) * kernel_width;
  store_tap(tap, quad, o, t0);
  store_tap(tap + 1, quad, o, t1);
  store_tap(tap + 2, quad, o, t2);
  store_tap(tap + 3, quad, o, t3);
  store_tap(tap + 4, quad, o, t4);
  if (kernel_width > 5) {
    store_tap(tap + 5, quad, o, t5);
    store_tap(tap + 6, quad, o, t6);
  }
}
