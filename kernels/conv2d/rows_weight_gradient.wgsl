alias real = f32;
// The weight gradient of plain.wgsl in larger tiles, for kernels of three by three taps:
//   partial[part, ky, kx, i, o] = sum_{rows oy of the part, ox} x[n, oy s - p + ky, ox s - p + kx, i] dy[n, oy, ox, o]
// sum.wgsl then adds the parts, in a fixed order.
// Eight lanes share what they load and hand it around with shuffles: two fours, each with half of the eight's outputs,
// or, where there are at most eight outputs, with parts of its own. The four have a vec4 of inputs each; or, where there
// is no more than one, a part of the rows each, and eight parts then take the rows in turn, one below the other.
// Two pixels are added at a time: a driver that keeps the sums in memory then fetches and stores each half as often.
// Through a buffer a load costs as much as there are lanes that load: none is made where its value is known or shared.
// Layout: as in plain.wgsl. An invocation makes all nine taps of four inputs by eight or sixteen outputs of one part.
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
override tile_quads: u32; // vec4s of outputs of eight lanes: 8 or 4; 2 where each four has parts of its own
override skips: bool; // whether a load is left out where its value is known
override chunk: u32; // output rows of a part
override chunks: u32;
override lanes: u32 = 64;

@group(0) @binding(0) var<storage, read> x: array<vec4<real>>;
@group(0) @binding(1) var<storage, read> dy: array<vec4<real>>;
@group(0) @binding(2) var<storage, read_write> partial: array<vec4f>; // [chunks, the shape of w]

// The sums of one tap: a matrix for four outputs each, a column an input. Of one row of taps.
struct Tap { a: mat4x4f, b: mat4x4f, c: mat4x4f, d: mat4x4f }
struct Row { left: Tap, middle: Tap, right: Tap }
// The pixels of x under one row of taps of two pixels of dy.
struct Window { a: vec4f, b: vec4f, c: vec4f, d: vec4f, e: vec4f }
// A lane's channels of two pixels of dy.
struct Upstream { own: mat4x4f, next: mat4x4f }
// A lane's place: the first of its eight in the subgroup, which four of them it is in, and where in the four.
struct Four { first: u32, half: u32, lane: u32 }

// One pixel of x, or zero where it lies in the padding (coordinates below zero have wrapped to large ones).
fn input_at(row: u32, ix: u32, quad: u32, inside: bool) -> vec4f {
  let is_there = inside && ix < in_width;
  if (skips && !is_there) { return vec4f(); }
  return select(vec4f(), vec4f(x[(row * in_width + min(ix, in_width - 1)) * in_quads + quad]), is_there);
}

fn add_outer(sum: mat4x4f, v: vec4f, g: vec4f, next_v: vec4f, next_g: vec4f) -> mat4x4f {
  return mat4x4f(
    fma(next_v.xxxx, next_g, fma(v.xxxx, g, sum[0])),
    fma(next_v.yyyy, next_g, fma(v.yyyy, g, sum[1])),
    fma(next_v.zzzz, next_g, fma(v.zzzz, g, sum[2])),
    fma(next_v.wwww, next_g, fma(v.wwww, g, sum[3])),
  );
}

