alias real = f32;
// The weight gradient of plain.wgsl in larger tiles, for kernels of three by three taps:
//   partial[part, ky, kx, i, o] = sum_{rows oy of the part, ox} x[n, oy s - p + ky, ox s - p + kx, i] dy[n, oy, ox, o]
// sum.wgsl then adds the parts, in a fixed order.
// Eight lanes share what they load and hand it around with shuffles. Four of them take a vec4 of inputs each. The two
// fours differ in the part of the rows, or, where `splits_outputs`, in the outputs: then each loads half of x for both.
// Where there is a single vec4 of inputs (at stride 1 and padding 1), the eight take rows one below the other, each row
// a part of its own, and what they share is x: a lane's neighbours have loaded the rows above and below.
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
override across: u32; // lanes side by side over the inputs: 4 or 1
override splits_outputs: bool = false; // across 4 only
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

// The windows of the three rows under the kernel.
struct Windows { top: Window, centre: Window, bottom: Window }

fn slide_all(v: Windows, n: u32, iy: u32, ox: u32, quad: u32, inside: bool, four: Four) -> Windows {
  if (across == 1) { return slide_neighbours(v, n, iy, ox + 1, inside, four); }
  if (!splits_outputs) {
    return Windows(
      slide(v.top, n, iy, ox, quad, inside),
      slide(v.centre, n, iy + 1, ox, quad, inside),
      slide(v.bottom, n, iy + 2, ox, quad, inside),
    );
  }
  if (stride == 1) { return slide_rows(v, n, iy, ox + 2 - padding, quad, inside, four); }
  let ix = ox * stride + 1 + four.half - padding;
  return Windows(
    slide_columns(v.top, input_at(n, iy, ix, quad, inside), four),
    slide_columns(v.centre, input_at(n, iy + 1, ix, quad, inside), four),
    slide_columns(v.bottom, input_at(n, iy + 2, ix, quad, inside), four),
  );
}

// Each lane has loaded the middle row; the first and the last load the row that no lane has.
fn slide_neighbours(v: Windows, n: u32, iy: u32, ix: u32, inside: bool, four: Four) -> Windows {
  let own = input_at(n, iy + 1, ix, 0, inside);
  let lane = 4 * four.half + four.lane;
  let outer = input_at(n, select(iy, iy + 2, lane == 7), ix, 0, inside && lane % 7 == 0);
  let above = select(subgroupShuffle(own, four.first + max(lane, 1) - 1), outer, lane == 0);
  let below = select(subgroupShuffle(own, four.first + min(lane, 6) + 1), outer, lane == 7);
  // A neighbour's row may be of another image.
  let is_first = iy >= in_height;
  let is_last = iy + 2 == in_height;
  return Windows(
    Window(v.top.middle, v.top.right, select(above, vec4f(), is_first)),
    Window(v.centre.middle, v.centre.right, own),
    Window(v.bottom.middle, v.bottom.right, select(below, vec4f(), is_last)),
  );
}

// The first four have loaded the top row and the second four the centre; the first four load the bottom too.
fn slide_rows(v: Windows, n: u32, iy: u32, ix: u32, quad: u32, inside: bool, four: Four) -> Windows {
  let both = input_at(n, iy + four.half, ix, quad, inside);
  let last = input_at(n, iy + 2, ix, quad, inside && four.half == 0);
  return Windows(
    Window(v.top.middle, v.top.right, subgroupShuffle(both, four.first + four.lane)),
    Window(v.centre.middle, v.centre.right, subgroupShuffle(both, four.first + 4 + four.lane)),
    Window(v.bottom.middle, v.bottom.right, subgroupShuffle(last, four.first + four.lane)),
  );
}

// The first four have loaded one column of a row and the second four the next.
fn slide_columns(v: Window, both: vec4f, four: Four) -> Window {
  return Window(
    v.right,
    subgroupShuffle(both, four.first + four.lane),
    subgroupShuffle(both, four.first + 4 + four.lane),
  );
}

// A lane's place: the first of its eight in the subgroup, which four of them it is in, and where in the four.
struct Four { first: u32, half: u32, lane: u32 }

// One vec4 of dy, or zero where there is none.
fn upstream_at(row: u32, ox: u32, o: u32, inside: bool) -> vec4f {
  if (!inside) { return vec4f(); }
  return vec4f(dy[(row * out_width + ox) * out_quads + min(o, out_quads - 1)]);
}

// Sixteen channels of dy: each lane of a four has loaded a vec4, or a lane alone loads them all.
fn upstream_row(row: u32, ox: u32, o: u32, inside: bool, four: Four) -> mat4x4f {
  if (across == 1) {
    return mat4x4f(
      upstream_at(row, ox, o, inside),
      upstream_at(row, ox, o + 1, inside),
      upstream_at(row, ox, o + 2, inside),
      upstream_at(row, ox, o + 3, inside),
    );
  }
  let loaded = upstream_at(row, ox, o + four.lane, inside);
  let source = four.first + 4 * four.half;
  return mat4x4f(
    subgroupShuffle(loaded, source),
    subgroupShuffle(loaded, source + 1),
    subgroupShuffle(loaded, source + 2),
    subgroupShuffle(loaded, source + 3),
  );
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
  let four = Four(in_subgroup / 8 * 8, lane / 4, lane % 4);
  let in_tiles = (in_quads + across - 1) / across;
  let tile_quads = select(4u, 8u, splits_outputs);
  let out_tiles = (out_quads + tile_quads - 1) / tile_quads;
  let o = eight % out_tiles * tile_quads + select(0u, 4 * four.half, splits_outputs);
  let quad = eight / out_tiles % in_tiles * across + lane % across;
  var part = eight / out_tiles / in_tiles;
  if (across == 1) { part = part * 8 + lane; }
  if (across == 4 && !splits_outputs) { part = part * 2 + four.half; }
  let rows = batch * out_height;
  var top = Row();
  var centre = Row();
  var bottom = Row();
  for (var step = 0u; step < chunk; step++) {
    var row = part * chunk + step;
    if (across == 1) { row = (part / 8 * chunk + step) * 8 + lane; }
    let is_row = part < chunks && row < rows;
    let inside = is_row && quad < in_quads;
    let n = row / out_height;
    let iy = row % out_height * stride - padding;
    var v = Windows(
      window_before(n, iy, quad, inside),
      window_before(n, iy + 1, quad, inside),
      window_before(n, iy + 2, quad, inside),
    );
    for (var ox = 0u; ox < out_width; ox++) {
      v = slide_all(v, n, iy, ox, quad, inside, four);
      let g = upstream_row(row, ox, o, is_row, four);
      top = add_row(top, v.top, g);
      centre = add_row(centre, v.centre, g);
      bottom = add_row(bottom, v.bottom, g);
    }
  }
  if (part >= chunks || quad >= in_quads) { return; }
  store_row(part, 0, quad, o, top);
  store_row(part, 1, quad, o, centre);
  store_row(part, 2, quad, o, bottom);
}
