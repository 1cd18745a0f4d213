alias real = f32;
// The weight gradient of plain.wgsl in larger tiles, for kernels of three by three taps:
//   partial[part, ky, kx, i, o] = sum_{rows oy of the part, ox} x[n, oy s - p + ky, ox s - p + kx, i] dy[n, oy, ox, o]
// sum.wgsl then adds the parts, in a fixed order.
// Eight lanes share what they load of dy, and hand it around with shuffles: `across` of them (four or eight) take a
// vec4 of inputs each, and the eights split into 8 / across parts of the rows.
// Layout: as in plain.wgsl. An invocation makes all nine taps of four input by sixteen output channels of one part.
override batch: u32;
override in_height: u32;
override in_width: u32;
override in_quads: u32;
override out_height: u32;
override out_width: u32;
override out_quads: u32;
override stride: u32; // 1 or 2
override padding: u32;
override across: u32;
override chunk: u32; // output rows of a part
override chunks: u32;
override lanes: u32 = 64;

@group(0) @binding(0) var<storage, read> x: array<vec4<real>>;
@group(0) @binding(1) var<storage, read> dy: array<vec4<real>>;
@group(0) @binding(2) var<storage, read_write> partial: array<vec4f>; // [chunks, the shape of w]

// The sums of one tap: a matrix for four outputs each, a column an input. Of one row of taps; of pixels of x under it.
struct Tap { a: mat4x4f, b: mat4x4f, c: mat4x4f, d: mat4x4f }
struct Row { left: Tap, middle: Tap, right: Tap }
struct Window { left: vec4f, middle: vec4f, right: vec4f }

// One pixel of x, or zero where it lies in the padding (coordinates below zero have wrapped to large ones).
fn input_at(n: u32, iy: u32, ix: u32, quad: u32, inside: bool) -> vec4f {
  if (!inside || iy >= in_height || ix >= in_width) { return vec4f(); }
  return vec4f(x[((n * in_height + iy) * in_width + ix) * in_quads + quad]);
}

fn add_outer(sum: mat4x4f, v: vec4f, g: vec4f) -> mat4x4f {
  return mat4x4f(
    fma(v.xxxx, g, sum[0]),
    fma(v.yyyy, g, sum[1]),
    fma(v.zzzz, g, sum[2]),
    fma(v.wwww, g, sum[3]),
  );
}

// A tap plus the products of four inputs and sixteen outputs, the columns of g.
fn add_tap(sum: Tap, v: vec4f, g: mat4x4f) -> Tap {
  return Tap(
    add_outer(sum.a, v, g[0]),
    add_outer(sum.b, v, g[1]),
    add_outer(sum.c, v, g[2]),
    add_outer(sum.d, v, g[3]),
  );
}

fn add_row(sum: Row, v: Window, g: mat4x4f) -> Row {
  return Row(add_tap(sum.left, v.left, g), add_tap(sum.middle, v.middle, g), add_tap(sum.right, v.right, g));
}

// The window over the first output pixel, but for what `slide` will load.
fn window_before(n: u32, iy: u32, quad: u32, inside: bool) -> Window {
  let last = input_at(n, iy, 0 - padding, quad, inside);
  if (stride > 1) { return Window(vec4f(), vec4f(), last); }
  return Window(vec4f(), last, input_at(n, iy, 1 - padding, quad, inside));
}

fn slide(v: Window, n: u32, iy: u32, ox: u32, quad: u32, inside: bool) -> Window {
  let right = input_at(n, iy, ox * stride + 2 - padding, quad, inside);
  if (stride == 1) { return Window(v.middle, v.right, right); }
  return Window(v.right, input_at(n, iy, ox * stride + 1 - padding, quad, inside), right);
}

fn store(at: u32, o: u32, sum: mat4x4f) {
  if (o >= out_quads) { return; }
  partial[at + o] = sum[0];
  partial[at + out_quads + o] = sum[1];
  partial[at + 2 * out_quads + o] = sum[2];
  partial[at + 3 * out_quads + o] = sum[3];
}

fn store_tap(part: u32, tap: u32, quad: u32, o: u32, sum: Tap) {
  let at = ((part * 9 + tap) * in_quads + quad) * 4 * out_quads;
  store(at, o, sum.a);
  store(at, o + 1, sum.b);
  store(at, o + 2, sum.c);
  store(at, o + 3, sum.d);
}

fn store_row(part: u32, ky: u32, quad: u32, o: u32, sum: Row) {
  store_tap(part, ky * 3, quad, o, sum.left);
  store_tap(part, ky * 3 + 1, quad, o, sum.middle);
  store_tap(part, ky * 3 + 2, quad, o, sum.right);
}

@compute @workgroup_size(lanes)
fn weight_gradient(
  @builtin(workgroup_id) group: vec3u,
  @builtin(num_workgroups) groups: vec3u,
  @builtin(local_invocation_index) local: u32,
  @builtin(subgroup_invocation_id) in_subgroup: u32,
) {
  let eight = ((group.y * groups.x + group.x) * lanes + local) / 8;
  let lane = local % 8;
  let source = in_subgroup / 8 * 8 + lane / across * 4; // the first of the lanes that load this part's dy
  let in_tiles = (in_quads + across - 1) / across;
  let out_tiles = (out_quads + 3) / 4;
  let o = eight % out_tiles * 4;
  let quad = eight / out_tiles % in_tiles * across + lane % across;
  let part = eight / out_tiles / in_tiles * (8 / across) + lane / across;
  // The part and the outputs that this lane loads for all: eight lanes may load for two parts of four lanes.
  let loaded_part = part - lane / across + lane / 4;
  let loads = lane / 4 < 8 / across;
  let loaded_o = min(o + lane % 4, out_quads - 1);
  let rows = batch * out_height;
  var top = Row();
  var centre = Row();
  var bottom = Row();
  for (var step = 0u; step < chunk; step++) {
    let row = part * chunk + step;
    let inside = part < chunks && row < rows && quad < in_quads;
    let loaded_row = loaded_part * chunk + step;
    let loaded_inside = loads && loaded_part < chunks && loaded_row < rows;
    let n = row / out_height;
    let iy = row % out_height * stride - padding;
    var v0 = window_before(n, iy, quad, inside);
    var v1 = window_before(n, iy + 1, quad, inside);
    var v2 = window_before(n, iy + 2, quad, inside);
    for (var ox = 0u; ox < out_width; ox++) {
      v0 = slide(v0, n, iy, ox, quad, inside);
      v1 = slide(v1, n, iy + 1, ox, quad, inside);
      v2 = slide(v2, n, iy + 2, ox, quad, inside);
      var loaded = vec4f();
      if (loaded_inside) { loaded = vec4f(dy[(loaded_row * out_width + ox) * out_quads + loaded_o]); }
      let g = mat4x4f(
        subgroupShuffle(loaded, source),
        subgroupShuffle(loaded, source + 1),
        subgroupShuffle(loaded, source + 2),
        subgroupShuffle(loaded, source + 3),
      );
      top = add_row(top, v0, g);
      centre = add_row(centre, v1, g);
      bottom = add_row(bottom, v2, g);
    }
  }
  if (part >= chunks || quad >= in_quads) { return; }
  store_row(part, 0, quad, o, top);
  store_row(part, 1, quad, o, centre);
  store_row(part, 2, quad, o, bottom);
}