// A tap plus the products of four inputs and a lane's outputs, of one pixel and of the next.
fn add_tap(sum: Tap, v: vec4f, next: vec4f, g: Upstream) -> Tap {
  let a = add_outer(sum.a, v, g.own[0], next, g.next[0]);
  let b = add_outer(sum.b, v, g.own[1], next, g.next[1]);
  if (tile_quads < 8) { return Tap(a, b, mat4x4f(), mat4x4f()); }
  return Tap(a, b, add_outer(sum.c, v, g.own[2], next, g.next[2]), add_outer(sum.d, v, g.own[3], next, g.next[3]));
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

// Two columns of x: of the lanes of two fours each has loaded one, or a lane alone loads both.
struct Columns { a: vec4f, b: vec4f }
fn columns(row: u32, ix: u32, quad: u32, inside: bool, four: Four) -> Columns {
  if (tile_quads == 2) { return Columns(input_at(row, ix, quad, inside), input_at(row, ix + 1, quad, inside)); }
  let both = input_at(row, ix + four.half, quad, inside);
  let source = four.first + four.lane;
  return Columns(subgroupShuffle(both, source), subgroupShuffle(both, source + 4));
}

// Two columns of the three rows under the kernel.
struct Rows { top: Columns, centre: Columns, bottom: Columns }
// Where the rows lie in x, and which of them there are.
struct Lines { at: vec3u, inside: vec3<bool> }
fn three_rows(lines: Lines, ix: u32, quad: u32, four: Four) -> Rows {
  if (across > 1 || stride > 1 || padding != 1) {
    return Rows(
      columns(lines.at.x, ix, quad, lines.inside.x, four),
      columns(lines.at.y, ix, quad, lines.inside.y, four),
      columns(lines.at.z, ix, quad, lines.inside.z, four),
    );
  }
  // The four have rows one below the other: a neighbour has loaded the row above or below, if it is of the image.
  let centre = columns(lines.at.y, ix, quad, lines.inside.y, four);
  let is_first = four.lane == 0;
  let is_outer = is_first || four.lane == 3;
  let outer = columns(select(lines.at.z, lines.at.x, is_first), ix, quad, is_outer, four);
  let base = four.first + 4 * four.half;
  let up = base + max(four.lane, 1) - 1;
  let down = base + min(four.lane + 1, 3);
  let above = Columns(subgroupShuffle(centre.a, up), subgroupShuffle(centre.b, up));
  let below = Columns(subgroupShuffle(centre.a, down), subgroupShuffle(centre.b, down));
  return Rows(
    choose_columns(above, outer, is_first, lines.inside.x),
    centre,
    choose_columns(below, outer, four.lane == 3, lines.inside.z),
  );
}

fn choose_columns(c: Columns, other: Columns, is_it: bool, inside: bool) -> Columns {
  return Columns(
    select(vec4f(), select(c.a, other.a, is_it), inside),
    select(vec4f(), select(c.b, other.b, is_it), inside),
  );
}

struct Windows { top: Window, centre: Window, bottom: Window }

// The windows over the first two pixels, but for what `slide` will load.
fn windows_before(lines: Lines, quad: u32, four: Four) -> Windows {
  if (stride > 1) {
    let none = vec4f();
    return Windows(
      Window(none, none, none, none, input_at(lines.at.x, 0 - padding, quad, lines.inside.x)),
      Window(none, none, none, none, input_at(lines.at.y, 0 - padding, quad, lines.inside.y)),
      Window(none, none, none, none, input_at(lines.at.z, 0 - padding, quad, lines.inside.z)),
    );
  }
  let first = three_rows(lines, 0 - padding, quad, four);
  return Windows(slid(Window(), first.top), slid(Window(), first.centre), slid(Window(), first.bottom));
}

fn slid(v: Window, next: Columns) -> Window { return Window(v.c, v.d, next.a, next.b, vec4f()); }
fn slid_by_four(v: Window, near: Columns, far: Columns) -> Window {
  return Window(v.e, near.a, near.b, far.a, far.b);
}

fn slide(v: Windows, lines: Lines, ox: u32, quad: u32, four: Four) -> Windows {
  let ix = ox * stride - padding;
  if (stride == 1) {
    let next = three_rows(lines, ix + 2, quad, four);
    return Windows(slid(v.top, next.top), slid(v.centre, next.centre), slid(v.bottom, next.bottom));
  }
  let near = three_rows(lines, ix + 1, quad, four);
  let far = three_rows(lines, ix + 3, quad, four);
  return Windows(
    slid_by_four(v.top, near.top, far.top),
    slid_by_four(v.centre, near.centre, far.centre),
    slid_by_four(v.bottom, near.bottom, far.bottom),
  );
}

// One vec4 of dy, or zero where there is none.
fn upstream_at(row: u32, ox: u32, o: u32, inside: bool) -> vec4f {
  let is_there = inside && ox < out_width && o < out_quads;
  if (skips && !is_there) { return vec4f(); }
  let at = (row * out_width + min(ox, out_width - 1)) * out_quads + min(o, out_quads - 1);
  return select(vec4f(), vec4f(dy[at]), is_there);
}

// Eight lanes load sixteen channels of two pixels, a vec4 each, or thirty-two, or a lane alone loads what it needs.
fn upstream(row: u32, ox: u32, o: u32, inside: bool, four: Four) -> Upstream {
  if (across == 1) {
    return Upstream(
      mat4x4f(upstream_at(row, ox, o, inside), upstream_at(row, ox, o + 1, inside), vec4f(), vec4f()),
      mat4x4f(upstream_at(row, ox + 1, o, inside), upstream_at(row, ox + 1, o + 1, inside), vec4f(), vec4f()),
    );
  }
  let source = four.first + 4 * four.half;
  if (tile_quads == 8) {
    return Upstream(
      shuffled(upstream_at(row, ox, o + four.lane, inside), source),
      shuffled(upstream_at(row, ox + 1, o + four.lane, inside), source),
    );
  }
  if (tile_quads == 2) {
    let loaded = shuffled(upstream_at(row, ox + four.lane / 2, o + four.lane % 2, inside), source);
    return Upstream(mat4x4f(loaded[0], loaded[1], vec4f(), vec4f()), mat4x4f(loaded[2], loaded[3], vec4f(), vec4f()));
  }
  let loaded = upstream_at(row, ox + four.half, o - 2 * four.half + four.lane, inside);
  let own = four.first + 2 * four.half;
  return Upstream(
    mat4x4f(subgroupShuffle(loaded, own), subgroupShuffle(loaded, own + 1), vec4f(), vec4f()),
    mat4x4f(subgroupShuffle(loaded, own + 4), subgroupShuffle(loaded, own + 5), vec4f(), vec4f()),
  );
}

fn shuffled(v: vec4f, source: u32) -> mat4x4f {
  return mat4x4f(
    subgroupShuffle(v, source),
    subgroupShuffle(v, source + 1),
    subgroupShuffle(v, source + 2),
    subgroupShuffle(v, source + 3),
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
  let a = choose(m.a, other.a, is_it);
  let b = choose(m.b, other.b, is_it);
  if (tile_quads < 8) { return Tap(a, b, mat4x4f(), mat4x4f()); }
  return Tap(a, b, choose(m.c, other.c, is_it), choose(m.d, other.d, is_it));
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
  let out_tiles = (out_quads + tile_quads - 1) / tile_quads;
  let apart = tile_quads == 2;
  let o = eight % out_tiles * tile_quads + select(tile_quads / 2 * four.half, 0, apart);
  let quad = eight / out_tiles % in_tiles * across + lane % across;
  var part = eight / out_tiles / in_tiles;
  if (apart) { part = 2 * part + four.half; }
  if (across == 1) { part = 4 * part + four.lane; }
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
    let lines = Lines(
      row / out_height * in_height + min(iy, vec3u(in_height - 1)),
      vec3<bool>(inside) & (iy < vec3u(in_height)),
    );
    var v = windows_before(lines, source, four);
    for (var ox = 0u; ox < out_width; ox += 2) {
      v = slide(v, lines, ox, source, four);
      let g = upstream(row, ox, o, is_row, four);
      top = add_row(top, v.top, g);
      centre = add_row(centre, v.centre, g);
      bottom = add_row(bottom, v.bottom, g);
    }
  }
  if (!is_part) { return; }
  // A loop, since a driver compiles stores that are written out for longer.
  for (var tap = 0u; tap < 9; tap++) {
    let at = ((part * 9 + tap) * in_quads + quad) * 4 * out_quads;
    var sum = choose_of_row(Tap(), top, tap);
    sum = choose_of_row(sum, centre, tap - 3);
    sum = choose_of_row(sum, bottom, tap - 6);
    store(at, o, sum.a);
    store(at, o + 1, sum.b);
    if (tile_quads == 8) {
      store(at, o + 2, sum.c);
      store(at, o + 3, sum.d);
    }
  }
}
