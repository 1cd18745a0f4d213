alias real = f32;
// The forward pass and the input gradient of plain.wgsl as a product of matrices whose rows are pixels of the result,
// whose columns are its channels, and whose inner dimension runs over taps and channels of what is read:
//   y[pixel, o] = sum_{tap, i} x[pixel moved by tap, i] w[tap, i, o]                                   (+ epilogue)
//   turned: dx[pixel, i] = sum_{tap, o} dy[(pixel + p - tap) / s, o] w[tap, i, o], with y = dx, x = dy
// Layout: as in plain.wgsl, sizes too: in_* are those of x here, and out_* those of y.
// A workgroup makes a tile of `pixels` by `tile_quads` vec4s of channels. It brings its parts of x and w into workgroup
// memory for `depth` terms at a time, a term being a tap and a vec4 of inputs: with few channels, several taps. While it
// adds those up, what the next ones need is on its way into registers. An invocation adds four or eight pixels by two
// vec4s, which lie apart so that neighbouring invocations read neighbouring places.
// Workgroups: x, y tiles of pixels, z of channels.
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
override turned: bool = false;
override biased: bool = false; // without a bias or an addend, any buffer stands in for it
override added: bool = false;
override rectified: bool = false;
override tile_quads: u32; // 4, 8 or 16
override each: u32; // pixels of an invocation: 4 or 8
override depth: u32; // 1 to 4, and at most 4 * columns / each
override terms: u32; // kernel_height * kernel_width * in_quads
override columns: u32 = tile_quads / 2; // invocations side by side over the channels
override rows: u32 = select(16u, 32u, columns == 2); // and over the pixels
override lanes: u32 = columns * rows;
override pixels: u32 = each * rows;

@group(0) @binding(0) var<storage, read> x: array<vec4<real>>;
@group(0) @binding(1) var<storage, read> w: array<vec4f>;
@group(0) @binding(2) var<storage, read> b: array<vec4f>;
@group(0) @binding(3) var<storage, read> addend: array<vec4<real>>;
@group(0) @binding(4) var<storage, read_write> y: array<vec4<real>>;
var<workgroup> inputs: array<vec4f, depth * pixels>; // [term, pixel]
var<workgroup> weights: array<vec4f, 4 * depth * tile_quads>; // [input, vec4 of outputs]

// Where a pixel of y meets x in the first tap, and the image's first vec4. A pixel past the end lies below every image.
struct Place { y: u32, x: u32, image: u32 }

fn place_of(pixel: u32) -> Place {
  let n = pixel / (out_width * out_height);
  let oy = select(0x40000000u, pixel / out_width % out_height, n < batch);
  let ox = pixel % out_width;
  let image = n * in_height * in_width * in_quads;
  if (turned) { return Place(oy + padding, ox + padding, image); }
  return Place(oy * stride - padding, ox * stride - padding, image);
}

// The vec4 of x there in a term, or zero where there is none (negative coordinates wrap).
fn input_at(place: Place, term: u32) -> vec4f {
  let tap = term / in_quads;
  var iy = place.y + tap / kernel_width;
  var ix = place.x + tap % kernel_width;
  if (turned) {
    iy = place.y - tap / kernel_width;
    ix = place.x - tap % kernel_width;
    if (iy % stride != 0 || ix % stride != 0) { return vec4f(); }
    iy /= stride;
    ix /= stride;
  }
  if (term >= terms || iy >= in_height || ix >= in_width) { return vec4f(); }
  return vec4f(x[place.image + (iy * in_width + ix) * in_quads + term % in_quads]);
}

// Four inputs by four outputs of a term, a column an input.
fn weights_at(term: u32, o: u32) -> mat4x4f {
  if (term >= terms || o >= out_quads) { return mat4x4f(); }
  let turned_at = (term / in_quads * out_quads + o) * 4 * in_quads + term % in_quads;
  let at = select(term * 4 * out_quads + o, turned_at, turned);
  let next = select(out_quads, in_quads, turned);
  let block = mat4x4f(w[at], w[at + next], w[at + 2 * next], w[at + 3 * next]);
  if (turned) { return transpose(block); }
  return block;
}

// Two vec4s of outputs for each of four inputs.
struct Weights { x: mat2x4f, y: mat2x4f, z: mat2x4f, w: mat2x4f }

fn add_products(sum: mat2x4f, v: vec4f, m: Weights) -> mat2x4f {
  return mat2x4f(
    fma(v.xxxx, m.x[0], fma(v.yyyy, m.y[0], fma(v.zzzz, m.z[0], fma(v.wwww, m.w[0], sum[0])))),
    fma(v.xxxx, m.x[1], fma(v.yyyy, m.y[1], fma(v.zzzz, m.z[1], fma(v.wwww, m.w[1], sum[1])))),
  );
}

