alias real = f32;
// The weight gradient of plain.wgsl in larger tiles, for kernels of three by three taps:
//   partial[part, ky, kx, i, o] = sum_{rows oy of the part, ox} x[n, oy s - p + ky, ox s - p + kx, i] dy[n, oy, ox, o]
// sum.wgsl then adds the parts, in a fixed order.
// Eight lanes share what they load and hand it around with shuffles: two fours, each with eight outputs of sixteen. The
// four have a vec4 of inputs each; or, where there is no more than one, a part of the rows each, and eight parts then
// take the rows in turn, so that what is read at once lies together.
// Two pixels are added at a time: a driver that keeps the sums in memory then fetches and stores each half as often.
// Layout: as in plain.wgsl. An invocation makes all nine taps of four input by eight output channels of one part.
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
override chunk: u32; // output rows of a part
override chunks: u32;
override lanes: u32 = 64;

@group(0) @binding(0) var<storage, read> x: array<vec4<real>>;
@group(0) @binding(1) var<storage, read> dy: array<vec4<real>>;
@group(0) @binding(2) var<storage, read_write> partial: array<vec4f>; // [chunks, the shape of w]

// The sums of one tap: a matrix for four outputs each, a column an input. Of one row of taps.
struct Tap { a: mat4x4f, b: mat4x4f }
struct Row { left: Tap, middle: Tap, right: Tap }
// The pixels of x under one row of taps of two pixels of dy.
struct Window { a: vec4f, b: vec4f, c: vec4f, d: vec4f, e: vec4f }
// Eight channels of two pixels of dy.
struct Upstream { a: vec4f, b: vec4f, next_a: vec4f, next_b: vec4f }
// A lane's place: the first of its eight in the subgroup, which four of them it is in, and where in the four.
struct Four { first: u32, half: u32, lane: u32 }

// One pixel of x, or zero where it lies in the padding (coordinates below zero have wrapped to large ones).
fn input_at(row: u32, ix: u32, quad: u32, inside: bool) -> vec4f {
  let at = (row * in_width + min(ix, in_width - 1)) * in_quads + quad;
  return select(vec4f(), vec4f(x[at]), inside && ix < in_width);
}

fn add_outer(sum: mat4x4f, v: vec4f, g: vec4f, next_v: vec4f, next_g: vec4f) -> mat4x4f {
  return mat4x4f(
    fma(next_v.xxxx, next_g, fma(v.xxxx, g, sum[0])),
    fma(next_v.yyyy, next_g, fma(v.yyyy, g, sum[1])),
    fma(next_v.zzzz, next_g, fma(v.zzzz, g, sum[2])),
    fma(next_v.wwww, next_g, fma(v.wwww, g, sum[3])),
  );
}

// A tap plus the products of four inputs and eight outputs, of one pixel and of the next.
fn add_tap(sum: Tap, v: vec4f, next: vec4f, g: Upstream) -> Tap {
  return Tap(add_outer(sum.a, v, g.a, next, g.next_a), add_outer(sum.b, v, g.b, next, g.next_b));
}

fn add_row(sum: Row, v: Window, g: Upstream) -> Row {
  if (stride == 1) {
    return Row(
      add_tap(sum.left, v.a, v.b, g),
      add_tap(sum.middle, v.b, v.c, g),
      add_tap(sum.right, v.c, v.d, g),
    );
  }
  return Row(
    add_tap(sum.left, v.a, v.c, g),
    add_tap(sum.middle, v.b, v.d, g),
    add_tap(sum.right, v.c, v.e, g),
  );
}

// What two lanes, one of each four, have loaded.
fn from_first(loaded: vec4f, four: Four) -> vec4f { return subgroupShuffle(loaded, four.first + four.lane); }
fn from_second(loaded: vec4f, four: Four) -> vec4f { return subgroupShuffle(loaded, four.first + 4 + four.lane); }

// The window over the first two pixels, but for what `slide` will load.
fn window_before(row: u32, quad: u32, inside: bool) -> Window {
  let first = input_at(row, 0 - padding, quad, inside);
  if (stride > 1) { return Window(vec4f(), vec4f(), vec4f(), vec4f(), first); }
  return Window(vec4f(), vec4f(), first, input_at(row, 1 - padding, quad, inside), vec4f());
}

fn slide(v: Window, row: u32, ox: u32, quad: u32, inside: bool, four: Four) -> Window {
  let ix = ox * stride - padding;
  if (stride == 1) {
    let both = input_at(row, ix + 2 + four.half, quad, inside);
    return Window(v.c, v.d, from_first(both, four), from_second(both, four), vec4f());
  }
  let near = input_at(row, ix + 1 + four.half, quad, inside);
  let far = input_at(row, ix + 3 + four.half, quad, inside);
  return Window(v.e, from_first(near, four), from_second(near, four), from_first(far, four), from_second(far, four));
}

// One vec4 of dy, or zero where there is none.
fn upstream_at(row: u32, ox: u32, o: u32, inside: bool) -> vec4f {
  let at = (row * out_width + min(ox, out_width - 1)) * out_quads + min(o, out_quads - 1);
  return select(vec4f(), vec4f(dy[at]), inside && ox < out_width);
}

// Eight lanes load sixteen channels of two pixels, a vec4 each, or a lane alone loads what it needs.
fn upstream(row: u32, ox: u32, o: u32, inside: bool, four: Four) -> Upstream {
  if (across == 1) {
    let own = o + 2 * four.half;
    return Upstream(
      upstream_at(row, ox, own, inside),
      upstream_at(row, ox, own + 1, inside),
      upstream_at(row, ox + 1, own, inside),
      upstream_at(row, ox + 1, own + 1, inside),
    );
  }
  let loaded = upstream_at(row, ox + four.half, o + four.lane, inside);
  let source = four.first + 2 * four.half;
  return Upstream(
    subgroupShuffle(loaded, source),
    subgroupShuffle(loaded, source + 1),
    subgroupShuffle(loaded, source + 4),
    subgroupShuffle(loaded, source + 5),
  );
}

// The second matrix where it is the wanted one, or else the first.
fn choose(m: mat4x4f, other: mat4x4f, is_it: bool) -> mat4x4f {
  return mat4x4f(
    select(m[0], other[0], is_it),
    select(m[1], other[1], is_it),
    select(m[2], other[2], is_it),
    select(m[3], other[3], is_it),
  );
}

fn choose_tap(m: Tap, other: Tap, is_it: bool) -> Tap {
  return Tap(choose(m.a, other.a, is_it), choose(m.b, other.b, is_it));
}

fn choose_of_row(m: Tap, row: Row, kx: u32) -> Tap {
  return choose_tap(choose_tap(choose_tap(m, row.left, kx == 0), row.middle, kx == 1), row.right, kx == 2);
}

fn store(at: u32, o: u32, sum: mat4x4f) {
  if (o >= out_quads) { return; }
  partial[at + o] = sum[0];
  partial[at + out_quads + o] = sum[1];
  partial[at + 2 * out_quads + o] = sum[2];
  partial[at + 3 * out_quads + o] = sum[3];
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
  let out_tiles = (out_quads + 3) / 4;
  let o = eight % out_tiles * 4;
  let quad = eight / out_tiles % in_tiles * across + lane % across;
  var part = eight / out_tiles / in_tiles;
  if (across == 1) { part = part * 4 + four.lane; }
  let is_part = part < chunks && quad < in_quads;
  let rows = batch * out_height;
  let source = min(quad, in_quads - 1);
  var top = Row();
  var centre = Row();
  var bottom = Row();
  for (var step = 0u; step < chunk; step++) {
    var row = part * chunk + step;
    if (across == 1) { row = (part / 8 * chunk + step) * 8 + part % 8; }
    let is_row = part < chunks && row < rows;
    row = min(row, rows - 1);
    let inside = is_row && quad < in_quads;
    let iy = row % out_height * stride - padding + vec3u(0, 1, 2);
    let is_inside = vec3<bool>(inside) & (iy < vec3u(in_height));
    let lines = row / out_height * in_height + min(iy, vec3u(in_height - 1));
    var v0 = window_before(lines.x, source, is_inside.x);
    var v1 = window_before(lines.y, source, is_inside.y);
    var v2 = window_before(lines.z, source, is_inside.z);
    for (var ox = 0u; ox < out_width; ox += 2) {
      v0 = slide(v0, lines.x, ox, source, is_inside.x, four);
      v1 = slide(v1, lines.y, ox, source, is_inside.y, four);
      v2 = slide(v2, lines.z, ox, source, is_inside.z, four);
      let g = upstream(row, ox, o, is_row, four);
      top = add_row(top, v0, g);
      centre = add_row(centre, v1, g);
      bottom = add_row(bottom, v2, g);
    }
  }
  if (!is_part) { return; }
  let own = o + 2 * four.half;
  // A loop, since a driver compiles stores that are written out for longer.
  for (var tap = 0u; tap < 9; tap++) {
    let at = ((part * 9 + tap) * in_quads + quad) * 4 * out_quads;
    var sum = choose_of_row(Tap(), top, tap);
    sum = choose_of_row(sum, centre, tap - 3);
    sum = choose_of_row(sum, bottom, tap - 6);
    store(at, own, sum.a);
    store(at, own + 1, sum.b);
  }
}