fn pair_at(at: u32) -> mat2x4f {
  return mat2x4f(weights[at], weights[at + columns]);
}

// Four or eight pixels of y that lie `rows` apart, two vec4s of channels of each that lie `columns` apart.
struct Tile { a: mat2x4f, b: mat2x4f, c: mat2x4f, d: mat2x4f, e: mat2x4f, f: mat2x4f, g: mat2x4f, h: mat2x4f }

// The number of a workgroup's tile of pixels.
fn tile_of(group: vec3u, groups: vec3u) -> u32 { return group.y * groups.x + group.x; }

// An invocation's first pixel and vec4 of channels.
fn pixel_of(tile: u32, lane: u32) -> u32 { return tile * pixels + lane / columns; }
fn quad_of(group: vec3u, lane: u32) -> u32 { return group.z * tile_quads + lane % columns; }

// By the bits, since a driver may make max of a comparison, which drops NaN: the negative numbers go from 0x80000001,
// the least, to 0xff800000, -Infinity.
fn rectify(value: vec4f) -> vec4f {
  return select(value, vec4f(), bitcast<vec4u>(value) - 0x80000001u < vec4u(0x7f800000u));
}

// Stores a sum with its epilogue, and returns what it has stored.
fn store(pixel: u32, o: u32, sum: vec4f) -> vec4f {
  if (pixel >= batch * out_height * out_width || o >= out_quads) { return vec4f(); }
  let at = pixel * out_quads + o;
  var value = sum;
  if (biased) { value += b[o]; }
  if (added) { value += vec4f(addend[at]); }
  if (rectified) { value = rectify(value); }
  let stored = vec4<real>(value);
  y[at] = stored;
  return vec4f(stored);
}

fn store_pixel(pixel: u32, o: u32, sum: mat2x4f) -> mat2x4f {
  return mat2x4f(store(pixel, o, sum[0]), store(pixel, o + columns, sum[1]));
}

fn store_tile(pixel: u32, o: u32, t: Tile) -> Tile {
  var stored = Tile();
  stored.a = store_pixel(pixel, o, t.a);
  stored.b = store_pixel(pixel + rows, o, t.b);
  stored.c = store_pixel(pixel + 2 * rows, o, t.c);
  stored.d = store_pixel(pixel + 3 * rows, o, t.d);
  if (each == 8) {
    stored.e = store_pixel(pixel + 4 * rows, o, t.e);
    stored.f = store_pixel(pixel + 5 * rows, o, t.f);
    stored.g = store_pixel(pixel + 6 * rows, o, t.g);
    stored.h = store_pixel(pixel + 7 * rows, o, t.h);
  }
  return stored;
}

// An invocation's pixels and columns with one more term, the k-th in workgroup memory.
fn add_term(t: Tile, k: u32, column: u32, row: u32) -> Tile {
  let at = k * 4 * tile_quads + column;
  let m = Weights(
    pair_at(at),
    pair_at(at + tile_quads),
    pair_at(at + 2 * tile_quads),
    pair_at(at + 3 * tile_quads),
  );
  let at_row = k * pixels + row;
  var sum = t;
  sum.a = add_products(t.a, inputs[at_row], m);
  sum.b = add_products(t.b, inputs[at_row + rows], m);
  sum.c = add_products(t.c, inputs[at_row + 2 * rows], m);
  sum.d = add_products(t.d, inputs[at_row + 3 * rows], m);
  if (each == 8) {
    sum.e = add_products(t.e, inputs[at_row + 4 * rows], m);
    sum.f = add_products(t.f, inputs[at_row + 5 * rows], m);
    sum.g = add_products(t.g, inputs[at_row + 6 * rows], m);
    sum.h = add_products(t.h, inputs[at_row + 7 * rows], m);
  }
  return sum;
}

// What an invocation brings into workgroup memory for the next terms: up to four vec4s of x, of two places at most, and
// up to one block of weights.
struct Fetched { x0: vec4f, x1: vec4f, x2: vec4f, x3: vec4f, block: mat4x4f }

fn fetch(term: u32, even: Place, odd: Place, first_o: u32, lane: u32) -> Fetched {
  var f = Fetched();
  f.x0 = input_at(even, term + lane / pixels);
  if (depth * pixels > lanes) { f.x1 = input_at(odd, term + (lane + lanes) / pixels); }
  if (depth * pixels > 2 * lanes) { f.x2 = input_at(even, term + (lane + 2 * lanes) / pixels); }
  if (depth * pixels > 3 * lanes) { f.x3 = input_at(odd, term + (lane + 3 * lanes) / pixels); }
  if (lane < depth * tile_quads) {
    f.block = weights_at(term + lane / tile_quads, first_o + lane % tile_quads);
  }
  return f;
}

fn bring(f: Fetched, lane: u32) {
  if (lane < depth * pixels) { inputs[lane] = f.x0; }
  if (lane + lanes < depth * pixels) { inputs[lane + lanes] = f.x1; }
  if (lane + 2 * lanes < depth * pixels) { inputs[lane + 2 * lanes] = f.x2; }
  if (lane + 3 * lanes < depth * pixels) { inputs[lane + 3 * lanes] = f.x3; }
  if (lane < depth * tile_quads) {
    let at = lane / tile_quads * 4 * tile_quads + lane % tile_quads;
    weights[at] = f.block[0];
    weights[at + tile_quads] = f.block[1];
    weights[at + 2 * tile_quads] = f.block[2];
    weights[at + 3 * tile_quads] = f.block[3];
  }
}

// An invocation's sums of products, through workgroup memory.
fn products(tile: u32, first_o: u32, lane: u32) -> Tile {
  let column = lane % columns;
  let row = lane / columns;
  let even = place_of(tile * pixels + lane % pixels);
  let odd = place_of(tile * pixels + (lane + lanes) % pixels);
  var next = fetch(0, even, odd, first_o, lane);
  var sum = Tile();
  for (var term = 0u; term < terms; term += depth) {
    bring(next, lane);
    workgroupBarrier();
    next = fetch(term + depth, even, odd, first_o, lane);
    sum = add_term(sum, 0, column, row);
    if (depth > 1) { sum = add_term(sum, 1, column, row); }
    if (depth > 2) { sum = add_term(sum, 2, column, row); }
    if (depth > 3) { sum = add_term(sum, 3, column, row); }
    workgroupBarrier();
  }
  return sum;
}

@compute @workgroup_size(lanes)
fn forward(
  @builtin(workgroup_id) group: vec3u,
  @builtin(num_workgroups) groups: vec3u,
  @builtin(local_invocation_index) lane: u32,
) {
  let tile = tile_of(group, groups);
  let sums = products(tile, group.z * tile_quads, lane);
  _ = store_tile(pixel_of(tile, lane), quad_of(group, lane), sums);
}

// With the moments of what is stored, for batch_norm.wgsl: a mean and a sum of squared deviations of each tile.
@group(0) @binding(5) var<storage, read_write> moments: array<vec4f>; // [tiles, 2, out_quads]
var<workgroup> shared_sums: array<mat2x4f, lanes>;

fn square(m: mat2x4f) -> mat2x4f { return mat2x4f(m[0] * m[0], m[1] * m[1]); }

// The sum over the invocations of a column; each gets its own.
fn sum_of_rows(lane: u32, value: mat2x4f) -> mat2x4f {
  shared_sums[lane] = value;
  for (var half = lanes / 2; half >= columns; half /= 2) {
    workgroupBarrier();
    if (lane < half) { shared_sums[lane] += shared_sums[lane + half]; }
  }
  workgroupBarrier();
  let sum = shared_sums[lane % columns];
  workgroupBarrier();
  return sum;
}

@compute @workgroup_size(lanes)
fn forward_with_moments(
  @builtin(workgroup_id) group: vec3u,
  @builtin(num_workgroups) groups: vec3u,
  @builtin(local_invocation_index) lane: u32,
) {
  let tile = tile_of(group, groups);
  let pixel = pixel_of(tile, lane);
  let o = quad_of(group, lane);
  let t = store_tile(pixel, o, products(tile, group.z * tile_quads, lane));
  let end = batch * out_height * out_width;
  let count = f32(min(pixels, end - min(tile * pixels, end)));
  let mean = sum_of_rows(lane, t.a + t.b + t.c + t.d + t.e + t.f + t.g + t.h) * (1 / count);
  var squares = mat2x4f();
  if (pixel < end) { squares += square(t.a - mean); }
  if (pixel + rows < end) { squares += square(t.b - mean); }
  if (pixel + 2 * rows < end) { squares += square(t.c - mean); }
  if (pixel + 3 * rows < end) { squares += square(t.d - mean); }
  if (each == 8) {
    if (pixel + 4 * rows < end) { squares += square(t.e - mean); }
    if (pixel + 5 * rows < end) { squares += square(t.f - mean); }
    if (pixel + 6 * rows < end) { squares += square(t.g - mean); }
    if (pixel + 7 * rows < end) { squares += square(t.h - mean); }
  }
  squares = sum_of_rows(lane, squares);
  if (lane >= columns || tile * pixels >= end) { return; }
  let at = tile * 2 * out_quads + o;
  if (o < out_quads) {
    moments[at] = mean[0];
    moments[at + out_quads] = squares[0];
  }
  if (o + columns < out_quads) {
    moments[at + columns] = mean[1];
    moments[at + out_quads + columns] = squares[1];
  }
}
